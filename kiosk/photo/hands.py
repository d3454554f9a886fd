"""Whether a hand is near the face: the published network `palm_detection_lite` around it.

It expects 192x192 RGB from 0 to 1 and gives 2016 scores before the sigmoid, one for each place
where a palm may be. Any of them counts: a hand over the mouth has its palm below the chin. The mesh
is no help, since it draws a mouth also where a hand covers it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo import models
from kiosk.photo.detect import Net, upright

if TYPE_CHECKING:
    from kiosk.photo.detect import Face, Picture

_SIDE = 192
#: Side of the square that is looked at, in widths of the detector's box.
_REACH = 2.6


class HandFinder:
    """Not to be shared between threads."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the models. Raises `ModelsMissing`."""
        self._net = Net(models.PALM_DETECTION, folder)

    def likeness(self, picture: Picture, face: Face) -> float:
        """0 to 1: the surest palm near a face."""
        centre = (face.x + face.width / 2, face.y + face.height / 2)
        to_net = upright(centre, face.width * _REACH, 0.0, _SIDE)
        crop = cv2.warpAffine(picture, to_net, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)
        _, scores = self._net.run(crop)
        return float(1.0 / (1.0 + np.exp(-np.clip(scores.max(), -50.0, 50.0))))
