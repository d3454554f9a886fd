"""Pick-up: which cooperating bank (合作银行) makes the card, and where it is handed out.

The citizen chooses freely; banks stand in the order of their names and none is preselected (domain
R-F8). Outlets of the citizen's own district come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.visit.prompts import Choice, Option

if TYPE_CHECKING:
    from kiosk.policy import Area, Outlet, Policy


async def pick_up(policy: Policy, near: Area) -> Outlet:
    """The outlet; its `bank` is the chosen bank."""
    bank = await Choice(
        "pickup.bank", tuple(Option(bank.id, label=bank.name) for bank in policy.banks)
    )
    outlets = tuple(
        Option(outlet.id, label=outlet.name, detail=outlet.address)
        for outlet in policy.outlets_of(bank, near)
    )
    chosen = await Choice("pickup.outlet", outlets, facts={"bank": policy.bank(bank).name})
    return policy.outlet(chosen)
