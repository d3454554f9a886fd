"""Pick-up: which cooperating bank (合作银行) makes the card, and how it gets to the citizen.

The citizen chooses freely; banks stand in the order of their names and none is preselected (domain
R-F8). Outlets of the citizen's own district come first, those that make a card while one waits are
marked (R-B16, R-F7), and 邮寄 stands last where the policy has it, and the bank does not hand its
cards out itself (R-F9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.policy import Name
from kiosk.records.address import parse_address
from kiosk.records.application import Pickup
from kiosk.visit.prompts import Choice, Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kiosk.policy import Area, Bank, Outlet, Policy
    from kiosk.records.citizen import Citizen
    from kiosk.visit.prompts import Facts

_MAIL = "mail"

#: The page where the outlet is chosen, and its twin of the same step for who has to stay with
#: their bank.
_OUTLET, _BOUND = "pickup.outlet", "pickup.outlet.bound"


async def pick_up(
    policy: Policy,
    near: Area | None,
    banks: Sequence[Bank] = (),
    *,
    mail: bool = True,
    bound: Facts | None = None,
) -> Pickup:
    """The bank, and where or how the card is handed out. `banks`: those that may be chosen, if not
    all; of a single one nobody is asked. `mail`: whether it may be sent, where the pack allows.
    `bound`: facts of why it can be but the one bank (R-F1): `day`, `months`."""
    banks = banks or policy.banks
    bank = banks[0].id
    if len(banks) > 1:
        names = tuple(Option(one.id, label=one.name) for one in banks)
        bank = await Choice("pickup.bank", names)
    ways = [_option(policy, outlet) for outlet in policy.outlets_of(bank, near)]
    if policy.card.by_mail and mail and not policy.bank(bank).own_outlets_only:
        ways.append(Option(_MAIL, icon="email-outline"))
    facts = {"bank": policy.bank(bank).name, **(bound or {})}
    chosen = await Choice(_BOUND if bound else _OUTLET, tuple(ways), facts=facts)
    if chosen == _MAIL:
        return Pickup(bank, "", _MAIL)
    return Pickup(bank, chosen, "instant" if policy.outlet(chosen).instant else "outlet")


def _option(policy: Policy, outlet: Outlet) -> Option:
    if not outlet.instant:
        return Option(outlet.id, label=outlet.name, detail=outlet.address, icon="bank-outline")
    mark = policy.card.instant
    detail = Name(f"{mark} · {outlet.address}", f"{mark.english} · {outlet.address}")
    return Option(outlet.id, label=outlet.name, detail=detail, icon="flash")


async def pick_outlet(
    policy: Policy, citizen: Citizen, banks: Sequence[Bank] = (), bound: Facts | None = None
) -> Outlet:
    """The same where no address is asked for: near the ID card's, and never by mail."""
    home = parse_address(citizen.id_address, policy.areas)
    near = None if home is None else home.area
    pickup = await pick_up(policy, near, banks, mail=False, bound=bound)
    return policy.outlet(pickup.outlet)
