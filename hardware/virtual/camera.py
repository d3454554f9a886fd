"""The far end of the camera's wire: a stream of pictures of people who do not exist.

Motion JPEG over HTTP on the loopback interface, as network cameras speak it; OpenCV opens it by its
address like any camera. The scene can be changed while somebody looks, and the cable can be pulled.
As with a real sensor, no two pictures of one scene are the same: a few with different noise take
turns.
"""

from __future__ import annotations

import io
import threading
import time
from functools import cache, lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from hardware.virtual import portrait

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    #: Height x width x 3 bytes, red first; or height x width, from a camera without colour.
    Picture = NDArray[np.uint8]

#: Pictures a second; a 720p web camera gives up to thirty, an old one fifteen.
_RATE = 15

#: Pictures of one scene that take turns, and the noise that tells them apart, in levels.
_TURNS, _NOISE = 4, 0.8

_BOUNDARY = "frame"


class VirtualCamera:
    """A camera that looks at nobody."""

    def __init__(self, port: int = 0) -> None:
        """`port` 0 takes a free one, which is kept also while the camera is unplugged."""
        self._view = _View(portrait.frame("nobody"))
        self._film: _Film | None = None
        self._grey = False
        self._size: tuple[int, int] | None = None
        self.scene = "nobody"
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        self._frozen = threading.Event()
        self._stuck = threading.Event()
        self._covered = threading.Event()
        self._wrong: bytes | None = None
        self._breaks_off = 0
        self._newest: BaseHTTPRequestHandler | None = None
        self.plug()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/stream.mjpg"

    def show(self, name: str) -> None:
        """Put something before the lens. Raises `KeyError` for an unknown scene."""
        self._put(_scene(name, self._size, self._grey), name)

    def play(self, name: str) -> None:
        """Scenes one after the other, as `portrait.FILMS` has them. Raises `KeyError`.

        All are drawn before the first is shown.
        """
        film = portrait.FILMS[name]
        views = [_scene(scene, self._size, self._grey) for scene, _ in film]
        for view in views:
            view.draw()
        self._put(views[-1], film[-1][0])
        self._film = _Film(views, [seconds for _, seconds in film[:-1]])

    def show_code(self, text: str) -> None:
        """Hold a phone before the lens that shows a QR code of the text."""
        self.show_picture(portrait.phone(text), "code")

    def show_picture(self, picture: Picture, name: str = "picture") -> None:
        """Any picture, of any size: the camera's resolution is that of what it shows."""
        self._put(_View(picture), name)

    def _put(self, view: _View, name: str) -> None:
        self._film = None
        self._view = view
        self.scene = name

    def lens(self, *, grey: bool | None = None, size: tuple[int, int] | None = None) -> None:
        """Be another camera: without colour, or with other pixels, for whatever is shown.

        A sensor of another shape sees the middle of the scene.
        """
        self._grey = self._grey if grey is None else grey
        self._size = size or self._size
        if self.scene in portrait.SCENES:
            self.show(self.scene)

    def freeze(self, frozen: bool = True) -> None:
        """Stop sending pictures without closing the connection."""
        _set(self._frozen, frozen)

    def stick(self, stuck: bool = True) -> None:
        """Send the same picture again and again, to the last bit."""
        _set(self._stuck, stuck)

    def cover(self, covered: bool = True) -> None:
        """Put the cap on the lens; what stands before it stays there."""
        _set(self._covered, covered)

    def spill(self, data: bytes) -> None:
        """Send these bytes once, where a picture should be."""
        self._wrong = data

    def break_off(self, times: int = 1) -> None:
        """Lose the connection in the middle of the next picture, so many times."""
        self._breaks_off = times

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
        server, self._newest = self._server, request
        request.send_response(200)
        request.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        request.end_headers()
        turn = 0
        try:
            while self._server is server:
                if not self._frozen.is_set():
                    turn += not self._stuck.is_set()
                    if not self._send(request, turn % _TURNS):
                        return
                time.sleep(1 / _RATE)
        except OSError:
            return  # nobody looks any more

    def _send(self, request: BaseHTTPRequestHandler, turn: int) -> bool:
        """One picture; False if the connection is to be lost in the middle of it."""
        film = self._film
        view = film.now() if film is not None else self._view
        view = _cap(view.shape) if self._covered.is_set() else view
        part = _part(view.jpeg(turn))
        if request is self._newest:  # not one whose other end has just gone
            wrong, self._wrong = self._wrong, None
            part = (wrong or b"") + part
            if self._breaks_off:
                self._breaks_off -= 1
                request.wfile.write(part[: len(part) // 2])
                return False
        request.wfile.write(part)
        return True


class _View:
    """A picture as the sensor sees it: with other noise each time."""

    def __init__(self, picture: Picture) -> None:
        self.shape = picture.shape
        self._picture = picture
        self._jpegs: dict[int, bytes] = {}

    def jpeg(self, turn: int) -> bytes:
        """Made when first asked for: showing something else must not take long."""
        if turn not in self._jpegs:
            self._jpegs[turn] = _jpeg(self._picture, turn)
        return self._jpegs[turn]

    def draw(self) -> None:
        """Make every picture now."""
        for turn in range(_TURNS):
            self.jpeg(turn)


class _Film:
    """Views one after the other; the last one stays."""

    def __init__(self, views: list[_View], seconds: list[float]) -> None:
        """`seconds`: of all but the last."""
        self._views, self._seconds = views, seconds
        self._began = time.monotonic()

    def now(self) -> _View:
        since = time.monotonic() - self._began
        for view, seconds in zip(self._views, self._seconds, strict=False):
            if since < seconds:
                return view
            since -= seconds
        return self._views[-1]


@lru_cache(maxsize=32)
def _scene(name: str, size: tuple[int, int] | None = None, grey: bool = False) -> _View:
    """A scene as a camera of that size sees it, with or without colour."""
    import cv2

    picture = portrait.frame(name)
    if size is not None:
        picture = _fitted(picture, size)
    if grey:
        picture = _bytes(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    return _View(picture)


def _fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """The middle of a picture in another size (width, height), not distorted."""
    import cv2

    height, width = picture.shape[:2]
    scale = min(width / size[0], height / size[1])
    across, down = round(size[0] * scale), round(size[1] * scale)
    left, top = (width - across) // 2, (height - down) // 2
    return _bytes(cv2.resize(picture[top : top + down, left : left + across], size))


@lru_cache(maxsize=4)
def _cap(shape: tuple[int, ...]) -> _View:
    import numpy as np

    return _View(np.zeros(shape, np.uint8))


def _bytes(picture: Any) -> Picture:
    import numpy as np

    return np.asarray(picture, np.uint8)


def _set(event: threading.Event, is_so: bool) -> None:
    (event.set if is_so else event.clear)()


def _part(picture: bytes) -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode("ascii") + picture + b"\r\n"


def _jpeg(picture: Picture, turn: int) -> bytes:
    import cv2
    from PIL import Image

    out = io.BytesIO()
    noisy = cv2.add(picture, _noise(picture.shape, turn), dtype=cv2.CV_8U)
    Image.fromarray(noisy).save(out, "JPEG", quality=92)
    return out.getvalue()


@cache
def _noise(shape: tuple[int, ...], turn: int) -> NDArray[np.signedinteger[Any]]:
    import numpy as np

    grain = np.random.default_rng(turn).standard_normal(shape, np.float32)
    return np.round(grain * _NOISE).astype(np.int16)
