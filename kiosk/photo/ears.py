"""Whether both ears are seen, or lie under hair or a cap (R-D12: 人像露双肩和双耳).

Beside each cheek, where an ear would be, three things are looked at: which way the edges run (an
ear has them in its own way, hair in lines), what has the colour of the cheek, and what is darker
than it. A weighted sum tells hair from ears; the two sides count together.

Its weights were fitted to 139 faces of LFW with hair or a cap over the ears and 352 with ears, one
a person, labelled by eye. From either half to the other: AUC 0.974 and 0.981. At the limit of 0.6,
of 600 others of LFW looked through afterwards, some 67 % of the hidden ears are told and 1.8 % of
the visible (15 that are hard to say, counted as visible: 3.3 %). The limit was chosen on these 600:
expect somewhat worse of others. docs/photo.md has more; `tests.bench.photo_ears` fits it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo.patch import corners, laid, level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kiosk.photo.detect import Floats, Picture
    from kiosk.photo.measure import Head
    from kiosk.photo.tones import Tones

#: Mesh points where the ears meet the cheeks, left and right of the picture.
_CHEEKS = (234, 454)
#: The part beside a cheek, pixels, where a face is this wide; its middle lies so far outside.
_FACE, _SIZE, _ASIDE, _UP = 100.0, (30, 50), 6.0, 2.5
#: Squares of so many pixels are one number each, so many across and down; edges are counted by so
#: many directions.
_SQUARE, _SQUARES, _WAYS = 10, (3, 5), 6
#: How far from the cheek's colour, and how much darker as a share of it, is as good as skin.
_COLOUR, _DARKER, _LEAST = 9.0, 0.25, 40.0
#: Edges weaker than this are noise.
_NOISE = 4.0


def hidden(picture: Picture, mesh: Floats, head: Head, cheeks: Sequence[Tones]) -> float | None:
    """Below 0 ears, above 0 hair; None if the picture ends there. `cheeks`: left and right."""
    found = features(picture, mesh, head, cheeks)
    return None if found is None else float((found @ _WEIGHTS).mean()) + _BIAS


def features(
    picture: Picture, mesh: Floats, head: Head, cheeks: Sequence[Tones]
) -> NDArray[np.float32] | None:
    """What the sum is made of, for each side: 2 x 120."""
    to_level = level(head, _FACE)
    sides = []
    for side, cheek in enumerate(cheeks):
        x, y = to_level[:, :2] @ mesh[_CHEEKS[side], :2] + to_level[:, 2]
        to_part = to_level.copy()
        if side:  # mirrored
            to_part[0] *= -1.0
            x = -x
        to_part[:, 2] += (_SIZE[0] / 2 - (x - _ASIDE), _SIZE[1] / 2 - (y / 2 - _UP))
        if not _lies_in(picture, corners(to_part, _SIZE)):
            return None
        part = cv2.cvtColor(laid(picture, to_part, _SIZE), cv2.COLOR_RGB2LAB)
        sides.append(_of_a_side(part.astype(np.float32), cheek.middle))
    return np.array(sides, np.float32)


def _lies_in(picture: Picture, there: NDArray[np.float64]) -> bool:
    most = picture.shape[1], picture.shape[0]
    return bool(np.isfinite(there).all() and (there >= -1).all() and (there <= most).all())


def _of_a_side(lab: Floats, cheek: tuple[float, float, float]) -> Floats:
    light, a, b = lab[..., 0], lab[..., 1] - 128.0 - cheek[1], lab[..., 2] - 128.0 - cheek[2]
    darker = np.minimum(light - cheek[0], 0.0) / (_DARKER * max(cheek[0], _LEAST))
    lit = np.exp(-(darker**2) / 2)
    skin = np.exp(-(a**2 + b**2) / (2 * _COLOUR**2)) * lit
    found = _edges(light), 1.5 * _squares(skin), _squares(lit)
    return np.concatenate([each.ravel() for each in found])


def _edges(light: Floats) -> Floats:
    """How strong the edges of each direction are in each square."""
    right, down = (cv2.Sobel(light, cv2.CV_32F, *way) for way in ((1, 0), (0, 1)))
    strength, angle = cv2.cartToPolar(right, down)
    way = np.minimum(angle % np.pi * (_WAYS / np.pi), _WAYS - 1).astype(np.intp)
    places = (_PLACES + way).ravel()
    counted = np.bincount(places, strength.ravel(), _SQUARES[0] * _SQUARES[1] * _WAYS)
    found = counted.reshape(-1, _WAYS) / _SQUARE**2
    return np.asarray(found / (np.linalg.norm(found, axis=-1, keepdims=True) + _NOISE), np.float32)


def _squares(values: Floats) -> Floats:
    across, down = _SQUARES
    return np.asarray(values.reshape(down, _SQUARE, across, _SQUARE).mean(axis=(1, 3)), np.float32)


#: Which square a pixel lies in, and where its directions begin among all numbers.
_PLACES = (
    np.kron(
        np.arange(_SQUARES[0] * _SQUARES[1]).reshape(_SQUARES[::-1]),
        np.ones((_SQUARE, _SQUARE), np.intp),
    )
    * _WAYS
)

#: Fitted by ridge regression: for each square the six directions of edges, then colour, then
#: darkness of the squares, row by row.
_WEIGHTS = np.array(
    [
        [0.343, 0.298, -0.049, -0.038, 0.085, -0.162, -0.144, -0.012, -0.016, -0.157],
        [-0.171, -0.295, -0.054, -0.028, 0.05, 0.001, -0.163, -0.183, 0.168, 0.161],
        [0.043, 0.127, 0.121, 0.181, -0.206, 0.05, -0.411, -0.038, -0.346, -0.264],
        [-0.232, 0.085, 0.067, -0.244, -0.255, -0.004, 0.008, -0.09, -0.069, -0.224],
        [-0.004, -0.002, -0.013, 0.096, -0.03, -0.453, -0.442, -0.405, -0.186, -0.022],
        [-0.269, -0.034, -0.163, -0.148, 0.209, -0.004, 0.169, 0.053, 0.209, 0.101],
        [-0.2, -0.054, -0.085, -0.354, -0.042, -0.425, -0.111, 0.005, -0.055, 0.234],
        [-0.503, 0.007, 0.525, 0.294, 0.09, 0.147, 0.389, 0.231, -0.073, 0.085],
        [-0.115, -0.203, -0.03, -0.265, -0.089, -0.003, -0.015, -0.032, 0.08, 0.2],
        [0.41, 0.457, -0.214, 0.018, -0.206, 0.147, 0.186, -0.125, -0.045, 0.072],
        [-0.296, -0.127, -0.102, -0.245, 0.167, -0.216, -0.142, -0.128, 0.076, 0.295],
        [-0.139, -0.408, -0.251, -0.042, 0.267, 0.135, 0.136, -0.004, -0.324, 0.19],
    ],
    np.float32,
).ravel()
_BIAS = 1.547
