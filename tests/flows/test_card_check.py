"""读卡自检: each kind of card has its verdict."""

from __future__ import annotations

from datetime import date

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.services.card_check import CheckCard
from kiosk.visit.flow import Ending
from kiosk.words import Words
from tests.flows.counter import Walk, social_card


@pytest.mark.parametrize(
    ("generation", "expires", "verdict"),
    [
        (3, None, "card_check.third"),
        (3, date(2020, 1, 1), "card_check.third"),
        (2, date(2026, 11, 24), "card_check.in_date"),
        (2, date(2026, 11, 23), "card_check.expired"),
    ],
)
def test_each_kind_of_card_has_its_verdict(
    generation: int, expires: date | None, verdict: str
) -> None:
    walk = Walk(CheckCard).say("card_check.read", social_card(generation, expires))
    assert walk.at == verdict
    walk.say(verdict, True)
    assert walk.visit.outcome is not None and walk.visit.outcome.ending is Ending.DONE


def test_a_third_generation_card_is_never_said_to_expire() -> None:
    """Domain R-E6: no field, no warning, no line."""
    words = Words("zh_CN")
    assert "有效期到" not in words.say("card_check.third.title") + words.say(
        "card_check.third.text"
    )


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (FaultCode.CARD_FOREIGN, "card_check.foreign"),
        (FaultCode.CARD_DAMAGED, "card_check.damaged"),
        (FaultCode.CARD_MUTE, "card_check.damaged"),
        (FaultCode.CARD_BLANK, "card_check.blank"),
        (FaultCode.CARD_BLOCKED, "card_check.blocked"),
    ],
)
def test_a_card_that_cannot_be_read_is_explained(code: FaultCode, verdict: str) -> None:
    walk = Walk(CheckCard)
    walk.visit.fault(DeviceFault(code))
    assert walk.at == verdict


def test_a_reader_that_fails_ends_the_visit() -> None:
    walk = Walk(CheckCard)
    walk.visit.fault(DeviceFault(FaultCode.CARD_READER_OFFLINE))
    assert walk.visit.outcome is not None
    assert walk.visit.outcome.fault is FaultCode.CARD_READER_OFFLINE
