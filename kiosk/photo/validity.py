"""What was measured on a face to measures (`kiosk.photo.measures`), each with how far it is valid.

What spoils a method is known here and nowhere else: a burnt-out face has no hue, eyes behind dark
glass are neither open nor closed, a turned face has no gaze, a covered mouth does not smile.
No method here takes dark skin for a dark picture: that one is told by the white of the eyes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.photo.measures import Measure, unknown

if TYPE_CHECKING:
    from kiosk.photo.eyes import Eye
    from kiosk.photo.mouth import Mouth
    from kiosk.photo.silhouette import Behind
    from kiosk.photo.skin import Skin

#: Cheeks burnt out to this share say nothing of colour or reflections.
_BURNT = 0.10
#: Skin between the brows that is lighter than this has lost its colour.
_BLEACHED = 235.0
#: Cheeks darker than this hardly show anything; and closer to grey than this have no hue.
_DARK, _GREY = 70.0, 6.0
#: On cheeks darker than this black hair is hardly darker; what is seen in any case is of a colour.
_HAIR_SHOWS, _IN_ANY_CASE = 80.0, 0.5
#: Up to the first ears are seen, from the second on they are not; a head turned farther hides one.
_EARS_SEEN, _EARS_HIDDEN, _ONE_EAR = 0.0, 0.6, 9.0
#: Below: what is behind the glass is not an eye but a guess; and an eye has no gaze.
_DARK_GLASS, _SHUT = 0.60, 0.12
#: Beyond this yaw the farther eye is not seen well enough, degrees.
_SIDEWAYS = 18.0
#: An eye of fewer pixels is not measured; with twice as many it is sure.
_EYE_PIXELS = 12.0
#: A mouth is covered from here on; see `kiosk.photo.skin`.
_MASKED = 0.8
#: From here on nobody knows; nothing is said of the mouth.
_UNSURE = 0.3
#: Cheeks as dark as this are dark skin, or a dark picture; the white of the eyes tells which. It
#: counts up to this lightness: more is a lamp in the glasses.
_DARK_SKIN, _WHITE = 90.0, 200.0
#: Before a wall as light as this the lamps are on.
_LIT_WALL = 150.0
#: A wall no farther from grey than this shows that the light is white.
_NEUTRAL = 8.0
#: Where the irises are usually: so far to the nose, and above the line of the corners (362 people
#: who look into the camera: -0.05, 95 % within 0.09 of it).
_TO_THE_NOSE, _USUALLY_UP = -0.05, -0.05
#: A less open eye than this beside an open one is shut on purpose, or by nature.
_LESS_OPEN = 0.18


def light(face: Skin, behind: Behind | None, shut: bool) -> dict[str, Measure]:
    """`shut`: both eyes are."""
    masked = is_masked(face)
    exposure = _exposure(face, behind, shut)
    found = {
        "light.face": exposure,
        "light.burnt": Measure(face.burnt),
        "light.behind": Measure(behind.light - exposure.value, "level")
        if behind and exposure.value is not None
        else unknown("level", "no background to be seen"),
        "light.sides": Measure(face.sides, "level")
        if face.burnt < _BURNT
        else unknown("level", "burnt out"),
        "light.hue": _hue(face, behind),
        "light.sharpness": Measure(face.sharpness, "", 0.7 if is_lit(face) else 0.4),
        "light.contrast": Measure(face.contrast, "", 0.7 if is_lit(face) else 0.4),
        "face.forehead": _forehead(face, masked),
        "face.covered": Measure(face.covered, "", 0.8 if is_lit(face) else 0.4)
        if face.brow_light < _BLEACHED
        else unknown("", "burnt out"),
    }
    if masked:  # what is lit there is the mask
        for name, unit in (("burnt", ""), ("sides", "level"), ("hue", "degree")):
            found[f"light.{name}"] = unknown(unit, "covered")
    return found


def _forehead(face: Skin, masked: bool) -> Measure:
    if masked or face.burnt >= _BURNT:  # there are no cheeks to hold it against
        return unknown("", "covered" if masked else "burnt out")
    if face.forehead is None:
        return unknown("", "the picture ends at the brows")
    is_seen = face.light >= _HAIR_SHOWS or face.forehead > _IN_ANY_CASE
    return Measure(face.forehead, "", 0.6 if is_seen else 0.4)


def ears(face: Skin, yaw: float) -> Measure:
    if is_masked(face) or face.burnt >= _BURNT:  # its bands run over the ears; there are no cheeks
        return unknown("", "covered" if is_masked(face) else "burnt out")
    if yaw > _ONE_EAR:
        return unknown("", "the head is turned")
    if face.ears is None:
        return unknown("", "the picture ends at the ears")
    is_told = not _EARS_SEEN < face.ears <= _EARS_HIDDEN and is_lit(face)
    return Measure(face.ears, "", 0.6 if is_told else 0.4)


def _exposure(face: Skin, behind: Behind | None, shut: bool) -> Measure:
    """How light the face is as a whole: its skin, or, where that is dark, the white of its eyes."""
    bare = face.brow_light if is_masked(face) else face.light
    if bare >= _DARK_SKIN:
        return Measure(bare, "level")
    lamps = behind is not None and behind.light >= _LIT_WALL
    no_white = shut or has_dark_glasses(face)  # before a lit wall that is no sign of darkness
    return Measure(max(bare, min(face.white, _WHITE)), "level", 0.4 if lamps and no_white else 1.0)


def is_lit(face: Skin) -> bool:
    return max(face.brow_light, face.light, min(face.white, _WHITE)) >= _DARK


def is_masked(face: Skin) -> bool:
    return face.covered > _MASKED and is_lit(face) and face.brow_light < _BLEACHED


def has_dark_glasses(face: Skin) -> bool:
    return face.burnt < _BURNT and not is_masked(face) and face.behind_glass < _DARK_GLASS


def _hue(face: Skin, behind: Behind | None) -> Measure:
    if face.burnt >= _BURNT:
        return unknown("degree", "burnt out")
    if face.chroma < _GREY:
        return unknown("degree", "hardly any colour")
    # Before a wall without colour the light has none, whatever the hue of the skin.
    is_white = behind is not None and behind.tint <= _NEUTRAL and behind.light >= _LIT_WALL
    return Measure(face.hue, "degree", 0.4 if is_white or face.light < _DARK else 0.7)


def glasses(face: Skin) -> dict[str, Measure]:
    if why := "covered" if is_masked(face) else "burnt out" if face.burnt >= _BURNT else "":
        return {"glasses.clear": unknown("", why), "glasses.glare": unknown("", why)}
    sure = 0.8 if is_lit(face) else 0.3
    return {
        "glasses.clear": Measure(face.behind_glass, "", sure),
        "glasses.glare": Measure(face.glare, "", min(sure, 0.6)),
    }


def are_shut(pair: tuple[Eye, Eye]) -> bool:
    return max(eye.open for eye in pair) < _SHUT


def eyes(pair: tuple[Eye, Eye], yaw: float, face: Skin) -> dict[str, Measure]:
    left, right = pair
    size = min(left.width, right.width)
    sure = min(max(size / _EYE_PIXELS - 1.0, 0.0), 1.0)
    if yaw > _SIDEWAYS:
        sure = min(sure, 0.4)
    less, more = sorted((left.open, right.open))
    found = {
        "eye.left_open": Measure(left.open, "", sure),
        "eye.right_open": Measure(right.open, "", sure),
        "eyes.open": Measure(less, "", sure),
        "eyes.wink": Measure(more - less if less < _LESS_OPEN else 0.0, "", min(sure, 0.7)),
        "eyes.gaze": Measure(_gaze(left, right), "", min(sure, 0.6)),
    }
    if has_dark_glasses(face):
        return {name: unknown("", "behind dark glass") for name in found}
    if yaw > _SIDEWAYS:
        found |= {name: unknown("", "the head is turned") for name in ("eyes.gaze", "eyes.wink")}
    elif min(left.open, right.open) < _SHUT:
        found["eyes.gaze"] = unknown("", "the eyes are hardly open")
    return found


def _gaze(left: Eye, right: Eye) -> float:
    """How far the eyes look elsewhere: aside together, to or from each other, up or down."""
    aside = (left.gaze_x + right.gaze_x) / 2
    crossed = (left.gaze_x - right.gaze_x) / 2 - _TO_THE_NOSE
    down = (left.gaze_y + right.gaze_y) / 2 - _USUALLY_UP
    return max(abs(aside), abs(crossed), abs(down))


def mouth(lips: Mouth, face: Skin) -> dict[str, Measure]:
    if is_masked(face) or face.covered > _UNSURE:
        why = "the mouth is covered"
        return {"mouth.open": unknown("", why), "mouth.smile": unknown("", why)}
    return {"mouth.open": Measure(lips.open, "", 0.8), "mouth.smile": Measure(lips.smile, "", 0.8)}


def background(behind: Behind | None, clothes: float | None) -> dict[str, Measure]:
    apart = (
        unknown("level", "no shoulders, or no wall, to be seen")
        if clothes is None
        else Measure(clothes, "level", 0.6)
    )
    if behind is None:
        why = "no background to be seen"
        names = ("light", "even", "tint")
        return {f"background.{name}": unknown("level", why) for name in names} | {
            "clothes.apart": apart
        }
    return {
        "clothes.apart": apart,
        "background.light": Measure(behind.light, "level", 0.8),
        "background.even": Measure(behind.spread, "level", 0.8),
        "background.tint": Measure(behind.tint, "level", 0.8),
    }
