"""Each device is a loop: it comes back by itself, and a job never meets a closed device."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from hardware import supervision
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.supervision import Condition, DeviceLoop, DeviceState, Health, HealthTable
from tests.patience import PATIENCE_S, eventually


class Fake:
    """A device that can be made to fail at opening, at a poll, or in a job."""

    def __init__(self) -> None:
        self.failures = 0
        self.gone = False
        self.temporary = True
        self.opened = self.closed = 0
        self.threads: set[int] = set()

    def open(self) -> None:
        self.opened += 1
        if self.failures > 0 or self.gone:
            self.failures -= 1
            raise DeviceFault(FaultCode.PRINTER_OFFLINE, "fake", temporary=self.temporary)

    def close(self) -> None:
        self.closed += 1

    def poll(self) -> Condition:
        self.threads.add(threading.get_ident())
        if self.gone:
            raise DeviceFault(FaultCode.PRINTER_OFFLINE)
        return Condition(serial="F1")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(supervision, "LONGEST_WAIT_S", 0.1)


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def table() -> HealthTable:
    return HealthTable()


@pytest.fixture
def loop(fake: Fake, table: HealthTable) -> Iterator[DeviceLoop[Fake]]:
    loop = DeviceLoop("printer", lambda: fake, table, poll_s=0.02)
    yield loop
    loop.stop()


def state(table: HealthTable) -> DeviceState:
    row = table.get("printer")
    assert row is not None
    return row.state


def test_a_device_that_fails_to_open_twice_works_the_third_time(
    fake: Fake, table: HealthTable, loop: DeviceLoop[Fake]
) -> None:
    seen: list[Health] = []
    table.listen(seen.append)
    fake.failures = 2
    loop.start()
    eventually(lambda: state(table) is DeviceState.READY)
    assert fake.opened == 3
    assert [row.state for row in seen] == [DeviceState.FAULT, DeviceState.READY]
    assert seen[0].fault is FaultCode.PRINTER_OFFLINE


def test_jobs_run_on_the_device_s_own_thread(fake: Fake, loop: DeviceLoop[Fake]) -> None:
    loop.start()
    threads = {
        loop.submit(lambda device: threading.get_ident()).result(PATIENCE_S) for _ in range(5)
    }
    eventually(lambda: bool(fake.threads))
    assert threads == fake.threads
    assert threading.get_ident() not in threads


def test_a_job_for_a_device_that_is_gone_fails_with_its_fault(
    fake: Fake, loop: DeviceLoop[Fake]
) -> None:
    fake.gone = True
    loop.start()
    with pytest.raises(DeviceFault) as caught:
        loop.submit(lambda device: None).result(PATIENCE_S)
    assert caught.value.code is FaultCode.PRINTER_OFFLINE


def test_a_device_unplugged_while_idle_comes_back(
    fake: Fake, table: HealthTable, loop: DeviceLoop[Fake]
) -> None:
    loop.start()
    eventually(lambda: state(table) is DeviceState.READY)
    fake.gone = True
    eventually(lambda: state(table) is DeviceState.FAULT)
    fake.gone = False
    eventually(lambda: state(table) is DeviceState.READY)


def fail_with(code: FaultCode) -> Callable[[Fake], None]:
    def job(device: Fake) -> None:
        raise DeviceFault(code)

    return job


def test_a_fault_in_a_job_reaches_who_asked_and_reopens_the_device(
    fake: Fake, table: HealthTable, loop: DeviceLoop[Fake]
) -> None:
    loop.start()
    with pytest.raises(DeviceFault):
        loop.submit(fail_with(FaultCode.PRINTER_PAPER_OUT)).result(PATIENCE_S)
    eventually(lambda: fake.opened == 2 and state(table) is DeviceState.READY)


def test_a_fault_of_the_card_leaves_the_reader_open(fake: Fake, loop: DeviceLoop[Fake]) -> None:
    loop.start()
    with pytest.raises(DeviceFault):
        loop.submit(fail_with(FaultCode.CARD_PULLED)).result(PATIENCE_S)
    assert loop.submit(lambda device: device.opened).result(PATIENCE_S) == 1


def test_a_bug_in_a_job_does_not_end_the_loop(loop: DeviceLoop[Fake]) -> None:
    loop.start()
    with pytest.raises(ZeroDivisionError):
        loop.submit(lambda device: 1 // 0).result(PATIENCE_S)

    def unwanted(device: Fake) -> None:
        raise NotWanted

    with pytest.raises(NotWanted):
        loop.submit(unwanted).result(PATIENCE_S)
    assert loop.submit(lambda device: "alive").result(PATIENCE_S) == "alive"


@pytest.mark.parametrize("place", ["open", "poll"])
def test_a_bug_in_a_driver_is_a_fault_not_a_dead_device(
    fake: Fake,
    table: HealthTable,
    loop: DeviceLoop[Fake],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    def bug() -> Condition:
        raise ValueError("张建国")  # what a message quotes must get nowhere

    with monkeypatch.context() as broken:
        broken.setattr(fake, place, bug)
        loop.start()
        eventually(lambda: state(table) is DeviceState.FAULT)
        row = table.get("printer")
        assert row is not None and row.fault is FaultCode.INTERNAL
        assert row.detail.startswith("ValueError at test_supervision.py:")
        with pytest.raises(DeviceFault):
            loop.submit(lambda device: None).result(PATIENCE_S)
    eventually(lambda: state(table) is DeviceState.READY)


class Citizen:
    """Stands for what a visit knows; can be watched being forgotten."""


def serve_and_fail(loop: DeviceLoop[Fake], error: BaseException) -> weakref.ref[Citizen]:
    """A service: it has a citizen, and so has the operation that fails it."""
    citizen = Citizen()

    def job(device: Fake) -> None:
        used_here = citizen
        assert used_here
        raise error

    with pytest.raises(type(error)):
        loop.submit(job).result(PATIENCE_S)
    return weakref.ref(citizen)


@pytest.fixture(scope="module", autouse=True)
def _what_was_there_before() -> Iterator[None]:
    """Is not gone through by each collection of these tests."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def forgotten(citizen: weakref.ref[Citizen]) -> bool:
    """The loop's thread may be in the middle of its next step, so it is asked again and again."""
    gc.collect()
    return citizen() is None


@pytest.mark.parametrize("code", FaultCode)
def test_a_loop_keeps_nothing_of_the_visit_that_a_fault_ended(
    fake: Fake, table: HealthTable, loop: DeviceLoop[Fake], code: FaultCode
) -> None:
    """Neither of the job that failed, nor of the jobs that it refuses while it is closed."""
    loop.start()
    eventually(lambda: state(table) is DeviceState.READY)
    fake.gone = True
    first = serve_and_fail(loop, DeviceFault(code))
    second = serve_and_fail(loop, DeviceFault(code))
    eventually(lambda: forgotten(first) and forgotten(second))


@pytest.mark.parametrize("error", [NotWanted(), ZeroDivisionError()], ids=repr)
def test_a_loop_keeps_nothing_of_a_job_that_was_withdrawn_or_broke(
    loop: DeviceLoop[Fake], error: BaseException
) -> None:
    loop.start()
    kept = serve_and_fail(loop, type(error)())
    eventually(lambda: forgotten(kept))


def test_each_job_gets_a_fault_of_its_own(fake: Fake, loop: DeviceLoop[Fake]) -> None:
    """One that many visits raise collects what each of them held."""
    fake.gone = True
    loop.start()
    faults = [loop.submit(lambda device: None).exception(2) for _ in range(2)]
    assert faults[0] is not faults[1]
    for fault in faults:
        assert isinstance(fault, DeviceFault)
        assert (fault.__traceback__, fault.__context__, fault.__cause__) == (None, None, None)


def test_a_job_for_a_stopped_device_is_refused_not_forgotten(
    fake: Fake, table: HealthTable, loop: DeviceLoop[Fake]
) -> None:
    never_started = DeviceLoop("never", lambda: fake, table)
    early = never_started.submit(lambda device: None)
    loop.start()
    for ended in (loop, never_started):
        ended.stop()
        with pytest.raises(DeviceFault):
            ended.submit(lambda device: None).result(PATIENCE_S)
    with pytest.raises(DeviceFault):
        early.result(PATIENCE_S)


def test_a_permanent_fault_is_tried_again_only_after_the_longest_wait(
    fake: Fake, loop: DeviceLoop[Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "LONGEST_WAIT_S", 5.0)
    fake.gone, fake.temporary = True, False
    loop.start()
    eventually(lambda: fake.opened == 1)
    time.sleep(0.2)
    assert fake.opened == 1


def test_stopping_ends_the_loop_and_refuses_what_waits(
    fake: Fake, table: HealthTable, loop: DeviceLoop[Fake]
) -> None:
    loop.start()
    started, go_on = threading.Event(), threading.Event()

    def slow(device: Fake) -> None:
        started.set()
        go_on.wait(PATIENCE_S)

    loop.submit(slow)
    assert started.wait(PATIENCE_S)
    waiting = loop.submit(lambda device: "too late")
    threading.Timer(0.05, go_on.set).start()
    loop.stop()
    with pytest.raises(DeviceFault):
        waiting.result(PATIENCE_S)
    assert state(table) is DeviceState.CLOSED
    assert fake.closed == 1


def test_a_row_keeps_its_since_while_nothing_changes() -> None:
    now = 100.0
    table = HealthTable(clock=lambda: now)
    table.put("camera", DeviceState.READY)
    now = 200.0
    table.put("camera", DeviceState.READY, detail="more")
    row = table.get("camera")
    assert row is not None and (row.since, row.detail) == (100.0, "more")
    table.put("camera", DeviceState.FAULT, FaultCode.CAMERA_ABSENT)
    row = table.get("camera")
    assert row is not None and row.since == 200.0
    assert not table.usable("camera")


def test_a_loop_that_is_woken_opens_its_device_without_waiting_longer(
    fake: Fake, table: HealthTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FIRST_WAIT_S", 30.0)
    monkeypatch.setattr(supervision, "LONGEST_WAIT_S", 30.0)
    loop = DeviceLoop("printer", lambda: fake, table, poll_s=30.0)
    fake.failures = 1
    loop.start()
    eventually(lambda: state(table) is DeviceState.FAULT)
    loop.wake()
    eventually(lambda: state(table) is DeviceState.READY)
    fake.gone = True
    loop.wake()
    eventually(lambda: state(table) is DeviceState.FAULT)
    loop.stop()
