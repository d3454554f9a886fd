"""Whether the mouth is closed and at rest, from the points of the mesh.

A smile is wide, lifts its corners and often opens; the three together tell a smile with teeth from
a neutral mouth, each alone does not. A frown has no valid measure: brows differ between people more
than they move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    eyes = [middle.tolist() for middle in eye_middles(mesh)]
    left, right, upper, lower = (mesh[point].tolist() for point in (_LEFT, _RIGHT, _UPPER, _LOWER))
    distance = math.dist(*eyes)
    if distance <= 0:
        return Mouth(0.0, 0.0)
    across = [eyes[1][way] - eyes[0][way] for way in (0, 1)]
    flat = max(math.hypot(*across), 1e-6)
    width, gap = math.dist(left, right) / distance, math.dist(upper, lower) / distance
    # From the middle between the corners to the middle between the lips; then its way down.
    x, y = ((upper[way] + lower[way] - left[way] - right[way]) / 2 for way in (0, 1))
    lift = (y * across[0] - x * across[1]) / flat / distance
    smile = (width - _WIDTH) / _WIDER + (lift - _LIFT) / _LIFTED + gap / _OPENED
    return Mouth(gap, smile / 3)
