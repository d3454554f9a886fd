"""证件遗留: at the end of a visit the cards have to be taken, and if they are not, staff is called.

A forgotten ID card is the most common accident at such a terminal, and the next person stands
before a stranger's card. So when a visit has ended the readers are asked whether something lies
there. While it does, the screen says so, with voice and light, for 30 seconds. After that the card
counts as left behind: until somebody has taken it, it stands in the health table (`item_left`),
which home, the maintenance page and the centre read. It is no fault of a device, and everything
goes on: a reader does not read a card that lies there from before.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from typing import TYPE_CHECKING, Any

from hardware.faults import Device, DeviceFault, FaultCode
from hardware.supervision import DeviceState
from kiosk.late import dataclass

if TYPE_CHECKING:
    from hardware.supervision import HealthTable
    from kiosk.parts import Performer


#: The row of the health table.
ROW = "left_behind"

#: Where something can be forgotten.
READERS = (Device.ID_READER, Device.CARD_READER)

#: Seconds until what was not taken counts as left behind, and between two looks before and after.
PATIENCE_S, LOOK_S, SELDOM_S = 30.0, 0.5, 3.0

#: A reader that does not say within so many seconds says nothing.
_ANSWER_S = 5.0


@dataclass(frozen=True)
class Left:
    """What still lies there, and for how many seconds more it is waited for: 0 if it counts as left
    behind now."""

    where: frozenset[Device]
    seconds: int = 0


def counts(health: HealthTable) -> bool:
    """Whether something counts as left behind now."""
    row = health.get(ROW)
    return row is not None and row.fault is FaultCode.ITEM_LEFT


class LeftBehind:
    """Watches the readers after a visit, on a thread of its own. `stop` ends that."""

    def __init__(self, performer: Callable[[str], Performer], health: HealthTable) -> None:
        """`performer`: by the device's name, who runs its jobs."""
        self._performer = performer
        self._health = health
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self, before: frozenset[Device] = frozenset()) -> frozenset[Device]:
        """Where something lies now. Blocks for as long as the readers take, some 0.3 s. `before`:
        where something lay at the last look, and does until its reader says that it is gone."""
        asked = {device: _present(self._performer(device)) for device in READERS}
        return frozenset(
            device for device, answer in asked.items() if _said(answer, device in before)
        )

    def watch(self, told: Callable[[Left], None], patience_s: float) -> None:
        """The visit is over. `told` is called about twice a second for as long as something lies
        there that lay there at the look before, at last with nothing, or with 0 seconds; on another
        thread."""
        self.stop()
        stop = self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, args=(told, patience_s, stop), name="left behind", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Somebody begins a visit, or the terminal ends. What counts as left behind does so until
        it was seen to be gone."""
        self._stop.set()

    def _watch(
        self, told: Callable[[Left], None], patience_s: float, stop: threading.Event
    ) -> None:
        where: frozenset[Device] = frozenset()
        try:
            where = self._wait(told, patience_s, stop)
        finally:
            # Also where a reader's own mistake ends this thread: who looks at the page that asks
            # for the card must not be left before it for ever.
            if not stop.is_set():
                told(Left(where))
        while where and not stop.is_set():
            detail = " ".join(sorted(where))
            self._health.put(ROW, DeviceState.WARNING, FaultCode.ITEM_LEFT, detail)
            if stop.wait(SELDOM_S):
                return
            where = self.look(where)
        if not stop.is_set() and self._health.get(ROW) is not None:
            self._health.put(ROW, DeviceState.READY)

    def _wait(
        self, told: Callable[[Left], None], patience_s: float, stop: threading.Event
    ) -> frozenset[Device]:
        """Until everything was taken, or the patience is over; returns where something lies."""
        until = time.monotonic() + patience_s
        where: frozenset[Device] = frozenset()
        seen = False
        while not stop.is_set():
            where = self.look(where)
            left_s = max(0, math.ceil(until - time.monotonic()))
            if not where or not left_s or stop.is_set():
                break
            # Whoever takes it as the visit ends is not asked for it, nor does the page that asks
            # take away their next touch: a reader sees a card go some tenths of a second later.
            if seen:
                told(Left(where, left_s))
            seen = True
            stop.wait(LOOK_S)
        return where


def _present(worker: Performer) -> Future[bool]:
    """Whether something lies there, and then the visit is over for the reader. The answer does not
    wait for that: a maker's library is begun anew then (`hardware.vendor`), which takes long."""
    answer: Future[bool] = Future()

    def look(reader: Any) -> None:
        try:
            answer.set_result(reader.present())
        finally:
            reader.visit_over()

    def ended(job: Future[None]) -> None:
        if not answer.done():
            answer.set_exception(job.exception())

    worker.submit(look).add_done_callback(ended)
    return answer


def _said(answer: Future[bool], before: bool) -> bool:
    """Whether something lies there; as before where the reader takes long to say. One that cannot
    say has a fault of its own."""
    try:
        return answer.result(_ANSWER_S)
    except TookTooLong:
        return before
    except DeviceFault:
        return False
