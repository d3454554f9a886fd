"""An existing card: whoever has one is told whether it still serves; nobody has two (domain R-E10).

A second-generation card in date may go on being used (R-E9), a third-generation card has no end
date (R-E6). Whoever wants another card goes on there with one touch, and is not read again (R-B15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from hardware.faults import DeviceFault, FaultCode
from kiosk.policy import Name
from kiosk.visit.prompts import Choice, Option, ReadCard
from kiosk.visit.service import ForHolders, GoOn, Leave

if TYPE_CHECKING:
    from kiosk.records.citizen import Citizen
    from kiosk.visit.service import Context, Service

_READ = Option("read", icon="card-search-outline")
_REPLACE = Option("replace", icon="card-multiple-outline")
_LEAVE = Option("leave", icon="exit-to-app")


#: Whether the card is in date -> the page shown.
_PAGES = {
    True: "existing_card.serves",
    False: "existing_card.expired",
    None: "existing_card.no_date",
}

_GENERATIONS = (Name("一", "1"), Name("二", "2"), Name("三", "3"))

#: Pages after which another card is one way on.
_REPLACEABLE = ("existing_card.serves", "existing_card.expired", "existing_card.unreadable")


async def has_card(context: Context, citizen: Citizen) -> NoReturn:
    """Offer another card, and a look at the one that is there already. Raises `GoOn` or `Leave`."""
    instead = _instead(context, citizen)
    ways = (_READ, *((_REPLACE,) if instead else ()), _LEAVE)
    wanted = await Choice("existing_card.has_one", ways)
    if wanted == "read":
        page, facts = await _look(context)
        if instead is None or page not in _REPLACEABLE:
            raise Leave(page, icon="card-account-details", facts=facts)
        wanted = await Choice(page, (_REPLACE, _LEAVE), facts)
    if wanted == "replace" and instead is not None:
        raise GoOn(instead, citizen)
    raise Leave


async def _look(context: Context) -> tuple[str, dict[str, str | int]]:
    """The page that says how the card is, with its facts."""
    try:
        card = await ReadCard("existing_card.read")
    except DeviceFault as fault:
        known_elsewhere = fault.code is FaultCode.CARD_NOT_UNDERSTOOD
        return f"existing_card.{'not_understood' if known_elsewhere else 'unreadable'}", {}
    return _PAGES[card.in_date_on(context.today)], {"generation": _GENERATIONS[card.generation - 1]}


def _instead(context: Context, citizen: Citizen) -> type[Service] | None:
    """Where this person could have another card now: an adult whose ID card was read."""
    if citizen.on_paper or citizen.age_on(context.today) < context.policy.ages.adult:
        return None
    open_now = (one for name, one in context.businesses.items() if name not in context.closed)
    return next((one for one in open_now if issubclass(one, ForHolders)), None)
