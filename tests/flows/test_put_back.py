"""A card taken away too early may be put back on the same page."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode, NotWanted
from kiosk.operations.cards import PUT_BACK_S, with_put_back
from kiosk.visit.prompts import PutBack


class Slot:
    """A reader whose reads do what was said, one after the other."""

    def __init__(self, *reads: Callable[[Any, Any], Any]) -> None:
        self.reads = list(reads)
        self.now = 0.0
        self.reported: list[Any] = []
        self.left = False

    def read(self, cancelled: Callable[[], bool], report: Callable[[Any], None]) -> Any:
        return self.reads.pop(0)(cancelled, report)

    def run(self) -> Any:
        work = SimpleNamespace(cancelled=lambda: self.left, report=self.reported.append)
        return with_put_back(self.read, work, clock=lambda: self.now)  # type: ignore[arg-type]

    def pulled(self, cancelled: Any, report: Any) -> Any:
        raise DeviceFault(FaultCode.CARD_PULLED, "in the middle")

    def never_comes(self, cancelled: Any, report: Any) -> Any:
        report("waiting")
        while not cancelled():
            self.now += 0.5
        raise NotWanted

    def comes_and_is_slow(self, cancelled: Any, report: Any) -> Any:
        report("waiting")
        assert not cancelled()
        self.now += PUT_BACK_S - 1
        report("seen")
        self.now += 60.0
        assert not cancelled(), "a card that is there is not given up"
        return "card"


def test_a_card_that_is_put_back_is_read() -> None:
    slot = Slot()
    slot.reads = [slot.pulled, slot.comes_and_is_slow]
    assert slot.run() == "card"
    assert slot.reported == [PutBack(10), "seen"]


def test_ten_seconds_are_counted_down_and_then_it_ends_with_the_fault() -> None:
    slot = Slot()
    slot.reads = [slot.pulled, slot.never_comes]
    with pytest.raises(DeviceFault) as caught:
        slot.run()
    assert caught.value.code is FaultCode.CARD_PULLED
    assert slot.reported == [PutBack(left) for left in range(10, 0, -1)]
    assert slot.now == PUT_BACK_S


def test_who_leaves_meanwhile_is_not_waited_for() -> None:
    slot = Slot()

    def leaves(cancelled: Any, report: Any) -> Any:
        slot.left = True
        assert cancelled()
        raise NotWanted

    slot.reads = [slot.pulled, leaves]
    with pytest.raises(NotWanted):
        slot.run()


def test_another_fault_is_not_waited_for() -> None:
    slot = Slot()

    def broken(cancelled: Any, report: Any) -> Any:
        raise DeviceFault(FaultCode.CARD_READER_OFFLINE)

    slot.reads = [broken]
    with pytest.raises(DeviceFault) as caught:
        slot.run()
    assert caught.value.code is FaultCode.CARD_READER_OFFLINE
    assert slot.reported == []
