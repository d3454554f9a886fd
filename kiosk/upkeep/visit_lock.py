"""Whether a citizen stands there: a lock on a file, which a second program can ask for.

The screen program holds it for the length of a visit. It is the kernel's lock, so it is gone when
that program dies. `kioskctl` asks before it does what nobody may do while a visit runs: read a card
in full, take a picture.
"""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

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
        held = None
        try:
            held = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            log.warning("no visit lock: %s", error.strerror)
            if held is not None:
                os.close(held)
            return
        self._held = held

    def end(self) -> None:
        """The visit is over; says nothing if none runs."""
        held, self._held = self._held, None
        if held is not None:
            os.close(held)


def visit_runs(state: Path) -> bool:
    """Whether a visit runs at the terminal with this state directory, for another program."""
    try:
        asked = os.open(state / FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # there was no visit yet
    try:
        fcntl.flock(asked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(asked)
    return False
