"""The daily self-test (自检): once a night, at a minute of its own, when nobody is there.

`self-test.json` is what it found last, and goes with every heartbeat:

    {"day": "2026-11-28", "at": "2026-11-28T03:12:09+08:00", "wrong": "printer_paper_out"}
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from sync.header import BEIJING
from sync.identity import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

FILE = "self-test.json"

#: It begins after this, within so many minutes; a terminal that was off by then does without.
_FROM, _SPREAD_MIN, _UNTIL = time(2, 30), 120, time(5, 30)


class SelfTest:
    """Of one terminal. `examine` returns codes of faults with blanks between, "" for none."""

    def __init__(
        self,
        state: Path,
        terminal: str,
        examine: Callable[[], str],
        clock: Callable[[], datetime] = lambda: datetime.now(BEIJING),
    ) -> None:
        self._file, self._examine, self._clock = state / FILE, examine, clock
        late = int.from_bytes(hashlib.sha256(terminal.encode()).digest()[:4]) % _SPREAD_MIN
        self._begins = timedelta(hours=_FROM.hour, minutes=_FROM.minute + late)
        self._thread: threading.Thread | None = None
        self.last = _read(self._file)

    def tick(self, idle: Callable[[], bool]) -> None:
        """Begin it if it is time, and nobody is being served."""
        now = self._clock()
        since_midnight = timedelta(hours=now.hour, minutes=now.minute)
        night = self._begins <= since_midnight and now.time() < _UNTIL
        if (
            not night
            or self.last.get("day") == now.date().isoformat()
            or self._runs()
            or not idle()
        ):
            return
        self._thread = threading.Thread(target=self.now, name="self-test", daemon=True)
        self._thread.start()

    def _runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Until it has ended."""
        if self._thread is not None:
            self._thread.join()

    def now(self) -> str:
        """Make it, keep what it finds and return that."""
        wrong, at = self._examine(), self._clock()
        self.last = {
            "day": at.date().isoformat(),
            "at": at.isoformat(timespec="seconds"),
            "wrong": wrong[:200],
        }
        try:
            write_whole(self._file, json.dumps(self.last).encode("ascii"))
        except (OSError, ValueError) as error:
            log.warning("%s not written: %s", FILE, type(error).__name__)
        log.info("self-test: %s", wrong or "all right")
        return wrong


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_bytes())
        return {name: str(found[name]) for name in ("day", "at", "wrong")}
    except (OSError, ValueError, LookupError, TypeError):
        return {}
