"""Whether a citizen stands there: a lock on a file, which a second program can ask for.

The screen program holds it for the length of a visit. It is the kernel's lock, so it is gone when
that program dies. `kioskctl` asks before it does what nobody may do while a visit runs: read a card
in full, take a picture.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from sync.alone import alone

log = logging.getLogger(__name__)

FILE = "visit.lock"


class VisitLock:
    """The screen program's side. Never raises: a visit goes on without the lock."""

    def __init__(self, state: Path) -> None:
        self._file = state / FILE
        self._held: int | None = None

    def begin(self) -> None:
        """A visit begins; one that runs goes on."""
        if self._held is not None:
            return
        why = "another program has it"
        try:
            self._held = alone(self._file)
        except OSError as error:
            why = error.strerror or type(error).__name__
        if self._held is None:
            log.warning("no visit lock: %s", why)

    def end(self) -> None:
        """The visit is over; says nothing if none runs."""
        held, self._held = self._held, None
        if held is not None:
            os.close(held)


def visit_runs(state: Path) -> bool:
    """Whether a visit runs at the terminal with this state directory, for another program."""
    try:
        asked = alone(state / FILE, make=False)
    except OSError:
        return False  # there was no visit yet
    if asked is not None:
        os.close(asked)
    return asked is None
