"""Guardian and child (监护人, 未成年人): who applies for whom, and by what that is shown (R-B5).

The guardian's own ID card is read. The child has an ID card, or is named and shown by pages of the
户口簿 or the birth certificate; pages are laid before the camera in either case, because they show
the relation. None of it is judged here: a person at the centre always looks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kiosk.photo.faces import Why, cannot_tell
from kiosk.records.proof import Level, Proof
from kiosk.steps.identity import identify, identify_other
from kiosk.steps.papers import OF_CHILD, by_paper, lay_down
from kiosk.visit.prompts import Choice, Option, Row, TakePage
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from datetime import date

    from kiosk.photo.capture import Capture
    from kiosk.policy import Policy
    from kiosk.records.citizen import Citizen
    from kiosk.records.evidence import PhotoEvidence

#: 父, 母, 其他监护人, as of `sync.kinds.minor_application`. Words: `relation.<id>`.
_PARENTS = ("father", "mother")
RELATIONS = (*_PARENTS, "other")


async def guardian_of(policy: Policy, today: date) -> tuple[Citizen, str]:
    """The guardian by their ID card, and what they are to the child. Raises `Leave`."""
    guardian = await identify(today)
    if guardian.age_on(today) < policy.ages.guardian:
        raise Leave("guardian.too_young", icon="human-male-child")
    icons = ("human-male", "human-female", "account-child")
    options = zip(RELATIONS, icons, strict=True)
    relation = await Choice(
        "guardian.relation", tuple(Option(one, icon=icon) for one, icon in options)
    )
    return guardian, relation


async def child_of(guardian: Citizen, relation: str, policy: Policy, today: date) -> Citizen:
    """The child, with the pages that show the relation: of who is not a parent the proof of
    guardianship (监护证明) as well. Raises `Leave` for who is no child."""
    known_by = await Choice(
        "child.known_by",
        (
            Option("id_card", icon="card-account-details-outline"),
            Option("household", icon="book-account-outline"),
            Option("birth_certificate", icon="baby-face-outline"),
        ),
    )
    if known_by in OF_CHILD:
        child = await by_paper(known_by, today, "child", OF_CHILD)
    else:
        child = await identify_other(guardian, today, "child")
    if child.age_on(today) >= policy.ages.adult:
        raise Leave("child.grown_up", icon="account")
    if not child.pages:
        child = replace(child, pages=await lay_down(OF_CHILD["household"], "child"))
    if relation not in _PARENTS:
        proof = await TakePage("guardian.paper", child.pages[-1])
        child = replace(child, pages=(*child.pages, proof))
    return child


def of_guardian(guardian: Citizen, relation: str) -> tuple[Row, ...]:
    """Who signs, on the review page."""
    return (
        Row("form.guardian", guardian.name),
        Row("form.relation", f"relation.{relation}", revise="guardian.relation"),
    )


def guarded(
    proof: Proof, child: Citizen, capture: Capture | None, evidence: PhotoEvidence | None
) -> Proof:
    """The guardian's proof, for the child: PG where the guardian is P3. Always for a person to look
    at; a child's face is not compared."""
    from kiosk.photo.review import review_reasons  # home does without what it brings

    reasons = [*proof.reasons, "minor"]
    if capture is not None and evidence is not None:
        found = review_reasons(capture, cannot_tell(Why.GUARDIAN), evidence.head_covering)
        reasons += [reason for reason in found if reason not in reasons]
    if not all(page.legible for page in child.pages):
        reasons.append("page_unclear")
    level = Level.PG if proof.level is Level.P3 else proof.level
    return replace(proof, level=level, reasons=tuple(reasons))
