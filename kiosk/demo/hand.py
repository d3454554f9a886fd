"""A finger and an eye at the virtual display: real X events in, real pixels out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kiosk.demo.cloth import Cloth, Place

#: A finger stays down about this long, seconds.
_PRESS_S = "0.06"


class Hand:
    """Touches the display named `display` (":99") with xdotool."""

    def __init__(self, display: str) -> None:
        self._display = display
        self._cloth: Cloth | None = None

    def tap(self, x: int, y: int) -> None:
        """Press and lift at a place, pixels from the top left."""
        self._do("mousemove", str(x), str(y), "mousedown", "1", "sleep", _PRESS_S, "mouseup", "1")

    def draw(self, points: Sequence[tuple[int, int]]) -> None:
        """Move a pressed finger along points, about 60 of them a second."""
        (x, y), *further = points
        words = ["mousemove", str(x), str(y), "mousedown", "1"]
        for x, y in further:
            words += ["sleep", "0.016", "mousemove", str(x), str(y)]
        self._do(*words, "sleep", _PRESS_S, "mouseup", "1")

    def picture(self, file: Path) -> None:
        """Save what the display shows as PNG."""
        from PIL import ImageGrab  # not before it is needed: the demo with a display never does

        ImageGrab.grab(xdisplay=self._display).save(file, compress_level=1)

    def cover(self, place: Place) -> None:
        """Lay a cloth over a part of the display."""
        self.uncover()
        self._cloth = Cloth(self._display, place)

    def uncover(self) -> None:
        cloth, self._cloth = self._cloth, None
        if cloth is not None:
            cloth.take_away()

    def _do(self, *words: str) -> None:
        subprocess.run(
            ["xdotool", *words],
            check=True,
            capture_output=True,
            timeout=30,
            env={**os.environ, "DISPLAY": self._display},
        )
