"""Address: where the citizen lives, as on the ID card or typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.records.address import Address, RuralAddress, UrbanAddress, parse_address
from kiosk.records.codes import TANGSHAN
from kiosk.visit.prompts import Choice, Field, Form, Option

if TYPE_CHECKING:
    from kiosk.policy import Policy
    from kiosk.records.citizen import Citizen

_URBAN_FIELDS = (
    Field("estate", rule="place", keyboard="chinese", longest=30),
    Field("building", rule="house", keyboard="digits", longest=8),
    Field("entrance", rule="house", keyboard="digits", longest=8, optional=True),
    Field("room", rule="house", keyboard="digits", longest=8),
)
_RURAL_FIELDS = (
    Field("township", rule="place", keyboard="chinese", longest=20),
    Field("village", rule="place", keyboard="chinese", longest=20),
    Field("detail", rule="detail", keyboard="chinese", longest=30),
)


async def address(policy: Policy, citizen: Citizen) -> Address:
    """The address of the ID card if it is still true, else a typed one."""
    known = parse_address(citizen.id_address)
    if known is not None:
        same = Option("same", detail=known.text, icon="home-account")
        other = Option("other", icon="home-edit-outline")
        if await Choice("address.same", (same, other)) == "same":
            return known
    kind = await Choice(
        "address.kind",
        (Option("urban", icon="home-city-outline"), Option("rural", icon="barn")),
    )
    area = await Choice(
        "address.area", tuple(Option(code, label=name) for code, name in TANGSHAN.items())
    )
    facts = {"area": TANGSHAN[area]}
    if kind == "urban":
        typed = await Form("address.urban", _URBAN_FIELDS, facts=facts)
        return UrbanAddress(
            area, typed["estate"], typed["building"], typed["entrance"], typed["room"]
        )
    typed = await Form("address.rural", _RURAL_FIELDS, facts=facts)
    return RuralAddress(area, typed["township"], typed["village"], typed["detail"])
