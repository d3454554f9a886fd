"""What the virtual camera sees: invented people in front of a light wall.

The demo, the tour and the tests need a face in front of the camera, and nobody's photo may be used
for it, so heads are composed (`hardware.virtual.head`). Every scene is 1280x720 and deterministic:
the same bytes on every machine that rounds alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware.virtual.head import BOX, Sitter, compose

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

#: Size of every scene, pixels.
WIDTH, HEIGHT = 1280, 720
#: Rendered this much larger and scaled down, so that edges are smooth.
_OVERSAMPLE = 1.5

_MAN = Sitter(
    skin=(222, 176, 148),
    hair=(52, 50, 50),
    grey=0.55,
    lips=(176, 112, 100),
    jacket=(43, 52, 68),
    shirt=(236, 238, 240),
    outline=(1.58, 1.555, 1.45, 1.235, 1.095, 1.025, 1.0, 1.02, 1.07, 1.16, 1.30, 1.42, 1.47),
    hair_outer=(0.9, 0.9, 0.9, 0.9, 0.9, 0.99, 1.045, 1.10, 1.19, 1.32, 1.49, 1.63, 1.68),
    hairline=(9.0, 9.0, 9.0, 4.0, 1.5, 1.0, 0.955, 0.965, 1.02, 1.09, 1.09, 1.06, 1.02),
    brow_thickness=0.075,
    brow=(58, 50, 46),
    lip_fullness=0.85,
    age=1.0,
    neck=0.70,
    shoulder=2.75,
    back_hair=0.0,
    seed=65,
)
_WOMAN = replace(
    _MAN,
    skin=(230, 188, 164),
    hair=(38, 32, 31),
    grey=0.12,
    lips=(186, 104, 100),
    jacket=(72, 42, 54),
    shirt=(214, 218, 226),
    outline=(1.54, 1.485, 1.35, 1.175, 1.065, 1.015, 1.0, 1.01, 1.05, 1.13, 1.27, 1.40, 1.45),
    hair_outer=(0.9, 0.9, 0.9, 0.9, 0.95, 1.02, 1.08, 1.16, 1.27, 1.41, 1.57, 1.69, 1.72),
    hairline=(9.0, 9.0, 9.0, 4.0, 1.6, 1.04, 0.97, 0.94, 0.95, 0.99, 1.02, 1.03, 1.01),
    brow_thickness=0.055,
    brow=(62, 50, 44),
    lip_fullness=1.1,
    age=0.45,
    neck=0.58,
    shoulder=2.4,
    back_hair=2.3,
    seed=58,
)


# -- scenes -----------------------------------------------------------------------------------


def _wall() -> NDArray[np.float32]:
    """The light backdrop of a photo booth, a little brighter in the middle."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    far = np.hypot((x - WIDTH / 2) / WIDTH, (y - HEIGHT * 0.45) / HEIGHT)
    tint = np.array([0.985, 0.995, 1.0], np.float32)
    return np.asarray((246.0 - 22.0 * far**2)[..., None] * tint, np.float32)


@cache
def _head(sitter: Sitter, scale: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(RGB, alpha) of one sitter at `scale` pixels to the face unit."""
    easel = compose(sitter, scale * _OVERSAMPLE)
    left, top, right, bottom = BOX
    size = (round((right - left) * scale), round((bottom - top) * scale))
    shrink = cv2.INTER_AREA
    alpha = cv2.resize(easel.alpha, size, interpolation=shrink)
    solid = cv2.resize(easel.rgb * easel.alpha[..., None], size, interpolation=shrink)
    return np.asarray(solid, np.float32), np.asarray(alpha, np.float32)


def _seat(
    picture: NDArray[np.float32], sitter: Sitter, eyes: tuple[int, int], face_width: float
) -> None:
    """Put a sitter in front of the camera: middle of the eyes and face width in pixels."""
    scale = face_width / 2.0
    solid, alpha = _head(sitter, scale)
    left, top = eyes[0] + round(BOX[0] * scale), eyes[1] + round(BOX[1] * scale)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + alpha.shape[1], WIDTH), min(top + alpha.shape[0], HEIGHT)
    here = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    picture[y0:y1, x0:x1] *= 1.0 - alpha[here][..., None]
    picture[y0:y1, x0:x1] += solid[here]


def _portrait(picture: NDArray[np.float32]) -> None:
    _seat(picture, _MAN, (640, 312), 232.0)


def _portrait_woman(picture: NDArray[np.float32]) -> None:
    _seat(picture, _WOMAN, (640, 312), 226.0)


def _eyes_closed(picture: NDArray[np.float32]) -> None:
    """In the middle of blinking."""
    _seat(picture, replace(_MAN, eyes_open=0.0), (640, 312), 232.0)


def _nobody(picture: NDArray[np.float32]) -> None:
    """The empty booth."""


def _two_people(picture: NDArray[np.float32]) -> None:
    _seat(picture, _WOMAN, (880, 372), 176.0)
    _seat(picture, _MAN, (430, 350), 188.0)


def _dark(picture: NDArray[np.float32]) -> None:
    """The lamps are off: the sitter is there, but hardly to be seen."""
    _portrait(picture)
    picture *= 0.13


def _covered(picture: NDArray[np.float32]) -> None:
    """A hand on the lens."""
    picture[:] = np.array([34.0, 13.0, 9.0], np.float32) * (picture / 255.0) ** 4


_SCENES: dict[str, Callable[[NDArray[np.float32]], None]] = {
    "portrait": _portrait,
    "portrait-woman": _portrait_woman,
    "eyes-closed": _eyes_closed,
    "nobody": _nobody,
    "two-people": _two_people,
    "dark": _dark,
    "covered": _covered,
}
#: Names of the scenes, for `bench camera scene NAME`.
SCENES = tuple(_SCENES)


def phone(text: str) -> NDArray[np.uint8]:
    """A phone held before the lens, a little askew, that shows a QR code of `text`; as `frame`."""
    import qrcode

    code = qrcode.QRCode(border=4)
    code.add_data(text)
    modules = np.where(np.asarray(code.get_matrix()), 22, 238).astype(np.uint8)
    face = np.full((700, 350, 3), (30, 31, 34), np.uint8)
    face[24:676, 14:336] = (238, 240, 242)
    square = cv2.resize(modules, (300, 300), interpolation=cv2.INTER_NEAREST)
    face[180:480, 25:325] = square[..., None]
    corners = np.array([[0, 0], [350, 0], [350, 700], [0, 700]], np.float32)
    held = np.array([[480, 30], [818, 12], [842, 700], [470, 690]], np.float32)
    turn = cv2.getPerspectiveTransform(corners, held)
    wall = np.clip(_wall() * 0.82, 0, 255).astype(np.uint8)
    cv2.warpPerspective(face, turn, (WIDTH, HEIGHT), wall, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    return np.asarray(cv2.GaussianBlur(wall, (0, 0), 0.8), np.uint8)


def scene(name: str) -> Image:
    """What the camera sees: RGB, 1280x720. Raises `KeyError` for a name not in `SCENES`."""
    from PIL import Image

    return Image.fromarray(frame(name))


@cache
def frame(name: str) -> NDArray[np.uint8]:
    """The same as an array of height x width x 3 bytes; do not write into it."""
    picture = _wall()
    _SCENES[name](picture)
    grain = np.random.default_rng(7).standard_normal(picture.shape, np.float32)
    pixels = np.clip(picture + 1.2 * grain, 0, 255).astype(np.uint8)
    pixels.flags.writeable = False
    return pixels
