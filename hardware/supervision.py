"""Each device is a loop on a thread of its own: open, run its jobs, close; again after a fault.

    closed ──open──> ready ──job or poll──> ready
               │                 └─DeviceFault─> fault ──wait──> open again
               └─DeviceFault─> fault (temporary: wait, longer each time; permanent: the longest)

A job is a function that gets the open driver. It runs between two polls, on the device's thread, so
a driver is never used by two threads. A device that is not there fails its jobs at once with the
fault that keeps it closed.

An exception holds, by its traceback, whatever the functions held that it went through: what the
citizen said. So a loop keeps of a fault only its code and detail, and hands to each job a fault of
its own.

What is known of all devices stands in one `HealthTable`, which the home screen, the maintenance
page and the fleet report read.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from hardware.faults import WEIGHTS, DeviceFault, FaultCode, NotWanted, Weight, place_of

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Seconds before a device is opened again after its first fault in a row, and at most.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0


class DeviceState(StrEnum):
    """Condition of a device, as shown with icon and word."""

    STARTING = "starting"
    READY = "ready"
    #: Works, but somebody should come: paper near its end.
    WARNING = "warning"
    FAULT = "fault"
    #: The terminal has no such device.
    ABSENT = "absent"
    CLOSED = "closed"


#: A service may use a device in these states. While it starts, the citizen is reading anyway.
USABLE = frozenset({DeviceState.STARTING, DeviceState.READY, DeviceState.WARNING})


@dataclass(frozen=True)
class Health:
    """One row of the table. `since` is seconds since the epoch; counters are whole numbers."""

    device: str
    state: DeviceState
    since: float
    fault: FaultCode | None = None
    detail: str = ""
    serial: str = ""
    firmware: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)


class HealthTable:
    """What is known of every device; any thread may read and write."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        carried: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
    ) -> None:
        """`carried`: device -> counters as they stood when an earlier program ended."""
        self._clock = clock
        self._carried = carried
        self._rows: dict[str, Health] = {}
        self._lock = threading.Lock()
        self._listeners: list[Callable[[Health], None]] = []

    def listen(self, listener: Callable[[Health], None]) -> None:
        """Be told of every change of state or fault, on the thread that saw it."""
        self._listeners.append(listener)

    def put(
        self,
        device: str,
        state: DeviceState,
        fault: FaultCode | None = None,
        detail: str = "",
        *,
        serial: str = "",
        firmware: str = "",
        counters: Mapping[str, int] | None = None,
    ) -> None:
        """Set a row; `since` moves only when state or fault change.

        `counters`: what was counted since this program started; what was carried over is added.
        """
        with self._lock:
            old = self._rows.get(device)
            same = old is not None and (old.state, old.fault) == (state, fault)
            row = Health(
                device,
                state,
                old.since if old is not None and same else self._clock(),
                fault,
                detail,
                serial or (old.serial if old else ""),
                firmware or (old.firmware if old else ""),
                self._total(device, counters, old),
            )
            self._rows[device] = row
        if not same:
            log.info("device %s is %s %s", device, state, fault or "")
            for listener in self._listeners:
                listener(row)

    def _total(
        self, device: str, counted: Mapping[str, int] | None, old: Health | None
    ) -> Mapping[str, int]:
        carried = self._carried.get(device, {})
        if counted is None:
            return old.counters if old else dict(carried)
        names = dict.fromkeys([*carried, *counted])
        return {name: carried.get(name, 0) + counted.get(name, 0) for name in names}

    def get(self, device: str) -> Health | None:
        with self._lock:
            return self._rows.get(device)

    def usable(self, device: str) -> bool:
        """Whether a service that needs the device may begin."""
        row = self.get(device)
        return row is not None and row.state in USABLE

    def snapshot(self) -> tuple[Health, ...]:
        with self._lock:
            return tuple(self._rows.values())


class Driver(Protocol):
    """What a loop needs of a driver besides what jobs call."""

    def open(self) -> None:
        """Take hold of the device. Raises `DeviceFault`."""

    def close(self) -> None:
        """Let go of it; never raises."""

    def poll(self) -> Condition:
        """Look after the idle device. Raises `DeviceFault` if it is gone."""


@dataclass(frozen=True)
class Condition:
    """What a poll found. `counters`: how much of each thing since the driver was made."""

    state: DeviceState = DeviceState.READY
    fault: FaultCode | None = None
    detail: str = ""
    serial: str = ""
    firmware: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)


D = TypeVar("D", bound=Driver)


@dataclass
class _Job(Generic[D]):
    run: Callable[[D], Any]
    future: Future[Any]


class DeviceLoop(Generic[D]):
    """Runs one driver. `start` begins, `stop` ends it; `submit` is for any thread."""

    def __init__(
        self, name: str, make: Callable[[], D], health: HealthTable, *, poll_s: float = 2.0
    ) -> None:
        """`make` makes the driver, once, on the loop's thread; `poll_s`: seconds between looks at
        the idle device."""
        self._name = name
        self._make = make
        self._driver: D | None = None
        self._health = health
        self._poll_s = poll_s
        self._jobs: queue.SimpleQueue[_Job[D] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._waits = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        health.put(name, DeviceState.STARTING)

    def start(self) -> None:
        self._thread.start()

    def stop(self, patience_s: float = 3.0) -> None:
        """End the loop; a job that does not return in time is abandoned with its thread."""
        self._stopping.set()
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(patience_s)
        self._refuse_all()
        self._health.put(self._name, DeviceState.CLOSED)

    def submit(self, job: Callable[[D], T]) -> Future[T]:
        """Run a job with the open driver; the future gets its result or its exception."""
        future: Future[T] = Future()
        self._jobs.put(_Job(job, future))
        if self._stopping.is_set():
            self._refuse_all()  # nobody takes jobs any more
        return future

    def wake(self) -> None:
        """Look at once: something was plugged in, or pulled out. For any thread."""
        self._jobs.put(None)

    # -- on the device's thread --------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            fault = self._use()
            if fault is not None:
                self._fault(fault)
                self._refuse_for(self._next_wait(fault), fault)
        self._refuse_all()

    def _use(self) -> DeviceFault | None:
        """Open, serve, close. Returns the fault that ended it, None when the loop is stopped."""
        try:
            if self._driver is None:
                self._driver = self._make()
            self._driver.open()
            try:
                return self._serve(self._driver)
            finally:
                self._driver.close()
        except DeviceFault as fault:
            return fault.bare()
        except Exception as bug:  # noqa: BLE001 - nothing is above it but a dead thread
            # A dead thread would leave the device "starting", which services take for usable, and
            # their jobs without an answer.
            where = place_of(bug)
            log.error("driver of %s failed: %s", self._name, where)
            return DeviceFault(FaultCode.INTERNAL, where)

    def _serve(self, driver: D) -> DeviceFault | None:
        """Jobs and polls, until the loop is stopped or the device faults; returns a job's fault."""
        due = 0.0
        while not self._stopping.is_set():
            if time.monotonic() >= due:
                self._look(driver)
                due = time.monotonic() + self._poll_s
            try:
                job = self._jobs.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                continue
            if job is None:
                due = 0.0
            elif (fault := self._do(job, driver)) is not None:
                return fault
            # While nothing comes: what was read for the last citizen would be held.
            job = None
        return None

    def _look(self, driver: D) -> None:
        found = driver.poll()
        self._waits = 0
        self._health.put(
            self._name,
            found.state,
            found.fault,
            found.detail,
            serial=found.serial,
            firmware=found.firmware,
            counters=found.counters or None,
        )

    def _do(self, job: _Job[D], driver: D) -> DeviceFault | None:
        """Run one job. Returns the fault that closes the device."""
        if not job.future.set_running_or_notify_cancel():
            return None
        try:
            result = job.run(driver)
        except DeviceFault as fault:
            job.future.set_exception(fault.bare())
            # After a fault of the card the device itself is all right: it stays open and usable.
            return fault.bare() if WEIGHTS[fault.code] is not Weight.OF_THE_CARD else None
        except NotWanted:
            job.future.set_exception(NotWanted())
        except BaseException as error:  # noqa: BLE001 - it is passed on, whole
            # A bug in the operation: the visit that asked hears of it, the device lives on.
            job.future.set_exception(error)
            log.error("job on %s failed: %s", self._name, place_of(error))
        else:
            job.future.set_result(result)
        return None

    def _fault(self, fault: DeviceFault) -> None:
        self._health.put(self._name, DeviceState.FAULT, fault.code, fault.detail)

    def _next_wait(self, fault: DeviceFault) -> float:
        if not fault.temporary:
            return LONGEST_WAIT_S
        wait = min(FIRST_WAIT_S * 2.0**self._waits, LONGEST_WAIT_S)
        self._waits = min(self._waits + 1, 10)
        return wait

    def _refuse_for(self, seconds: float, fault: DeviceFault) -> None:
        """Wait, and fail every job that comes meanwhile with the fault that closed the device.

        A job that comes shortens the wait: somebody stands there and would like it to work.
        """
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            try:
                job = self._jobs.get(timeout=left)
            except queue.Empty:
                return
            if job is None:
                return
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(fault.bare())
                until = min(until, time.monotonic() + FIRST_WAIT_S)
            job = None  # as in `_serve`

    def _refuse_all(self) -> None:
        """Answer what waits when the loop has stopped; any thread may call it."""
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None and job.future.set_running_or_notify_cancel():
                job.future.set_exception(DeviceFault(FaultCode.DEVICE_MISSING, "stopped"))
