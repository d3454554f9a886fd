"""Measures and their rules to the one thing a citizen is told.

What stops the photo comes before what would only put a warning into the report: nobody is sent to
comb their hair while their eyes are shut. Among equals the order is that of `FindingCode`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kiosk.photo.findings import FindingCode
from kiosk.photo.measures import Measure
from kiosk.photo.report import Verdict, verdict
from kiosk.photo.standard import Rule, Standard


@dataclass(frozen=True)
class Advice:
    """What to say if a measure is below or above what its rule allows; None: nothing helps."""

    rule: str
    below: FindingCode | None = None
    above: FindingCode | None = None


_ADVICE = (
    Advice("frame.colour", below=FindingCode.GREY),
    Advice("frame.upright", below=FindingCode.UPSIDE_DOWN),
    Advice("light.face", below=FindingCode.TOO_DARK, above=FindingCode.TOO_BRIGHT),
    Advice("light.burnt", above=FindingCode.TOO_BRIGHT),
    Advice("person.count", above=FindingCode.MANY_FACES),
    Advice("person.beside", above=FindingCode.MANY_FACES),
    Advice("head.roll", below=FindingCode.LEVEL_HEAD, above=FindingCode.LEVEL_HEAD),
    Advice("head.yaw", below=FindingCode.LOOK_STRAIGHT, above=FindingCode.LOOK_STRAIGHT),
    Advice("head.pitch", below=FindingCode.CHIN_UP, above=FindingCode.CHIN_DOWN),
    Advice("face.covered", above=FindingCode.FACE_COVERED),
    Advice("person.held_up", above=FindingCode.HELD_UP),
    Advice("face.forehead", above=FindingCode.FOREHEAD),
    Advice("person.ears", above=FindingCode.EARS),
    Advice("face.hand", above=FindingCode.FACE_COVERED),
    Advice("glasses.clear", below=FindingCode.SUNGLASSES),
    Advice("glasses.glare", above=FindingCode.GLASSES_GLARE),
    Advice("eyes.open", below=FindingCode.EYES_CLOSED),
    Advice("eyes.wink", above=FindingCode.EYES_CLOSED),
    Advice("eyes.gaze", above=FindingCode.LOOK_HERE),
    Advice("mouth.open", above=FindingCode.MOUTH_OPEN),
    Advice("mouth.smile", above=FindingCode.SMILING),
    Advice("light.sides", above=FindingCode.UNEVEN_LIGHT),
    Advice("light.hue", below=FindingCode.COLOUR_TINT, above=FindingCode.COLOUR_TINT),
    Advice("light.sharpness", below=FindingCode.BLURRED),
    Advice("light.contrast", below=FindingCode.HAZY),
    Advice("background.light", below=FindingCode.BACKGROUND),
    Advice("background.even", above=FindingCode.BACKGROUND),
    Advice("background.tint", above=FindingCode.BACKGROUND),
    Advice("clothes.apart", below=FindingCode.WHITE_TOP),
)
#: A dark face before something lighter by this much is not a matter of the lamp, levels.
_BACK_LIGHT = 100.0

_ORDER = {code: place for place, code in enumerate(FindingCode)}


@dataclass(frozen=True)
class Objection:
    """One thing to be told, and whether no photo can be made before it is seen to."""

    code: FindingCode
    stops: bool


def objections(
    standard: Standard, measures: Mapping[str, Measure], excused: bool = False
) -> list[Objection]:
    """All there are, the one to be told first at the front. `excused`: see `report.judge`."""
    found = []
    for advice in _ADVICE:
        measure, rule = measures.get(advice.rule), standard.find(advice.rule)
        if measure is None or rule is None or measure.value is None or rule.allows(measure.value):
            continue
        judged = verdict(rule, measure, excused)
        code = advice.above if _is_too_high(rule, measure.value) else advice.below
        if code == FindingCode.TOO_DARK and _against_the_light(measures):
            code = FindingCode.BACK_LIGHT
        if code is not None and judged in (Verdict.BROKEN, Verdict.WARNING):
            found.append(Objection(code, judged == Verdict.BROKEN))
    return sorted(found, key=first_told)


def first_told(objection: Objection) -> tuple[bool, int]:
    """For sorting: what stops the photo, then the order of the findings."""
    return (not objection.stops, _ORDER[objection.code])


def _is_too_high(rule: Rule, value: float) -> bool:
    return rule.low is None or value >= rule.low


def _against_the_light(measures: Mapping[str, Measure]) -> bool:
    behind = measures.get("light.behind")
    return behind is not None and behind.value is not None and behind.value > _BACK_LIGHT
