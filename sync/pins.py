"""PINs of technicians and staff: six digits, kept as a scrypt hash, none of them easily guessed.

A PIN opens the maintenance page or vouches for a citizen, and is typed where others look on. Five
tries are free before the pad locks, so what counts is that none of the likeliest PINs is taken.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable
from datetime import date
from itertools import pairwise

DIGITS = 6

#: What somebody on a roster is called, at the centre and on the terminal: "t001", "s002"
#: (`sync.journal.kinds.STAFF` takes such).
PERSON_ID = re.compile(r"[a-z][a-z_-]{0,15}[0-9]{0,6}")

#: What is put before the digits that staff type, and how many these are at most.
STAFF_LETTER, STAFF_DIGITS = "s", 6
_TYPED = re.compile(rf"{STAFF_LETTER}[0-9]{{1,{STAFF_DIGITS}}}")

#: Cost of one guess: about 50 ms and 16 MB on a terminal.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


class NotAPin(ValueError):
    """The text is not six digits."""

    def __init__(self) -> None:
        super().__init__(f"a PIN has {DIGITS} digits")


class WeakPin(ValueError):
    """The PIN is one of those that are tried first. `why`: a name out of `WEAKNESSES`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def can_be_typed(person_id: str) -> bool:
    """Whether staff with this id can vouch: on the pad of the terminal there are digits alone."""
    return _TYPED.fullmatch(person_id) is not None


def is_pin(text: str) -> bool:
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """`salt$hash` in hexadecimal. Raises `NotAPin`."""
    if not is_pin(pin):
        raise NotAPin
    salt = salt or os.urandom(16)
    digest = hashlib.scrypt(pin.encode(), salt=salt, dklen=32, **_SCRYPT)
    return f"{salt.hex()}${digest.hex()}"


def matches(pin: str, stored: str) -> bool:
    """Whether a PIN is the one that was hashed. Takes the same time whatever the answer."""
    try:
        salt = bytes.fromhex(stored.partition("$")[0])
        return hmac.compare_digest(hash_pin(pin, salt), stored)
    except ValueError:
        return False


#: Compared with where nobody is known by a number, so that the time tells nothing.
NOBODY_S = f"{bytes(16).hex()}${bytes(32).hex()}"


def must_be_strong(pin: str) -> None:
    """Raises `NotAPin` or `WeakPin`."""
    if not is_pin(pin):
        raise NotAPin
    for why, is_weak in WEAKNESSES.items():
        if is_weak(pin):
            raise WeakPin(why)


def _repeats(pin: str) -> bool:
    """Two digits or fewer, pairs, or the same again: 111112, 112233, 123123, 121212."""
    pairs = [pin[place : place + 2] for place in range(0, DIGITS, 2)]
    halves = pin[: DIGITS // 2], pin[DIGITS // 2 :]
    return (
        len(set(pin)) <= 2
        or all(pair[0] == pair[1] for pair in pairs)
        or halves[0] == halves[1]
        or halves[0] == halves[1][::-1]
    )


def _run(pin: str) -> bool:
    """Every digit as far from the one before: 123456, 890123, 135790, 987654."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return len(steps) == 1


def _date(pin: str) -> bool:
    """A day or a month of somebody's life: YYMMDD, DDMMYY, MMDDYY, YYYYMM, MMYYYY."""
    first, second, third = pin[:2], pin[2:4], pin[4:]
    days = ((first, second, third), (third, second, first), (third, first, second))
    months = ((pin[:4], pin[4:]), (pin[2:], pin[:2]))
    return any(_is_day(*day) for day in days) or any(
        1900 <= int(year) <= 2100 and 1 <= int(month) <= 12 for year, month in months
    )


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        # A leap year, so that no 29 February is missed.
        date(2000 if int(year) % 4 == 0 else 2001, int(month), int(day))
    except ValueError:
        return False
    return True


#: Name, which is an id of words below `roster.weak` -> whether a PIN is weak so. In this order.
WEAKNESSES: dict[str, Callable[[str], bool]] = {"repeats": _repeats, "run": _run, "date": _date}
