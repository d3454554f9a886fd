"""Strokes of a finger: kept in a bounded number of points, shown as smooth curves. No Kivy here.

A finger may rest on the pad and tremble for as long as it likes, and a child may scribble for
minutes. So `Ink` never holds more than `MOST` points: when they are used up, every second one is
left out, and new ones must lie twice as far apart. A curve is made in pieces of `PIECE` points, so
that one more point changes one piece only, however long the stroke is. (Kivy ends the whole program
when a line gets more vertices than sixteen bits can count.)
"""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]

#: Points of the curve drawn for each point of the finger.
STEPS = 4
#: Points of a whole signature. A usual one has about 300.
MOST = 4000
#: Points of the finger in one piece of a curve.
PIECE = 32


class Ink:
    """The strokes of a signature, in pixels from the bottom left of the pad."""

    def __init__(self, least: float) -> None:
        """Points nearer than `least` pixels to the last one are left out."""
        self.strokes: list[list[Point]] = []
        self._usual_least = self._least = least
        self._count = 0

    def begin(self, point: Point) -> None:
        """A finger was put down. Beyond `MOST` strokes no more are kept."""
        if self._count < MOST:
            self.strokes.append([point])
            self._count += 1

    def move(self, point: Point) -> bool:
        """The finger of the last stroke moved. Returns whether the ink has changed."""
        if not self.strokes:
            return False
        x, y = self.strokes[-1][-1]
        if abs(point[0] - x) + abs(point[1] - y) < self._least:
            return False
        if self._count >= MOST:
            self._thin_out()
        if self._count >= MOST:
            return False  # nothing but dots, of which none can be left out
        self.strokes[-1].append(point)
        self._count += 1
        return True

    def wipe(self) -> None:
        self.strokes.clear()
        self._least = self._usual_least
        self._count = 0

    def _thin_out(self) -> None:
        """Leave out every second point; the ends of a stroke stay where they are."""
        self._least *= 2
        self.strokes = [[*stroke[:-1:2], stroke[-1]] for stroke in self.strokes]
        self._count = sum(map(len, self.strokes))


def pieces(stroke: Sequence[Point]) -> int:
    """In how many pieces the curve of a stroke is drawn."""
    return max(0, len(stroke) - 2) // PIECE + 1


def piece(stroke: Sequence[Point], number: int) -> list[float]:
    """One piece of the curve through a stroke, flat as Kivy wants it: x0, y0, x1, y1 …

    Each piece begins where the one before it ends; `number` counts from 0.
    """
    first = number * PIECE
    # One neighbour on each side, so that the curve does not bend where two pieces meet.
    before = max(first - 1, 0)
    part = stroke[before : first + PIECE + 2]
    curve = smooth(part)
    if len(part) < 3:
        return curve
    skip = (first - before) * STEPS
    points = min(PIECE, len(stroke) - 1 - first) * STEPS + 1
    return curve[2 * skip : 2 * (skip + points)]


def smooth(points: Sequence[Point], steps: int = STEPS) -> list[float]:
    """A Catmull-Rom curve through the points, flat: x0, y0, x1, y1 …

    It goes through every point, so that what is shown is what was drawn.
    """
    if len(points) < 3:
        return [part for point in points for part in point]
    # The ends are doubled: the curve needs a neighbour on both sides.
    padded = [points[0], *points, points[-1]]
    curve: list[float] = []
    for at in range(len(points) - 1):
        before, start, end, after = padded[at : at + 4]
        for step in range(steps):
            share = step / steps
            curve += (
                _between(before[0], start[0], end[0], after[0], share),
                _between(before[1], start[1], end[1], after[1], share),
            )
    return [*curve, *points[-1]]


def _between(before: float, start: float, end: float, after: float, share: float) -> float:
    """Catmull-Rom between `start` (share 0) and `end` (share 1) in one dimension."""
    return 0.5 * (
        2 * start
        + (end - before) * share
        + (2 * before - 5 * start + 4 * end - after) * share**2
        + (3 * start - before - 3 * end + after) * share**3
    )


def thousandths(point: Point, width: float, height: float) -> tuple[int, int]:
    """A place on a pad of this size, origin bottom left as on the screen, as whole thousandths of
    its width and height, origin top left as in a picture. Outside is moved to the edge."""
    x = min(max(point[0] / width, 0.0), 1.0)
    y = min(max(point[1] / height, 0.0), 1.0)
    return round(x * 1000), round((1 - y) * 1000)
