"""Identity by the social security card and its PIN, where the ID card is missing (domain R-A5).

A card that was found genuine and its PIN are P2 (domain §5.0): enough to look up what one has
filed, print its receipts, withdraw it before it is looked at and report what is wrong. A chip that
nobody asked for its proof may be programmed to say any name and to take any PIN, so it proves
nobody; nor does a card that was reported lost, is void or was not activated, so the centre has to
say that it serves, and whose it is; nor a PIN that the card was issued with, which everybody knows.
Before the last wrong PIN it stops.

What is proven is the chip (卡识别码). 卡号 and holder are read beside it, and the register does not
say which chip a 卡号 is in: a device between the reader and a genuine card could still say another
person's. Closing that takes the 卡识别码 from the register.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kiosk.records.citizen import Citizen, UnusableIdCard
from kiosk.steps.card_pin import verified
from kiosk.steps.enquiry import ask
from kiosk.visit.prompts import ReadCard
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from datetime import date

    from hardware.card.contents import SocialCard

#: States in which a card serves nobody; each has its page.
NOT_SERVING = ("not_active", "lost", "void")

#: What the centre can be asked about (`sync.kinds.social_card`); a chip may say anything.
_CARD_NO = re.compile(r"[A-Z][0-9]{8}")


async def must_serve(prompt: str, card: SocialCard, **holder: str) -> bool:
    """Whether the centre says that the card serves; False where it cannot say. `holder`: with
    `id_number` it is that person's card, too. Raises `Leave` where the card does not serve."""
    if not _CARD_NO.fullmatch(card.card_no):
        return False
    reply = await ask(prompt, "social_card.state", card_no=card.card_no, **holder)
    state = None if reply.facts is None else reply.facts.get("state")
    if state in NOT_SERVING:
        raise Leave(f"social_card.{state}", icon="card-off-outline")
    return state == "in_use"


async def by_social_card(today: date) -> Citizen:
    """Raises `Leave` where the card does not prove whose it is."""
    card = await ReadCard("identity.social_card", holder=True, tries=True)
    if card.holder is None:
        raise Leave("social_card.silent", icon="card-remove-outline")
    if not card.genuine:
        raise Leave("social_card.unproven", icon="card-remove-outline")
    try:
        citizen = Citizen.from_social_card(card.holder.name, card.holder.number, today)
    except UnusableIdCard:
        raise Leave("social_card.silent", icon="card-remove-outline") from None
    if not await must_serve("social_card.ask", card, id_number=citizen.number.text):
        raise Leave("social_card.unasked", icon="wifi-off")
    _, initial = await verified(card)
    if initial:
        raise Leave("social_card.initial", icon="lock-alert-outline")
    return citizen
