"""What light does on a face: brightness, shadow, tint, sharpness, and what glasses let through.

The face is laid level at 200 pixels of width, so that every number means the same for every camera.
Lightness and colour are those of CIELAB, each stretched to 0 to 255. Regions are polygons of the
mesh; the mesh has points also where something covers the face, which is how a mask is noticed.

Skin is of every lightness, so none of it says how much light there is. The white of the eyes does:
it is as white in every face. Where it is not seen, the cheeks are what there is.

A covered mouth is told by five things together (`_COVERED`), none of which is enough alone: how
sure the mesh is of the face; how far mouth and nose are from the colour between the brows; how far
the lips are from the skin around them; and how dark the line between the lips is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kiosk.photo import ears, forehead
from kiosk.photo.patch import laid, level
from kiosk.photo.tones import Tones, outline_of, tones_of

if TYPE_CHECKING:
    from kiosk.photo.detect import Floats, Picture
    from kiosk.photo.measure import Head

#: The patch, pixels: width of the face in it, its size, and where the middle of the eyes lies.
_FACE, _WIDTH, _HEIGHT = 200.0, 260, 260
_EYES = (130.0, 80.0)

#: Mesh points around each region. Left and right are those of the picture.
_CHEEKS = (
    (117, 118, 119, 120, 47, 142, 203, 206, 205, 50),
    (346, 347, 348, 349, 277, 371, 423, 426, 425, 280),
)
_NOSE = (195, 3, 51, 45, 4, 275, 281, 248)
_MUZZLE = (164, 167, 165, 92, 186, 57, 202, 194, 201, 200, 421, 418, 422, 287, 410, 322, 391, 393)
#: Between the brows and at the root of the nose: skin that a mask leaves free.
_BETWEEN = (9, 107, 55, 193, 168, 417, 285, 336)
#: The lips as a whole, and, with the muzzle, the skin or cloth around them.
_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
_CHIN = (148, 152, 377, 400, 378, 379, 365, 394, 395, 369, 396, 175, 171, 140, 170, 169, 136, 150)
#: Corners of the mouth, and the middle between the lips.
_MOUTH_LEFT, _MOUTH_RIGHT, _LIPS_MEET = 61, 291, (13, 14)
#: Pixels above and below in which the line between the lips lies; and left out at its ends.
_LINE, _LINE_ENDS, _ENDS = 14, 4, 5
#: Weight and most of each, and what is added: fitted to one half of 463 masked and 852 bare frontal
#: faces of a public set and tried on the other (AUC 0.9995; `tests.bench.photo_masks`).
_COVERED = {
    "presence": (-0.293, 25.0),
    "mouth": (0.308, 30.0),
    "nearest": (0.228, 25.0),
    "lips": (-0.368, 15.0),
    "line": (-0.075, 60.0),
}
_COVERED_BIAS = 2.32
#: The openings of the eyes. The upper tenth of what is in them is the white.
_OPENINGS = (
    (33, 160, 159, 158, 133, 153, 145, 144),
    (362, 385, 386, 387, 263, 373, 374, 380),
)
_WHITE_SHARE = 0.9
#: Skin right under the eyes, behind the glass of glasses.
_UNDER_EYES = (
    (25, 110, 24, 23, 22, 26, 232, 231, 230, 229, 228, 31),
    (255, 339, 254, 253, 252, 256, 452, 451, 450, 449, 448, 261),
)
#: From the brow to the lower rim of usual glasses.
_GLASSES = (
    (225, 224, 223, 222, 221, 245, 128, 231, 230, 229, 228, 31, 226),
    (445, 444, 443, 442, 441, 465, 357, 451, 450, 449, 448, 261, 446),
)
#: Eyes, nose and mouth: where sharp edges are.
_FEATURES = (70, 105, 107, 336, 334, 300, 454, 291, 17, 61, 234)

#: Every point that a region is drawn around.
_OUTER = sorted(
    {
        point
        for regions in (_CHEEKS, _OPENINGS, _UNDER_EYES, _GLASSES, (_NOSE, _MUZZLE, _BETWEEN))
        for region in (*regions, _LIPS, _CHIN, forehead.FOREHEAD, *forehead.ABOVE)
        for point in region
    }
)

#: The same, and those that sharpness is measured between.
_SEEN = sorted({*_OUTER, *_FEATURES})

#: Shares of the features that are darker, and lighter, than what counts for their contrast.
_DARKEST, _LIGHTEST = 0.02, 0.98
#: Lightness from which a pixel has no detail left.
_BURNT = 247
#: Lighter than the cheek by so much, and as light as no skin shines; or than anything reflects but
#: glass.
_REFLECTION, _SHINE, _BRIGHTEST = 40.0, 200.0, 250.0


@dataclass(frozen=True)
class Skin:
    """One face under its light."""

    #: Median lightness of both cheeks, and the difference between them.
    light: float
    sides: float
    #: Share of the cheeks and the nose that is burnt out.
    burnt: float
    #: Hue of the cheeks, degrees in the plane of a* and b*; and their distance from grey.
    hue: float
    chroma: float
    #: Variance of the Laplacian over eyes, nose and mouth.
    sharpness: float
    #: How much darker the darkest of eyes, nose and mouth is than the lightest, a share of that: so
    #: it is of every skin under every lamp.
    contrast: float
    #: Lightness under the eyes, or of their white, as a share of that of the cheeks.
    behind_glass: float
    #: Largest share of reflections before one eye; its white is none.
    glare: float
    #: Lightness of the white of the eyes.
    white: float
    #: How much is as a mask or a hand makes it: below 0 bare, above 1 covered.
    covered: float
    #: Lightness between the brows; whether a mask can be told depends on it.
    brow_light: float
    #: See `kiosk.photo.forehead` and `kiosk.photo.ears`.
    forehead: float | None
    ears: float | None


def skin(picture: Picture, mesh: Floats, head: Head, presence: float) -> Skin:
    """`mesh`: 468 x 3 of a head whose face has a width above 0; `presence`: how sure it is."""
    patch, points = _patch(picture, mesh, head)
    sharpness = _sharpness(patch, points)
    patch, points = _within(patch, points)
    lab = np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2LAB), np.uint8)

    def tones(region: Sequence[int], light_only: bool = False) -> Tones:
        return tones_of(lab, points, region, light_only)

    cheeks = [tones(region) for region in _CHEEKS]
    both = cheeks[0] + cheeks[1]
    light, a, b = both.middle
    sides = [max(cheek.middle[0], 1.0) for cheek in cheeks]
    nose, between = tones(_NOSE), tones(_BETWEEN)
    openings, lenses, below = (
        [tones(each, light_only=True) for each in regions]
        for regions in (_OPENINGS, _GLASSES, _UNDER_EYES)
    )
    under = [skin.middle[0] / side for skin, side in zip(below, sides, strict=True)]
    white = max(opening.light_above(_WHITE_SHARE) for opening in openings)
    features = tones(_FEATURES, light_only=True)
    darkest, lightest = (features.light_above(share) for share in (_DARKEST, _LIGHTEST))
    return Skin(
        light=light,
        sides=abs(sides[0] - sides[1]),
        burnt=(both + nose).share(_BURNT),
        hue=math.degrees(math.atan2(b, a)),
        chroma=math.hypot(a, b),
        sharpness=sharpness,
        contrast=1.0 - darkest / max(lightest, 1.0),
        behind_glass=max(sum(under) / len(under), white / max(light, 1.0)),
        glare=max(_glare(*lens) for lens in zip(lenses, openings, sides, strict=True)),
        white=white,
        covered=_covered(lab, points, presence, (between, nose, tones(_MUZZLE), both)),
        brow_light=between.middle[0],
        forehead=forehead.hidden(lab, points, cheeks),
        ears=ears.hidden(picture, mesh, head, cheeks),
    )


def _patch(picture: Picture, mesh: Floats, head: Head) -> tuple[Picture, Floats]:
    """The face level and 200 pixels wide, and the mesh in it (468 x 2)."""
    to_patch = level(head, _FACE, _EYES)
    points = np.asarray(mesh[:, :2] @ to_patch[:, :2].T + to_patch[:, 2], np.float32)
    left, top, right, bottom = _window(points, _SEEN)
    to_patch[:, 2] -= (left, top)
    patch = laid(picture, to_patch, (right - left, bottom - top))
    return patch, points - np.array((left, top), np.float32)


def _within(patch: Picture, points: Floats) -> tuple[Picture, Floats]:
    """The part of the patch that any region of colour lies in, and the points in it."""
    height, width = patch.shape[:2]
    left, top, right, bottom = _window(points, _OUTER, (width, height))
    return patch[top:bottom, left:right], points - np.array((left, top), np.float32)


def _window(
    points: Floats, inside: Sequence[int], size: tuple[int, int] = (_WIDTH, _HEIGHT)
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what holds those points, and a pixel around them; all of the
    patch of that size where they are nowhere."""
    width, height = size
    x, y = np.ascontiguousarray(points[inside].T)
    sides = float(x.min()), float(y.min()), float(x.max()), float(y.max())
    if not all(map(math.isfinite, sides)):
        return 0, 0, width, height
    left, top = (
        int(min(max(side - 1.0, 0), most - 1)) for side, most in zip(sides[:2], size, strict=True)
    )
    right, bottom = (
        int(min(max(side + 2.0, low + 1), most))
        for side, low, most in zip(sides[2:], (left, top), size, strict=True)
    )
    return left, top, right, bottom


def _glare(glass: Tones, opening: Tones, cheek: float) -> float:
    """Share of a lens that reflects, without the eye behind it. `cheek`: its lightness."""
    least = math.ceil(_reflects(cheek))
    skin_pixels = max(glass.pixels - opening.pixels, 1)
    return max(glass.from_(least) - opening.from_(least), 0) / skin_pixels


def _reflects(cheek: float) -> float:
    return min(max(cheek + _REFLECTION, _SHINE), _BRIGHTEST)


def _covered(lab: Picture, points: Floats, presence: float, regions: Sequence[Tones]) -> float:
    """`regions`: between the brows, nose, muzzle, cheeks."""
    between, nose, muzzle, cheeks = regions
    around = muzzle + tones_of(lab, points, _CHIN)
    found = {
        "presence": presence,
        "mouth": muzzle.apart(between),
        "nearest": min(each.apart(between) for each in (nose, muzzle, cheeks)),
        "lips": tones_of(lab, points, _LIPS).apart(around),
        "line": _line_of_the_mouth(lab, points),
    }
    weighed = (weight * min(found[name], most) for name, (weight, most) in _COVERED.items())
    return sum(weighed, _COVERED_BIAS)


def _line_of_the_mouth(lab: Picture, points: Floats) -> float:
    """How much darker than what is above and below, levels, over the width of the mouth."""
    y = int(points[list(_LIPS_MEET), 1].mean())
    left, right = int(points[_MOUTH_LEFT, 0]) + _LINE_ENDS, int(points[_MOUTH_RIGHT, 0])
    band = lab[max(y - _LINE, 0) : y + _LINE + 1, max(left, 0) : max(right - _LINE_ENDS, 1), 0]
    if band.shape[0] <= 2 * _ENDS or not band.shape[1]:
        return 0.0
    band = band.astype(np.float32)
    sides = np.minimum(band[:_ENDS].mean(axis=0), band[-_ENDS:].mean(axis=0))
    return float((sides - band.min(axis=0)).mean())


def _sharpness(patch: Picture, points: Floats) -> float:
    outline = outline_of(points, _FEATURES)
    x, y, width, height = cv2.boundingRect(outline)
    # One pixel around, which the Laplacian looks at.
    left, top = max(x - 1, 0), max(y - 1, 0)
    part = patch[top : max(y + height + 1, 0), left : max(x + width + 1, 0)]
    if not part.size:
        return 0.0
    edges = cv2.Laplacian(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
    inside = np.zeros(part.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, outline - np.array((left, top), np.int32), 1)
    _, deviation = cv2.meanStdDev(edges, mask=inside)
    return float(deviation[0, 0]) ** 2
