"""The agent's part in the journal: what the centre said, what is missing, what the clock did.

A transaction is in the outbox before its entry is written, never the other way round. If the
machine stops in between, the entry is missing; it is written late, from what the outbox still
knows, and says so.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import TYPE_CHECKING

from sync.faults import CentralUnreachable
from sync.journal.lines import read
from sync.outbox import OutboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sync.journal.checkpoints import Checkpoints
    from sync.journal.recorder import Recorder
    from sync.outbox import Answer, Outbox
    from sync.transport import Transport

log = logging.getLogger(__name__)

#: Between two looks for missing entries, and how long an entry may be on its way, seconds.
LOOK_EVERY_S, ON_ITS_WAY_S = 3600.0, 60.0

#: A clock that moves by less against the machine's own was put right, not set; seconds.
JUMP_S = 2.0

#: A centre of an older release does not take checkpoints; it is asked again after so long.
_NO_DOOR_S = 3600.0


#: Verdict -> the entry for it; none for "later".
_ENTRIES = {
    "accepted": "acknowledged",
    "to_review": "put_to_review",
    "duplicate": "refused",
    "rejected": "refused",
    "unusable": "given_up",
}


def kind_of(verdict: str) -> str | None:
    """The entry for what the centre said of an item; None for "later"."""
    return _ENTRIES.get(verdict)


class ClockWatch:
    """Compares the clock with one that nobody can set."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self._clock, self._steady = clock, steady
        self._ahead = clock() - steady()

    def jump(self) -> int:
        """Whole seconds by which the clock was set since this was last asked; 0 if it was not."""
        ahead = self._clock() - self._steady()
        moved, self._ahead = ahead - self._ahead, ahead
        return round(moved) if abs(moved) >= JUMP_S else 0


class Missing:
    """Finds what the outbox knows and the journal does not."""

    def __init__(self, folder: Path, outbox: Outbox) -> None:
        self._folder, self._outbox = folder, outbox
        self._written: set[tuple[str, str]] = set()
        self._read_to = 0
        self._since: float | None = None

    def entries(self, now: float) -> Iterator[tuple[str, str]]:
        """Kind and id of each entry that should be there. `now`: seconds since 1970.

        What is older than the journal is passed over. Raises `OSError` and `OutboxUnavailable`.
        """
        self._read_on()
        history = self._outbox.history()
        self._written &= {
            (kind, past.id) for past in history for kind in ("submitted", *_ENTRIES.values())
        }
        for past in history:
            if self._since is None or past.created_at < self._since:
                continue
            due = [("submitted", past.created_at)]
            if past.finished_at is not None:
                due.append((kind_of(past.verdict) or "given_up", past.finished_at))
            for kind, at in due:
                if (kind, past.id) not in self._written and at < now - ON_ITS_WAY_S:
                    yield kind, past.id

    def _read_on(self) -> None:
        """Only what names an item is decoded: the journal may be long, and the courier waits."""
        last = None
        for line in read(self._folder, since=self._read_to + 1):
            if self._since is None and (first := line.entry) is not None:
                self._since = _seconds(first.at)
            if b'"id":' in line.data and (entry := line.entry) is not None:
                self._written.add((entry.kind, str(entry.facts.get("id"))))
            last = line
        if last is not None and (entry := last.entry) is not None:
            self._read_to = entry.seq


def _seconds(at: str) -> float | None:
    """Since 1970; None for what is no time."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None


class Keeper:
    """Everything the agent does about the journal, a piece at a time. Never raises."""

    def __init__(self, recorder: Recorder, missing: Missing, checkpoints: Checkpoints) -> None:
        self._recorder, self._missing, self._checkpoints = recorder, missing, checkpoints
        self._clock = ClockWatch()
        self._look_due = 0.0
        self._ask_again = 0.0

    def answered(self, answers: Iterable[Answer]) -> None:
        """The centre said something of these items, and the outbox has it."""
        for answer in answers:
            if kind := kind_of(answer.verdict):
                self._recorder.record(kind, id=answer.id)

    def tick(self) -> None:
        if seconds := self._clock.jump():
            self._recorder.record("clock_jumped", seconds=seconds)
        if time.monotonic() < self._look_due:
            return
        self._look_due = time.monotonic() + LOOK_EVERY_S
        self._recorder.flush()
        try:
            for kind, item in list(self._missing.entries(time.time())):
                self._recorder.record(kind, id=item, late=True)
        except (OSError, OutboxUnavailable) as error:
            log.warning("journal not compared with the outbox: %s", error)

    def show(self, transport: Transport) -> None:
        """Have the centre vouch for what is new, if it is time."""
        if not self._checkpoints.due() or time.monotonic() < self._ask_again:
            return
        try:
            if self._checkpoints.send(transport):
                self._recorder.record("contradicted")
        except CentralUnreachable as error:
            log.info("checkpoint not taken: %s", error.reason)
            if error.reason == "not_the_centre":
                self._ask_again = time.monotonic() + _NO_DOOR_S
        except OSError as error:
            log.warning("checkpoint not made: %s", error.strerror or error)
