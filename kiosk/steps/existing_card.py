"""An existing card: whoever has one is told whether it still serves; nobody has two (domain R-E10).

A second-generation card in date may go on being used (R-E9), a third-generation card has no end
date (R-E6).
"""

from __future__ import annotations

from datetime import date
from typing import NoReturn

from hardware.faults import DeviceFault, FaultCode
from kiosk.visit.prompts import Choice, Option, ReadCard
from kiosk.visit.service import Leave

_LOOK = (Option("read", icon="card-search-outline"), Option("leave", icon="exit-to-app"))


#: Whether the card is in date -> the page shown.
_PAGES = {
    True: "existing_card.serves",
    False: "existing_card.expired",
    None: "existing_card.no_date",
}


async def has_card(today: date) -> NoReturn:
    """Offer a look at the card that is there already; the visit ends either way."""
    if await Choice("existing_card.has_one", _LOOK) == "leave":
        raise Leave
    try:
        card = await ReadCard("existing_card.read")
    except DeviceFault as fault:
        known_elsewhere = fault.code is FaultCode.CARD_NOT_UNDERSTOOD
        page = "existing_card.not_understood" if known_elsewhere else "existing_card.unreadable"
        raise Leave(page, icon="card-remove-outline") from None
    raise Leave(
        _PAGES[card.in_date_on(today)],
        icon="card-account-details",
        facts={"generation": "一二三"[card.generation - 1]},
    )
