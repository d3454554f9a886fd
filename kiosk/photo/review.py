"""Why a person must look at a photo before anything is finished with it, as a closed set of codes.

The terminal sends them with the proof (`proof.reasons`), the centre finds its own from the bytes;
while there is one, the state is 待核实 and not 已受理. The words for operators and citizens belong
to whoever shows them; the codes are the contract.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from kiosk.photo.faces import Band, Comparison, Why
from kiosk.photo.liveness import Answer
from kiosk.photo.report import NOT_MEASURED, RuleResult, Verdict
from kiosk.photo.standard import Severity

if TYPE_CHECKING:
    from kiosk.photo.capture import Capture
    from kiosk.photo.liveness import Hint
    from kiosk.photo.report import Report


class Reason(StrEnum):
    """In the order in which an operator should read them."""

    #: The faces differ.
    FACE_MISMATCH = "face_mismatch"
    #: The faces may be one person's or two persons'.
    FACE_UNSURE = "face_unsure"
    #: The citizen did not agree to a comparison.
    FACE_DECLINED = "face_declined"
    #: Nothing was compared, for any other reason.
    FACE_NOT_COMPARED = "face_not_compared"
    #: Two or more straight edges beside the head: it may be a picture that was held up.
    FRAME_IN_PICTURE = "frame_in_picture"
    #: A network that the operator switched on takes the frame for a picture, or could not be asked.
    MAYBE_A_PICTURE = "maybe_a_picture"
    #: Neither a blink nor a turn of the head was seen; also where none was asked for.
    LIVENESS_NOT_SEEN = "liveness_not_seen"
    #: Between the first challenge and the photo the face was gone, or somebody else was there.
    TRACK_BROKEN = "track_broken"
    #: What is behind the head is not one even wall.
    BACKGROUND_UNEVEN = "background_uneven"
    #: The citizen says that something on the head cannot be taken off (R-D16).
    HEAD_COVERING = "head_covering"
    #: A rule that is a must is met only within its tolerance, or could not be measured; or a hat or
    #: hair is over forehead or ears.
    PHOTO_UNSURE = "photo_unsure"
    #: Whether both ears are seen could not be told: hair half over them, too little light.
    EARS_UNSURE = "ears_unsure"
    #: Rules that nothing here can measure: shoulders, a frown (`Severity.STAFF`).
    STAFF_RULES = "staff_rules"


#: Reasons that are settled when staff have seen person and card (`kiosk.steps.proof`).
OF_THE_FACE = frozenset(
    {Reason.FACE_MISMATCH, Reason.FACE_UNSURE, Reason.FACE_DECLINED, Reason.FACE_NOT_COMPARED}
)

#: Rule that is a "should" -> the reason when it is not met. The others (a smile, a shadow) only
#: make a photo less good, and stay warnings in the report.
_SHOULD = {
    "person.held_up": Reason.FRAME_IN_PICTURE,
    "person.live": Reason.MAYBE_A_PICTURE,
    "background.even": Reason.BACKGROUND_UNEVEN,
    "person.beside": Reason.BACKGROUND_UNEVEN,
    "face.forehead": Reason.PHOTO_UNSURE,
    "person.ears": Reason.PHOTO_UNSURE,
}
#: Likewise when nobody can tell.
_UNTOLD = {"face.forehead": Reason.PHOTO_UNSURE, "person.ears": Reason.EARS_UNSURE}
#: Measured only where the operator wants it to be.
_ASKED = "person.live"


def review_reasons(
    capture: Capture | None,
    comparison: Comparison,
    head_covering: bool = False,
    *,
    differed: bool = False,
) -> tuple[Reason, ...]:
    """Of a photo as the terminal took it; `capture` is None where no photo belongs to the matter.

    `head_covering`: the citizen said that it cannot be taken off. `differed`: another comparison of
    the same visit found that the faces differ.
    """
    report = None if capture is None else capture.photo.report
    liveness = None if capture is None else capture.liveness
    found = {*reasons(report, liveness, comparison, head_covering)}
    if differed:
        found.add(Reason.FACE_MISMATCH)
    return tuple(reason for reason in Reason if reason in found)


def reasons(
    report: Report | None, liveness: Hint | None, comparison: Comparison, head_covering: bool
) -> tuple[Reason, ...]:
    """The same of the parts, None for a part that there is none of.

    What nobody measured is a reason for a person to look. So no photo is without one as long as
    some rules are for staff only; that one stands last, behind those that matter more.
    """
    found = {_OF_THE_BAND[comparison.band]} - {None}
    if comparison.why is Why.DECLINED:
        found = {Reason.FACE_DECLINED}
    if head_covering:
        found.add(Reason.HEAD_COVERING)
    if liveness is not None:
        if Answer.SEEN not in (liveness.blink, liveness.turn):
            found.add(Reason.LIVENESS_NOT_SEEN)
        if not liveness.unbroken:
            found.add(Reason.TRACK_BROKEN)
    if report is not None:
        found |= {_of_the_rule(line) for line in report.lines}
    return tuple(reason for reason in Reason if reason in found)


_OF_THE_BAND = {
    Band.MATCH: None,
    Band.UNSURE: Reason.FACE_UNSURE,
    Band.MISMATCH: Reason.FACE_MISMATCH,
    Band.CANNOT_TELL: Reason.FACE_NOT_COMPARED,
}


def _of_the_rule(line: RuleResult) -> Reason | None:
    if line.verdict is Verdict.MET:
        return None
    if line.verdict is Verdict.REVIEW:
        return Reason.HEAD_COVERING
    if line.rule.severity is Severity.STAFF:
        return Reason.STAFF_RULES
    if line.rule.severity is Severity.MUST:
        return Reason.PHOTO_UNSURE
    if line.rule.id == _ASKED and line.cannot_tell not in ("", NOT_MEASURED):
        return Reason.MAYBE_A_PICTURE  # it was switched on, and nobody knows
    return (_SHOULD if line.verdict is Verdict.WARNING else _UNTOLD).get(line.rule.id)
