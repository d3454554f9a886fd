"""The citizen's PIN: what the card says is believed, nothing is tried twice, nothing is shown."""

from __future__ import annotations

import pickle

import pytest

from hardware.card.files import CardFiles
from hardware.card.pin import Pin, PinOutcome, change, tries_left, verify
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual.personas import CARD_PERSONAS
from tests.wire.cards import Desk

RIGHT = CARD_PERSONAS["third"].pin


def entered(persona: str = "third") -> Desk:
    """A card whose application is selected."""
    desk = Desk(persona)
    CardFiles(desk.card.transmit).enter()
    return desk


def code_of(error: pytest.ExceptionInfo[DeviceFault]) -> FaultCode:
    return error.value.code


def test_the_right_pin_is_verified() -> None:
    desk = entered()
    assert verify(desk.card, Pin(RIGHT)) == PinOutcome(True)
    assert desk.commands[-1] == bytes.fromhex("0020000003") + bytes.fromhex(RIGHT)


def test_wrong_pins_are_counted_by_the_card_until_it_is_blocked() -> None:
    desk = entered("initial-pin")
    said = [verify(desk.card, Pin("246802")) for _ in range(4)]
    assert [outcome.tries_left for outcome in said] == [2, 1, 0, 0]
    assert [outcome.blocked for outcome in said] == [False, False, True, True]
    with pytest.raises(DeviceFault) as caught:
        said[-1].must_not_be_blocked()
    assert code_of(caught) is FaultCode.CARD_PIN_BLOCKED


def test_tries_are_kept_without_power_and_given_back_by_the_right_pin() -> None:
    desk = entered("initial-pin")
    verify(desk.card, Pin("246802"))
    desk.again()
    CardFiles(desk.card.transmit).enter()
    assert tries_left(desk.card) == 2
    assert verify(desk.card, Pin("123456")).verified
    assert verify(desk.card, Pin("246802")).tries_left == 2


def test_how_many_are_left_is_asked_without_a_pin() -> None:
    desk = entered()
    assert tries_left(desk.card) == 6
    assert tries_left(entered("blocked-pin").card) == 0
    assert desk.commands[-1] == bytes.fromhex("00200000"), "no PIN in it"


def test_a_changed_pin_is_the_only_right_one() -> None:
    desk = entered()
    assert change(desk.card, Pin(RIGHT), Pin("864209")).verified
    assert desk.commands[-1] == bytes.fromhex("805E010007" + RIGHT + "FF" + "864209")
    assert verify(desk.card, Pin("864209")).verified
    assert not verify(desk.card, Pin(RIGHT)).verified


def test_a_wrong_old_pin_costs_a_try_and_changes_nothing() -> None:
    desk = entered()
    assert change(desk.card, Pin("111112"), Pin("864209")) == PinOutcome(False, 5)
    assert verify(desk.card, Pin(RIGHT)).verified


@pytest.mark.parametrize("new", ["123456", "000000", "777777"])
def test_nobody_changes_to_an_initial_pin_or_one_digit(new: str) -> None:
    desk = entered()
    before = len(desk.commands)
    with pytest.raises(DeviceFault) as caught:
        change(desk.card, Pin(RIGHT), Pin(new))
    assert code_of(caught) is FaultCode.CARD_INITIAL_PIN
    assert len(desk.commands) == before, "nothing was sent"


@pytest.mark.parametrize("verb", ["verify", "change"])
def test_a_card_pulled_at_the_pin_costs_at_most_one_try_and_is_not_asked_again(verb: str) -> None:
    desk = Desk("third", pull_at=1)
    CardFiles(desk.card.transmit).enter()
    with pytest.raises(DeviceFault) as caught:
        if verb == "verify":
            verify(desk.card, Pin("246802"))
        else:
            change(desk.card, Pin("246802"), Pin("864209"))
    assert code_of(caught) is FaultCode.CARD_PULLED
    assert len(desk.commands) == 1, "only the SELECT reached the card"
    desk.again()
    CardFiles(desk.card.transmit).enter()
    assert tries_left(desk.card) == 6


def test_a_card_that_refuses_pins_altogether_says_so() -> None:
    desk = Desk("foreign")
    with pytest.raises(DeviceFault) as caught:
        verify(desk.card, Pin(RIGHT)) and change(desk.card, Pin(RIGHT), Pin("864209"))
        CardFiles(desk.card.transmit).enter()
    assert code_of(caught) in (FaultCode.CARD_REFUSED, FaultCode.CARD_FOREIGN)


@pytest.mark.parametrize("digits", ["", "123", "1234567890123", "12345a", "１２３４５６", "12 456"])
def test_what_is_no_pin_is_not_accepted_and_not_repeated(digits: str) -> None:
    with pytest.raises(ValueError, match=r"^not a PIN$"):
        Pin(digits)


def test_a_pin_shows_nowhere_and_is_overwritten_after_use() -> None:
    pin = Pin(RIGHT)
    assert RIGHT not in repr(pin)
    with pytest.raises(TypeError):
        pickle.dumps(pin)
    verify(entered().card, pin)
    assert bytes(pin._digits) == bytes(6)


def test_an_odd_number_of_digits_is_filled() -> None:
    assert Pin("12345").packed() == bytes.fromhex("12345F")
