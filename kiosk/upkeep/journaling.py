"""What the screen process puts into the journal (`sync.journal`), and without making anybody wait.

The screen and the devices only put entries into a queue; one thread writes and flushes them. An
entry that was not written when the process is killed is lost; what it told of is not, and the next
"started" without a "stopped" before it says why something may be missing.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from hardware.faults import Device, DeviceFault
from kiosk.clock import beijing_now

if TYPE_CHECKING:
    from hardware.supervision import Health
    from kiosk.visit.flow import Outcome, Prompt
    from sync.journal import Recorder
    from sync.journal.kinds import Fact

#: Between two tries while the disk takes nothing, and longest wait for the last entries, seconds.
_AGAIN_S, _LAST_S = 5.0, 3.0


class Journalist(Protocol):
    """Whoever keeps the journal; `sync.journal.Unrecorded` where there is none."""

    @property
    def in_trouble(self) -> bool: ...
    def record(self, kind: str, **facts: Fact) -> None: ...
    def close(self) -> None: ...


class Scribe:
    """Records for any thread, at once and without waiting for the disk."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._queue: queue.SimpleQueue[tuple[str, dict[str, Fact], datetime] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    @property
    def in_trouble(self) -> bool:
        return self._recorder.in_trouble

    def record(self, kind: str, **facts: Fact) -> None:
        self._queue.put((kind, facts, beijing_now()))

    def close(self) -> None:
        """Write what is still in the queue."""
        self._queue.put(None)
        self._thread.join(_LAST_S)

    def _write(self) -> None:
        while True:
            try:
                entry = self._queue.get(timeout=_AGAIN_S if self.in_trouble else None)
            except queue.Empty:
                self._recorder.flush()
                continue
            if entry is None:
                self._recorder.close()
                return
            self._recorder.write(*entry)


class VisitRecord:
    """One visit: which service, how it ended, how long it took."""

    def __init__(self, journal: Journalist, service: str) -> None:
        self._journal, self._service = journal, service
        self._began = time.monotonic()
        journal.record("visit_begun", service=service)

    def ended(self, outcome: Outcome) -> None:
        facts: dict[str, Fact] = {"fault": str(outcome.fault)} if outcome.fault else {}
        self._journal.record(
            "visit_ended",
            service=outcome.service or self._service,
            outcome=str(outcome.ending),
            committed=outcome.committed,
            seconds=round(time.monotonic() - self._began),
            **facts,
        )


class FaultRecord:
    """Listens to the health table: which fault began and ended on which device."""

    def __init__(self, journal: Journalist, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal, self._clock = journal, clock
        #: Device -> its fault, and since when.
        self._open: dict[str, tuple[str, float]] = {}

    def __call__(self, row: Health) -> None:
        code = str(row.fault or "")
        before, since = self._open.get(row.device, ("", 0.0))
        if code == before:
            return
        if before:
            seconds = round(self._clock() - since)
            self._journal.record("fault_ended", device=row.device, code=before, seconds=seconds)
        if code:
            self._journal.record("fault_begun", device=row.device, code=code)
        self._open[row.device] = (code, self._clock())


def record_card_use(journal: Journalist, prompt: Prompt[Any], error: BaseException | None) -> None:
    """What was done with a social security card, in a word; nothing of the card."""
    if prompt.performed_by != Device.CARD_READER:
        return
    operation = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(prompt).__name__).lower()
    outcome = "done" if error is None else "failed"
    if isinstance(error, DeviceFault):
        outcome = str(error.code)
    journal.record("card_used", operation=operation, outcome=outcome)
