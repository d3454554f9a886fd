"""Technicians prove themselves by a PIN of their own.

A PIN is kept as a scrypt hash beside the technician's id, so settings files give none away. Wrong
tries lock the pad, for everybody and across restarts; the table is

| wrong tries in a row | locked for |
|----------------------|------------|
| 1 … 4                | –          |
| 5                    | 30 s       |
| 6                    | 60 s       |
| n                    | 30 s x 2^(n-5), at most 1 h |

A right PIN clears the count. The second factor of domain §2.6 (a badge) comes with the maintenance
issue.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

PIN_DIGITS = 6
FREE_TRIES = 4
FIRST_LOCK_S, LONGEST_LOCK_S = 30.0, 3600.0

#: Cost of one guess: about 50 ms and 16 MB on a terminal.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """`salt$hash` in hexadecimal. Raises `ValueError` if the PIN is not six digits."""
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise ValueError(f"a PIN has {PIN_DIGITS} digits")
    salt = salt or os.urandom(16)
    digest = hashlib.scrypt(pin.encode(), salt=salt, dklen=32, **_SCRYPT)
    return f"{salt.hex()}${digest.hex()}"


def lock_time(wrong: int) -> float:
    """Seconds the pad is locked after so many wrong tries in a row."""
    if wrong <= FREE_TRIES:
        return 0.0
    doublings = min(wrong - FREE_TRIES - 1, 20)
    return min(FIRST_LOCK_S * 2.0**doublings, LONGEST_LOCK_S)


@dataclass(frozen=True)
class Admitted:
    """The PIN is this technician's."""

    technician: str


@dataclass(frozen=True)
class Refused:
    """A wrong PIN, or a locked pad; `locked_s` is how long it stays locked, 0 if it is open."""

    locked_s: float


class Technicians:
    """Checks PINs and counts wrong ones. `file` keeps the count across restarts."""

    def __init__(
        self,
        hashes: Mapping[str, str],
        file: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hashes = hashes
        self._file = file
        self._clock = clock

    def admit(self, pin: str) -> Admitted | Refused:
        """Check a PIN. Takes about 50 ms per technician: not for the screen's own thread."""
        wrong, last = self._count()
        locked = last + lock_time(wrong) - self._clock()
        # A clock set back must not lock the pad for longer than the table says.
        locked = min(locked, lock_time(wrong))
        if locked > 0:
            return Refused(locked)
        for technician, stored in self._hashes.items():
            if _matches(pin, stored):
                self._keep(0)
                log.info("maintenance opened by technician %s", technician)
                return Admitted(technician)
        self._keep(wrong + 1)
        log.warning("maintenance refused, %d wrong in a row", wrong + 1)
        return Refused(lock_time(wrong + 1))

    def _count(self) -> tuple[int, float]:
        try:
            document = json.loads(self._file.read_text(encoding="utf-8"))
            return int(document["wrong"]), float(document["last"])
        except FileNotFoundError:
            return 0, 0.0
        except (OSError, ValueError, KeyError, TypeError):
            # Someone may have damaged the count to guess on: start it locked, not at zero.
            return FREE_TRIES + 1, self._clock()

    def _keep(self, wrong: int) -> None:
        document = json.dumps({"wrong": wrong, "last": self._clock()})
        new = self._file.with_suffix(".new")
        new.write_text(document, encoding="utf-8")
        os.replace(new, self._file)


def _matches(pin: str, stored: str) -> bool:
    try:
        salt = bytes.fromhex(stored.partition("$")[0])
        return hmac.compare_digest(hash_pin(pin, salt), stored)
    except ValueError:
        return False
