"""What the window is made of where the processor draws: an X visual without a depth buffer.

Kivy asks SDL for a depth and a stencil buffer, and nothing on our pages needs them. Mesa's software
renderer (llvmpipe) draws opaque rectangles whole rows at a time, at a third of the cost, but only
into a window that has neither; that is what lets the photo page follow the camera on a terminal
without a graphics card. SDL takes the number of a visual from `VARIABLE` before it looks for one
itself. X11 only; elsewhere SDL ignores it. With a graphics card everything stays as Kivy has it.

That way of drawing has had a fault (Mesa 22.3.6: tiles of 64 x 64 pixels left out, of blended
pictures whose bytes are in the order BGRA), so what we use of it is tried before it is relied on
(`draws_whole`), and if it fails the program starts again without.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

#: SDL's hint, a variable of the environment. Set by hand it is left as it is; empty, SDL chooses.
VARIABLE = "SDL_VIDEO_X11_WINDOW_VISUALID"

#: A graphics card has one of these.
_CARDS = ("dri/card*", "dri/renderD*", "nvidia[0-9]*")

#: From <GL/glx.h>: what `glXChooseVisual` is asked for.
_RGBA, _DOUBLEBUFFER, _RED, _GREEN, _BLUE, _DEPTH, _STENCIL = 4, 5, 8, 9, 10, 12, 13
_WISHES = (_RGBA, _DOUBLEBUFFER, _RED, 8, _GREEN, 8, _BLUE, 8, _DEPTH, 0, _STENCIL, 0, 0)

#: What our pages draw: the order of bytes, and whether it is blended with what lies under it. Text
#: and coats, photos, and the camera's picture.
WAYS = (("rgba", True), ("rgb", True), ("bgra", False))

#: Side of what is drawn for a trial, pixels: some whole tiles of a software renderer.
_TRIAL = 320


class _VisualInfo(ctypes.Structure):
    """The beginning of XVisualInfo in <X11/Xutil.h>."""

    _fields_ = (("visual", ctypes.c_void_p), ("id", ctypes.c_ulong))


def choose() -> None:
    """Tell SDL which visual to use, where the processor draws. Raises nothing."""
    if VARIABLE not in os.environ and is_software(os.environ) and (found := _plain()):
        os.environ[VARIABLE] = str(found)


def is_software(environment: Mapping[str, str], devices: Path = Path("/dev")) -> bool:
    """Whether the processor draws: it was asked to, or there is no graphics card."""
    if environment.get("LIBGL_ALWAYS_SOFTWARE", "0").lower() in ("1", "true", "yes"):
        return True
    return not any(next(devices.glob(card), None) for card in _CARDS)


def _plain() -> int:
    """The number of a visual with neither buffer that GLX can draw on; 0 if there is none."""
    try:
        x11, glx = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libGL.so.1")
    except OSError:
        return 0
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultScreen.argtypes = x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    glx.glXChooseVisual.restype = ctypes.POINTER(_VisualInfo)
    glx.glXChooseVisual.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    x11.XFree.argtypes = [ctypes.c_void_p]
    display = x11.XOpenDisplay(None)
    if not display:
        return 0
    try:
        wishes = (ctypes.c_int * len(_WISHES))(*_WISHES)
        info = glx.glXChooseVisual(display, x11.XDefaultScreen(display), wishes)
        if not info:
            return 0
        number = int(info.contents.id)
        x11.XFree(info)
        return number
    finally:
        x11.XCloseDisplay(display)


def must_draw() -> None:
    """To be called when the window should be open, in the thread that draws.

    If it is not, or does not draw what it is told, and the visual was ours: start this program anew
    and let SDL choose, as it would have. Then this does not return.
    """
    from kivy.core.window import Window

    if not os.environ.get(VARIABLE):
        return
    if Window is None or not all(draws_whole(*way) for way in WAYS):
        log.error("visual %s is of no use", os.environ[VARIABLE])
        os.environ[VARIABLE] = ""
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def draws_whole(order: str, blended: bool) -> bool:
    """Whether a white picture with this order of bytes is drawn without holes."""
    from kivy.core.window import Window
    from kivy.graphics import Callback, Color, InstructionGroup, Rectangle
    from kivy.graphics import opengl as gl
    from kivy.graphics.texture import Texture

    texture = Texture.create(size=(2, 2), colorfmt=order)
    texture.blit_buffer(b"\xff" * 4 * len(order), colorfmt=order, bufferfmt="ubyte")
    trial = InstructionGroup()
    if not blended:
        trial.add(Callback(lambda _: gl.glDisable(gl.GL_BLEND)))
    trial.add(Color(1, 1, 1, 1))
    trial.add(Rectangle(texture=texture, size=(_TRIAL, _TRIAL)))
    trial.add(Callback(lambda _: gl.glEnable(gl.GL_BLEND)))
    Window.canvas.add(trial)
    Window.dispatch("on_draw")
    Window.canvas.remove(trial)
    side = min(_TRIAL, *Window.size)
    drawn = bytes(gl.glReadPixels(0, 0, side, side, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE))
    return all(drawn[channel::4] == b"\xff" * side**2 for channel in range(3))
