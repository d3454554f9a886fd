"""Identity by the social security card and its PIN, where the ID card is missing (domain R-A5).

Card and PIN are P2 (domain §5.0): enough to look up what one has filed, print its receipts and
report what is wrong, and for nothing that cannot be taken back. A card that was reported lost, is
void or was not activated proves nobody, so the centre has to say that it serves; nor does a PIN
that the card was issued with, which everybody knows. Before the last wrong PIN it stops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.records.citizen import Citizen, UnusableIdCard
from kiosk.steps.card_pin import verified
from kiosk.steps.enquiry import card_state
from kiosk.visit.prompts import ReadCard
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from datetime import date

#: States in which a card serves nobody; each has its page (`kiosk.services.card_check`).
NOT_SERVING = ("not_active", "lost", "void")


async def by_social_card(today: date) -> Citizen:
    """Raises `Leave` where the card does not prove whose it is."""
    card = await ReadCard("identity.social_card", holder=True, tries=True)
    if card.holder is None:
        raise Leave("social_card.silent", icon="card-remove-outline")
    try:
        citizen = Citizen.from_social_card(card.holder.name, card.holder.number, today)
    except UnusableIdCard:
        raise Leave("social_card.silent", icon="card-remove-outline") from None
    state = await card_state("social_card.ask", card.card_no)
    if state in NOT_SERVING:
        raise Leave(f"card_check.{state}", icon="card-off-outline")
    if state != "in_use":
        raise Leave("social_card.unasked", icon="wifi-off")
    _, initial = await verified(card)
    if initial:
        raise Leave("social_card.initial", icon="lock-alert-outline")
    return citizen
