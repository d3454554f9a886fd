"""Who is there: the step that most services begin with. Not a service itself."""

from __future__ import annotations

from datetime import date

from kiosk.records.citizen import Citizen, UnusableIdCard
from kiosk.visit.prompts import Advice, Choice, Option, PlaceIdCard

#: After a card that cannot be used: put down another, or leave.
_AGAIN = (
    Option("again", icon="card-account-details-outline"),
    Option("leave", icon="exit-to-app"),
)


async def identify(prompt_id: str, today: date) -> Citizen | None:
    """Read the 居民身份证 until one can be used; None if the citizen gives up.

    A residence permit or another card is refused with a word and another may be put down; an
    expired card ends at the window (domain §5.0).
    """
    while True:
        card = await PlaceIdCard(prompt_id)
        if card.kind != "resident":
            trouble = "identify.other_kind"
        else:
            try:
                return Citizen.from_id_card(card, today)
            except UnusableIdCard as unusable:
                if unusable.reason == "expired":
                    await Advice("identify.expired", icon="calendar-alert")
                    return None
                trouble = "identify.unusable"
        if await Choice(trouble, _AGAIN) == "leave":
            return None
