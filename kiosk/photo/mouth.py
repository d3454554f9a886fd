"""Whether the mouth is closed and at rest, from the points of the mesh.

A smile is wide, lifts its corners and often opens; the three together tell a smile with teeth from
a neutral mouth, each alone does not. A frown has no valid measure: brows differ between people more
than they move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kiosk.photo.detect import eye_middles

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats

#: Outer corners, inner edge of the upper and the lower lip, left and right of the picture.
_LEFT, _RIGHT, _UPPER, _LOWER = 61, 291, 13, 14
#: What a neutral mouth has, and what a smile adds; in distances of the eyes.
_WIDTH, _WIDER = 0.80, 0.10
_LIFT, _LIFTED = -0.02, 0.05
_OPENED = 0.08


@dataclass(frozen=True)
class Mouth:
    #: Gap between the lips, in distances of the eyes.
    open: float
    #: About 0 at rest, above 1 in a smile.
    smile: float


def mouth(mesh: Floats) -> Mouth:
    """`mesh`: 468 x 3, as `Detector.landmarks` returns it."""
    left, right = eye_middles(mesh)
    across = right - left
    distance = float(np.linalg.norm(across))
    if distance <= 0:
        return Mouth(0.0, 0.0)
    along = across[:2] / max(float(np.hypot(*across[:2])), 1e-6)
    down = np.array((-along[1], along[0]))
    width = float(np.linalg.norm(mesh[_RIGHT] - mesh[_LEFT])) / distance
    gap = float(np.linalg.norm(mesh[_LOWER] - mesh[_UPPER])) / distance
    corners, middle = (
        mesh[[_LEFT, _RIGHT], :2].mean(axis=0),
        mesh[[_UPPER, _LOWER], :2].mean(axis=0),
    )
    lift = float((middle - corners) @ down) / distance
    smile = (width - _WIDTH) / _WIDER + (lift - _LIFT) / _LIFTED + gap / _OPENED
    return Mouth(gap, smile / 3)
