"""Card photo (制卡照片): consent, up to so many tries, the citizen's choice, and whose face it is.

Before the photo one notice says what it is for and how to sit; who cannot take off a head covering
for religious or medical reasons goes on by its second button (domain R-D16) and is looked at by a
person. The face is compared with the ID card's portrait only with a consent of its own, and nobody
is refused because of it (人脸识别技术应用安全管理办法): without a match a member of staff may
vouch, or the matter waits for a person at the centre (待核实).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from kiosk.photo.liveness import Answer
from kiosk.photo.report import Verdict
from kiosk.photo.verify import Band, Comparison, Place, cannot_tell
from kiosk.records.evidence import PhotoEvidence
from kiosk.records.proof import Level, Proof
from kiosk.visit.prompts import AskConsent, AskStaff, ChoosePhoto, CompareFaces, Notice, TakePhoto

if TYPE_CHECKING:
    from kiosk.photo.capture import Capture
    from kiosk.records.citizen import Citizen
    from kiosk.steps.consents import Consents
    from kiosk.visit.service import Context

_NOTICE = Notice(
    "photo.notice",
    points=(
        ("use", "shield-lock-outline"),
        ("bare", "hat-fedora"),
        ("ears", "ear-hearing"),
        ("glasses", "glasses"),
    ),
    must_agree=True,
    exception=True,
)

_CONSENT = AskConsent(
    "comparison.consent",
    (
        ("what", "face-recognition"),
        ("kept", "shield-lock-outline"),
        ("free", "hand-okay"),
    ),
)

#: Review reasons that staff who see the person settle.
OF_THE_FACE = frozenset({"face_mismatch", "face_unsure", "face_declined", "face_not_compared"})

#: Why a member of staff may be asked to vouch.
_VOUCH = ("face", "covering", "declined")


@dataclass(frozen=True)
class Shot:
    """The chosen photo, how it came about, and what it proves."""

    capture: Capture
    evidence: PhotoEvidence
    proof: Proof
    attachments: dict[str, bytes]


async def card_photo(context: Context, citizen: Citizen, consents: Consents) -> Shot:
    """Take the photo, let the citizen choose, and compare the face where they agree."""
    agreed = await consents.read(_NOTICE)
    capture = await _take(context.policy.photo.tries, agreed.exception)
    comparison, at = await _compare(context, citizen, capture, consents)
    proof = await _prove(context, capture, comparison, at or agreed.at, agreed.exception)
    attachments = {"photo": capture.photo.jpeg, "frame": capture.frame.jpeg}
    if at is not None and citizen.portrait_wlt:
        attachments["portrait_wlt"] = citizen.portrait_wlt
    return Shot(capture, PhotoEvidence(capture, agreed.exception), proof, attachments)


async def _take(tries: int, excused: bool) -> Capture:
    """The one the citizen likes best of at most so many, counted over the whole visit."""
    captures: tuple[Capture, ...] = ()
    while True:
        captures += (await TakePhoto("photo.take", len(captures) + 1, excused),)
        left = max(0, tries - captures[-1].taken)
        chosen = await ChoosePhoto("photo.choose", captures, left)
        if chosen != "again":
            # The last one knows how many were taken in all.
            return replace(captures[int(chosen) - 1], taken=captures[-1].taken)


async def _compare(
    context: Context, citizen: Citizen, capture: Capture, consents: Consents
) -> tuple[Comparison, datetime | None]:
    """The comparison, and when it was made or agreed to; None where nothing is compared."""
    if Place(context.comparison) is Place.NONE:
        return cannot_tell("no_method"), None
    if citizen.age_on(context.today) < context.policy.ages.face_consent:
        # Whose face only a guardian may decide about (办法 第7条).
        return cannot_tell("guardian"), None
    agreed_at = await consents.ask(_CONSENT)
    if agreed_at is None:
        return cannot_tell("declined"), None
    if citizen.portrait is None:
        return cannot_tell("at_central"), agreed_at
    compared = await CompareFaces("comparison.compare", capture.photo, citizen.portrait)
    return compared.comparison, compared.at


async def _prove(
    context: Context, capture: Capture, comparison: Comparison, at: datetime, covered: bool
) -> Proof:
    """How sure it is whose photo that is, and why a person must look at it."""
    reasons = review_reasons(capture, comparison, covered)
    if comparison.band is Band.MATCH:
        return Proof(Level.P3, at, comparison, reasons=reasons)
    staff = None
    if context.staffed:
        staff = await AskStaff("proof.staff", _VOUCH)
    if staff is None:
        return Proof(Level.P1, at, comparison, reasons=reasons)
    # Staff saw the person and the card; what is to be looked at in the photo stays.
    left = tuple(reason for reason in reasons if reason not in OF_THE_FACE)
    return Proof(Level.P3, staff.at, comparison, staff, left)


def review_reasons(capture: Capture, comparison: Comparison, covered: bool) -> tuple[str, ...]:
    """Why a person must look at a photo before anything is finished, as codes."""
    checks = (
        ("face_mismatch", comparison.band is Band.MISMATCH),
        ("face_unsure", comparison.band is Band.UNSURE),
        ("face_declined", comparison.why == "declined"),
        (
            "face_not_compared",
            comparison.band is Band.CANNOT_TELL and comparison.why != "declined",
        ),
        ("liveness_not_seen", Answer.SEEN not in (capture.liveness.blink, capture.liveness.turn)),
        ("head_covering", covered),
        (
            "staff_rules",
            any(
                line.verdict in (Verdict.CANNOT_TELL, Verdict.REVIEW)
                for line in capture.photo.report.lines
            ),
        ),
    )
    return tuple(code for code, so in checks if so)
