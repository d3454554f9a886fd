"""The eyes of a face: how far each is open, and where the iris is in it.

The face mesh draws the same open eye for everybody, so a network that looks at each eye alone is
run besides it (the published graph `iris_landmark`): 64x64 RGB from 0 to 1 of one eye, 2.3 times
as wide as the distance of its corners; the eye at the right of the picture is mirrored. It returns
71 points of lid and brow, of which the first 16 go around the opening, and 5 of the iris.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from kiosk.photo import models
from kiosk.photo.detect import LEFT_CORNERS, RIGHT_CORNERS, Net, upright

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats, Picture

_CORNERS_OF = (LEFT_CORNERS, RIGHT_CORNERS)

_SIDE = 64
#: The network wants so much more than the distance of the corners.
_MARGIN = 2.3
#: In the network's contour: the two corners, and pairs of points on the lower and the upper lid.
_CORNERS = (0, 8)
_LIDS = ((2, 10), (3, 11), (4, 12), (5, 13), (6, 14))
#: An opening that differs by more between two frames is a lid that moves; noise stays below a half.
_LID_MOVED = 0.03


@dataclass(frozen=True)
class Eye:
    """One eye. Shares are of the distance of its corners."""

    #: Mean height of the opening: about 0.25 when open, below 0.1 when closed.
    open: float
    #: The iris against the middle of the corners along the line of the corners; positive: to the
    #: right of the picture.
    gaze_x: float
    #: The same across that line; positive: down.
    gaze_y: float
    #: Distance of the corners, pixels of the picture.
    width: float


class EyeReader:
    """Reads eyes. Not to be shared between threads."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the models. Raises `ModelsMissing`."""
        self._net = Net(models.IRIS, folder)

    def read(self, picture: Picture, mesh: Floats) -> tuple[Eye, Eye]:
        """The eye at the left of the picture and the one at the right. `mesh`: 468 x 2 or 3."""
        return self._read(picture, mesh, 0), self._read(picture, mesh, 1)

    def follow(
        self, picture: Picture, mesh: Floats, before: tuple[Eye, Eye], turn: int
    ) -> tuple[Eye, Eye]:
        """The same a frame later: only the eye whose turn it is (0: left, 1: right) is read, and
        the other one too if that one opened or closed. A blink closes both."""
        eye, other = self._read(picture, mesh, turn), before[1 - turn]
        if abs(eye.open - before[turn].open) > _LID_MOVED:
            other = self._read(picture, mesh, 1 - turn)
        return (other, eye) if turn else (eye, other)

    def _read(self, picture: Picture, mesh: Floats, side: int) -> Eye:
        (x0, y0), (x1, y1) = mesh[list(_CORNERS_OF[side]), :2].tolist()
        mirrored = side == 1
        width = math.hypot(x1 - x0, y1 - y0)
        centre = ((x0 + x1) / 2, (y0 + y1) / 2)
        roll = math.atan2(y1 - y0, x1 - x0)
        to_net = upright(centre, max(width, 1.0) * _MARGIN, roll, _SIDE)
        if mirrored:
            to_net[0] *= -1.0
            to_net[0, 2] += _SIDE
        crop = cv2.warpAffine(picture, to_net, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)
        lids, iris = self._net.run(crop)
        around, pupil = lids.reshape(-1, 3)[:16, :2], iris.reshape(-1, 3)[0, :2]
        return _eye(around, pupil, width, -1.0 if mirrored else 1.0)


def _eye(around: Floats, pupil: Floats, width: float, sign: float) -> Eye:
    """From points in the network's picture. `sign`: -1 if it was mirrored."""
    # Numbers of Python: on so few points they are faster than arrays.
    points = around.tolist()
    (x0, y0), (x1, y1) = (points[corner] for corner in _CORNERS)
    length = max(math.hypot(x1 - x0, y1 - y0), 1.0)
    along_x, along_y = (x1 - x0) / length, (y1 - y0) / length
    heights = [math.dist(points[low], points[high]) for low, high in _LIDS]
    off_x, off_y = float(pupil[0]) - (x0 + x1) / 2, float(pupil[1]) - (y0 + y1) / 2
    x = (off_x * along_x + off_y * along_y) / length
    y = (off_y * along_x - off_x * along_y) / length
    return Eye(sum(heights) / len(heights) / length, sign * x, y, width)
