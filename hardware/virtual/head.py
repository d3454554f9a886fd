"""A human head and shoulders, composed: no photograph of anybody is behind it.

The face is a height field (a dome inside a polar outline, with bumps and grooves for nose, sockets,
lips and the lines of age), lit by the lamps of `hardware.virtual.easel` and painted over. That is
close enough to a face that a face detector finds its landmarks where they are. Proportions are
those of adults: face width 140 mm, distance of the pupils 63 mm, eyes to chin 113 mm. Units and
directions are those of the easel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from hardware.virtual.easel import Easel, Rgb, blur, bump, step, strands

if TYPE_CHECKING:
    from hardware.virtual.easel import Plane


#: What of a sitter is painted: left, top, right, bottom.
BOX = (-3.1, -2.1, 3.1, 4.2)


#: "glare": clear ones with a lamp in them.
Glasses: TypeAlias = Literal["none", "clear", "dark", "glare"]


@dataclass(frozen=True)
class Sitter:
    """One invented person. Colours are sRGB; outlines are radii every 15 degrees, chin to crown."""

    skin: Rgb
    hair: Rgb
    grey: float
    lips: Rgb
    jacket: Rgb
    shirt: Rgb
    outline: tuple[float, ...]
    hair_outer: tuple[float, ...]
    hairline: tuple[float, ...]
    brow_thickness: float
    brow: Rgb
    lip_fullness: float
    #: Depth of the lines that age draws, 0 to 1.
    age: float
    neck: float
    shoulder: float
    #: Hair that falls behind the neck down to this y; 0 for short hair.
    back_hair: float
    seed: int
    #: 1: as open as they are usually; 0: closed.
    eyes_open: float = 1.0
    #: Where the eyes look: -1 to the left of the picture, 1 to the right.
    gaze: float = 0.0
    #: 0: lips closed; 1: wide open.
    mouth_open: float = 0.0
    glasses: Glasses = "none"


def compose(sitter: Sitter, scale: float) -> Easel:
    """Paint a sitter at `scale` pixels to the face unit, on a transparent ground (`BOX`)."""
    easel = Easel(sitter.seed, scale, BOX)
    _paint_back_hair(easel, sitter)
    _paint_neck(easel, sitter)
    _paint_clothes(easel, sitter)
    _paint_ears(easel, sitter)
    _paint_face(easel, sitter)
    _paint_hair(easel, sitter)
    if sitter.glasses != "none":
        _paint_glasses(easel.window(-1.3, -0.6, 1.3, 0.6), sitter.glasses)
    return easel


# -- body -------------------------------------------------------------------------------------


def _paint_back_hair(easel: Easel, sitter: Sitter) -> None:
    if not sitter.back_hair:
        return
    easel = easel.window(-1.4, -1.0, 1.4, 4.2)
    width = 1.02 + 0.10 * np.sin((easel.y + 0.6) * 1.5)
    cover = step(easel.side, width, width - 0.05) * step(easel.y, -0.9, -0.6)
    cover *= step(easel.y, sitter.back_hair, sitter.back_hair - 0.25)
    shade = 0.75 + 0.15 * strands(easel, easel.x * 1.3)
    easel.lay(cover, np.asarray(sitter.hair, np.float32) * shade[..., None])


def _paint_neck(easel: Easel, sitter: Sitter) -> None:
    easel = easel.window(-3.1, 0.5, 3.1, 2.4)
    x, y, side, neck = easel.x, easel.y, easel.side, sitter.neck
    width = (
        neck + 0.35 * np.clip(1.62 - y, 0.0, 0.45) ** 2 + 0.9 * np.clip(y - 1.75, 0.0, None) ** 1.6
    )
    cover = step(side, width + 0.012, width - 0.012) * step(y, 0.6, 0.7) * step(y, 2.3, 2.2)
    height = 0.55 * np.sqrt(np.clip(1.0 - (side / (width * 1.12)) ** 2, 0.02, 1.0))
    for sign in (-1, 1):  # the two muscles from the ears to the breast-bone
        height += 0.05 * np.exp(-(((x - sign * (0.78 - 0.27 * y)) / 0.10) ** 2))
    easel.lay(cover, easel.lit(height, sitter.skin, 0.0))
    chin_shadow = step(y - 0.28 * np.cos(np.clip(x * 1.6, -1.5, 1.5)), 1.85, 1.15)
    easel.darken(cover * (0.10 + 0.34 * chin_shadow))


#: Upper edge of the clothes: shares of the shoulder's half width -> y.
_SHOULDER_X = (0.0, 0.25, 0.42, 0.62, 0.80, 0.92, 0.98, 1.02, 1.05)
_SHOULDER_Y = (1.70, 1.72, 1.97, 2.16, 2.32, 2.55, 2.85, 3.4, 4.4)


def _paint_clothes(easel: Easel, sitter: Sitter) -> None:
    easel = easel.window(-3.1, 1.4, 3.1, 4.2)
    x, y, side = easel.x, easel.y, easel.side
    edge = np.interp(side, np.asarray(_SHOULDER_X) * sitter.shoulder, _SHOULDER_Y)
    top = blur(np.asarray(edge, np.float32), 0.12 * easel.scale)
    height = 0.8 * np.sqrt(np.clip(1.0 - (side / (sitter.shoulder * 1.15)) ** 2, 0.03, 1.0))
    height += 0.16 * np.exp(-(((y - top) / 0.28) ** 2)) + 0.010 * easel.noise(0.3, 0.8)
    body = step(y - top, -0.012, 0.012)
    opening = 0.66 - 0.38 * (y - 1.75)  # half width of the V between the lapels
    chest = step(side, opening + 0.012, opening - 0.012)
    throat = step(y, 2.14 - 0.62 * side - 0.012, 2.14 - 0.62 * side + 0.012)
    weave = 1.0 + 0.03 * easel.noise(0.008)
    shirt = body * chest * throat
    easel.lay(shirt, easel.lit(height, sitter.shirt, 0.0))
    easel.lay(body * (1.0 - chest), easel.lit(height, sitter.jacket, 0.0) * weave[..., None])
    lapel = np.abs(side - opening - 0.34 + 0.30 * (y - 1.9)) + 0.5 * np.clip(2.0 - y, 0.0, None)
    easel.darken(0.40 * step(lapel, 0.020, 0.0) * body * (1.0 - chest))
    easel.darken(0.22 * step(side - opening, -0.12, -0.01) * shirt)  # shadow of the lapels
    flap = y - 2.15 - 0.80 * side  # below 0: the collar; it throws a shadow on the shirt
    easel.darken(0.24 * step(flap, -0.006, 0.006) * step(flap, 0.10, 0.0) * shirt)
    placket = step(np.abs(x - 0.03), 0.010, 0.0) * step(flap, 0.0, 0.02) * shirt
    easel.darken(0.20 * placket)


def _paint_ears(easel: Easel, sitter: Sitter) -> None:
    whole = easel
    for sign in (-1.0, 1.0):
        easel = whole.window(sign * 1.1 - 0.4, -0.5, sign * 1.1 + 0.4, 0.8)
        x, y = easel.x * sign - 1.06, easel.y - 0.14
        x = x - 0.14 * -y  # the top leans outwards
        lobe = 0.185 - 0.05 * step(y, 0.1, 0.42)
        inside = np.sqrt((x / lobe) ** 2 + (y / 0.43) ** 2)
        cover = step(inside, 1.03, 0.97)
        rim = np.exp(-(((inside - 0.82) / 0.16) ** 2))
        height = 0.07 * rim + 0.03 * bump(x, y, (-0.02, 0.02), (0.06, 0.2))
        height -= 0.05 * bump(x, y, (-0.05, 0.06), (0.07, 0.14))
        red = np.asarray(sitter.skin, np.float32) * np.array([0.97, 0.86, 0.83], np.float32)
        easel.lay(cover, easel.lit(height, red, 0.02))
        easel.darken(cover * 0.34 * bump(x, y, (-0.05, 0.08), (0.06, 0.13)))
        easel.darken(cover * 0.25 * step(inside, 0.62, 0.45) * step(y, -0.36, -0.1))


# -- face -------------------------------------------------------------------------------------


def _face_height(easel: Easel, sitter: Sitter, outline: Plane) -> Plane:
    """The relief of the face, in face units."""
    x, y, side, age = easel.x, easel.y, easel.side, sitter.age
    share = np.clip(easel.radius / outline, 0.0, 1.0)
    height = 0.90 * np.sqrt(np.clip(1.0 - share**2.6, 0.03, 1.0))
    height -= 0.16 * bump(side, y, (0.44, 0.0), (0.26, 0.15))  # sockets
    height += 0.035 * bump(side, y, (0.45, 0.015), (0.20, 0.11))  # eyeballs behind the lids
    height += 0.055 * bump(side, y, (0.42, -0.27), (0.34, 0.09))  # brow ridge
    height += 0.07 * bump(side, y, (0.62, 0.42), (0.24, 0.24))  # cheekbones
    bridge = np.clip((y + 0.12) / 0.72, 0.0, 1.0)
    ridge = np.exp(-((side / (0.135 + 0.045 * bridge)) ** 2))
    height += (0.09 + 0.15 * bridge) * ridge * step(y, -0.36, 0.02) * step(y, 0.82, 0.58)
    height += 0.12 * bump(x, y, (0.0, 0.56), (0.16, 0.14))  # tip
    height += 0.09 * bump(side, y, (0.205, 0.60), (0.085, 0.10))  # wings
    height -= 0.035 * bump(x, y, (0.0, 0.83), (0.045, 0.08))  # philtrum
    height += 0.06 * bump(x, y, (0.0, 1.02), (0.34, 0.20))  # mouth
    height -= 0.045 * bump(x, y, (0.0, 1.24), (0.26, 0.06))  # under the lip
    height += 0.08 * bump(x, y, (0.0, 1.42), (0.27, 0.14))  # chin
    fold = side - 0.29 - 0.19 * np.clip((y - 0.58) / 0.5, 0.0, 1.2)
    height -= (
        (0.012 + 0.022 * age)
        * np.exp(-((fold / 0.045) ** 2))
        * step(y, 0.55, 0.72)
        * step(y, 1.16, 0.95)
    )
    bag = y - 0.155 - 0.9 * np.clip(0.22 - (side - 0.43) ** 2, 0.0, None) ** 1.0 * 0.35
    height -= 0.013 * age * np.exp(-((bag / 0.03) ** 2)) * step(np.abs(side - 0.42), 0.27, 0.12)
    for line in (-0.86, -0.73, -0.60):  # forehead
        wave = y - line - 0.03 * np.cos(x * 4.0)
        height -= 0.004 * age * np.exp(-((wave / 0.018) ** 2)) * step(side, 0.62, 0.3)
    return np.asarray(height, np.float32)


def _paint_face(easel: Easel, sitter: Sitter) -> None:
    _paint_skin(easel.window(-1.5, -2.0, 1.5, 2.1), sitter)
    _paint_nose(easel.window(-0.8, 0.2, 0.8, 1.1))
    mouth = easel.window(-0.9, 0.6, 0.9, 1.6)
    _paint_mouth(mouth, sitter)
    if sitter.mouth_open:
        _paint_open_mouth(mouth, sitter.mouth_open)
    for sign in (-1.0, 1.0):
        _paint_eye(easel.window(sign * 0.5 - 0.7, -0.5, sign * 0.5 + 0.7, 0.5), sitter, sign)
        _paint_brow(easel.window(sign * 0.5 - 0.5, -0.8, sign * 0.5 + 0.5, 0.1), sitter, sign)


def _paint_skin(easel: Easel, sitter: Sitter) -> None:
    x, y, side = easel.x, easel.y, easel.side
    outline = easel.polar(sitter.outline)
    cover = step(easel.radius - outline, 0.004, -0.022)
    skin = np.broadcast_to(np.asarray(sitter.skin, np.float32), easel.rgb.shape).copy()
    blush = 0.5 * bump(side, y, (0.58, 0.46), (0.26, 0.22)) + 0.45 * bump(
        x, y, (0.0, 0.58), (0.2, 0.16)
    )
    skin *= 1.0 - blush[..., None] * np.array([0.02, 0.13, 0.13], np.float32)
    skin *= 1.0 + (0.016 * easel.noise(0.012, 0.05) + 0.012 * easel.noise(0.2))[..., None]
    easel.lay(cover, easel.lit(_face_height(easel, sitter, outline), skin, 0.035))
    edge = step(easel.radius / outline, 0.80, 1.0)
    easel.darken(cover * 0.08 * edge)
    if not sitter.back_hair:  # a shaved beard is a cooler, slightly darker skin
        beard = cover * step(y, 0.72, 1.0) * step(easel.radius / outline, 0.25, 0.6)
        easel.lay(0.10 * beard, (120, 122, 126), opaque=False)


def _paint_nose(easel: Easel) -> None:
    x, y, side = easel.x, easel.y, easel.side
    easel.darken(0.62 * bump(side - 0.30 * (y - 0.685), y, (0.105, 0.685), (0.058, 0.026)))
    easel.darken(0.22 * bump(x, y, (0.0, 0.725), (0.20, 0.035)))
    wing = np.hypot((side - 0.20) / 0.10, (y - 0.60) / 0.12)
    easel.darken(0.20 * np.exp(-(((wing - 1.0) / 0.16) ** 2)) * step(side, 0.20, 0.27))


def _paint_mouth(easel: Easel, sitter: Sitter) -> None:
    x, y, side = easel.x, easel.y, easel.side
    half = 0.37
    u = np.clip(side / half, 0.0, 1.0)
    middle = 1.015 + 0.012 * np.cos(u * 3.0) - 0.010 * u**2  # where the lips meet
    bow = 0.085 * (1.0 - u**1.7) - 0.022 * np.exp(-((x / 0.055) ** 2))
    upper = middle - bow * sitter.lip_fullness
    lower = middle + 0.115 * (1.0 - u**2.2) * sitter.lip_fullness
    inside = step(side, half, half - 0.03)
    cover = step(y - upper, -0.012, 0.014) * step(y - lower, 0.018, -0.016) * inside
    height = 0.05 * np.sqrt(np.clip(1.0 - ((y - middle) / 0.14) ** 2, 0.01, 1.0))
    height += 0.0015 * strands(easel, easel.x * 2.2)
    easel.lay(0.80 * cover, easel.lit(height, sitter.lips, 0.02), opaque=False)
    easel.darken(cover * 0.18 * step(y - middle, 0.0, -0.03))  # the upper lip faces down
    seam = np.exp(-(((y - middle) / 0.012) ** 2)) * step(side, half + 0.03, half - 0.10)
    easel.darken(0.62 * seam)
    easel.darken(0.16 * bump(side, y, (half + 0.02, 1.02), (0.04, 0.04)))
    easel.darken(0.16 * bump(x, y, (0.0, 1.185), (0.20, 0.035)))


def _paint_open_mouth(easel: Easel, gap: float) -> None:
    """Between the lips: dark, with the upper teeth."""
    y, side = easel.y, easel.side
    half = 0.26
    u = np.clip(side / half, 0.0, 1.0)
    high = 0.17 * gap * np.sqrt(np.clip(1.0 - u**2, 0.0, 1.0))
    inside = step(np.abs(y - 1.06) - high, 0.012, -0.012) * step(side, half, half - 0.02)
    easel.lay(0.96 * inside, (58, 24, 24), opaque=False)
    teeth = inside * step(y, 1.03, 0.99)
    easel.lay(0.8 * teeth, (226, 220, 210), opaque=False)


def _paint_glasses(easel: Easel, kind: Glasses) -> None:
    """Two round rims, a bridge, and what is on the lenses."""
    x, y, side = easel.x, easel.y, easel.side
    radius = np.hypot((side - 0.46) / 0.36, (y - 0.02) / 0.29)
    lens = step(radius, 1.0, 0.96)
    if kind == "dark":
        easel.lay(0.90 * lens, (26, 24, 26), opaque=False)
    rim = np.exp(-(((radius - 1.0) / 0.055) ** 2))
    easel.lay(0.92 * rim, (34, 32, 34))
    bridge = step(np.abs(y + 0.05 + 0.06 * np.cos(x * 12.0)), 0.030, 0.016) * step(side, 0.15, 0.11)
    easel.lay(0.92 * bridge, (34, 32, 34))
    arm = step(np.abs(y + 0.03), 0.030, 0.016) * step(side, 0.80, 0.83) * step(side, 1.06, 1.02)
    easel.lay(0.92 * arm, (34, 32, 34))
    if kind == "glare":
        for sign in (-1.0, 1.0):
            spot = bump(x, y, (sign * 0.50, -0.02), (0.15, 0.12))
            easel.lay(lens * np.clip(1.6 * spot, 0.0, 1.0), (255, 255, 255), opaque=False)


def _paint_eye(easel: Easel, sitter: Sitter, sign: float) -> None:
    x, y = easel.x * sign - 0.45, easel.y  # x grows towards the temple
    half = 0.215
    u = np.clip(x / half, -1.0, 1.0)
    tilt = -0.018 * u  # the outer corner is a little higher
    bow = np.clip(1.0 - np.abs(u) ** 2.2, 0.0, 1.0) * (1.0 - 0.10 * u)
    lower = tilt + 0.060 * np.clip(1.0 - np.abs(u) ** 2.4, 0.0, 1.0)
    # A closing lid comes down to where the lower one is; that one hardly moves.
    upper = (tilt - 0.088 * bow) * sitter.eyes_open + lower * (1.0 - sitter.eyes_open)
    open_ = step(y - upper, -0.006, 0.008) * step(y - lower, 0.008, -0.006)
    open_ *= step(np.abs(x), half + 0.01, half - 0.02)
    ball = 0.93 - 0.5 * np.clip(np.hypot(x, y * 1.4) / half - 0.35, 0.0, None) ** 1.6
    easel.lay(open_, np.array([226, 219, 212], np.float32) * ball[..., None], opaque=False)
    corner = bump(x, y, (-half + 0.02, 0.01), (0.035, 0.03))
    easel.lay(0.6 * open_ * corner, (196, 130, 118), opaque=False)
    _paint_iris(easel, sign, x - sign * 0.085 * sitter.gaze, y, open_)
    easel.darken(open_ * 0.45 * step(y - upper, 0.055, 0.0))  # the lid's shadow on the ball
    lash = np.exp(-(((y - upper + 0.004) / 0.016) ** 2)) * step(
        np.abs(x), half + 0.015, half - 0.06
    )
    easel.lay(0.88 * lash, (38, 28, 25), opaque=False)
    waterline = np.exp(-(((y - lower - 0.006) / 0.011) ** 2)) * step(np.abs(x), half, half - 0.08)
    easel.darken(0.26 * waterline)
    sag = 0.022 * sitter.age * np.clip(u, 0.0, 1.0)
    crease = y - upper + 0.052 - 0.018 * np.abs(u) - sag
    fold = np.exp(-((crease / 0.014) ** 2)) * step(np.abs(x - 0.01), half + 0.05, half - 0.04)
    easel.darken(0.36 * fold)
    easel.darken(0.11 * sitter.age * bump(x, y, (0.0, 0.17), (0.19, 0.028)))
    for ray in (-0.35, 0.0, 0.35):  # crow's feet
        feet = (y + 0.01) - ray * (x - half + 0.02)
        out = step(x, half + 0.03, half + 0.07) * step(x, half + 0.22, half + 0.10)
        easel.darken(0.10 * sitter.age * np.exp(-((feet / 0.009) ** 2)) * out)


def _paint_iris(easel: Easel, sign: float, x: Plane, y: Plane, open_: Plane) -> None:
    distance = np.hypot(x, y + 0.012)
    iris = open_ * step(distance, 0.098, 0.088)
    glow = step(distance, 0.085, 0.03) * step(y, -0.05, 0.06)
    brown = np.array([50, 31, 22], np.float32) + glow[..., None] * np.array(
        [44, 27, 14], np.float32
    )
    easel.lay(iris, brown * (1.0 - 0.5 * step(distance, 0.075, 0.095))[..., None], opaque=False)
    easel.lay(open_ * step(distance, 0.042, 0.034), (12, 9, 9), opaque=False)
    lamp = step(np.hypot(x + sign * 0.03, y + 0.042), 0.020, 0.012)  # on the same side in both
    easel.lay(0.85 * open_ * lamp, (245, 246, 248), opaque=False)


def _paint_brow(easel: Easel, sitter: Sitter, sign: float) -> None:
    x, y = easel.x * sign, easel.y
    u = np.clip((x - 0.17) / 0.60, 0.0, 1.0)
    line = -0.285 - 0.075 * np.sin(u * 2.3) + 0.06 * u**3
    thickness = sitter.brow_thickness * (1.0 - 0.72 * u**1.5)
    hairs = strands(easel, easel.x * 1.1 - easel.y * 0.9 * sign)
    cover = step(np.abs(y - line + 0.008 * hairs), thickness, 0.3 * thickness)
    cover *= step(x, 0.13, 0.27) * step(x, 0.80, 0.66)
    hairs = np.clip(0.62 + 0.17 * hairs, 0.0, 1.0)
    easel.lay(cover * hairs, sitter.brow, opaque=False)


# -- hair ------------------------------------------------------------------------------------


def _paint_hair(easel: Easel, sitter: Sitter) -> None:
    easel = easel.window(-3.1, -2.1, 3.1, 0.9)
    y = easel.y
    around = np.arctan2(easel.x - 0.25, -(easel.y + 0.7))  # strands run away from the parting
    fine = strands(easel, around * 1.1)
    ragged = 0.018 * fine + 0.02 * easel.noise(0.06)
    outer, inner = easel.polar(sitter.hair_outer), easel.polar(sitter.hairline)
    cover = step(easel.radius - outer + 0.3 * ragged, 0.014, -0.014)
    inner = np.minimum(inner, np.where(y < 0.0, easel.polar(sitter.outline) - 0.04, inner))
    cover *= step(easel.radius - inner + 1.5 * ragged, -0.035, 0.045)
    cover *= step(y, 0.30, 0.10)
    share = np.clip(easel.radius / outer, 0.0, 1.0)
    height = 1.1 * np.sqrt(np.clip(1.0 - share**4, 0.02, 1.0)) + 0.006 * fine
    grey = np.clip(sitter.grey * (0.75 + 0.3 * fine + 0.5 * step(y, -1.3, -0.2)), 0.0, 1.0)
    colour = np.asarray(sitter.hair, np.float32) + grey[..., None] * np.array(
        [118, 118, 120], np.float32
    )
    colour *= (1.0 + 0.10 * fine + 0.06 * easel.noise(0.12))[..., None]
    lit = easel.lit(height, np.clip(colour, 10, 235), 0.02)
    easel.darken(0.18 * blur(cover, 0.05 * easel.scale))  # its shadow on the forehead
    easel.lay(cover, lit)
