"""The hidden way to the maintenance page: the four corners of home, in order, in time.

Top left, top right, bottom right, bottom left, each touched once within six seconds. It hides the
door from children; what guards it is the technician's PIN.
"""

from __future__ import annotations

ORDER = ("top left", "top right", "bottom right", "bottom left")
WITHIN_S = 6.0


def corner(x: float, y: float, width: float, height: float, reach: float) -> str:
    """Which corner a touch lies in, "" for none. Pixels, origin bottom left."""
    side = "left" if x < reach else "right" if x > width - reach else ""
    end = "bottom" if y < reach else "top" if y > height - reach else ""
    return f"{end} {side}" if side and end else ""


class CornerPattern:
    """Watches touches for the pattern. Any other touch starts it anew."""

    def __init__(self) -> None:
        self._next = 0
        self._began_at = 0.0

    def touched(self, where: str, now: float) -> bool:
        """Take a touch in corner `where` ("" if elsewhere); True when the pattern is complete."""
        if self._next and now - self._began_at > WITHIN_S:
            self._next = 0
        if where != ORDER[self._next]:
            self._next = 0
        if where != ORDER[self._next]:
            return False
        if self._next == 0:
            self._began_at = now
        self._next += 1
        if self._next < len(ORDER):
            return False
        self._next = 0
        return True
