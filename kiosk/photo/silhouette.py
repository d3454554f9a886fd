"""Where the person ends and the wall begins: crown and what is behind.

A square around the middle of the eyes, level with them, is segmented by the published network
`selfie_segmentation`: 256x256 RGB from 0 to 1 in, the likeness of a person, 0 to 1, out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo import models
from kiosk.photo.crown import top_of_hair
from kiosk.photo.detect import Net, upright
from kiosk.photo.tones import Tones

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kiosk.photo.detect import Floats, Picture

_SIDE = 256
_MIDDLE = _SIDE / 2
#: The crown is searched this far to both sides of the forehead, in face widths.
_CROWN_BAND = 0.30
#: Below this a pixel is the wall.
_WALL = 0.1
#: Every so many pixels of every so many rows of the wall, and of clothes, are as good as all.
_STEP = 3

#: Beside the head: at least so far from the middle of the eyes, in face widths; hair ends before.
#: Down to this share of the way to the chin, where shoulders begin. And what is a person there.
_BESIDE, _ABOVE_SHOULDERS, _SOMEBODY = 0.95, 0.55, 0.5

#: Shoulders: so far under the chin, and from so far to so far beside the middle, in face widths.
_UNDER_CHIN, _SHOULDER = 0.40, (0.5, 1.15)


@dataclass(frozen=True)
class Behind:
    """The wall at both sides of the head. Lightness and colour as in `kiosk.photo.skin`."""

    light: float
    spread: float
    #: Distance from grey.
    tint: float
    tones: Tones


@dataclass(frozen=True)
class Silhouette:
    """A segmented square. Places are in pixels of the frame, relative to the middle of the eyes,
    after levelling them."""

    mask: Floats
    picture: Picture
    #: Pixels of the mask per pixel of the frame.
    scale: float
    #: `crown` of whom it was made of.
    crown_y: float = 0.0

    def crown(self, forehead: tuple[float, float], face_width: float) -> float:
        """y of the top of the hair, found by walking up from the forehead."""
        reach = _CROWN_BAND * face_width * self.scale
        centre = _MIDDLE + forehead[0] * self.scale
        columns = slice(max(round(centre - reach), 0), max(round(centre + reach), 0) + 1)
        start = round(_MIDDLE + forehead[1] * self.scale)
        top = top_of_hair(self.mask[:, columns], self.picture[:, columns], start)
        return (top - _MIDDLE) / self.scale

    def over(self, eyes: tuple[float, float], roll: float, size: tuple[int, int]) -> Floats:
        """The mask laid over the picture it was made of: height x width, 0 to 1. `eyes` and `roll`
        as they were given to `segment`; `size`: (width, height). Outside of the square it is 0."""
        to_mask = upright(eyes, _SIDE / self.scale, roll, _SIDE)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(self.mask, to_mask, size, flags=flags), np.float32)

    def beside(self, chin_y: float, face_width: float) -> float:
        """How much is to be seen beside the head that the network takes for a person, in squares
        as wide as the face: somebody else, also one whose face is turned away."""
        unit = face_width * self.scale
        rows = max(min(round(_MIDDLE + _ABOVE_SHOULDERS * chin_y * self.scale), _SIDE), 0)
        away = max(round(_BESIDE * unit), 1)
        left, right = max(round(_MIDDLE) - away, 0), round(_MIDDLE) + away
        there = self.mask[:rows] > _SOMEBODY
        pixels = np.count_nonzero(there[:, :left]) + np.count_nonzero(there[:, right:])
        return float(pixels) / unit**2

    def clothes(
        self, chin_y: float, face_width: float, below: float, wall: Tones | None
    ) -> float | None:
        """How far the colour of the clothes over both shoulders is from that of the wall (CIELAB,
        levels); None if hardly any of one of them is to be seen.

        `below`: pixels of the frame below the eyes; `wall`: as `behind` finds it. Between the
        shoulders there may be a collar, which says nothing: only what is beside the neck counts.
        """
        if wall is None:
            return None
        unit = face_width * self.scale
        top = max(round(_MIDDLE + chin_y * self.scale + _UNDER_CHIN * unit), 0)
        bottom = max(min(round(_MIDDLE + below * self.scale), _SIDE), 0)
        near, far = (round(share * unit) for share in _SHOULDER)
        middle = round(_MIDDLE)
        shoulders = [
            self._tones(self.mask[top:bottom, columns] > _SOMEBODY, slice(top, bottom), columns)
            for columns in (
                slice(max(middle - far, 0), max(middle - near, 0)),
                slice(middle + near, middle + far),
            )
        ]
        if None in shoulders:
            return None
        return min(shoulder.distance(wall) for shoulder in shoulders if shoulder is not None)

    def _tones(self, where: NDArray[np.bool_], rows: slice, columns: slice) -> Tones | None:
        """Of part of the picture, where so; None if that is hardly anywhere."""
        where = where[::_STEP, ::_STEP]
        if np.count_nonzero(where) < _SIDE // _STEP**2:
            return None
        pixels = np.ascontiguousarray(self.picture[rows, columns][::_STEP, ::_STEP][where])[None]
        return Tones.of(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), np.uint8))

    def behind(self, chin_y: float) -> Behind | None:
        """The wall above the chin; None if hardly any is to be seen."""
        rows = max(min(round(_MIDDLE + chin_y * self.scale), _SIDE), 0)
        seen = self._tones(self.mask[:rows] < _WALL, slice(0, rows), slice(0, _SIDE))
        if seen is None:
            return None
        light, a, b = seen.middle
        return Behind(light, seen.spread, math.hypot(a, b), seen)


class Segmenter:
    """Cuts people out. Not to be shared between threads."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the models. Raises `ModelsMissing`."""
        self._net = Net(models.SEGMENTATION, folder)

    def segment(
        self, picture: Picture, eyes: tuple[float, float], roll: float, side: float
    ) -> Silhouette:
        """The square of that side around the eyes, turned by `roll` radians."""
        to_mask = upright(eyes, side, roll, _SIDE)
        # Edges are repeated: a black bar over a head near the edge would be taken for hair.
        crop = cv2.warpAffine(
            picture,
            to_mask,
            (_SIDE, _SIDE),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        mask = self._net.run(crop)[0].reshape(_SIDE, _SIDE)
        return Silhouette(mask, np.asarray(crop, np.uint8), _SIDE / side)
