"""What is put away once a day, so that no disk fills up: old logs and what broken writes left.

Logs are kept 30 days (domain §2.5) and take at most `LOGS_BYTES` together; the newest file of each
program stays in any case. Nothing that holds what citizens entrusted to the terminal is touched:
outbox, damaged files of it, journal.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

LOG_DAYS, LOGS_BYTES = 30, 60_000_000

#: Files that a power cut left half written (`sync.identity.write_whole`) are older, seconds.
_LEFT_S = 86_400.0

#: What writes whole names its half-written files ".NAME.RANDOM".
_HALF = ".*.????????"


def tidy(state: Path, now: float | None = None) -> int:
    """Put away what is too old or too much; returns how many files. Raises `OSError` for a folder
    that cannot be read."""
    now = time.time() if now is None else now
    return _old_logs(state / "logs", now) + _half_written(state, now)


def _old_logs(folder: Path, now: float) -> int:
    if not folder.is_dir():
        return 0
    files = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in folder.iterdir())
    total, gone = sum(size for _, size, _ in files), 0
    for written, size, file in files:
        old = now - written > LOG_DAYS * 86_400
        if file.suffix == ".log" or not (old or total > LOGS_BYTES):
            continue
        gone += _remove(file)
        total -= size
    return gone


def _half_written(state: Path, now: float) -> int:
    found = (file for file in state.glob(_HALF) if file.is_file())
    return sum(_remove(file) for file in found if now - file.stat().st_mtime > _LEFT_S)


def _remove(file: Path) -> int:
    with suppress(OSError):
        file.unlink()
        log.info("put away: %s", file.name)
        return 1
    return 0
