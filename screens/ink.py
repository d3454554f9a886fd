"""Strokes of a finger: kept in thousandths of the pad, shown as smooth curves. No Kivy here."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]

#: Points of the curve drawn for each point of the finger.
STEPS = 4


def smooth(points: Sequence[Point], steps: int = STEPS) -> list[float]:
    """A Catmull-Rom curve through the points, flat as Kivy wants it: x0, y0, x1, y1 …

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
