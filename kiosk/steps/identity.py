"""Identity: whose 居民身份证 lies on the reader. The step that most services begin with."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from kiosk.records.citizen import Citizen, UnusableIdCard
from kiosk.steps.papers import by_paper
from kiosk.visit.prompts import Choice, Option, PlaceIdCard
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from kiosk.policy import Policy

#: After a card that cannot be used: put down another, or leave.
_AGAIN = (
    Option("again", icon="card-account-details-outline"),
    Option("leave", icon="exit-to-app"),
)


async def identify(today: date, prompt: str = "identity.id_card") -> Citizen:
    """Read the 居民身份证 until one can be used. `prompt`: whose words say whose card is meant.

    A residence permit or another card is refused with a word and another may be put down. Raises
    `Leave` if the citizen gives up, or at the window's word if the card has expired (domain §5.0).
    """
    citizen = await _read(today, PlaceIdCard(prompt))
    assert citizen is not None  # the prompt takes no other answer than a card
    return citizen


async def identify_or_paper(policy: Policy, today: date) -> Citizen:
    """The same; who has no ID card here shows the 户口簿 instead, where the policy lets them."""
    may_lack = policy.card.household
    citizen = await _read(today, PlaceIdCard("identity.id_card", may_lack=may_lack))
    return citizen or await by_paper("household", today)


async def identify_other(than: Citizen, today: date, step: str) -> Citizen:
    """The same of somebody else, whose card may still lie on the reader. `step`: begins the ids of
    the prompts, `<step>.id_card` and `<step>.same_card`. Raises `Leave`."""
    while True:
        citizen = await identify(today, f"{step}.id_card")
        if citizen.number != than.number:
            return citizen
        if await Choice(f"{step}.same_card", _AGAIN) == "leave":
            raise Leave


async def _read(today: date, prompt: PlaceIdCard) -> Citizen | None:
    """None: the citizen says that they have none here."""
    while True:
        card = await prompt
        if card is None:
            return None
        if card.kind != "resident":
            trouble = "identity.other_kind"
        else:
            try:
                return Citizen.from_id_card(card, today)
            except UnusableIdCard as unusable:
                if unusable.reason == "expired":
                    raise Leave("identity.expired", icon="calendar-alert") from None
                trouble = "identity.unusable"
        if await Choice(trouble, _AGAIN) == "leave":
            raise Leave
