"""The window that all screen tests share, and a hand that touches it.

Kivy opens its window when it is imported and can open only one per process. So the virtual display
is started and Kivy configured here, before any test module of this folder is imported.
"""

from __future__ import annotations

import atexit
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.demo.display import open_virtual
from screens.window import configure

SIZE = (1080, 1920)


def _start_display() -> None:
    """An X server of our own; stopped at the end of the process, however that comes."""
    display = open_virtual(SIZE)
    atexit.register(display.close)
    os.environ["DISPLAY"] = display.name
    os.environ["SDL_AUDIODRIVER"] = "dummy"


_start_display()
configure(*SIZE, fullscreen=False, home=Path(tempfile.mkdtemp(prefix="kivy-test-")))

from kivy.base import EventLoop, runTouchApp, stopTouchApp  # noqa: E402
from kivy.clock import Clock  # noqa: E402
from kivy.core.window import Window  # noqa: E402
from kivy.graphics.opengl import GL_RGBA, GL_UNSIGNED_BYTE, glReadPixels  # noqa: E402
from kivy.input.motionevent import MotionEvent  # noqa: E402
from kivy.lang import Builder  # noqa: E402
from kivy.uix.floatlayout import FloatLayout  # noqa: E402
from kivy.uix.widget import Widget  # noqa: E402
from PIL import Image  # noqa: E402

from screens import fonts, scale, theme  # noqa: E402


def tick() -> None:
    """`EventLoop.idle`, but that nothing is drawn."""
    Clock.tick()
    EventLoop.dispatch_input()
    Builder.sync()
    Clock.tick_draw()
    Builder.sync()


class Finger(MotionEvent):
    """A touch at a place of the window, in fractions of its size."""

    def __init__(self, x: float, y: float) -> None:
        super().__init__("test", 1, (x, y), is_touch=True, type_id="touch")

    def depack(self, args: tuple[float, float]) -> None:
        self.sx, self.sy = args
        self.profile = ["pos"]
        super().depack(args)


#: Folder of the pictures of all screens, for people to look at; None: nobody asked for them. To
#: read a picture back and to pack it takes longer than to draw it.
CATALOGUE = Path(os.environ["KIOSK_CATALOGUE"]) if os.environ.get("KIOSK_CATALOGUE") else None


class Hand:
    """Shows widgets in the real window, lets time pass, and touches what is there."""

    def __init__(self, root: FloatLayout) -> None:
        self.root = root

    def show(self, widget: Widget) -> None:
        """Make the widget the only thing in the window."""
        self.root.clear_widgets()
        self.root.add_widget(widget)
        self.pump()

    def pump(self, frames: int = 3, seconds: float = 0.0) -> None:
        """Run the event loop for some frames, and at least so long. The last one is drawn: to draw
        takes longer than all else, and what a test looks at is what stands there in the end."""
        until = time.monotonic() + seconds
        while frames > 1 or time.monotonic() < until:
            tick()
            frames -= 1
        EventLoop.idle()

    def find(self, tag: str) -> Widget:
        """The one widget in the window with this tag."""
        found = [w for w in self.root.walk(restrict=True) if getattr(w, "tag", None) == tag]
        assert len(found) == 1, f"{len(found)} widgets have the tag {tag}"
        return found[0]

    def has(self, tag: str) -> bool:
        return any(getattr(w, "tag", None) == tag for w in self.root.walk(restrict=True))

    def tap(self, target: Widget | str, seconds: float = 0.0) -> None:
        """Press and lift a finger in the middle of a widget."""
        widget = self.find(target) if isinstance(target, str) else target
        self.stroke([widget.to_window(*widget.center)])
        self.pump(seconds=seconds)

    def stroke(self, points: list[tuple[float, float]]) -> None:
        """Draw a finger over points of the window (pixels, origin bottom left)."""
        fractions = [(x / Window.width, y / Window.height) for x, y in points]
        finger = Finger(*fractions[0])
        EventLoop.post_dispatch_input("begin", finger)
        self.pump(1)
        for place in fractions[1:]:
            finger.move(place)
            EventLoop.post_dispatch_input("update", finger)
            self.pump(1)
        EventLoop.post_dispatch_input("end", finger)
        self.pump(2)

    def texts(self) -> list[str]:
        """Every word in the window, as it was given."""
        return [
            getattr(w, "words", None) if isinstance(getattr(w, "words", None), str) else w.text
            for w in self.root.walk(restrict=True)
            if getattr(w, "text", None)
        ]

    def keep(self, language: str, name: str) -> None:
        """A picture for the catalogue, if somebody wants one."""
        if CATALOGUE is not None:
            self.shot(CATALOGUE / language / f"{name}.png")

    def shot(self, path: Path) -> Path:
        """Save what the window shows: drawn, and read back before it is swapped away."""
        path.parent.mkdir(parents=True, exist_ok=True)
        Window.dispatch("on_draw")
        size = tuple(Window.size)
        pixels = glReadPixels(0, 0, *size, GL_RGBA, GL_UNSIGNED_BYTE)
        picture = Image.frombytes("RGBA", size, bytes(pixels)).convert("RGB")
        picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(path, compress_level=1)
        return path


@pytest.fixture(scope="session")
def _window() -> Iterator[FloatLayout]:
    Window.clearcolor = theme.GROUND  # as `screens.app` has it
    fonts.register()
    scale.fit(*SIZE)
    root = FloatLayout(size=Window.size)
    runTouchApp(root, embedded=True)
    yield root
    stopTouchApp()


@pytest.fixture
def hand(_window: FloatLayout) -> Iterator[Hand]:
    hand = Hand(_window)
    yield hand
    _window.clear_widgets()
    hand.pump()
