"""Landmarks to the quantities the standard speaks of, after levelling the line of the eyes.

The definitions are those of domain R-D20:

- 脸部宽: between the two lines, parallel to the height of the picture, through the points where
  the ears meet the cheeks: mesh points 234 and 454;
- 双眼连线: through the middles of both eyes. The middle of an eye is the middle of its two
  corners; the iris would follow the gaze (3 % of the distance of the eyes);
- 头顶发迹: the top of the head with its hair. Landmarks end at the forehead (point 10), so the
  person is segmented and the edge is walked up to from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kiosk.photo.detect import eye_middles
from kiosk.photo.silhouette import Segmenter, Silhouette

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats, Picture

#: Points of the mesh. Left and right are those of the picture.
_LEFT_CHEEK, _RIGHT_CHEEK = 234, 454
_FOREHEAD, _CHIN = 10, 152
_NEEDED = [_LEFT_CHEEK, _RIGHT_CHEEK, _FOREHEAD, _CHIN]

#: Side of the square that is segmented, in lengths from forehead to chin: hair, shoulders, and
#: enough of the wall for the network to know what is behind.
_MASK_REACH = 2.6


@dataclass(frozen=True)
class Head:
    """A head in a picture turned so that the eyes are level. All lengths in pixels.

    x grows to the right, y downwards; the origin is that of the picture, the turn is by `roll`
    about the middle between the eyes.
    """

    #: Angle of the line of the eyes, radians; positive if the right one is lower.
    roll: float
    eye_x: float
    eye_y: float
    #: Middle of the two cheek points.
    face_x: float
    face_width: float
    crown_y: float
    chin_y: float

    @property
    def height(self) -> float:
        """From crown to chin."""
        return self.chin_y - self.crown_y

    @property
    def crown_to_eyes(self) -> float:
        return self.eye_y - self.crown_y


class Ruler:
    """Measures heads. Not to be shared between threads."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the models. Raises `ModelsMissing`."""
        self._segmenter = Segmenter(folder)

    def measure(
        self, picture: Picture, mesh: Floats, silhouette: Silhouette | None = None
    ) -> tuple[Head, Silhouette]:
        """`mesh`: 468 x 3, as `Detector.landmarks` returns it. `silhouette`: of this head a moment
        ago, to be taken for its silhouette now; None: it is segmented."""
        points = mesh[:, :2]
        left, right = eye_middles(points)
        roll = math.atan2(float(right[1] - left[1]), float(right[0] - left[0]))
        eyes = (left + right) / 2
        cos, sin = math.cos(roll), math.sin(roll)
        level = (points[_NEEDED] - eyes) @ np.array([[cos, -sin], [sin, cos]], np.float32)
        (cheek_left, _), (cheek_right, _), (x, y), (_, chin) = level.tolist()
        forehead, (eye_x, eye_y) = (x, y), eyes.tolist()
        width, middle = cheek_right - cheek_left, (cheek_left + cheek_right) / 2
        if silhouette is None:
            silhouette = self._segmenter.segment(
                picture, (eye_x, eye_y), roll, (chin - forehead[1]) * _MASK_REACH
            )
            silhouette = replace(silhouette, crown_y=silhouette.crown(forehead, width))
        head = Head(
            roll=roll,
            eye_x=eye_x,
            eye_y=eye_y,
            face_x=eye_x + middle,
            face_width=width,
            crown_y=eye_y + silhouette.crown_y,
            chin_y=eye_y + chin,
        )
        return head, silhouette
