"""Something opaque over a part of the virtual display: who uses the terminal then cannot see it.

A plain window of the X server above all others, as a cloth on the glass. Nothing in the terminal
knows of it, and touches beside it arrive.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_uint, c_ulong, c_void_p
from typing import Any, cast

#: Left, top, right, bottom, pixels of the display.
Place = tuple[int, int, int, int]

_COLOUR = 0x1C2B45


class Cloth:
    """Lies on the display until it is taken away."""

    def __init__(self, display: str, place: Place) -> None:
        """`display`: as ":99". Raises `OSError` if there is none, or no Xlib."""
        self._x = ctypes.CDLL("libX11.so.6")
        opened = self._of("XOpenDisplay", c_void_p, c_char_p)(display.encode("ascii"))
        if opened is None:
            raise OSError(f"no display {display}")
        self._display = c_void_p(opened)
        left, top, right, bottom = place
        root = self._of("XDefaultRootWindow", c_ulong, c_void_p)(self._display)
        numbers = (c_int, c_int, c_uint, c_uint, c_uint, c_ulong, c_ulong)
        window = self._of("XCreateSimpleWindow", c_ulong, c_void_p, c_ulong, *numbers)(
            self._display, root, left, top, right - left, bottom - top, 0, _COLOUR, _COLOUR
        )
        self._of("XMapRaised", c_int, c_void_p, c_ulong)(self._display, window)
        self._of("XSync", c_int, c_void_p, c_int)(self._display, 0)

    def take_away(self) -> None:
        """Its window goes with the connection."""
        self._of("XCloseDisplay", c_int, c_void_p)(self._display)

    def _of(self, name: str, gives: Any, *takes: Any) -> Callable[..., Any]:
        function = getattr(self._x, name)
        function.restype, function.argtypes = gives, takes
        return cast("Callable[..., Any]", function)
