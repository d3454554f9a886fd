"""Pictures of faces, spoilt in one way each: what `tests.bench.photo_accuracy` measures against.

Every change is laid out by the landmarks of the face, so that it lies where it would lie. They are
drawings: a real pair of dark glasses or a real shadow is harder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kiosk.photo.measure import Head

    Floats = NDArray[np.float32]
    Picture = NDArray[np.uint8]
    Spoil = Callable[[Floats, Floats, Head], Floats]

#: Mesh points around each lens, and around a mask from the root of the nose to under the chin.
_LENSES = (
    (70, 63, 105, 66, 107, 193, 128, 231, 230, 229, 228, 31, 35, 143),
    (300, 293, 334, 296, 336, 417, 357, 451, 450, 449, 448, 261, 265, 372),
)
_MASK_LEFT = (234, 227, 116, 117, 118, 100, 126, 197)
_MASK_RIGHT = (355, 329, 347, 346, 345, 447, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377)
_FOREHEAD = (
    *(21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251),
    *(300, 293, 334, 296, 336, 107, 66, 105, 63, 70),
)
_MASK_BELOW = (152, 148, 176, 149, 150, 136, 172, 58, 132, 93)


def _area(shape: Sequence[int], mesh: Floats, regions: Sequence[Sequence[int]]) -> Floats:
    """1 inside the regions, softened at their edges; height x width x 1."""
    area = np.zeros(shape[:2], np.float32)
    for region in regions:
        outline = cv2.convexHull(np.round(mesh[list(region), :2]).astype(np.int32))
        cv2.fillConvexPoly(area, outline, 1.0)
    width = float(np.ptp(mesh[:, 0]))
    return np.asarray(cv2.GaussianBlur(area, (0, 0), max(width / 150, 0.5))[..., None], np.float32)


def _times(*factors: float) -> Spoil:
    return lambda picture, mesh, head: picture * np.asarray(factors, np.float32)


def _shadow(depth: float) -> Spoil:
    def spoil(picture: Floats, mesh: Floats, head: Head) -> Floats:
        across = (np.arange(picture.shape[1]) - head.face_x) / (0.15 * head.face_width) + 0.5
        dark = 1.0 - depth * np.clip(across, 0.0, 1.0)
        return np.asarray(picture * dark[None, :, None], np.float32)

    return spoil


def _blur(sigma: float) -> Spoil:
    """`sigma`: in pixels of a face that is 200 wide."""

    def spoil(picture: Floats, mesh: Floats, head: Head) -> Floats:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma * head.face_width / 200))

    return spoil


def _dark_lenses(passes: float) -> Spoil:
    def spoil(picture: Floats, mesh: Floats, head: Head) -> Floats:
        return picture * (1.0 - _area(picture.shape, mesh, _LENSES) * (1.0 - passes))

    return spoil


def _reflection(picture: Floats, mesh: Floats, head: Head) -> Floats:
    x, y = mesh[[33, 133], :2].mean(axis=0)
    size = (max(round(head.face_width * 0.06), 1), max(round(head.face_width * 0.035), 1))
    at = (round(float(x)), round(float(y)))
    return np.asarray(cv2.ellipse(picture.copy(), at, size, 20, 0, 360, (252, 252, 252), -1))


def _mask(*colour: int) -> Spoil:
    def spoil(picture: Floats, mesh: Floats, head: Head) -> Floats:
        area = _area(picture.shape, mesh, [_MASK_LEFT + _MASK_RIGHT + _MASK_BELOW])
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        shade = cv2.GaussianBlur(grey, (0, 0), head.face_width / 8)
        shade = np.clip(shade / max(float(np.median(shade[area[..., 0] > 0.5])), 1.0), 0.5, 1.15)
        return picture * (1 - area) + area * np.asarray(colour, np.float32) * shade[..., None]

    return spoil


def _hat(*colour: int) -> Spoil:
    """Cloth or hair from the brows upwards, as light as the forehead is lit."""

    def spoil(picture: Floats, mesh: Floats, head: Head) -> Floats:
        area = _area(picture.shape, mesh, [_FOREHEAD])
        threads = np.random.default_rng(5).standard_normal((1, picture.shape[1], 1), np.float32)
        cloth = np.asarray(colour, np.float32) * (1.0 + 0.15 * threads)
        return picture * (1 - area) + area * cloth

    return spoil


def _hazed(left: float) -> Spoil:
    """`left`: share of the contrast that a dirty lens leaves."""
    return lambda picture, mesh, head: picture * left + (1.0 - left) * 165.0


def _grey(picture: Floats, mesh: Floats, head: Head) -> Floats:
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


#: Name -> how the picture is spoilt: float pixels, mesh (468 x 3) and head -> float pixels.
SPOILS: dict[str, Spoil] = {
    "dark": _times(0.35),
    "bright": _times(1.8),
    "shadow 40 %": _shadow(0.40),
    "shadow 25 %": _shadow(0.25),
    "blue light": _times(0.75, 0.95, 1.25),
    "yellow light": _times(1.15, 1.0, 0.65),
    "green light": _times(0.85, 1.1, 0.85),
    "blur 1.5 px": _blur(1.5),
    "blur 2.5 px": _blur(2.5),
    "lenses 60 % dark": _dark_lenses(0.4),
    "lenses 40 % dark": _dark_lenses(0.6),
    "reflection": _reflection,
    "blue mask": _mask(150, 190, 215),
    "white mask": _mask(235, 237, 238),
    "black mask": _mask(35, 35, 38),
    "black fringe": _hat(38, 34, 34),
    "grey fringe": _hat(170, 168, 166),
    "blue cap": _hat(40, 60, 130),
    "haze, 45 % left": _hazed(0.45),
    "haze, 35 % left": _hazed(0.35),
    "no colour": _grey,
}


def spoilt(name: str, picture: Picture, mesh: Floats, head: Head) -> Picture:
    """The picture (height x width x 3 bytes) spoilt in that way."""
    pixels = SPOILS[name](picture.astype(np.float32), mesh, head)
    return np.clip(pixels, 0, 255).astype(np.uint8)
