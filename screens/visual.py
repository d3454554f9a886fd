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
from collections.abc import Mapping, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

#: SDL's hint, a variable of the environment. Set by hand it is left as it is; empty, SDL chooses.
VARIABLE = "SDL_VIDEO_X11_WINDOW_VISUALID"

#: A graphics card has one of these.
_CARDS = ("dri/card*", "dri/renderD*", "nvidia[0-9]*")

#: The numbers that a server says of a visual, by their place (GLX protocol, GetVisualConfigs), and
#: what they have to be: colours of 8 bits without alpha, two buffers, no depth, no stencil. More
#: follow in pairs of a tag and a number; one tag is that of samples.
_ID, _PAIRS_FROM, _SAMPLES = 0, 18, 100001
_WISHES = {2: 1, 3: 8, 4: 8, 5: 8, 6: 0, 11: 1, 12: 0, 14: 0, 15: 0, 17: 0}

#: What our pages draw: the order of bytes, and whether it is blended with what lies under it. Text
#: and coats, photos, and the camera's picture.
WAYS = (("rgba", True), ("rgb", True), ("bgra", False))

#: Side of what is drawn for a trial, pixels: some whole tiles of a software renderer.
_TRIAL = 192


class _Cookie(ctypes.Structure):
    """A request that was sent, as xcb has it."""

    _fields_ = (("sequence", ctypes.c_uint),)


class _Configs(ctypes.Structure):
    """The head of the reply to GetVisualConfigs in <xcb/glx.h>."""

    _fields_ = (
        ("_head", ctypes.c_uint32 * 2),
        ("visuals", ctypes.c_uint32),
        ("numbers_of_each", ctypes.c_uint32),
    )


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
    """The number of a visual with neither buffer; 0 if there is none.

    The X server is asked: the library of OpenGL would load the whole renderer to answer.
    """
    try:
        xcb, glx = ctypes.CDLL("libxcb.so.1"), ctypes.CDLL("libxcb-glx.so.0")
    except OSError:
        return 0
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    screen = ctypes.c_int()
    connection = xcb.xcb_connect(None, ctypes.byref(screen))
    try:
        if xcb.xcb_connection_has_error(connection):
            return 0
        return next(filter(_is_plain, _visuals(glx, connection, screen.value)), [0])[_ID]
    finally:
        xcb.xcb_disconnect(connection)


def _visuals(glx: ctypes.CDLL, connection: int, screen: int) -> list[list[int]]:
    """What the server says of each visual that can be drawn on."""
    reply_of = glx.xcb_glx_get_visual_configs_reply
    numbers_of = glx.xcb_glx_get_visual_configs_property_list
    glx.xcb_glx_get_visual_configs.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    glx.xcb_glx_get_visual_configs.restype = _Cookie
    reply_of.argtypes = [ctypes.c_void_p, _Cookie, ctypes.c_void_p]
    reply_of.restype = ctypes.POINTER(_Configs)
    numbers_of.argtypes = [ctypes.POINTER(_Configs)]
    numbers_of.restype = ctypes.POINTER(ctypes.c_uint32)
    reply = reply_of(connection, glx.xcb_glx_get_visual_configs(connection, screen), None)
    if not reply:  # a server without GLX
        return []
    each, count = reply.contents.numbers_of_each, reply.contents.visuals
    numbers = numbers_of(reply)[: each * count]
    libc = ctypes.CDLL(None)
    libc.free.argtypes = [ctypes.POINTER(_Configs)]
    libc.free(reply)
    return [numbers[at * each : (at + 1) * each] for at in range(count)]


def _is_plain(visual: list[int]) -> bool:
    pairs = visual[_PAIRS_FROM:]
    samples = dict(zip(pairs[::2], pairs[1::2], strict=False)).get(_SAMPLES, 0)
    return samples == 0 and all(visual[place] == wish for place, wish in _WISHES.items())


def must_open(window: object) -> None:
    """To be called when Kivy has tried to open its window; it is None if that was in vain."""
    if window is None:
        _start_again()


def must_draw() -> None:
    """To be called in the thread that draws, once the window is open."""
    if os.environ.get(VARIABLE) and not draws_whole():
        _start_again()


def _start_again() -> None:
    """Start this program anew and let SDL choose, as it would have. Returns if it had chosen."""
    if os.environ.get(VARIABLE):
        log.error("visual %s is of no use", os.environ[VARIABLE])
        os.environ[VARIABLE] = ""
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def draws_whole(ways: Sequence[tuple[str, bool]] = WAYS) -> bool:
    """Whether a white picture is drawn without holes in each of these ways."""
    from kivy.core.window import Window
    from kivy.graphics import Callback, Color, InstructionGroup, Rectangle
    from kivy.graphics import opengl as gl
    from kivy.graphics.texture import Texture

    side = min(_TRIAL, Window.width // len(ways), Window.height)
    trial = InstructionGroup()
    for place, (order, blended) in enumerate(ways):
        texture = Texture.create(size=(2, 2), colorfmt=order)
        texture.blit_buffer(b"\xff" * 4 * len(order), colorfmt=order, bufferfmt="ubyte")
        if not blended:
            trial.add(Callback(lambda _: gl.glDisable(gl.GL_BLEND)))
        trial.add(Color(1, 1, 1, 1))
        trial.add(Rectangle(texture=texture, pos=(place * side, 0), size=(side, side)))
        trial.add(Callback(lambda _: gl.glEnable(gl.GL_BLEND)))
    Window.canvas.add(trial)
    Window.dispatch("on_draw")
    Window.canvas.remove(trial)
    size = (side * len(ways), side)
    drawn = bytes(gl.glReadPixels(0, 0, *size, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE))
    return all(drawn[channel::4] == b"\xff" * (size[0] * size[1]) for channel in range(3))
