"""Virtual time: every clock of the process shows it, and it moves only when it is told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import time_machine

#: Where every simulation begins: a morning in Beijing, seconds since 1970.
START = 1_795_996_800.0  # 2026-11-30 08:00 +08:00

DAY_S = 86_400.0


class Clock:
    """`now`: seconds since 1970 as they really are. A machine may show another time."""

    def __init__(self) -> None:
        self.now = START
        self._travel = time_machine.travel(START, tick=False)
        self._coordinates: Any = None
        self._monotonic = time.monotonic

    def __enter__(self) -> Clock:
        self._coordinates = self._travel.start()
        # Machines are never off, so one steady clock does for all.
        time.monotonic = lambda: self.now - START + 1000.0
        return self

    def __exit__(self, *_: object) -> None:
        time.monotonic = self._monotonic
        self._travel.stop()

    def to(self, now: float) -> None:
        assert now >= self.now
        self.now = now
        self._coordinates.move_to(now, tick=False)

    @contextmanager
    def off_by(self, seconds: float) -> Iterator[None]:
        """What happens now happens on a machine whose clock is wrong by this."""
        before = time.time()
        self._coordinates.move_to(self.now + seconds, tick=False)
        try:
            yield
        finally:
            self._coordinates.move_to(before, tick=False)
