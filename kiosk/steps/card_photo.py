"""Card photo (制卡照片): consent, up to so many tries, the citizen's choice, and whose face it is.

Before the photo one notice says what it is for and how to sit; who cannot take off a head covering
for religious or medical reasons goes on by its second button (domain R-D16) and is looked at by a
person.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from kiosk.late import dataclass
from kiosk.records.application import named
from kiosk.records.evidence import PhotoEvidence
from kiosk.steps.proof import asked_by_other, compare, on_paper, prove, proven
from kiosk.visit.flow import Recall
from kiosk.visit.prompts import Choice, ChoosePhoto, Notice, Option, TakePhoto

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kiosk.photo import CardPhoto
    from kiosk.photo.capture import Capture
    from kiosk.policy import Policy
    from kiosk.records.citizen import Citizen
    from kiosk.records.old_card import OldCard
    from kiosk.records.proof import Proof
    from kiosk.steps.consents import Consents
    from kiosk.visit.prompts import Agreement
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


@dataclass(frozen=True)
class Shot:
    """The chosen photo, how it came about, and what it proves."""

    capture: Capture
    evidence: PhotoEvidence
    proof: Proof
    attachments: dict[str, bytes] = field(repr=False)


async def photo_only(
    policy: Policy, consents: Consents
) -> tuple[Agreement, Capture, PhotoEvidence]:
    """The notice, the tries and the choice; nobody's face is compared."""
    agreed = await consents.read(_NOTICE)
    capture, tries = await _take(policy.photo.tries, agreed.exception)
    return agreed, capture, PhotoEvidence(capture, tries, agreed.exception)


async def card_photo(context: Context, citizen: Citizen, consents: Consents) -> Shot:
    """Take the photo, let the citizen choose, and compare the face where they agree."""
    agreed, capture, evidence = await photo_only(context.policy, consents)
    comparison, at = await compare(context, citizen, capture, consents)
    if citizen.on_paper:
        proof = await on_paper(agreed.at, capture, comparison, citizen.pages, agreed.exception)
    else:
        proof = await proven(context, at or agreed.at, capture, comparison, agreed.exception)
    attachments = {"photo": capture.photo.jpeg, "frame": capture.frame.jpeg}
    if at is not None and citizen.portrait_wlt:
        attachments["portrait_wlt"] = citizen.portrait_wlt
    attachments |= {name: page.jpeg for name, page in named(citizen).items()}
    return Shot(capture, evidence, proof, attachments)


@dataclass(frozen=True)
class Picture:
    """The photo for a card: taken now, or one that the centre has, and who stands there. `more`:
    the parts of the transaction that come with it."""

    sha256: str
    proof: Proof
    picture: CardPhoto | None = None
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)


async def photo_of_card(
    context: Context, citizen: Citizen, consents: Consents, card: OldCard, at: datetime
) -> Picture:
    """The centre's photo where it is new enough (R-D10) and the citizen likes it, else a new one.
    `at`: when the visit's notice was read."""
    pressed = await asked_by_other()
    if card.has_photo(context.today, context.policy.photo.valid_months):
        facts = {"day": f"{card.photo_taken:%Y-%m-%d}"}
        if await Choice("photo.known", _KNOWN, facts, only_now=True) == "known":
            proof = await prove(context, citizen, consents, at)
            return Picture(card.photo_sha256, _with(proof, pressed))
    shot = await card_photo(context, citizen, consents)
    photo = shot.capture.photo
    more = {"attachments": shot.attachments, "evidence": shot.evidence.document()}
    return Picture(photo.sha256, _with(shot.proof, pressed), photo, more)


def _with(proof: Proof, reasons: tuple[str, ...]) -> Proof:
    return replace(proof, reasons=(*proof.reasons, *reasons))


_KNOWN = (Option("known", icon="account-box-outline"), Option("anew", icon="camera-outline"))


async def _take(tries: int, excused: bool) -> tuple[Capture, int]:
    """The one the citizen likes best of at most so many, counted over the whole visit, and how many
    were taken. Behind Back to the notice, those of a head that was covered otherwise are no choice
    any more, and count all the same."""
    captures: tuple[Capture, ...] = ()
    while True:
        captures += (await TakePhoto("photo.take", len(captures) + 1, excused),)
        seen = await Recall("photo.take")
        covered_then = [isinstance(one, TakePhoto) and one.excused for one, _ in seen]
        others = covered_then.count(not excused)
        left = max(0, tries - others - len(captures))
        chosen = await ChoosePhoto("photo.choose", captures, left)
        if chosen != "again":
            return captures[int(chosen) - 1], len(await Recall("photo.take"))
