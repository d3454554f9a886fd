"""Proof (核验本人): whose face it is, or who of the staff vouches (domain §5.0).

The face is compared with the ID card's portrait only with a consent of its own, and nobody is
refused because of it (人脸识别技术应用安全管理办法): without a match a member of staff may vouch,
or the matter waits for a person at the centre (待核实).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault
from kiosk.photo.faces import Band, Comparison, Place, Why, cannot_tell
from kiosk.records.proof import Level, Proof
from kiosk.visit.flow import Recall
from kiosk.visit.prompts import AskConsent, AskStaff, Choice, CompareFaces, Option, TakePhoto

if TYPE_CHECKING:
    from kiosk.photo.capture import Capture
    from kiosk.photo.pages import Page
    from kiosk.photo.review import Reason
    from kiosk.records.citizen import Citizen
    from kiosk.steps.consents import Consents
    from kiosk.visit.service import Context

_CONSENT = AskConsent(
    "comparison.consent",
    (
        ("what", "face-recognition"),
        ("kept", "shield-lock-outline"),
        ("free", "hand-okay"),
    ),
)

_WISH = Choice(
    "proof.wish",
    (
        Option("own", icon="account-check-outline"),
        Option("other", icon="account-arrow-left-outline"),
    ),
    only_now=True,
)

#: Why a member of staff may be asked to vouch.
_VOUCH = ("face", "covering", "declined")


async def prove(context: Context, citizen: Citizen, consents: Consents, at: datetime) -> Proof:
    """Look at the person who stands there and compare; staff are the other way. `at`: when the
    visit's notice was read, for a proof that rests on the card alone."""
    if (why := _not_compared(context, citizen)) is not None:
        return await proven(context, at, None, cannot_tell(why))
    if (agreed_at := await consents.ask(_CONSENT)) is None:
        return await proven(context, at, None, cannot_tell(Why.DECLINED))
    if citizen.portrait is None:
        return await proven(context, at, None, cannot_tell(Why.NO_PORTRAIT))
    try:
        capture = await TakePhoto("proof.look")
    except DeviceFault:
        return await proven(context, agreed_at, None, cannot_tell(Why.NO_FACE))
    compared = await CompareFaces("comparison.compare", capture.photo, citizen.portrait)
    return await proven(context, compared.at, capture, compared.comparison)


async def prove_own_wish(
    context: Context, citizen: Citizen, consents: Consents, at: datetime
) -> Proof:
    """The same, for what cannot be taken back or opens the way to somebody's money: before it, the
    citizen is asked whether it is their own wish."""
    pressed = await asked_by_other()
    proof = await prove(context, citizen, consents, at)
    return replace(proof, reasons=(*proof.reasons, *pressed))


async def asked_by_other() -> tuple[str, ...]:
    """A reason to look, if somebody else wants it done (诈骗、胁迫, domain §6). The visit goes on
    as any other, so that who stands behind sees no difference; nothing takes effect before a person
    at the centre has called."""
    return () if await _WISH == "own" else ("asked_by_other",)


async def compare(
    context: Context, citizen: Citizen, capture: Capture, consents: Consents
) -> tuple[Comparison, datetime | None]:
    """The photo that was taken against the portrait, and when that was made or agreed to; None
    where nothing is compared. Without a decoder here the centre compares."""
    if (why := _not_compared(context, citizen)) is not None:
        return cannot_tell(why), None
    agreed_at = await consents.ask(_CONSENT)
    if agreed_at is None:
        return cannot_tell(Why.DECLINED), None
    if citizen.portrait is None:
        return cannot_tell(Why.AT_CENTRAL), agreed_at
    compared = await CompareFaces("comparison.compare", capture.photo, citizen.portrait)
    return compared.comparison, compared.at


def _not_compared(context: Context, citizen: Citizen) -> Why | None:
    """Why the citizen is not even asked for the comparison; None if they are."""
    if context.comparison is Place.NONE:
        return Why.NO_METHOD
    if citizen.on_paper:
        return Why.NO_PORTRAIT  # there is no chip
    if citizen.age_on(context.today) < context.policy.ages.face_consent:
        return Why.GUARDIAN  # only a guardian may agree for a child (办法 第7条)
    return None


async def proven(
    context: Context,
    at: datetime,
    capture: Capture | None,
    comparison: Comparison,
    covered: bool = False,
) -> Proof:
    """How sure it is who stands there, and why a person must look; staff may vouch."""
    from kiosk.photo.review import OF_THE_FACE  # as in `_reasons`

    reasons = await _reasons(capture, comparison, covered)
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


async def _reasons(
    capture: Capture | None, comparison: Comparison, covered: bool
) -> tuple[Reason, ...]:
    """Why a person must look. A face that differed once in this visit is a reason, whatever was
    said or done since, also on a way that the citizen has left."""
    from kiosk.photo.review import review_reasons  # home does without what it brings

    compared = [reply.comparison for _, reply in await Recall("comparison.compare")]
    differed = any(one.band is Band.MISMATCH for one in compared)
    return review_reasons(capture, comparison, covered, differed=differed)


async def on_paper(
    at: datetime,
    capture: Capture | None,
    comparison: Comparison,
    pages: tuple[Page, ...],
    covered: bool = False,
) -> Proof:
    """Papers and a photo: always for a person to look at, whatever staff here say (R-B10)."""
    reasons = [*await _reasons(capture, comparison, covered), "on_paper"]
    if not all(page.legible for page in pages):
        reasons.append("page_unclear")
    return Proof(Level.P0, at, comparison, reasons=tuple(reasons))
