"""The crop that meets every pixel rule at once, or the best there is where none does.

With W the face width, d the way from crown to eyes and s the scale (pixels of the photo per pixel
of the frame), the rules leave for s the range

    low  = 179 / W                      the face is wide enough
    high = min(255 / W,                 the face is not too wide
               (441 - 207 - 7) / d)     crown and eye line both fit

It is empty if d / W > 1.268 (hair built up high). Then, and only then, the standard lets the hair
be cut: the eye line stays and the crown leaves the picture (domain R-D9).

Within the range the head is made two thirds of the height, and the photo keeps away from the
limits by a margin, since whoever measures it again will differ by a pixel or two.

A crop so chosen may reach over the frame where another would not: a head near an edge, a file that
was cut before. In (s, x, y), with x and y the place of the eyes in the photo, every rule and every
edge of the frame is a plane, so what is allowed is a solid with flat sides. Its corners are found,
and the crop nearest to the wish on the way from their middle is taken; no corners: there is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from kiosk.photo.measure import Head
from kiosk.photo.standard import Standard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Picture = NDArray[np.uint8]
    Numbers = NDArray[np.float64]

#: Share of the height that a head should have (domain R-D11).
_HEAD_SHARE = 2 / 3
#: Distance from the limits, in pixels of the photo, where it can be had. The width of a face
#: repeats to 1.2 px and differs from other landmark models by up to 5 %; hence the larger one.
_MARGINS = {"face.width": 7.0, "face.crown": 2.0, "face.eyes_above_bottom": 3.0, "face.eyes_x": 2.0}


#: A crop may reach over the frame by so many pixels of the frame; the edge is repeated there.
OVERHANG = 2.0
#: What binary fractions may be off by where a corner lies in its planes.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Crop:
    """A rectangle of the levelled frame that becomes the photo.

    `left` and `top` are in pixels of the frame, levelled about the eyes as in `Head`; `scale` is
    pixels of the photo per pixel of the frame.
    """

    left: float
    top: float
    scale: float
    #: Whether the top of the hair is outside, because the rules cannot be met otherwise.
    hair_cut: bool = False


def solve(head: Head, standard: Standard, frame: tuple[int, int] | None = None) -> Crop:
    """The crop for a head: one inside the frame (width, height) if any meets every rule there.

    If none does, or no frame is given, the one that would be best. Raises `ValueError` for a head
    without width or height.
    """
    if head.face_width <= 0 or head.crown_to_eyes <= 0 or head.height <= 0:
        raise ValueError("no head has these measures")
    shares = (1.0, 0.5, 0.0)
    wishes = [(share, crop) for share in shares if (crop := _within(head, standard, share))]
    if not wishes:
        wishes = [(share, _cutting_hair(head, standard)) for share in shares]
    best = wishes[0][1]
    if frame is None or overhang(best, head, standard, frame) <= OVERHANG:
        return best
    for share, wish in reversed(wishes):  # what is not allowed without margins is not with them
        if (inside := _inside(head, standard, frame, share, wish)) is None:
            break
        best = inside
    return best


def _limits(standard: Standard, rule_id: str, share: float = 0.0) -> tuple[float, float]:
    """Lowest and highest value of a rule, kept away from the limits by a share of its margin."""
    rule = standard.rule(rule_id)
    margin = share * _MARGINS[rule_id]
    low = -math.inf if rule.low is None else rule.low + margin
    high = math.inf if rule.high is None else rule.high - margin
    return low, high


def _within(head: Head, standard: Standard, share: float) -> Crop | None:
    """The crop that keeps every rule with that share of the margins, if there is one."""
    narrowest, widest = _limits(standard, "face.width", share)
    crown_low, crown_high = _limits(standard, "face.crown", share)
    lowest_eyes = standard.height - _limits(standard, "face.eyes_above_bottom", share)[0]
    low = narrowest / head.face_width
    high = min(widest / head.face_width, (lowest_eyes - crown_low) / head.crown_to_eyes)
    if low > high:
        return None
    scale = min(max(_HEAD_SHARE * standard.height / head.height, low), high)
    highest_crown = min(crown_high, lowest_eyes - scale * head.crown_to_eyes)
    # In the middle of what is allowed, if nothing else decides.
    crown = min(max((crown_low + crown_high) / 2, crown_low), highest_crown)
    return Crop(_left(head, standard, scale), head.crown_y - crown / scale, scale)


def _cutting_hair(head: Head, standard: Standard) -> Crop:
    """Smallest allowed face, lowest allowed eyes; what is above the edge is cut."""
    share = 0.5
    scale = _limits(standard, "face.width", share)[0] / head.face_width
    eyes = standard.height - _limits(standard, "face.eyes_above_bottom", share)[0]
    return Crop(_left(head, standard, scale), head.eye_y - eyes / scale, scale, hair_cut=True)


def _left(head: Head, standard: Standard, scale: float) -> float:
    """Centre half-way between the middle of the face and that of the eyes, as far as allowed."""
    low, high = _limits(standard, "face.eyes_x", 1.0)
    shift = (head.face_x - head.eye_x) / 2 * scale
    eyes = min(max(standard.width / 2 - shift, low), high)
    return head.eye_x - eyes / scale


def _inside(
    head: Head, standard: Standard, frame: tuple[int, int], share: float, wish: Crop
) -> Crop | None:
    """The crop inside the frame nearest to the wish, with that share of the margins; None: none."""
    import numpy as np

    wanted = np.array((wish.scale, *_eyes_in(wish, head)))
    planes, least = _planes(head, standard, frame, share, wish.hair_cut)
    if np.all(planes @ wanted >= least - _ROUNDING):
        return wish
    corners = _corners(planes, least)
    if not len(corners):
        return None
    middle = corners.mean(axis=0)
    there, room = planes @ (wanted - middle), planes @ middle - least
    leaves = there < -np.maximum(room, 0.0)
    way = np.min(np.maximum(room, 0.0)[leaves] / -there[leaves], initial=1.0)
    scale, x, y = (middle + way * (wanted - middle)).tolist()
    return Crop(head.eye_x - x / scale, head.eye_y - y / scale, scale, wish.hair_cut)


def _eyes_in(crop: Crop, head: Head) -> tuple[float, float]:
    """Where the middle of the eyes is in the photo."""
    return (head.eye_x - crop.left) * crop.scale, (head.eye_y - crop.top) * crop.scale


def _planes(
    head: Head, standard: Standard, frame: tuple[int, int], share: float, hair_cut: bool
) -> tuple[Numbers, Numbers]:
    """(rows, least): a crop is allowed if rows @ (scale, eyes' x, eyes' y) >= least."""
    import numpy as np

    low = {name: _limits(standard, name, share)[0] for name in _MARGINS}
    high = {name: _limits(standard, name, share)[1] for name in _MARGINS}
    cos, sin = math.cos(head.roll), math.sin(head.roll)
    # A corner of the photo lies in the frame at the eyes + turn(corner - eyes' place) / scale.
    across = [cos * x - sin * y for x in (0, standard.width) for y in (0, standard.height)]
    down = [sin * x + cos * y for x in (0, standard.width) for y in (0, standard.height)]
    width, height = frame
    rows = [
        (head.face_width, 0, 0, low["face.width"]),
        (-head.face_width, 0, 0, -high["face.width"]),
        (0, 1, 0, low["face.eyes_x"]),
        (0, -1, 0, -high["face.eyes_x"]),
        (0, 0, -1, low["face.eyes_above_bottom"] - standard.height),
        (head.eye_x + OVERHANG, -cos, sin, -min(across)),
        (width + OVERHANG - head.eye_x, cos, -sin, max(across)),
        (head.eye_y + OVERHANG, -sin, -cos, -min(down)),
        (height + OVERHANG - head.eye_y, sin, cos, max(down)),
    ]
    if not hair_cut:
        rows.append((-head.crown_to_eyes, 0, 1, low["face.crown"]))
        rows.append((head.crown_to_eyes, 0, -1, -high["face.crown"]))
    table = np.array(rows, np.float64)
    return table[:, :3], table[:, 3]


def _corners(planes: Numbers, least: Numbers) -> Numbers:
    """Where three planes meet within all others, n x 3."""
    import numpy as np

    one, two, three = np.array(list(combinations(range(len(planes)), 3))).T
    crosses = [np.cross(planes[a], planes[b]) for a, b in ((two, three), (three, one), (one, two))]
    volume = np.einsum("ij,ij->i", planes[one], crosses[0])
    meets = np.abs(volume) > _ROUNDING
    sums = sum(
        least[a][:, None] * cross for a, cross in zip((one, two, three), crosses, strict=True)
    )
    points = np.asarray(sums)[meets] / volume[meets][:, None]
    allowed = np.all(points @ planes.T >= least - _ROUNDING, axis=1)
    found: Numbers = points[allowed]
    return found


def overhang(crop: Crop, head: Head, standard: Standard, frame: tuple[int, int]) -> float:
    """How far the crop's worst corner lies outside the frame (width, height), frame pixels.

    0 or less means that the crop is inside.
    """
    width, height = frame
    cos, sin = math.cos(head.roll), math.sin(head.roll)
    worst = -math.inf
    for across in (0.0, standard.width / crop.scale):
        for down in (0.0, standard.height / crop.scale):
            x, y = crop.left + across - head.eye_x, crop.top + down - head.eye_y
            frame_x, frame_y = head.eye_x + cos * x - sin * y, head.eye_y + sin * x + cos * y
            worst = max(worst, -frame_x, frame_x - width, -frame_y, frame_y - height)
    return worst


def cut(picture: Picture, head: Head, crop: Crop, standard: Standard) -> Image:
    """Level and crop a frame (height x width x 3 bytes, RGB) to the size of the standard.

    Turning and scaling are two steps: only Pillow's resize filters before it scales down, and it
    takes a rectangle in fractions of a pixel. Where the crop overhangs the frame by a pixel or
    two, the edge is repeated.
    """
    import cv2
    from PIL import Image

    # Room around the crop for the filter, whose support is three pixels of the photo.
    room = math.ceil(4 / crop.scale) + 1
    left, top = math.floor(crop.left) - room, math.floor(crop.top) - room
    width = math.ceil(standard.width / crop.scale) + 2 * room + 1
    height = math.ceil(standard.height / crop.scale) + 2 * room + 1
    turned = cv2.warpAffine(
        picture,
        _levelling(head, left, top),
        (width, height),
        flags=cv2.INTER_LANCZOS4 if head.roll else cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    box = (
        crop.left - left,
        crop.top - top,
        crop.left - left + standard.width / crop.scale,
        crop.top - top + standard.height / crop.scale,
    )
    size = (standard.width, standard.height)
    return Image.fromarray(turned).resize(size, Image.Resampling.LANCZOS, box=box)


def _levelling(head: Head, left: int, top: int) -> NDArray[np.float64]:
    """Turn the frame by -roll about the eyes, then move (left, top) to the origin."""
    import numpy as np

    cos, sin = math.cos(head.roll), math.sin(head.roll)
    x, y = head.eye_x, head.eye_y
    return np.array(
        [
            [cos, sin, x - cos * x - sin * y - left],
            [-sin, cos, y + sin * x - cos * y - top],
        ]
    )
