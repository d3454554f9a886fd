"""The social security card and its PIN in place of the ID card (R-A5): a card that serves, a PIN
that is its holder's own, and tries that are kept safe."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hardware.card.contents import Holder
from hardware.faults import Device
from hardware.supervision import DeviceState
from kiosk.records.pins import PinSaid, PinUsed
from kiosk.records.submission import Reply
from kiosk.services.card_progress import CardProgress
from kiosk.services.problem_report import ReportProblem
from kiosk.settings import Devices
from kiosk.visit.flow import Ending
from tests.flows.counter import ACCEPTED, AGREED, CONTEXT, SUBMITTED, ZHANG, Walk, fits, own_card
from tests.flows.test_electronic_card import CASE
from tests.flows.test_terminal import Desk, terminal

WITH_CARDS = replace(CONTEXT, cards=True)
IN_USE = Reply({"state": "in_use"})
RIGHT = PinUsed(PinSaid.DONE, 6, insertion=2)


def asked(**card: Any) -> Walk:
    """As far as the centre's word about the card."""
    walk = Walk(CardProgress, WITH_CARDS).say("progress.by", "social_card")
    return walk.say("identity.social_card", replace(own_card(), **card))


def test_with_the_right_pin_everything_is_shown_printed_and_taken_up() -> None:
    walk = asked().say("social_card.ask", IN_USE)
    assert walk.prompt.tries_left == 6
    walk.say("card_pin.present", True).say("card_pin.verify", RIGHT)
    assert walk.prompt.person == ZHANG.number
    walk.say("progress.mine", ()).say("progress.ask", Reply({"cases": [CASE]}))
    assert "0:case_withdrawal" in walk.prompt.answers() and "0" in walk.prompt.answers()
    walk.say("progress.listing", True)
    assert walk.visit.outcome is not None and walk.visit.outcome.ending is Ending.DONE


def test_a_chip_that_nobody_asked_for_its_proof_shows_nobodys_matters() -> None:
    """It says any name, and takes any PIN."""
    walk = asked(genuine=False)
    assert walk.at == "social_card.unproven"


def test_a_problem_is_reported_with_it() -> None:
    walk = Walk(ReportProblem, WITH_CARDS).say("problem_report.notice", AGREED)
    walk.say("identity.by", "social_card").say("identity.social_card", own_card())
    walk.say("social_card.ask", IN_USE).say("card_pin.present", True).say("card_pin.verify", RIGHT)
    walk.say("problem_report.about", "card")
    fits(walk.prompt.transaction)
    assert walk.prompt.transaction.document["id_number"] == ZHANG.number
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", ACCEPTED)


@pytest.mark.parametrize("tries", [1, 0])
def test_nobody_types_where_the_next_mistake_would_lock_it(tries: int) -> None:
    walk = asked(pin_tries=tries).say("social_card.ask", IN_USE)
    assert walk.at == {1: "card_pin.last_try", 0: "card_pin.locked"}[tries]


def test_after_wrong_pins_it_stops_with_one_try_left() -> None:
    walk = asked(pin_tries=3).say("social_card.ask", IN_USE)
    walk.say("card_pin.present", True)
    walk.say("card_pin.verify", PinUsed(PinSaid.WRONG, 2, insertion=2))
    assert walk.at == "card_pin.present" and walk.prompt.again == "card_pin.wrong"
    walk.say("card_pin.present", True)
    walk.say("card_pin.verify", PinUsed(PinSaid.WRONG, 1, insertion=2))
    assert walk.at == "card_pin.last_try"


def test_the_pin_that_every_card_is_issued_with_is_nobodys() -> None:
    walk = asked().say("social_card.ask", IN_USE).say("card_pin.present", True)
    assert walk.say("card_pin.verify", replace(RIGHT, initial=True)).at == "social_card.initial"


@pytest.mark.parametrize("state", ["not_active", "lost", "void"])
def test_a_card_that_does_not_serve_proves_nobody(state: str) -> None:
    assert asked().say("social_card.ask", Reply({"state": state})).at == f"social_card.{state}"


@pytest.mark.parametrize("reply", [Reply(), Reply({"state": ""}), Reply({"state": "of 2030"})])
def test_nor_does_one_of_which_the_centre_says_nothing(reply: Reply) -> None:
    assert asked().say("social_card.ask", reply).at == "social_card.unasked"


def test_the_centre_is_asked_whether_the_card_is_whose_it_says() -> None:
    """A chip that says another's number, with the number of the card that its maker has."""
    asks = asked().prompt.question
    assert dict(asks.fields) == {"card_no": own_card().card_no, "id_number": ZHANG.number}


@pytest.mark.parametrize("card_no", ["", "12345678", "a12345678", "A1234567 "])
def test_nor_one_with_a_number_that_is_none(card_no: str) -> None:
    """It ended the visit as a fault of the program: no question can hold it."""
    assert asked(card_no=card_no).at == "social_card.unasked"


NO_NUMBER = Holder("", "张建国", "1", "01", None)
NO_NAME = Holder(ZHANG.number, "", "1", "01", None)


@pytest.mark.parametrize("holder", [None, NO_NUMBER, NO_NAME])
def test_a_card_that_does_not_say_whose_it_is_is_no_ones(holder: Holder | None) -> None:
    assert asked(holder=holder).at == "social_card.silent"


@pytest.mark.parametrize(
    ("way", "state", "heard", "offered"),
    [
        ("hsm", DeviceState.READY, True, True),
        ("hsm", DeviceState.READY, False, False),
        ("hsm", DeviceState.FAULT, True, False),
        ("psam", DeviceState.READY, True, False),
        ("pin", DeviceState.READY, True, False),
        ("none", DeviceState.READY, True, False),
    ],
)
def test_it_is_offered_with_a_reader_and_the_centre_whose_hsm_tells_a_genuine_card(
    tmp_path: Path, way: str, state: DeviceState, heard: bool, offered: bool
) -> None:
    devices = Devices(card_authenticator=way)
    desk = terminal(tmp_path, devices=devices, card_reader=Desk(None))
    desk.health.put(Device.CARD_READER, state)
    if heard:
        desired = {"version": "1", "closed_services": {}}
        (tmp_path / "desired.json").write_text(json.dumps(desired))
        desk.parts.desired.refresh()
    assert desk._context().cards is offered


def test_it_is_not_offered_without() -> None:
    assert [way.value for way in Walk(CardProgress).prompt.options] == ["id_card", "receipt"]
