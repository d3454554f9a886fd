"""The drawing tools behind the composed portraits: height fields, lamps, soft edges, strands.

A picture is built on an `Easel` from layers. Lengths are in *face units*: half the width of the
face at the ears is 1. The origin is the middle between the eyes; x grows to the right of the
picture, y downwards. Planes are arrays of one value a pixel; nothing here knows a face.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

Rgb = tuple[int, int, int]

#: Direction to each lamp (x, y, towards the camera) and its power: two from the sides and above,
#: as the standard's studio has them, and a white table that lights the chin.
_LAMPS = ((-0.55, -0.42, 0.72, 0.38), (0.55, -0.32, 0.77, 0.32), (0.0, 0.50, 0.86, 0.20))

#: Centre of the polar outlines, below the eyes.
_CENTRE_Y = 0.05


def step(value: Plane, low: float, high: float) -> Plane:
    """0 below `low`, 1 above `high`, smooth between; `low` may be the greater one."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def bump(x: Plane, y: Plane, at: tuple[float, float], size: tuple[float, float]) -> Plane:
    """A Gaussian hill of height 1."""
    return np.exp(-(((x - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2)


def blur(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


class Easel:
    """A patch of picture, `scale` pixels to a face unit, on which layers are laid."""

    def __init__(self, seed: int, scale: float, box: tuple[float, float, float, float]) -> None:
        left, top, right, bottom = box
        self.scale = scale
        self.random = np.random.default_rng(seed)
        xs = np.arange(round((right - left) * scale), dtype=np.float32) / scale + left
        ys = np.arange(round((bottom - top) * scale), dtype=np.float32) / scale + top
        self.x, self.y = np.meshgrid(xs, ys)
        self.side = np.abs(self.x)
        self.radius = np.hypot(self.x, self.y - _CENTRE_Y)
        #: 0 straight down, pi straight up, the same on both sides.
        self.angle = np.arctan2(self.side, self.y - _CENTRE_Y)
        self.rgb = np.zeros((*self.x.shape, 3), np.float32)
        self.alpha = np.zeros(self.x.shape, np.float32)
        self._whole = self.x.shape
        self._part = (slice(None), slice(None))

    def window(self, left: float, top: float, right: float, bottom: float) -> Easel:
        """The part inside of a box, in face units: what is laid there is laid here. Somebody who
        paints an eye need not reckon the pixels of a whole picture."""
        across = np.searchsorted(self.x[0], (left, right))
        down = np.searchsorted(self.y[:, 0], (top, bottom))
        part = copy.copy(self)
        part._part = (slice(*down), slice(*across))
        for plane in ("x", "y", "side", "radius", "angle", "rgb", "alpha"):
            setattr(part, plane, getattr(self, plane)[part._part])
        return part

    def lay(self, cover: Plane, colour: NDArray[np.float32] | Rgb, opaque: bool = True) -> None:
        """Paint with `cover` (0 to 1). What is not `opaque` tints what is there already."""
        colour = np.asarray(colour, np.float32)
        self.rgb += (colour - self.rgb) * cover[..., None]
        if opaque:
            np.maximum(self.alpha, cover, out=self.alpha)

    def darken(self, amount: NDArray[np.floating[Any]]) -> None:
        """Take light away; red stays longest, as in the shadow on skin."""
        self.rgb *= 1.0 - amount[..., None] * np.array([0.85, 1.0, 1.08], np.float32)

    def polar(self, radii: tuple[float, ...]) -> Plane:
        """Radius at every pixel's angle, from values every 15 degrees."""
        return _smooth_table(radii)(self.angle)

    def noise(self, *sizes: float) -> Plane:
        """Mottling of the given sizes in face units, standard deviation about 1. It is that of the
        whole picture, also in a part of it."""
        total = np.zeros(self._whole, np.float32)
        height, width = self._whole
        for size in sizes:
            cell = max(size * self.scale, 1.0)
            coarse = (round(height / cell) + 2, round(width / cell) + 2)
            field = self.random.standard_normal(coarse, np.float32)
            total += cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC) / len(sizes)
        return total[self._part]

    def lit(self, height: Plane, colour: NDArray[np.float32] | Rgb, gloss: float) -> Plane:
        """A surface of that height under the lamps."""
        slope_y, slope_x = np.gradient(height, 1.0 / self.scale)
        length = np.sqrt(slope_x**2 + slope_y**2 + 1.0)
        light = np.full(self.x.shape, 0.36, np.float32)
        shine = np.zeros(self.x.shape, np.float32)
        for lamp_x, lamp_y, lamp_z, power in _LAMPS:
            towards = (-slope_x * lamp_x - slope_y * lamp_y + lamp_z) / length
            light += power * np.clip((towards + 0.25) / 1.25, 0.0, 1.0)
            shine += power * np.clip(towards, 0.0, 1.0) ** 16
        tone = np.asarray(colour, np.float32) * light[..., None]
        return np.asarray(tone + gloss * shine[..., None] * 255.0, np.float32)


def _smooth_table(radii: tuple[float, ...]) -> Callable[[Plane], Plane]:
    """Angle (0 to pi) -> radius, by cubic interpolation through the table's values."""
    table = np.asarray((radii[1], *radii, radii[-2], radii[-3]), np.float32)

    def look_up(angle: Plane) -> Plane:
        place = angle / np.pi * (len(radii) - 1)
        index = np.minimum(place.astype(np.int32), len(radii) - 2)
        t = place - index
        p0, p1, p2, p3 = (table[index + k] for k in range(4))
        curve = p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0))
        return np.asarray(p1 + 0.5 * t * curve, np.float32)

    return look_up


def strands(easel: Easel, along: Plane) -> Plane:
    """Fine lines of equal `along`, standard deviation about 1."""
    lines = easel.random.standard_normal(4096).astype(np.float32)
    lines = np.convolve(lines, np.hanning(5), "same").astype(np.float32)
    place = (along * 230.0 + 1.2 * easel.noise(0.15)) % 4094
    index = place.astype(np.int32)
    t = place - index
    return np.asarray((lines[index] * (1 - t) + lines[index + 1] * t) / lines.std(), np.float32)
