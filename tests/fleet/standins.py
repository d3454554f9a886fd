"""What stands in for systemd and for the line of a terminal: for `tests.fleet.hall`."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kiosk.demo.processes import leash

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

#: `RestartSec` of the units, seconds.
_RESTART_S = 1.0


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 300.0) -> Any:
    """What the condition gives once it is true. Raises `TimeoutError`, which says what for."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)
    return found


class Line:
    """The way of one terminal to the centre."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._up = True
        self._open: set[socket.socket] = set()
        #: What came over it to the terminal.
        self.bytes = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        self._up = False
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._up = True

    def close(self) -> None:
        self.cut()
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._server.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._port)) if self._up else None
                except OSError:
                    far = None
                if far is None:
                    near.close()
                    continue
                self._open |= {near, far}
                for ends in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, down: bool) -> None:
        with suppress(OSError):
            while self._up and (data := source.recv(1 << 16)):
                sink.sendall(data)
                self.bytes += len(data) * down
        for end in (source, sink):
            self._open.discard(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Unit:
    """A service as systemd keeps it: started again a second after it ended."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self._command, self._environment, self._log = command, environment, log
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        #: How each run ended, oldest first.
        self.ended: list[int] = []
        # The leash is held by the thread that starts the program, so that lives as long.
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._stopped.is_set():
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*leash(), *self._command],
                    env=dict(self._environment),
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            self.ended.append(self._process.wait())
            self._stopped.wait(_RESTART_S)

    def stop(self) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            if self._process is not None:
                self._process.terminate()
            self._thread.join(5)
