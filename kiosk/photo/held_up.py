"""Is the face one in a picture: on paper, on a telephone, on a screen that somebody holds up?

What gives it away is the edge of the paper or of the telephone: a straight line beside the head,
about as long as the face is wide, on more than one side of it. A person before a plain wall has
none. Nothing is refused for it, because a door or a striped wall behind somebody has edges as well;
it is told, and a person at the centre looks. A picture that fills the whole camera frame has no
edge to be seen: that leaves the blink (`kiosk.photo.liveness`) and the comparison
(`kiosk.photo.faces`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from kiosk.photo.detect import Picture
    from kiosk.photo.measure import Head

_AVERAGE = cv2.INTER_AREA
#: Everything below is in widths of the face, measured from the middle of the eyes; pixels are those
#: of a picture made so small that a face is this wide.
_FACE = 64
#: How far to the sides, above and below edges are looked for; and what must be seen at least.
_ASIDE, _ABOVE, _BELOW, _LEAST = 2.3, 2.0, 1.6, 1.2
#: An edge is at least so long, and leans by no more than this against the head, degrees.
_LONG, _LEANS = 0.9, 28.0
#: No edge nearer than this to the middle of the face, below the eyes, is one beside the head; and
#: no end of one is nearer than that.
_HEAD, _NECK = 0.70, 0.45


def sides(rgb: Picture, head: Head) -> int | None:
    """How many of the left, the right and the upper side of a head have a straight edge, 0 to 3.

    None if the picture ends so near to the head that there is nothing to be seen.
    """
    height, width = rgb.shape[:2]
    face, x, y = head.face_width, head.eye_x, head.eye_y
    if min(x, width - x) < _LEAST * face:
        return None
    left, right = max(round(x - _ASIDE * face), 0), min(round(x + _ASIDE * face), width)
    top, bottom = max(round(y - _ABOVE * face), 0), min(round(y + _BELOW * face), height)
    scale = _FACE / face
    size = (max(round((right - left) * scale), 1), max(round((bottom - top) * scale), 1))
    part = rgb[top:bottom, left:right]
    if (by := int(1.0 / scale)) > 1:  # by a whole number first: averaging is then ten times faster
        whole = (max(part.shape[1] // by, 1), max(part.shape[0] // by, 1))
        fits = part[: whole[1] * by, : whole[0] * by]
        part = np.asarray(cv2.resize(fits, whole, interpolation=_AVERAGE), np.uint8)
    small = cv2.resize(part, size, interpolation=_AVERAGE)
    eyes = ((x - left) * scale, (y - top) * scale)
    crown = (head.crown_y - head.eye_y) * scale / _FACE
    edges = _edges(np.asarray(small, np.uint8))
    return len({side for edge in edges for side in _side(edge, eyes, head.roll, crown)})


def _edges(small: Picture) -> Iterator[tuple[float, float, float, float]]:
    """Straight edges as (x, y, x, y): the line segment detector of von Gioi et al."""
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    found: Any = cv2.createLineSegmentDetector().detect(grey)[0]
    for x0, y0, x1, y1 in () if found is None else found.reshape(-1, 4).tolist():
        if np.hypot(x1 - x0, y1 - y0) >= _LONG * _FACE:
            yield x0, y0, x1, y1


def _side(
    edge: tuple[float, float, float, float], eyes: tuple[float, float], roll: float, crown: float
) -> Iterator[str]:
    """At which side of the head an edge runs, if at any.

    A picture leans with the head in it, so everything is seen from the head: `roll` is its lean,
    radians; `crown` where it ends, face widths.
    """
    (x0, y0), (x1, y1) = (_from_the_head(edge[at], edge[at + 1], eyes, roll) for at in (0, 2))
    lean = np.degrees(np.arctan2(abs(x1 - x0), abs(y1 - y0)))  # 0: along the head
    if lean <= _LEANS:
        share = (min(max(0.2, min(y0, y1)), max(y0, y1)) - y0) / (y1 - y0)
        beside = abs(x0 + share * (x1 - x0)) > _HEAD and min(abs(x0), abs(x1)) > _NECK
        if beside and x0 * x1 > 0 and min(y0, y1) < 0.5 and max(y0, y1) > crown:
            yield "left" if x0 < 0 else "right"
    elif lean >= 90.0 - _LEANS:
        above = max(y0, y1) < crown - 0.08
        if above and min(x0, x1) < 0.5 and max(x0, x1) > -0.5:
            yield "top"


def _from_the_head(
    x: float, y: float, eyes: tuple[float, float], roll: float
) -> tuple[float, float]:
    """A place of the small picture in widths of the face, from the middle of the eyes."""
    right, down = (x - eyes[0]) / _FACE, (y - eyes[1]) / _FACE
    cos, sin = np.cos(roll), np.sin(roll)
    return float(right * cos + down * sin), float(down * cos - right * sin)
