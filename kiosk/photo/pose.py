"""How a head is held: the turn that lays a usual head over the 468 points of the mesh.

Only points on bone are compared, so that a smile does not turn the head. The usual head is the mean
of the mesh over two composed and four freely licensed frontal portraits of nobody, made symmetric.

Yaw and roll are good to about a degree. The zero of the pitch differs between people (standard
deviation 4 to 5 degrees over frontal ones), so limits on it have to be wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats

#: Mesh point -> (x, y, z) in face widths from the middle of the eyes; y down, z away.
_USUAL_HEAD = {
    10: (0.000, -0.413, -0.154),
    151: (0.000, -0.287, -0.168),
    9: (0.000, -0.165, -0.169),
    168: (0.000, -0.031, -0.142),
    6: (0.000, 0.040, -0.168),
    1: (0.000, 0.328, -0.261),
    98: (-0.116, 0.343, -0.084),
    327: (0.116, 0.343, -0.084),
    33: (-0.342, -0.012, 0.020),
    133: (-0.130, 0.012, -0.020),
    362: (0.130, 0.012, -0.020),
    263: (0.342, -0.012, 0.020),
    127: (-0.510, -0.011, 0.390),
    356: (0.510, -0.011, 0.390),
    234: (-0.500, 0.092, 0.437),
    454: (0.500, 0.092, 0.437),
    152: (0.000, 0.776, 0.074),
}
_POINTS = list(_USUAL_HEAD)
_MODEL = np.array(list(_USUAL_HEAD.values()))
_MODEL -= _MODEL.mean(axis=0)
_MIRROR = np.diag((1.0, 1.0, -1.0))
#: What frontal people read on average without it, degrees.
_ZERO_PITCH = -4.0


@dataclass(frozen=True)
class Pose:
    """Degrees. Positive: turned to the right of the picture, chin up, right eye lower."""

    yaw: float
    pitch: float
    roll: float


def pose(mesh: Floats) -> Pose:
    """`mesh`: 468 x 3, as `Detector.landmarks` returns it."""
    found = mesh[_POINTS].astype(np.float64)
    found -= found.mean(axis=0)
    # The rotation of least squares (Kabsch); the determinant keeps it from being a mirror.
    _, u, v = cv2.SVDecomp(_MODEL.T @ found)
    turn = (u @ v).T.tolist()
    if _determinant(turn) < 0:
        turn = (u @ _MIRROR @ v).T.tolist()
    yaw = -math.degrees(math.atan2(turn[0][2], turn[2][2]))
    pitch = math.degrees(math.asin(min(max(turn[1][2], -1.0), 1.0))) + _ZERO_PITCH
    return Pose(yaw, pitch, math.degrees(math.atan2(turn[1][0], turn[1][1])))


def _determinant(rows: list[list[float]]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
