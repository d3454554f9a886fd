"""What the virtual camera sees: invented people in front of a light wall.

The demo, the tour and the tests need a face in front of the camera, and nobody's photo may be used
for it, so heads are composed (`hardware.virtual.head`). Every scene is 1280x720 and deterministic:
the same bytes on every machine that rounds alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from hardware.virtual import papers
from hardware.virtual.drawings import kept
from hardware.virtual.head import BOX, Sitter, compose
from hardware.virtual.turning import turn

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


#: Face width at which a sitter is composed, pixels; elsewhere the same head is scaled.
_COMPOSED = 232.0
#: Angle of a head that is turned as a citizen turns who is asked to, degrees.
_TURNED = 38.0


@cache
def _head(sitter: Sitter) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(RGB, alpha) of one sitter, `_COMPOSED` pixels wide."""
    solid, alpha = kept(repr(sitter), lambda: _compose(sitter))
    return solid.astype(np.float32), alpha.astype(np.float32) / 255.0


def _compose(sitter: Sitter) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    scale = _COMPOSED / 2.0
    easel = compose(sitter, scale * _OVERSAMPLE)
    solid = _sized(easel.rgb * easel.alpha[..., None], scale)
    return _bytes(solid), _bytes(_sized(easel.alpha, scale) * 255.0)


def _bytes(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)


@cache
def _turned(sitter: Sitter, degrees: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    solid, alpha = _head(sitter)
    turned = (turn(plane, BOX[:2], _COMPOSED / 2.0, degrees) for plane in (solid, alpha))
    return next(turned), next(turned)


def _sized(plane: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """A layer at `scale` pixels to the face unit."""
    left, top, right, bottom = BOX
    size = (round((right - left) * scale), round((bottom - top) * scale))
    if plane.shape[1::-1] == size:
        return plane
    shrinks = size[0] < plane.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(plane, size, interpolation=how), np.float32)


def _seat(
    picture: NDArray[np.float32],
    sitter: Sitter,
    eyes: tuple[int, int] = (640, 312),
    face_width: float = _COMPOSED,
    turned: float = 0.0,
) -> None:
    """Put a sitter in front of the camera: middle of the eyes and face width in pixels; turned to
    the right of the picture by so many degrees."""
    scale = face_width / 2.0
    layers = _turned(sitter, turned) if turned else _head(sitter)
    solid, alpha = (_sized(layer, scale) for layer in layers)
    left, top = eyes[0] + round(BOX[0] * scale), eyes[1] + round(BOX[1] * scale)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + alpha.shape[1], WIDTH), min(top + alpha.shape[0], HEIGHT)
    here = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    picture[y0:y1, x0:x1] *= 1.0 - alpha[here][..., None]
    picture[y0:y1, x0:x1] += solid[here]


def _portrait(picture: NDArray[np.float32]) -> None:
    _seat(picture, _MAN)


def _portrait_woman(picture: NDArray[np.float32]) -> None:
    _seat(picture, _WOMAN, face_width=226.0)


def _nobody(picture: NDArray[np.float32]) -> None:
    """The empty booth."""


def _two_people(picture: NDArray[np.float32]) -> None:
    _seat(picture, _WOMAN, (880, 372), 176.0)
    _seat(picture, _MAN, (430, 350), 188.0)


def _dark(picture: NDArray[np.float32]) -> None:
    """The lamps are off: the sitter is there, but hardly to be seen."""
    _portrait(picture)
    picture *= 0.13


def _back_light(picture: NDArray[np.float32]) -> None:
    """A window behind a sitter whose lamps are off."""
    wall = picture.copy()
    _portrait(picture)
    shade = np.clip(np.abs(picture - wall).max(axis=2) / 12.0, 0.0, 1.0)
    picture *= (1.0 - 0.68 * cv2.GaussianBlur(shade, (0, 0), 1.2))[..., None]


def _covered(picture: NDArray[np.float32]) -> None:
    """A hand on the lens."""
    picture[:] = np.array([34.0, 13.0, 9.0], np.float32) * (picture / 255.0) ** 4


def _mask(picture: NDArray[np.float32]) -> None:
    """A mask of light blue cloth from the nose down."""
    _portrait(picture)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    across, down = (x - 640.0) / 116.0, (y - 312.0) / 116.0
    edge = 0.20 + 0.10 * across**2
    inside = (
        (down > edge) & (down < 1.60) & (np.abs(across) < 1.02 - 0.25 * np.clip(down - 0.9, 0, 1))
    )
    cover = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.5)
    folds = 12.0 * np.sin(down * 24.0)
    cloth = np.array([150.0, 190.0, 216.0], np.float32) + folds[..., None]
    picture += (cloth - picture) * cover[..., None]


def _held_up(picture: NDArray[np.float32]) -> None:
    """A photo print of somebody, held before the lens by a corner."""
    _print(picture, border=(250.0, 250.0, 248.0))


def _on_a_phone(picture: NDArray[np.float32]) -> None:
    """A telephone that shows somebody's photo."""
    _print(picture, border=(24.0, 25.0, 28.0))


def _print(picture: NDArray[np.float32], border: tuple[float, float, float]) -> None:
    shown = _wall()
    _seat(shown, _WOMAN, face_width=250.0)
    sheet = np.full((560, 400, 3), border, np.float32)
    sheet[24:536, 22:378] = shown[80:592, 462:818]
    corners = np.array([[0, 0], [400, 0], [400, 560], [0, 560]], np.float32)
    held = np.array([[440, 66], [846, 48], [862, 640], [426, 628]], np.float32)
    bend = cv2.getPerspectiveTransform(corners, held)
    picture *= 0.82
    cv2.warpPerspective(
        sheet, bend, (WIDTH, HEIGHT), picture, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT
    )


def _as(**changes: Any) -> Callable[[NDArray[np.float32]], None]:
    """The man of `portrait`, changed."""
    return lambda picture: _seat(picture, replace(_MAN, **changes))


def _at(**place: Any) -> Callable[[NDArray[np.float32]], None]:
    """The man of `portrait`, somewhere else."""
    return lambda picture: _seat(picture, _MAN, **place)


# -- portraits in chips ---------------------------------------------------------------------------

#: Width of the face in a chip's portrait, and its size, pixels; where the eyes are in it.
_CHIP_FACE, _CHIP, _CHIP_EYES = 62.0, (102, 126), (51.0, 58.0)


def _carved(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """As if somebody else had been cut in wood, broad and flat. The network that compares faces
    takes every head drawn here for one person (cosine 0.8 and more), so a stranger has to be drawn
    in another manner; this one comes out at 0.15."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    broad = 640.0 + (x - 640.0) * 0.75, 312.0 + (y - 312.0) * 1.3
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    flat = cv2.remap(grey, *broad, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(np.floor((flat + 40.0) / 88.0) * 88.0, 0.0, 255.0), np.float32)


#: Whose portrait a chip may hold: the sitters of "portrait" and of "portrait-woman", a stranger to
#: both, and "none", which cannot be opened.
CHIPS = ("man", "woman", "stranger", "none")


@cache
def chip(name: str) -> bytes:
    """The 1,024 bytes of such a portrait (`hardware.virtual.demo_wlt`). Raises `KeyError`."""
    if name == "none":
        return bytes(1024)
    sitter = {"man": _MAN, "woman": _WOMAN, "stranger": replace(_MAN, glasses="dark")}[name]
    picture = np.full((HEIGHT, WIDTH, 3), 250.0, np.float32)
    _seat(picture, sitter)
    return chip_of(_carved(picture) if name == "stranger" else picture)


def chip_of(
    picture: NDArray[Any], eyes: tuple[float, float] = (640.0, 312.0), face: float = _COMPOSED
) -> bytes:
    """The same of any picture: middle of the eyes and width of the face in its pixels."""
    from PIL import Image

    from hardware.virtual.demo_wlt import packed

    scale = _CHIP_FACE / face
    width, height = _CHIP[0] / scale, _CHIP[1] / scale
    box = (eyes[0] - _CHIP_EYES[0] / scale, eyes[1] - _CHIP_EYES[1] / scale)
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    room = round(max(width, height))
    pixels = cv2.copyMakeBorder(pixels, room, room, room, room, cv2.BORDER_REPLICATE)
    corner = box[0] + room, box[1] + room
    shown = (*corner, corner[0] + width, corner[1] + height)
    image = Image.fromarray(np.asarray(pixels, np.uint8))
    return packed(image.resize(_CHIP, Image.Resampling.LANCZOS, box=shown))


_SCENES: dict[str, Callable[[NDArray[np.float32]], None]] = {
    "portrait": _portrait,
    "portrait-woman": _portrait_woman,
    "nobody": _nobody,
    "far": _at(face_width=138.0, eyes=(640, 430)),
    "near": _at(face_width=420.0, eyes=(640, 330)),
    "far-aside": _at(face_width=138.0, eyes=(250, 430)),
    "aside": _at(eyes=(112, 312)),
    "low": _at(eyes=(640, 575)),
    "turned-left": _at(turned=_TURNED),
    "turned-right": _at(turned=-_TURNED),
    "two-people": _two_people,
    "eyes-closed": _as(eyes_open=0.0),
    "look-away": _as(gaze=1.0),
    "glasses": _as(glasses="clear"),
    "dark-glasses": _as(glasses="dark"),
    "glare": _as(glasses="glare"),
    "mask": _mask,
    "print": _held_up,
    "phone": _on_a_phone,
    "dark": _dark,
    "back-light": _back_light,
    "covered": _covered,
    **papers.SCENES,
}
#: Names of the scenes, for `bench camera scene NAME`.
SCENES = tuple(_SCENES)

#: Films: (scene, seconds) one after the other; the last scene stays. For `bench camera play NAME`.
FILMS: dict[str, tuple[tuple[str, float], ...]] = {
    "blink": (("portrait", 0.4), ("eyes-closed", 0.22), ("portrait", 0.0)),
    "turn-left": (("portrait", 0.2), ("turned-left", 0.7), ("portrait", 0.0)),
    "turn-right": (("portrait", 0.2), ("turned-right", 0.7), ("portrait", 0.0)),
    "sit-down": (("nobody", 1.5), ("far", 3.0), ("aside", 3.0), ("portrait", 0.0)),
}


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
