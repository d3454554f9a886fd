"""A part of a picture, turned, scaled and cut out in one step, as `kiosk.photo` measures on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kiosk.photo.detect import Picture
    from kiosk.photo.measure import Head

    Transform = NDArray[np.float64]

#: A picture this much larger than the part is first averaged down, else noise passes for detail.
_SHRINK_FIRST = 2.0


def level(head: Head, face: float, eyes: tuple[float, float] = (0.0, 0.0)) -> Transform:
    """The 2x3 transform that makes a face `face` pixels wide, its eyes level and there."""
    scale = face / head.face_width
    cos, sin = math.cos(head.roll) * scale, math.sin(head.roll) * scale
    x, y = head.eye_x, head.eye_y
    return np.array(
        [[cos, sin, eyes[0] - cos * x - sin * y], [-sin, cos, eyes[1] + sin * x - cos * y]]
    )


def laid(picture: Picture, to_part: Transform, size: tuple[int, int]) -> Picture:
    """What of a picture lies in a part of that size (width, height). Edges are repeated."""
    scale = math.hypot(*to_part[:, 0])
    if 1.0 / scale >= _SHRINK_FIRST:
        picture, to_part = _shrunk(picture, to_part, int(1.0 / scale), size)
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
    part = cv2.warpAffine(picture, to_part, size, flags=flags, borderMode=border)
    return np.asarray(part, np.uint8)


def corners(to_part: Transform, size: tuple[int, int]) -> NDArray[np.float64]:
    """Where the four corners of the part lie in the picture, 4 x 2."""
    back = cv2.invertAffineTransform(to_part)
    part = np.array(((0, 0), (size[0], 0), (0, size[1]), size))
    return np.asarray(part @ back[:, :2].T + back[:, 2], np.float64)


def _shrunk(
    picture: Picture, to_part: Transform, by: int, size: tuple[int, int]
) -> tuple[Picture, Transform]:
    """What the part shows of the picture, averaged down by a whole number, and the transform that
    fits it."""
    there = corners(to_part, size)
    most = np.array((picture.shape[1] - by, picture.shape[0] - by))
    left, top = np.clip(there.min(axis=0) // by * by - by, 0, most // by * by).clip(0).astype(int)
    right, bottom = np.maximum(there.max(axis=0) + 2 * by, (left + by, top + by)).astype(int)
    part = picture[top:bottom, left:right]
    small_size = (max(part.shape[1] // by, 1), max(part.shape[0] // by, 1))
    whole = part[: small_size[1] * by, : small_size[0] * by]
    small = cv2.resize(whole, small_size, interpolation=cv2.INTER_AREA)
    # Pixel i of the small picture has its middle at by * i + (by - 1) / 2 of the large one.
    moved = to_part.copy()
    moved[:, 2] += to_part[:, :2] @ (np.array((left, top)) + (by - 1) / 2)
    moved[:, :2] *= by
    return np.asarray(small, np.uint8), moved
