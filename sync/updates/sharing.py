"""A terminal that shares what it fetched with the others of its hall (`updates.share`).

Plain HTTP on the hall's network: names of files are hashes, and whoever fetches proves what it gets
(`sync.updates.trusted`), so there is nothing to keep secret and nothing to believe. It gives ranges
of files that it fetched itself, to a few at a time, and takes nothing.
"""

from __future__ import annotations

import logging
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from sync.wire.release import PART

if TYPE_CHECKING:
    import socket
    from typing import Any

    from tuf.api.metadata import TargetFile

log = logging.getLogger(__name__)

SHARED = "shared"

#: Files that are kept: the last delta and the last whole bundle.
_KEPT = 2

#: So many are answered at once; another one asks the centre. A pause of theirs, seconds.
_AT_ONCE, _SILENCE_S = 4, 10.0

_NAME = re.compile(r"/([0-9a-f]{64}\.[A-Za-z0-9_.-]{1,150})")
_RANGE = re.compile(r"bytes=([0-9]{1,12})-([0-9]{1,12})")


def keep(folder: Path, file: Path, target: TargetFile) -> None:
    """Share what was fetched and proven. Raises `OSError`."""
    shared = folder / SHARED
    shared.mkdir(exist_ok=True)
    file.replace(shared / f"{target.hashes['sha256']}.{target.path}")
    for old in sorted(shared.iterdir(), key=lambda one: one.stat().st_mtime)[:-_KEPT]:
        old.unlink()


class Sharer(ThreadingHTTPServer):
    """Answers on a thread until `close`."""

    daemon_threads = True

    def __init__(self, folder: Path, address: str) -> None:
        """`address`: "10.1.2.3:8790", of this terminal. Raises `OSError` and `ValueError`."""
        host, _, port = address.rpartition(":")
        self.shared = folder / SHARED
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__((host, int(port)), _Handler)
        threading.Thread(target=self.serve_forever, name="sharing", daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], _: Any) -> None:
        """Whoever goes away in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _SILENCE_S
    server: Sharer

    def do_GET(self) -> None:
        """One range."""
        named = _NAME.fullmatch(self.path)
        wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
        if named is None or wanted is None:
            self.send_error(400)
            return
        try:
            with (self.server.shared / named[1]).open("rb") as file:
                size = file.seek(0, 2)
                start = file.seek(int(wanted[1]))
                data = file.read(max(0, min(int(wanted[2]) + 1 - start, PART)))
        except OSError:
            self.send_error(404)
            return
        if not data:
            self.send_error(416)
            return
        self.send_response(206)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Range", f"bytes {start}-{start + len(data) - 1}/{size}")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Nothing: who asks is not noted."""
