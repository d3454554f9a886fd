"""A web server with the files of releases, and with bad manners when a test wants them."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Site:
    """What is served, and how."""

    folder: Path
    url: str = ""
    #: Path -> bytes that are served instead.
    instead: dict[str, bytes] = field(default_factory=dict)
    #: Part of a path -> what is done instead of an answer; it has the handler.
    rude: dict[str, Callable[[Any], None]] = field(default_factory=dict)
    #: Answers a range with everything (RFC 9110 §14.2 allows it).
    no_ranges: bool = False
    #: Breaks each answer off after so many bytes; 0: not.
    cut_after: int = 0
    #: Path -> bytes of bodies that were sent.
    sent: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve(folder: Path) -> Iterator[Site]:
    site = Site(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append(self.path)
            for part, rudeness in site.rude.items():
                if part in self.path:
                    rudeness(self)
                    self.close_connection = True
                    return
            data = site.instead.get(self.path)
            file = folder / self.path.lstrip("/")
            if data is None and not file.is_file():
                self.send_error(404)
                return
            data = file.read_bytes() if data is None else data
            self._answer(data)

        def _answer(self, data: bytes) -> None:
            wanted = self.headers["Range"]
            if wanted and not site.no_ranges:
                first, last = wanted.removeprefix("bytes=").split("-")
                body = data[int(first) : int(last) + 1]
                self.send_response(206)
                end = int(first) + len(body) - 1
                self.send_header("Content-Range", f"bytes {first}-{end}/{len(data)}")
            else:
                body = data
                self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if site.cut_after and "/targets/" in self.path:
                body = body[: site.cut_after]
                self.close_connection = True
            self.wfile.write(body)
            site.sent[self.path] = site.sent.get(self.path, 0) + len(body)

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def endless(handler: Any) -> None:
    """Bytes that do not end, without a length."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(100_000):
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass


def trickle(handler: Any) -> None:
    """A byte now and then."""
    handler.send_response(206 if handler.headers["Range"] else 200)
    handler.send_header("Content-Length", "1000000")
    handler.send_header("Content-Range", "bytes 0-999999/1000000")
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        pass


def crumbs(handler: Any) -> None:
    """A byte of what was asked for, each time quickly and as the next one."""
    first = handler.headers["Range"].removeprefix("bytes=").split("-")[0]
    handler.send_response(206)
    handler.send_header("Content-Length", "1")
    handler.send_header("Content-Range", f"bytes {first}-{first}/*")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(b"x")


def redirect(handler: Any) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:9/")
    handler.send_header("Content-Length", "0")
    handler.end_headers()
