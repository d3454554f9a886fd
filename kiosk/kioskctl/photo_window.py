"""The window of `kioskctl photo live`: the camera's frame with all that is measured beside it."""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from kiosk.photo import Look, Measure
    from kiosk.photo.detect import Picture

_TITLE = "kioskctl photo live (q: end)"
_GOOD, _ADVICE, _STOP, _PALE = (60, 160, 60), (230, 150, 0), (210, 40, 40), (150, 150, 150)
#: Height of a line of measures, pixels, and width of their column.
_LINE, _COLUMN = 19, 330
#: Longest wait for a display, seconds.
_DISPLAY_S = 2.0
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class NoWindow(Exception):
    """There is no screen to show a window on."""


def must_have_display() -> None:
    """Raises `NoWindow` where no display answers. OpenCV would end the whole program."""
    if wayland := os.environ.get("WAYLAND_DISPLAY"):
        folder = os.environ.get("XDG_RUNTIME_DIR", "/")
        if (Path(folder) / wayland).is_socket():
            return
    display = os.environ.get("DISPLAY", "")
    match = re.fullmatch(r"(?:unix)?(?P<host>[^:]*):(?P<number>\d+)(?:\.\d+)?", display)
    if match is None:
        raise NoWindow("no window can be opened here: there is no DISPLAY")
    number = int(match["number"])
    ways: tuple[tuple[int, object], ...] = ((socket.AF_INET, (match["host"], 6000 + number)),)
    if not match["host"]:
        path = f"/tmp/.X11-unix/X{number}"
        ways = ((socket.AF_UNIX, path), (socket.AF_UNIX, "\0" + path))
    for family, address in ways:
        with suppress(OSError), socket.socket(family) as asked:
            asked.settimeout(_DISPLAY_S)
            asked.connect(address)  # type: ignore[arg-type]
            return
    raise NoWindow(f"no window can be opened here: DISPLAY={display} does not answer")


class Window:
    """One window; opens with the first frame."""

    def __init__(self) -> None:
        self._is_open = False

    def show(self, rgb: Picture, look: Look) -> bool:
        """Show a frame. Returns whether to go on. Raises `NoWindow`."""
        try:
            cv2.imshow(_TITLE, cv2.cvtColor(annotated(rgb, look), cv2.COLOR_RGB2BGR))
            self._is_open = True
            return cv2.waitKey(1) & 0xFF != ord("q")
        except cv2.error as error:
            raise NoWindow(f"no window can be opened here: {error.err or error}") from None

    def close(self) -> None:
        if self._is_open:
            cv2.destroyAllWindows()


def annotated(rgb: Picture, look: Look) -> Picture:
    """A copy of the frame with the face's box, the finding, and a column of measures beside it."""
    height, width = rgb.shape[:2]
    canvas = np.full((max(height, _LINE * (len(look.measures) + 3)), width + _COLUMN, 3), 24)
    canvas = canvas.astype(np.uint8)
    canvas[:height, :width] = rgb
    finding = look.finding
    colour = _STOP if finding.stops else _GOOD if finding.code == "ok" else _ADVICE
    if finding.face is not None:
        x, y, w, h = finding.face
        corners = (
            (round(x * width), round(y * height)),
            (
                round((x + w) * width),
                round((y + h) * height),
            ),
        )
        cv2.rectangle(canvas, corners[0], corners[1], colour, 2)
    _write(canvas, finding.code, (width + 10, _LINE), colour, 0.7)
    for row, (name, measure) in enumerate(look.measures.items(), 3):
        _write(
            canvas, f"{name}  {_value(measure)}", (width + 10, row * _LINE), _shade(measure), 0.45
        )
    return canvas


def _value(measure: Measure) -> str:
    if measure.value is None:
        return f"? {measure.cannot_tell}"
    return f"{measure.value:.3g} {measure.unit}"


def _shade(measure: Measure) -> tuple[int, int, int]:
    return (230, 230, 230) if measure.decides else _PALE


def _write(
    canvas: Picture, text: str, at: tuple[int, int], colour: tuple[int, int, int], size: float
) -> None:
    cv2.putText(canvas, text, at, _FONT, size, colour, 1, cv2.LINE_AA)
