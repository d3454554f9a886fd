"""A composed head turned to one side: each row of the picture is drawn over a dome and a nose.

Not a model of a head, only what a landmark network takes for one: the features move to the side by
their depth, the far cheek narrows, the near ear comes forward. Units are those of the easel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

#: Depth of the head in the middle, and where its dome ends to the sides.
_DEPTH, _RADIUS = 0.95, 1.28
#: How far the nose stands out, its half width, and from where to where it grows downwards.
_NOSE, _NOSE_WIDTH, _NOSE_ROWS = 0.50, 0.26, (-0.15, 0.70)
#: The neck follows less and less below the chin.
_CHIN, _SHOULDERS = 1.25, 1.75

_ACROSS = np.linspace(-1.25, 1.25, 501, dtype=np.float32)


def turn(plane: Plane, left_top: tuple[float, float], scale: float, degrees: float) -> Plane:
    """A picture (RGB or alpha) of a head, turned to the right of the picture for `degrees` > 0.

    `left_top`: of the picture in face units, whose origin is between the eyes; `scale`: pixels to
    a face unit.
    """
    height, width = plane.shape[:2]
    columns = np.arange(width, dtype=np.float32) / scale + left_top[0]
    rows = np.arange(height, dtype=np.float32) / scale + left_top[1]
    from_x = np.stack([_row(columns, float(y), np.radians(degrees)) for y in rows])
    from_y = np.broadcast_to(np.arange(height, dtype=np.float32)[:, None], from_x.shape)
    places = ((from_x - left_top[0]) * scale).astype(np.float32)
    return np.asarray(
        cv2.remap(plane, places, np.ascontiguousarray(from_y), cv2.INTER_LINEAR), np.float32
    )


def _row(columns: Plane, y: float, angle: Any) -> Plane:
    """Which x of the straight head is seen at each column of the turned one."""
    grown = np.clip((y - _NOSE_ROWS[0]) / (_NOSE_ROWS[1] - _NOSE_ROWS[0]), 0.0, 1.0)
    nose = _NOSE * grown * float(y < _NOSE_ROWS[1] + 0.08)
    depth = _DEPTH * np.sqrt(np.clip(1.0 - (_ACROSS / _RADIUS) ** 2, 0.0, 1.0))
    depth = depth + nose * np.exp(-((_ACROSS / _NOSE_WIDTH) ** 2))
    turned = _ACROSS * np.cos(angle) + depth * np.sin(angle)
    # What lies behind something nearer is not seen.
    seen = np.maximum.accumulate(turned) if angle >= 0 else _backwards(turned)
    is_new = np.concatenate([[True], np.diff(seen) > 1e-5])
    source = np.interp(columns, seen[is_new], _ACROSS[is_new])
    outside = (columns < seen[is_new][0]) | (columns > seen[is_new][-1])
    edge = np.where(columns < 0, turned[0] - _ACROSS[0], turned[-1] - _ACROSS[-1])
    source = np.where(outside, columns - edge, source)
    follows = float(np.clip((_SHOULDERS - y) / (_SHOULDERS - _CHIN), 0.0, 1.0))
    return np.asarray(columns + (source - columns) * follows, np.float32)


def _backwards(turned: Plane) -> Plane:
    """As running maximum from the left, but nearest from the right."""
    return np.asarray(np.minimum.accumulate(turned[::-1])[::-1], np.float32)
