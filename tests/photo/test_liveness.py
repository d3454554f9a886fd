"""Blink and turn as a hint: what counts as one, and that nothing follows from a missing one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.photo.findings import FindingCode, Look
from kiosk.photo.liveness import Answer, Challenge, Hint, Liveness
from kiosk.photo.measures import Measure
from tests.photo.looks import FACE, RATE, look


def watch(challenge: Challenge, looks: list[Look]) -> Hint:
    liveness = Liveness((challenge,))
    liveness.begin(0.0)
    for number, one in enumerate(looks):
        liveness.see(number / RATE, one)
    liveness.end()
    return liveness.hint


def frames(*parts: tuple[float, Look]) -> list[Look]:
    return [one for seconds, one in parts for _ in range(round(seconds * RATE))]


def test_a_blink_with_a_still_head_is_seen() -> None:
    looks = frames((1, look()), (0.2, look(eyes=0.06)), (0.5, look()))
    assert watch(Challenge.BLINK, looks).blink is Answer.SEEN


def test_a_dip_of_the_eyes_while_the_head_moves_is_not_a_blink() -> None:
    """A print that is bent "blinks", and its pose goes with it."""
    bent = [look(eyes=0.06, yaw=yaw) for yaw in (3, 6, 9, 6, 3)]
    assert watch(Challenge.BLINK, [*frames((1, look())), *bent, *frames((1, look()))]).blink is (
        Answer.NOT_SEEN
    )
    nearer = [look(eyes=0.06, width=width) for width in (240, 250, 245, 235)]
    assert watch(Challenge.BLINK, [*frames((1, look())), *nearer, *frames((1, look()))]).blink is (
        Answer.NOT_SEEN
    )


def test_one_eye_or_closing_for_long_is_not_a_blink() -> None:
    wink = look()
    wink = Look(wink.finding, {**wink.measures, "eye.left_open": Measure(0.05, "")})
    assert watch(Challenge.BLINK, frames((1, look()), (0.2, wink), (1, look()))).blink is (
        Answer.NOT_SEEN
    )
    asleep = frames((1, look()), (0.8, look(eyes=0.06)), (1, look()))
    assert watch(Challenge.BLINK, asleep).blink is Answer.NOT_SEEN
    for_ever = frames((1, look()), (1, look(eyes=0.06)))
    assert watch(Challenge.BLINK, for_ever).blink is Answer.NOT_SEEN


@pytest.mark.parametrize(
    ("challenge", "side"), [(Challenge.TURN_LEFT, 1.0), (Challenge.TURN_RIGHT, -1.0)]
)
def test_a_turn_goes_to_the_side_that_was_asked_and_back(challenge: Challenge, side: float) -> None:
    there = [look(FindingCode.LOOK_STRAIGHT, yaw=side * yaw) for yaw in (4, 10, 16, 20)]
    back = [look(yaw=side * yaw) for yaw in (12, 6, 0)]
    assert watch(challenge, [*there, *back]).turn is Answer.SEEN
    assert watch(challenge, there).turn is Answer.NOT_SEEN
    wrong = [look(yaw=-side * yaw) for yaw in (0, 10, 20, 10, 0)]
    assert watch(challenge, wrong).turn is Answer.NOT_SEEN


def test_what_cannot_be_measured_is_not_held_against_anybody() -> None:
    blind = look(FindingCode.SUNGLASSES)
    unknown = Measure(None, "", 0.0, "covered")
    names = ("eye.left_open", "eye.right_open", "head.yaw")
    blind = Look(blind.finding, {**blind.measures, **dict.fromkeys(names, unknown)})
    assert watch(Challenge.BLINK, frames((3, blind))).blink is Answer.CANNOT_TELL
    assert watch(Challenge.TURN_LEFT, frames((3, blind))).turn is Answer.CANNOT_TELL


def test_what_was_not_asked_says_so() -> None:
    assert Liveness(()).hint == Hint(Answer.NOT_ASKED, Answer.NOT_ASKED, True)
    assert watch(Challenge.BLINK, []).turn is Answer.NOT_ASKED


@pytest.mark.parametrize(
    "between", [look(FindingCode.NO_FACE), look(FindingCode.MANY_FACES)], ids=["nobody", "two"]
)
def test_somebody_else_coming_between_breaks_the_track(between: Look) -> None:
    assert watch(Challenge.BLINK, frames((3, look()))).unbroken
    assert not watch(Challenge.BLINK, frames((1, look()), (0.8, between), (1, look()))).unbroken


def test_a_slow_terminal_is_not_somebody_else() -> None:
    """Frames half a second apart, one of them without a face; a camera that stopped is another."""
    liveness = Liveness((Challenge.BLINK,))
    liveness.begin(0.0)
    for number in range(20):
        gone = number == 10
        liveness.see(number * 0.5, look(FindingCode.NO_FACE) if gone else look())
    assert liveness.hint.unbroken
    liveness.see(14.0, look())
    assert not liveness.hint.unbroken


_value = st.one_of(st.none(), st.floats(-1e3, 1e3))


@given(st.lists(st.tuples(_value, _value, _value, _value), max_size=80))
@settings(max_examples=100, deadline=None)
def test_whatever_is_measured_there_is_a_hint(rows: list[tuple[float | None, ...]]) -> None:
    names = ("eye.left_open", "eye.right_open", "head.yaw", "face.pixels")
    looks = []
    for row in rows:
        measures = {
            name: Measure(value, "", 1.0, "" if value is not None else "covered")
            for name, value in zip(names, row, strict=True)
        }
        looks.append(Look(look(face=FACE).finding, measures))
    for challenge in Challenge:
        hint = watch(challenge, looks)
        assert hint.blink in Answer
        assert hint.turn in Answer
