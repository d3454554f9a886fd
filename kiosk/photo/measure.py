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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo import models
from kiosk.photo.detect import Net, upright

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats, Picture

#: Points of the mesh. Left and right are those of the picture.
_LEFT_EYE, _RIGHT_EYE = (33, 133), (362, 263)
_LEFT_CHEEK, _RIGHT_CHEEK = 234, 454
_FOREHEAD, _CHIN, _NOSE_TIP = 10, 152, 1

_MASK_SIDE = 256
#: Side of the square that is segmented, in lengths from forehead to chin: hair, shoulders, and
#: enough of the wall for the network to know what is behind.
_MASK_REACH = 2.6
#: The crown is searched this far to both sides of the forehead, in face widths.
_CROWN_BAND = 0.30


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
    #: Where the nose is between the cheeks: 0 in the middle, 0.5 at a cheek.
    turn: float

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
        self._segmentation = Net(models.SEGMENTATION, folder)

    def measure(self, picture: Picture, landmarks: Floats) -> Head:
        """`landmarks`: 468 x 2, as `Detector.landmarks` returns them."""
        left = landmarks[list(_LEFT_EYE)].mean(axis=0)
        right = landmarks[list(_RIGHT_EYE)].mean(axis=0)
        roll = math.atan2(float(right[1] - left[1]), float(right[0] - left[0]))
        eyes = (left + right) / 2
        cos, sin = math.cos(roll), math.sin(roll)
        level = (landmarks - eyes) @ np.array([[cos, -sin], [sin, cos]], np.float32)
        cheek_left, cheek_right = float(level[_LEFT_CHEEK, 0]), float(level[_RIGHT_CHEEK, 0])
        width = cheek_right - cheek_left
        middle = (cheek_left + cheek_right) / 2
        eye_x, eye_y = float(eyes[0]), float(eyes[1])
        crown = self._crown(picture, (eye_x, eye_y), roll, level, width)
        return Head(
            roll=roll,
            eye_x=eye_x,
            eye_y=eye_y,
            face_x=eye_x + middle,
            face_width=width,
            crown_y=eye_y + crown,
            chin_y=eye_y + float(level[_CHIN, 1]),
            turn=(float(level[_NOSE_TIP, 0]) - middle) / width if width > 0 else 1.0,
        )

    def _crown(
        self,
        picture: Picture,
        eyes: tuple[float, float],
        roll: float,
        level: Floats,
        face_width: float,
    ) -> float:
        """y of the top of the hair, relative to the eyes, in pixels."""
        forehead_x, forehead_y = float(level[_FOREHEAD, 0]), float(level[_FOREHEAD, 1])
        side = (float(level[_CHIN, 1]) - forehead_y) * _MASK_REACH
        to_mask = upright(eyes, side, roll, _MASK_SIDE)
        # Edges are repeated: a black bar over a head near the edge would be taken for hair.
        crop = cv2.warpAffine(
            picture,
            to_mask,
            (_MASK_SIDE, _MASK_SIDE),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        mask = self._segmentation.run(crop.astype(np.float32) / 255.0)[0].reshape(crop.shape[:2])
        scale = _MASK_SIDE / side
        reach = _CROWN_BAND * face_width * scale
        centre = _MASK_SIDE / 2 + forehead_x * scale
        columns = slice(max(round(centre - reach), 0), max(round(centre + reach), 0) + 1)
        start = round(_MASK_SIDE / 2 + forehead_y * scale)
        return (top_edge(mask[:, columns], start) - _MASK_SIDE / 2) / scale


def top_edge(mask: Floats, start: int) -> float:
    """The highest row reached by walking up from row `start` through values above one half.

    Every column is walked by itself, so that a person or a poster further up, which does not hang
    together with the head, does not count. Returns a fraction of a row, interpolated.
    """
    best = float(start)
    for column in mask.T:
        above = column[: start + 1][::-1]
        ends = np.flatnonzero(above < 0.5)
        if ends.size == 0:
            best = 0.0
        elif (steps := int(ends[0])) > 0:
            inside, outside = float(above[steps - 1]), float(above[steps])
            edge = start - (steps - 1) - (inside - 0.5) / max(inside - outside, 1e-6)
            best = min(best, edge + 0.5)  # the edge of a pixel is half a pixel from its middle
    return best
