"""Identity: whose 居民身份证 lies on the reader. The step that most services begin with."""

from __future__ import annotations

from datetime import date

from kiosk.records.citizen import Citizen, UnusableIdCard
from kiosk.visit.prompts import Choice, Option, PlaceIdCard
from kiosk.visit.service import Leave

#: After a card that cannot be used: put down another, or leave.
_AGAIN = (
    Option("again", icon="card-account-details-outline"),
    Option("leave", icon="exit-to-app"),
)


async def identify(today: date) -> Citizen:
    """Read the 居民身份证 until one can be used.

    A residence permit or another card is refused with a word and another may be put down. Raises
    `Leave` if the citizen gives up, or at the window's word if the card has expired (domain §5.0).
    """
    while True:
        card = await PlaceIdCard("identity.id_card")
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
