"""人工核验: a member of staff vouches with number and PIN; the PIN is no answer of the prompt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiosk.records.staff import Staff
from kiosk.visit.prompts import AskStaff
from kiosk.words import Words
from screens.staff import StaffScreen
from tests.screens.conftest import Hand
from tests.screens.samples import Recorder

PROMPT = AskStaff("proof.staff", ("face", "covering", "declined"))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def page(hand: Hand, recorder: Recorder) -> Iterator[StaffScreen]:
    screen = StaffScreen(PROMPT, None, Words(), recorder)
    hand.show(screen)
    yield screen
    screen.leave()


def type_in(hand: Hand, digits: str) -> None:
    for digit in digits:
        hand.tap(f"key:{digit}")
        hand.pump(seconds=0.15)


def to_pin(hand: Hand, number: str = "012") -> None:
    hand.tap("reason:declined")
    hand.pump()
    type_in(hand, number)
    hand.tap("number_done")
    hand.pump()


def test_number_and_pin_make_the_answer(hand: Hand, page: StaffScreen, recorder: Recorder) -> None:
    to_pin(hand)
    type_in(hand, "246810")
    hand.pump(seconds=0.3)
    (vouched, answered) = recorder.calls
    assert vouched == ("vouch", "s012", 6, "declined")
    assert answered[0] == "answer"
    assert isinstance(answered[1], Staff) and answered[1].id == "s012"
    assert "246810" not in repr(recorder.calls)


def test_the_pin_is_dots_and_the_number_is_read(hand: Hand, page: StaffScreen) -> None:
    hand.tap("reason:face")
    hand.pump()
    type_in(hand, "07")
    assert "07" in hand.texts()
    hand.tap("number_done")
    hand.pump()
    type_in(hand, "13579")
    assert not any("1357" in text for text in hand.texts())


def test_a_wrong_one_begins_again_and_nobody_is_told_which_was_wrong(
    hand: Hand, page: StaffScreen, recorder: Recorder
) -> None:
    to_pin(hand, "013")
    type_in(hand, "246810")
    hand.pump(seconds=0.3)
    assert [call[0] for call in recorder.calls] == ["vouch"]
    assert Words().say("roster.refused.wrong", seconds=1) in hand.texts()
    assert Words().say("proof.staff.number") in hand.texts()
    type_in(hand, "012")
    hand.tap("number_done")
    hand.pump()
    type_in(hand, "246810")
    hand.pump(seconds=0.3)
    assert recorder.calls[-1][0] == "answer"


@pytest.mark.parametrize("far", [0, 1, 2])
def test_nobody_has_to_wait_for_staff(
    hand: Hand, page: StaffScreen, recorder: Recorder, far: int
) -> None:
    if far == 1:
        hand.tap("reason:face")
    if far == 2:
        to_pin(hand)
    hand.pump()
    hand.tap("primary")
    assert recorder.calls == [("answer", None)]
