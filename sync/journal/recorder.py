"""Records what happened, whatever the disk does: a journal that cannot be written stops nobody.

What could not be written waits in memory with the time at which it happened, and is written as soon
as the disk takes it; what had to be given up is counted in an entry.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING

from sync.header import BEIJING
from sync.journal import kinds

if TYPE_CHECKING:
    from sync.journal.kinds import Fact
    from sync.journal.writer import Journal

log = logging.getLogger(__name__)

#: Entries that wait in memory for a disk that takes none.
MOST_WAITING = 1000


class Unrecorded:
    """Stands for a journal where there is none, e.g. in tests of something else."""

    in_trouble = False

    def record(self, kind: str, **facts: Fact) -> None:
        kinds.check(kind, facts)

    def close(self) -> None:
        """Nothing was opened."""


class Recorder:
    """Writes entries at once, on the caller's thread. Never raises."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: deque[tuple[str, dict[str, Fact], datetime]] = deque()
        self._lost = 0
        self._failed = False

    @property
    def in_trouble(self) -> bool:
        """Whether something could not be written. Any thread may ask: an entry that another is
        just writing is no trouble."""
        return self._failed

    def record(self, kind: str, **facts: Fact) -> None:
        self.write(kind, facts, datetime.now(BEIJING))

    def write(self, kind: str, facts: dict[str, Fact], at: datetime) -> None:
        """An entry of something that happened at another time than now."""
        try:
            kinds.check(kind, facts)
        except ValueError as unfit:
            log.error("journal: %s", unfit)
            kind, facts = "unfit", {"about": kind if kind in kinds.KINDS else "unknown"}
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append((kind, facts, at))
        self.flush()

    def flush(self) -> None:
        """Write what waits, in the order in which it happened."""
        try:
            while self._waiting:
                kind, facts, at = self._waiting[0]
                self._journal.append(kind, facts, at)
                self._waiting.popleft()
            if self._lost:
                self._journal.append("lost", {"entries": self._lost})
                self._lost = 0
            self._failed = False
        except OSError as error:
            self._failed = True
            log.error("journal: %s", error.strerror or error)

    def close(self) -> None:
        self.flush()
