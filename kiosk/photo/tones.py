"""How often each lightness and each colour occurs inside a region of a face.

A region is the hull of some points of the mesh. Its pixels are counted once, by channel, and every
question about them is answered from the counts: sorting them again for each median took a quarter
of the time of a look.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kiosk.photo.detect import Floats, Picture

_LEVELS = 256


@dataclass(frozen=True)
class Tones:
    """`counts`: how many pixels have each level of L, a and b (CIELAB, 0 to 255): 3 x 256, or
    1 x 256 of L alone."""

    counts: NDArray[np.float32]

    @classmethod
    def of(cls, lab: Picture, inside: Picture | None = None, channels: int = 3) -> Tones:
        """Of the pixels of a picture where `inside` is not 0."""
        counts = [
            cv2.calcHist([lab], [channel], inside, [_LEVELS], [0, _LEVELS]).ravel()
            for channel in range(channels)
        ]
        return cls(np.array(counts, np.float32))

    def __add__(self, other: Tones) -> Tones:
        return Tones(self.counts + other.counts)

    @cached_property
    def _up_to(self) -> NDArray[np.float64]:
        """Of each channel: pixels of at most each level."""
        return self.counts.cumsum(axis=1, dtype=np.float64)

    @property
    def pixels(self) -> int:
        return int(self._up_to[0, -1])

    @cached_property
    def middle(self) -> tuple[float, float, float]:
        """Median lightness, and median colour from -128 (green, blue) to 127 (red, yellow)."""
        # Of an even number the upper one: at most half a level from the mean of both.
        light, *colour = (self._at(row, self.pixels // 2) for row in range(len(self.counts)))
        a, b = colour or (128.0, 128.0)
        return light, a - 128.0, b - 128.0

    def _at(self, channel: int, place: int) -> float:
        """The level at a place, from 0, of all levels in order."""
        return float(self._up_to[channel].searchsorted(place, side="right"))

    @property
    def spread(self) -> float:
        """Standard deviation of the lightness."""
        levels, counts = np.arange(_LEVELS), self.counts[0]
        mean = float(levels @ counts) / self.pixels
        return math.sqrt(float((levels - mean) ** 2 @ counts) / self.pixels)

    def from_(self, light: int) -> int:
        """Pixels of at least that lightness."""
        return self.pixels - (int(self._up_to[0, light - 1]) if light > 0 else 0)

    def share(self, light: int) -> float:
        """The same as a share of all."""
        return self.from_(light) / self.pixels

    def light_above(self, share: float) -> float:
        """The lightness that so great a share of the pixels does not exceed (0 to 1)."""
        place = share * (self.pixels - 1)
        low, high = (self._at(0, whole) for whole in (math.floor(place), math.ceil(place)))
        return low + (high - low) * (place - math.floor(place))

    def distance(self, other: Tones) -> float:
        """Distance of both medians."""
        return math.dist(self.middle, other.middle)

    def apart(self, other: Tones) -> float:
        """Distance of both median colours, without lightness."""
        (_, a, b), (_, x, y) = self.middle, other.middle
        return math.hypot(x - a, y - b)


def outline_of(points: Floats, region: Sequence[int]) -> NDArray[np.int32]:
    """The hull of some points, in whole pixels."""
    hull = cv2.convexHull(np.rint(points[_places(tuple(region))]).astype(np.int32))
    return np.asarray(hull, np.int32)


@cache
def _places(region: tuple[int, ...]) -> NDArray[np.intp]:
    return np.array(region, np.intp)


def tones_of(
    lab: Picture, points: Floats, region: Sequence[int], light_only: bool = False
) -> Tones:
    """Of the pixels inside a region; of one black pixel if it lies outside of the picture."""
    channels = 1 if light_only else 3
    outline = outline_of(points, region)
    x, y, width, height = cv2.boundingRect(outline)
    left, top = max(x, 0), max(y, 0)
    part = lab[top : max(y + height, 0), left : max(x + width, 0)]
    if part.size:
        inside = np.zeros(part.shape[:2], np.uint8)
        cv2.fillConvexPoly(inside, outline - np.array((left, top), np.int32), 1)
        found = Tones.of(part, inside, channels)
        if found.pixels:
            return found
    black = np.zeros((channels, _LEVELS), np.float32)
    black[:, 0] = 1.0
    return Tones(black)
