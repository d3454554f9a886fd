"""Identity by the electronic card (电子社保卡): its code instead of the ID card, where that
is enough.

A code shows who holds the telephone, and nothing of a PIN or a face: P1 (domain §5.0). So it serves
where little is shown and nothing is changed, and never alone where P2 or P3 is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.records.citizen import Citizen, UnusableIdCard
from kiosk.records.electronic import CodeSaid
from kiosk.visit.prompts import ScanCard
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from datetime import date

#: Why a code does not serve -> the icon of its page.
_ICONS = {CodeSaid.UNASKED: "wifi-off", CodeSaid.STOPPED: "card-off-outline"}


async def by_electronic_card(today: date) -> Citizen:
    """Raises `Leave` where the code does not say who it is."""
    card = await ScanCard("identity.electronic")
    if card.said is not CodeSaid.VALID:
        raise Leave(f"electronic.{card.said}", icon=_ICONS.get(card.said, "qrcode-remove"))
    try:
        return Citizen.from_electronic(card.name, card.number, today)
    except UnusableIdCard:
        raise Leave(f"electronic.{CodeSaid.UNKNOWN}", icon="qrcode-remove") from None
