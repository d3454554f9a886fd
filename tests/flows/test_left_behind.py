"""A card that is forgotten is waited for; then staff and centre hear of it until it is gone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from hardware.faults import Device, DeviceFault, FaultCode
from hardware.supervision import DeviceState, HealthTable
from kiosk.parts import Nobody
from kiosk.upkeep import left_behind
from kiosk.upkeep.journaling import FaultRecord
from kiosk.upkeep.left_behind import ROW, Left, LeftBehind
from sync.journal.kinds import Fact
from tests.patience import PATIENCE_S


class Reader:
    """A reader with or without a card, and its worker."""

    def __init__(self) -> None:
        self.card = False
        self.over = 0
        self.fault: DeviceFault | None = None

    def present(self) -> bool:
        if self.fault is not None:
            raise self.fault
        return self.card

    def visit_over(self) -> None:
        self.over += 1

    def submit(self, job: Callable[[Any], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(job(self))
        except (DeviceFault, ZeroDivisionError) as error:
            future.set_exception(error)
        return future


class Notes:
    """A journal that is read at once."""

    in_trouble = False

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Fact]]] = []

    def record(self, kind: str, **facts: Fact) -> None:
        self.entries.append((kind, facts))

    def close(self) -> None:
        """Nothing is open."""


class Hall:
    """Two readers, and what the screen is told."""

    def __init__(self) -> None:
        self.readers = {device: Reader() for device in left_behind.READERS}
        self.health = HealthTable()
        self.notes = Notes()
        self.health.listen(FaultRecord(self.notes))
        self.said: queue.Queue[Left] = queue.Queue()
        self.changed = threading.Condition()
        self.watch = LeftBehind(lambda name: self.readers[Device(name)], self.health)

    def begin(self, patience_s: float) -> None:
        self.watch.watch(self.said.put, patience_s)

    def state(self) -> DeviceState | None:
        row = self.health.get(ROW)
        return row and row.state

    def told(self) -> list[tuple[str, Fact]]:
        return [(kind, facts["code"]) for kind, facts in self.notes.entries]

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(500):
            if condition():
                return
            threading.Event().wait(0.01)
        raise AssertionError("it never happened")


@pytest.fixture
def hall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    monkeypatch.setattr(left_behind, "LOOK_S", 0.02)
    monkeypatch.setattr(left_behind, "SELDOM_S", 0.02)
    hall = Hall()
    yield hall
    hall.watch.stop()


def test_who_took_everything_is_told_so_at_once(hall: Hall) -> None:
    hall.begin(30.0)
    assert hall.said.get(timeout=PATIENCE_S) == Left(frozenset())
    assert hall.state() is None
    assert [reader.over for reader in hall.readers.values()] == [1, 1]


def test_a_card_that_is_taken_in_time_is_no_event(hall: Hall) -> None:
    hall.readers[Device.ID_READER].card = True
    hall.begin(30.0)
    assert hall.said.get(timeout=PATIENCE_S) == Left(frozenset({Device.ID_READER}), 30)
    hall.readers[Device.ID_READER].card = False
    said = Left(frozenset({Device.ID_READER}), 30)
    while said.where:
        said = hall.said.get(timeout=PATIENCE_S)
    assert hall.state() is None
    assert hall.notes.entries == []


def test_who_takes_the_card_as_the_visit_ends_is_not_asked_for_it(hall: Hall) -> None:
    """A reader sees it go a little later: the page that asks for it came up for an instant."""
    reader = hall.readers[Device.CARD_READER]
    reader.card = True
    look = reader.present

    def as_it_is_taken() -> bool:
        there, reader.card = look(), False
        return there

    reader.present = as_it_is_taken  # type: ignore[method-assign]
    hall.begin(5.0)
    assert hall.said.get(timeout=PATIENCE_S) == Left(frozenset())
    assert hall.said.empty()


def test_a_card_that_is_not_taken_is_told_of_until_it_is_gone(hall: Hall) -> None:
    hall.readers[Device.CARD_READER].card = True
    hall.begin(0.1)
    said = hall.said.get(timeout=PATIENCE_S)
    while said.seconds:
        said = hall.said.get(timeout=PATIENCE_S)
    assert said.where == frozenset({Device.CARD_READER})
    hall.until(lambda: hall.state() is DeviceState.WARNING)
    row = hall.health.get(ROW)
    assert row is not None
    assert (row.fault, row.detail) == (FaultCode.ITEM_LEFT, "card_reader")
    hall.readers[Device.CARD_READER].card = False
    told = [("fault_begun", "item_left"), ("fault_ended", "item_left")]
    # The journal hears of it after the table has changed.
    hall.until(lambda: hall.told() == told)
    assert hall.state() is DeviceState.READY
    assert hall.said.empty(), "the screen has gone home long ago"


def test_what_was_left_stays_told_of_while_a_visit_runs_and_is_looked_at_after_it(
    hall: Hall,
) -> None:
    hall.readers[Device.ID_READER].card = True
    hall.begin(0.0)
    hall.until(lambda: hall.state() is DeviceState.WARNING)
    hall.watch.stop()
    hall.readers[Device.ID_READER].card = False
    threading.Event().wait(0.1)
    assert hall.state() is DeviceState.WARNING, "nobody may look while a visit has the readers"
    hall.begin(30.0)
    hall.until(lambda: hall.state() is DeviceState.READY)


def test_a_reader_that_fails_or_is_not_there_has_nothing_left_in_it(hall: Hall) -> None:
    hall.readers[Device.ID_READER].fault = DeviceFault(FaultCode.ID_READER_OFFLINE)
    assert hall.watch.look() == frozenset()
    assert LeftBehind(Nobody, hall.health).look() == frozenset()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_mistake_in_a_reader_does_not_leave_the_page_standing(hall: Hall) -> None:
    hall.readers[Device.ID_READER].card = True
    hall.begin(30.0)
    assert hall.said.get(timeout=PATIENCE_S).where

    def broken() -> bool:
        raise ZeroDivisionError

    hall.readers[Device.ID_READER].present = broken  # type: ignore[method-assign]
    said = hall.said.get(timeout=PATIENCE_S)
    while said.where:
        said = hall.said.get(timeout=PATIENCE_S)
    assert said == Left(frozenset())
    hall.until(lambda: all(thread.name != "left behind" for thread in threading.enumerate()))


def test_a_reader_whose_library_is_begun_anew_has_not_lost_the_card(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_behind, "_ANSWER_S", 0.2)
    begun = threading.Event()
    reader, where = hall.readers[Device.CARD_READER], frozenset({Device.CARD_READER})
    reader.card = True
    with ThreadPoolExecutor(1) as thread:
        reader.submit = lambda job: thread.submit(job, reader)  # type: ignore[method-assign]
        reader.visit_over = begun.wait  # type: ignore[method-assign, assignment]
        try:
            assert hall.watch.look() == where, "seen before it is begun anew"
            assert hall.watch.look(where) == where, "who cannot tell does not say that it is gone"
            assert hall.watch.look() == frozenset(), "nor that something is there"
        finally:
            begun.set()
        reader.card = False
        monkeypatch.setattr(left_behind, "_ANSWER_S", 5.0)
        assert hall.watch.look(where) == frozenset()


def test_nothing_is_told_once_a_visit_has_begun(hall: Hall) -> None:
    """The visit begins while the readers are being asked for the last time."""
    hall.readers[Device.ID_READER].card = True
    looked = hall.watch.look

    def look(before: frozenset[Device]) -> frozenset[Device]:
        found = looked(before)
        hall.watch.stop()
        return found

    hall.watch.look = look  # type: ignore[method-assign]
    for patience_s in (0.0, 30.0):
        hall.begin(patience_s)
        threading.Event().wait(0.1)
        assert hall.said.empty()
        assert hall.state() is None
