"""检查我的社保卡: each kind of card has its verdict, each trouble its slip for the window."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from hardware.card.session import Interface
from hardware.faults import DeviceFault, FaultCode
from kiosk.records.submission import Reply
from kiosk.services.card_check import CheckCard
from kiosk.visit.flow import Ending
from kiosk.visit.prompts import Advice
from kiosk.words import Words
from tests.flows.counter import Walk, social_card

IN_USE = Reply({"state": "in_use"})


@pytest.mark.parametrize(
    ("generation", "expires", "verdict"),
    [
        (3, None, "card_check.third"),
        (3, date(2020, 1, 1), "card_check.third"),
        (2, date(2026, 11, 24), "card_check.in_date"),
        (2, date(2026, 11, 23), "card_check.expired"),
        # ✗ It was called in date until "—".
        (2, None, "card_check.no_date"),
    ],
)
def test_each_kind_of_card_has_its_verdict(
    generation: int, expires: date | None, verdict: str
) -> None:
    walk = Walk(CheckCard).say("card_check.read", social_card(generation, expires))
    walk.say("card_check.ask", IN_USE)
    assert walk.at == verdict
    walk.say(verdict, True)
    assert walk.visit.outcome is not None and walk.visit.outcome.ending is Ending.DONE


def test_a_third_generation_card_is_never_said_to_expire() -> None:
    """Domain R-E6: no field, no warning, no line."""
    walk = Walk(CheckCard).say("card_check.read", social_card(3)).say("card_check.ask", IN_USE)
    words, done = Words("zh_CN"), walk.prompt
    said = [f"{done.id}.title", f"{done.id}.text", *done.lines]
    assert "有效期到" not in "".join(words.say(one, **done.facts) for one in said)


def test_how_it_was_read_where_it_is_from_and_how_many_tries_are_left() -> None:
    tapped = dataclasses.replace(social_card(3), interface=Interface.CONTACTLESS, pin_tries=5)
    walk = Walk(CheckCard).say("card_check.read", tapped).say("card_check.ask", IN_USE)
    words, done = Words("zh_CN"), walk.prompt
    said = " ".join(words.say(line, **done.facts) for line in done.lines)
    assert all(part in said for part in ("感应正常", "唐山市", "5 次", "正常"))
    other = dataclasses.replace(social_card(3), card_id="110000" + "0" * 26)
    walk = Walk(CheckCard).say("card_check.read", other).say("card_check.ask", IN_USE)
    assert walk.prompt.facts["place"] == "110000", "not called a card of this city"


@pytest.mark.parametrize("reply", [Reply(), Reply({"state": ""})])
def test_what_nobody_can_say_is_not_called_normal(reply: Reply) -> None:
    walk = Walk(CheckCard).say("card_check.read", social_card(3)).say("card_check.ask", reply)
    assert "card_check.line.unknown" in walk.prompt.lines
    assert "card_check.line.in_use" not in walk.prompt.lines


def test_a_card_that_does_not_say_its_number_is_not_asked_about() -> None:
    silent = dataclasses.replace(social_card(3), card_no="")
    assert Walk(CheckCard).say("card_check.read", silent).at == "card_check.third"


@pytest.mark.parametrize("state", ["not_active", "lost", "void"])
def test_a_card_that_does_not_serve_is_explained_with_a_slip(state: str) -> None:
    walk = Walk(CheckCard).say("card_check.read", social_card(3))
    walk.say("card_check.ask", Reply({"state": state}))
    assert walk.at == f"social_card.{state}" and isinstance(walk.prompt, Advice)
    walk.say(f"social_card.{state}", "print")
    assert f"social_card.{state}.next" in walk.prompt.slip.notes


def test_of_a_card_that_does_not_say_its_tries_none_are_told() -> None:
    silent = dataclasses.replace(social_card(3), pin_tries=None)
    walk = Walk(CheckCard).say("card_check.read", silent).say("card_check.ask", IN_USE)
    assert "card_check.line.tries" not in walk.prompt.lines


def test_a_locked_pin_is_said_and_one_that_is_not_has_its_tries() -> None:
    locked = dataclasses.replace(social_card(3), pin_tries=0)
    walk = Walk(CheckCard).say("card_check.read", locked).say("card_check.ask", IN_USE)
    assert walk.at == "card_check.pin_locked"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (FaultCode.CARD_FOREIGN, "card_check.foreign"),
        (FaultCode.CARD_DAMAGED, "card_check.damaged"),
        (FaultCode.CARD_MUTE, "card_check.damaged"),
        (FaultCode.CARD_BLANK, "card_check.blank"),
        (FaultCode.CARD_BLOCKED, "card_check.blocked"),
        (FaultCode.CARD_NOT_UNDERSTOOD, "card_check.not_understood"),
    ],
)
def test_a_card_that_cannot_be_read_is_explained_with_a_slip(code: FaultCode, verdict: str) -> None:
    walk = Walk(CheckCard)
    walk.visit.fault(DeviceFault(code))
    walk.say(verdict, "print")
    assert walk.prompt.slip.notes[0] == f"{verdict}.title"


def test_a_reader_that_fails_ends_the_visit() -> None:
    walk = Walk(CheckCard)
    walk.visit.fault(DeviceFault(FaultCode.CARD_READER_OFFLINE))
    assert walk.visit.outcome is not None
    assert walk.visit.outcome.fault is FaultCode.CARD_READER_OFFLINE
