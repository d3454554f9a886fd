"""What a profile allows to be done to the wall behind the person; the person is never touched.

`kiosk.photo.standard.Background` names the three ways. Skin, hair and clothes keep every pixel: the
client forbids beautifying (domain R-D18), and the unedited frame stays with whoever made the photo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo.standard import Background

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats, Picture

#: Radius, pixels of the photo, within which the mask is fitted to the edges of the picture, and
#: the variance of brightness (0 to 1) that counts as an edge.
_RADIUS, _EDGE = 8, 1e-4
#: What the fitted mask calls wall for certain, and person.
_WALL, _PERSON = 0.1, 0.9
#: The wall is lightened to this level, but not by more than the factor: noise grows with it.
_WHITE, _MOST_GAIN = 250.0, 1.8
#: With less wall than this share of the picture there is nothing to go by.
_LEAST_WALL = 0.03


def treat(rgb: Picture, person: Floats, policy: Background) -> Picture:
    """The photo with its wall treated. `person`: height x width, 0 (wall) to 1."""
    if policy == Background.AS_IS:
        return rgb
    cover = _fitted(rgb, person)[..., None]
    wall = _flat(rgb, cover[..., 0]) if policy == Background.FLAT_FIELD else 255.0
    mixed = rgb * cover + wall * (1.0 - cover)
    # Where the mask is sure of the person the bytes stay the same.
    return np.where(cover >= 1.0, rgb, np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


def _fitted(rgb: Picture, person: Floats) -> Floats:
    """The mask along the edges of the picture: a guided filter (He et al. 2010), then hardened."""
    guide = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    window = (2 * _RADIUS + 1, 2 * _RADIUS + 1)

    def mean(plane: Floats) -> Floats:
        return np.asarray(cv2.blur(plane, window), np.float32)

    guide_mean, person_mean = mean(guide), mean(person)
    slope = (mean(guide * person) - guide_mean * person_mean) / (
        mean(guide * guide) - guide_mean**2 + _EDGE
    )
    offset = person_mean - slope * guide_mean
    fitted = mean(slope) * guide + mean(offset)
    return np.asarray(np.clip((fitted - _WALL) / (_PERSON - _WALL), 0.0, 1.0), np.float32)


def _flat(rgb: Picture, cover: Floats) -> Floats:
    """The picture under lamps that light the wall evenly: each channel divided by a plane of
    second order through the wall's pixels."""
    height, width = cover.shape
    y, x = np.mgrid[0:height, 0:width]
    x, y = x / width - 0.5, y / height - 0.5
    terms = np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=-1)
    wall = cover <= 0.0
    if np.mean(wall) < _LEAST_WALL:
        return rgb.astype(np.float32)
    flat = np.empty(rgb.shape, np.float32)
    for channel in range(3):
        values = rgb[..., channel][wall].astype(np.float64)
        fit, *_ = np.linalg.lstsq(terms[wall], values, rcond=None)
        gain = np.clip(_WHITE / np.maximum(terms @ fit, 1.0), 1.0, _MOST_GAIN)
        flat[..., channel] = rgb[..., channel] * gain
    return np.clip(flat, 0.0, 255.0)
