"""Serves the project with granian: the terminals' contract, the operators' pages, their styles.

Each worker process has a few threads for Python; connections wait outside of Python, so thousands
of terminals may keep theirs open. What is done after commits (`central.work`) runs beside them in
this process.
"""

from __future__ import annotations

import logging
import multiprocessing
import socket
import threading
from typing import TYPE_CHECKING

from django.db import connections
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

from central.sweep import sweep
from central.work import Worker

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

#: Threads of one worker process. A silent HSM may hold some of them (`central.hsm`), never all.
THREADS = 8

#: Connections that one worker keeps, and that may wait for it.
_CONNECTIONS = 16_384
_WAITING = 4_096

#: A terminal keeps its connection from one heartbeat to the next, milliseconds.
_IDLE_MS = 150_000

#: At the end a worker has so long for what it is doing, seconds.
_PATIENCE_S = 10


def serve(folder: Path, host: str, port: int, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT on a port that is free (`central.opening.free_port`).

    The address is written to `folder/url` once requests are taken, and taken away at the end.
    """
    # A worker that is forked has the locks of this process's threads as they happened to be, and
    # its connection to the database: it is begun anew instead.
    multiprocessing.set_start_method("spawn", force=True)
    connections.close_all()
    server = Granian(
        "central.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        backlog=_WAITING,
        backpressure=_CONNECTIONS,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_IDLE_MS),
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_PATIENCE_S,
    )
    url = folder / "url"
    worker = Worker(sweep)

    ended = threading.Event()

    def say_when_it_answers() -> None:
        while not _answers(host, port):
            if ended.wait(0.05):
                return
        beside = folder / "url.new"
        beside.write_text(f"http://{host}:{port}\n", encoding="ascii")
        beside.replace(url)
        log.info("serving on port %s", port)

    @server.on_startup
    def started() -> None:
        threading.Thread(target=say_when_it_answers, daemon=True).start()
        worker.start()

    try:
        server.serve()
    finally:
        ended.set()
        worker.stop()
        url.unlink(missing_ok=True)


def _answers(host: str, port: int) -> bool:
    """The port is open once a worker has loaded the project."""
    try:
        socket.create_connection((host, port), 1.0).close()
    except OSError:
        return False
    return True
