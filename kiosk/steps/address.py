"""通讯地址: where the citizen can be reached (domain R-C3, R-C4).

Most addresses stand on the ID card: the step shows what it read there and asks whether it is still
right, one touch. Otherwise town or village, the area, and the parts of it that there are. Nothing
but the name of the place is obligatory; an address without any number is asked about once, because
it is mostly forgotten.

Prompts: `address.same`, `address.kind`, `address.area`, `address.urban` or `address.rural`, and
`address.no_number`. The review row is `Row("form.address", address.text, revise="address")`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kiosk.records.address import Address, RuralAddress, UrbanAddress, parse_address
from kiosk.visit.prompts import Choice, Field, Form, Option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.policy import Area, Policy
    from kiosk.records.citizen import Citizen

#: Boxes of the two forms. "house" opens digits with letters, 甲乙丙 and the words of doors.
URBAN_FIELDS: Final = (
    Field("estate", rule="place", keyboard="chinese", longest=30),
    Field("building", rule="house", keyboard="house", longest=10, optional=True),
    Field("entrance", rule="house", keyboard="house", longest=8, optional=True),
    Field("room", rule="house", keyboard="house", longest=12, optional=True),
)
RURAL_FIELDS: Final = (
    Field("township", rule="place", keyboard="chinese", longest=20),
    Field("village", rule="place", keyboard="chinese", longest=20),
    Field("detail", rule="detail", keyboard="chinese", longest=30, optional=True),
)


async def address(policy: Policy, citizen: Citizen) -> Address:
    """The address as the citizen says it is."""
    known = parse_address(citizen.id_address, policy.areas)
    if known is not None:
        same = Option("same", detail=known.text, icon="home-account")
        other = Option("other", icon="home-edit-outline")
        if await Choice("address.same", (same, other)) == "same":
            return known
    kind = await Choice(
        "address.kind",
        (Option("urban", icon="home-city-outline"), Option("rural", icon="barn")),
    )
    areas = tuple(Option(area.code, label=area.name) for area in policy.areas)
    area = policy.area(await Choice("address.area", areas))
    entered: Mapping[str, str] = {}
    while True:
        entered = await _form(kind, area, entered)
        given = _address(kind, area, entered)
        if given.numbered or await Choice("address.no_number", _ADD_OR_KEEP) == "keep":
            return given


_ADD_OR_KEEP: Final = (
    Option("add", icon="pencil"),
    Option("keep", icon="check"),
)


async def _form(kind: str, area: Area, entered: Mapping[str, str]) -> Mapping[str, str]:
    """The boxes of one kind of address, filled with what was entered before."""
    facts = {"area": area.full}
    if kind == "urban":
        return await Form("address.urban", _filled(URBAN_FIELDS, entered), facts=facts)
    return await Form("address.rural", _filled(RURAL_FIELDS, entered), facts=facts)


def _filled(fields: tuple[Field, ...], entered: Mapping[str, str]) -> tuple[Field, ...]:
    return tuple(replace(box, initial=entered.get(box.name, "")) for box in fields)


def _address(kind: str, area: Area, entered: Mapping[str, str]) -> Address:
    return UrbanAddress(area, **entered) if kind == "urban" else RuralAddress(area, **entered)
