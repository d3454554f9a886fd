"""Nothing that tells of a citizen stands in a `repr`, so none gets into a log by accident."""

from __future__ import annotations

import dataclasses

import pytest

from kiosk.policy import load_policy
from kiosk.receipts import Slip
from kiosk.records.address import RuralAddress, UrbanAddress
from kiosk.records.application import CardApplication, Contact, Pickup
from kiosk.records.citizen import Citizen
from kiosk.services import find_services
from kiosk.steps.filing import Paper
from kiosk.visit import prompts as p
from kiosk.visit.service import Service
from tests.flows.counter import PHONE, PHOTO, SIGNATURE, TODAY, ZHANG
from tests.flows.explore import explored

#: What somebody would be known by. The masked forms of it are personal as well.
PERSONAL = (
    ZHANG.name,
    ZHANG.number,
    ZHANG.number[6:14],
    ZHANG.address,
    PHONE["phone"],
    "139****0000",
    ZHANG.number[:6] + "********",
)


@pytest.mark.parametrize("service", find_services(), ids=lambda service: str(service.id))
def test_no_prompt_of_a_service_tells_of_the_citizen(service: type[Service]) -> None:
    reprs = explored(service).reprs
    assert len(reprs) > 5
    told = {(word, text) for text in reprs for word in PERSONAL if word in text}
    assert told == set()


AREA = load_policy().areas[0]
CITIZEN = Citizen.from_id_card(ZHANG, TODAY)
ADDRESS = UrbanAddress(AREA, ZHANG.address, ZHANG.name, ZHANG.name, ZHANG.name)
CONTACT = Contact(PHONE["phone"], PHONE["phone"], ZHANG.number)
ROWS = (("row.name", ZHANG.name), ("row.number", ZHANG.number))
FACTS = {"name": ZHANG.name, "phone": PHONE["phone"]}


@pytest.mark.parametrize(
    "thing",
    [
        ZHANG,
        CITIZEN,
        CITIZEN.number,
        ADDRESS,
        RuralAddress(AREA, ZHANG.address, ZHANG.name, ZHANG.name),
        CardApplication(
            CITIZEN,
            "resident",
            CONTACT,
            ADDRESS,
            ZHANG.name,
            Pickup("icbc", "a", "outlet"),
            True,
            PHOTO,
        ),
        CONTACT,
        SIGNATURE,
        Slip("a.slip", "state.queued", rows=ROWS, facts=FACTS),
        Paper("a", rows=ROWS, facts=FACTS),
        p.Notice("a", points=(), facts=FACTS),
        p.Choice("a", (p.Option("b", ZHANG.name, PHONE["phone"]),), FACTS),
        p.Form("a", (p.Field("b", "phone", "digits", initial=PHONE["phone"]),), FACTS),
        p.Review("a", tuple(p.Row(*row) for row in ROWS)),
        p.Sign("a", "0" * 64, ZHANG.name),
        p.FindMine("a", ZHANG.number),
        p.Entry("a", "ok", "b", rows=ROWS, number=ZHANG.number),
        p.Advice("a", facts=FACTS),
        p.Done("a", "ok", facts=FACTS),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_no_record_tells_of_the_citizen(thing: object) -> None:
    said = repr(thing)
    assert [word for word in (*PERSONAL, "100, 200") if word in said] == []
    assert dataclasses.is_dataclass(thing)
