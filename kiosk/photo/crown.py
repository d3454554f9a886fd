"""The top of the hair (R-D20) in a segmented square of `kiosk.photo.silhouette`.

The mask fades out over the hair, and one of its pixels is three of the photo. Where the wall above
the head is plain, the hair ends where the colour of the wall begins, and that is looked for near
the edge of the mask. On 77 faces before a light plain wall (LFW and the folders of docs/photo.md),
held against the first row of the full picture that differs from the wall, the mean error fell from
4.7 to 0.6 px of the photo, the 95th percentile from 10.9 to 1.1 (limits set on the same pictures).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats, Picture

#: The mask's height where people mark the crown (33 marked heads: median error 0.1 px of the photo;
#: at one half it would be 1.2 px too high).
_HAIR = 0.75
#: Rows above the mask's edge that show the wall, the least of them, and the most that lightness and
#: colours of a plain one vary (CIELAB, standard deviation).
_WALL_FROM, _WALL_TO, _LEAST, _PLAIN = 16, 8, 4, 5.0
#: A row is hair if so many of its pixels are so far from the wall's colour.
_APART, _PIXELS = 12.0, 3
#: Rows that the hair may end above the mask's edge, and below it.
_UP, _DOWN = 8, 8


def top_of_hair(mask: Floats, picture: Picture, start: int) -> float:
    """The row, a fraction, where the head ends that row `start` belongs to.

    `mask` and `picture` are the columns above the forehead, rows x columns (x 3 bytes, RGB).
    """
    edge = top_edge(mask, start)
    row = round(edge)
    first = max(row - _WALL_FROM, 0)
    if row - _WALL_TO - first < _LEAST or picture.shape[1] < _PIXELS:  # the picture ends there
        return edge
    near = np.ascontiguousarray(picture[first : row + _DOWN + 2])
    lab = np.asarray(cv2.cvtColor(near, cv2.COLOR_RGB2LAB), np.float32)
    wall = lab[: row - _WALL_TO - first].reshape(-1, 3)
    if float(wall.std(axis=0).max()) > _PLAIN:
        return edge
    away = np.linalg.norm(lab - np.median(wall, axis=0), axis=2)
    # Of each row the distance that `_PIXELS` of its pixels reach.
    reached = np.sort(away, axis=1)[:, -_PIXELS:][:, 0].tolist()
    found = _first_apart(reached, row - first)
    return edge if found is None else min(first + found, float(start))


def _first_apart(reached: list[float], row: int) -> float | None:
    """From the mask's edge up to the wall, or down to the hair; None if that is not near."""
    if reached[row] > _APART:
        last = max(row - _UP, 1)
        while row > last and reached[row - 1] > _APART:
            row -= 1
    else:
        last = min(row + _DOWN, len(reached) - 1)
        while row < last and reached[row] <= _APART:
            row += 1
    outside, inside = reached[row - 1], reached[row]
    if not outside <= _APART < inside:
        return None
    # The edge of a pixel is half a pixel from its middle.
    return row - (inside - _APART) / (inside - outside) + 0.5


def top_edge(mask: Floats, start: int) -> float:
    """The highest row reached by walking up from row `start` through values above `_HAIR`.

    Every column is walked by itself, so that a person or a poster further up, which does not hang
    together with the head, does not count. Returns a fraction of a row, interpolated.
    """
    above = mask[: start + 1][::-1]
    outside = above < _HAIR
    steps = outside.argmax(axis=0)  # 0 also where a column is the person up to the edge
    if not outside.any(axis=0).all():
        return 0.0
    columns = np.flatnonzero(steps)
    if columns.size == 0:
        return float(start)
    steps = steps[columns]
    last, first = above[steps - 1, columns], above[steps, columns]
    part = (last - _HAIR) / np.maximum(last - first, 1e-6)
    # The edge of a pixel is half a pixel from its middle.
    edges = start - (steps - 1) - part + 0.5
    return min(float(edges.min()), float(start))
