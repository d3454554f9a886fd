"""Whether the forehead is seen, down to the brows, or lies under a hat or a fringe (R-D23).

A forehead has the colour of the cheeks below it, hair and hats seldom have. Three regions are held
against the cheeks: above each brow, against the cheek of that side, and the forehead as a whole.
The measure is the mean of their shares that are not of that colour.

On 3,000 frontal faces of LFW, one for each person, looked through by eye: of 194 under a hat or a
fringe 77 % are above the limit, of 2,758 others 0.6 %, and half of those have hair on the forehead;
AUC 0.985. At a limit that 1 % of the others pass, 1.7 % of the 115 darkest of them do. A hat that
sits above the forehead is not seen so, nor is hair over the sides of the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo.tones import Tones, outline_of

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats, Picture

#: Mesh points: above each brow, left and right of the picture, and the whole forehead.
ABOVE = (
    (70, 63, 105, 66, 107, 108, 69, 104, 68, 71),
    (300, 293, 334, 296, 336, 337, 299, 333, 298, 301),
)
FOREHEAD = (10, 109, 67, 103, 54, 68, 104, 69, 108, 151, 337, 299, 333, 298, 284, 332, 297, 338)

#: A pixel is no skin if its colour is farther from the cheek's, or if it is darker than that by
#: this share of the cheek's lightness, and by so many levels (which of dark skin is the larger).
_COLOUR, _DARKER, _LEVELS = 14.0, 0.28, 40.0
#: Every so many pixels are as good as all.
_STEP = 2


def hidden(lab: Picture, points: Floats, cheeks: Sequence[Tones]) -> float | None:
    """0: as bare as the cheeks (left and right) to 1; None if the forehead is not in the picture.

    `lab`: CIELAB, 0 to 255; `points`: of the mesh in it, n x 2.
    """
    left, right = (cheek.middle for cheek in cheeks)
    both = (left[0] + right[0]) / 2, (left[1] + right[1]) / 2, (left[2] + right[2]) / 2
    regions = ((ABOVE[0], left), (ABOVE[1], right), (FOREHEAD, both))
    small, places = lab[::_STEP, ::_STEP], np.asarray(points / _STEP, np.float32)
    shares = [_unlike(small, places, region, skin) for region, skin in regions]
    seen = [share for share in shares if share is not None]
    return sum(seen) / len(seen) if len(seen) == len(regions) else None


def _unlike(
    lab: Picture, points: Floats, region: Sequence[int], skin: tuple[float, float, float]
) -> float | None:
    outline = outline_of(points, region)
    x, y, width, height = cv2.boundingRect(outline)
    left, top = max(x, 0), max(y, 0)
    part = lab[top : max(y + height, 0), left : max(x + width, 0)]
    inside = np.zeros(part.shape[:2], np.uint8)
    if part.size:
        cv2.fillConvexPoly(inside, outline - np.array((left, top), np.int32), 1)
    if not inside.any():
        return None
    light, a, b = part[inside > 0].T.astype(np.float32)
    a -= 128.0 + skin[1]
    b -= 128.0 + skin[2]
    darkest = skin[0] - max(_DARKER * skin[0], _LEVELS)
    unlike = (a * a + b * b > _COLOUR**2) | (light < darkest)
    return int(np.count_nonzero(unlike)) / int(unlike.size)
