"""The far end of the camera's wire: a stream of pictures of people who do not exist.

Motion JPEG over HTTP on the loopback interface, as network cameras speak it; OpenCV opens it by its
address like any camera. The scene can be changed while somebody looks, and the cable can be pulled.
"""

from __future__ import annotations

import io
import threading
import time
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hardware.virtual.portrait import scene

#: Pictures a second; a 720p web camera gives up to thirty, an old one fifteen.
_RATE = 15

_BOUNDARY = "frame"


class VirtualCamera:
    """A camera that looks at nobody."""

    def __init__(self, port: int = 0) -> None:
        """`port` 0 takes a free one, which is kept also while the camera is unplugged."""
        self._picture = _jpeg("nobody")
        self.scene = "nobody"
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._frozen = threading.Event()
        self.plug()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/stream.mjpg"

    def show(self, name: str) -> None:
        """Put something before the lens. Raises `KeyError` for an unknown scene."""
        self._picture = _jpeg(name)
        self.scene = name

    def freeze(self, frozen: bool = True) -> None:
        """Stop sending pictures without closing the connection."""
        (self._frozen.set if frozen else self._frozen.clear)()

    def plug(self) -> None:
        if self._server is not None:
            return
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._stream(self)

            def log_message(self, *_: object) -> None:
                """Say nothing on the console."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="virtual camera", daemon=True
        ).start()

    def unplug(self) -> None:
        """Pull the cable: streams break off, and nobody answers."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def close(self) -> None:
        self.unplug()

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        server = self._server
        request.send_response(200)
        request.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        request.end_headers()
        try:
            while self._server is server:
                if not self._frozen.is_set():
                    request.wfile.write(_part(self._picture))
                time.sleep(1 / _RATE)
        except OSError:
            return  # nobody looks any more


def _part(picture: bytes) -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode("ascii") + picture + b"\r\n"


@lru_cache(maxsize=16)
def _jpeg(name: str) -> bytes:
    out = io.BytesIO()
    scene(name).save(out, "JPEG", quality=92)
    return out.getvalue()
