"""The ways to say who one is: the ID card; in its place the social security card with its PIN or
the electronic card, each where it can be read and the centre can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.steps.electronic_card import by_electronic_card
from kiosk.steps.identity import identify
from kiosk.steps.social_card import by_social_card
from kiosk.visit.prompts import Choice, Option

if TYPE_CHECKING:
    from datetime import date

    from kiosk.records.citizen import Citizen
    from kiosk.visit.service import Context

_ID_CARD = Option("id_card", icon="card-account-details-outline")
_SOCIAL_CARD = Option("social_card", icon="credit-card-chip-outline")
_ELECTRONIC = Option("electronic", icon="qrcode")


def offered(context: Context) -> tuple[Option, ...]:
    """For a `Choice`, whose answer `identify_by` takes."""
    return (
        _ID_CARD,
        *((_SOCIAL_CARD,) if context.cards else ()),
        *((_ELECTRONIC,) if context.electronic else ()),
    )


async def identify_by(way: str, today: date) -> Citizen:
    """Raises `Leave`."""
    if way == _SOCIAL_CARD.value:
        return await by_social_card(today)
    if way == _ELECTRONIC.value:
        return await by_electronic_card(today)
    return await identify(today)


async def identify_any(context: Context) -> Citizen:
    """By the way that the citizen chooses; one way is no choice. Raises `Leave`."""
    ways = offered(context)
    way = _ID_CARD.value if len(ways) == 1 else await Choice("identity.by", ways)
    return await identify_by(way, context.today)
