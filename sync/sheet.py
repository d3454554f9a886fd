"""The sheet with which a terminal is enrolled: where the centre is, a one-time code, and its key.

    K7WM-3QXA-9ZTB-4HKP-7RD2-MX8C-QT5N

The first twelve characters are the code, of which the centre keeps a hash; the sixteen after them
say which key the centre signs with (79 bits of its SHA-256), so that a machine on the way that
poses as the centre is found out, whatever certificate it shows. Typed, with or without what stands
between the groups, or scanned: the square on the sheet holds the address as well.

    KIOSK1 https://centre.example K7WM3QXA9ZTB4HKP7RD2MX8CQT5N

Standard library only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

#: Without what is easily misread.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH, PIN_LENGTH = 12, 16

_MARK = "KIOSK1"


class NotASheet(ValueError):
    """What was typed or scanned is no code. The text does not repeat it."""


@dataclass(frozen=True)
class Sheet:
    """What a sheet says; `url` is "" where it was typed, `pin` where there is only a code."""

    code: str
    pin: str = ""
    url: str = ""


def pin_of(signing_key: bytes) -> str:
    """What stands for a key on a sheet."""
    number = int.from_bytes(hashlib.sha256(signing_key).digest(), "big")
    found = ""
    for _ in range(PIN_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        found += ALPHABET[digit]
    return found


def typed(code: str, signing_key: bytes) -> str:
    """What is typed: the code with the key of the centre."""
    letters = f"{_letters(code)}{pin_of(signing_key)}"
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def square(url: str, code: str, signing_key: bytes) -> str:
    """What the square on the sheet holds."""
    return f"{_MARK} {url} {_letters(typed(code, signing_key))}"


def read(text: str) -> Sheet:
    """What was typed or scanned. Raises `NotASheet`."""
    words = text.split()
    url = ""
    if words[:1] == [_MARK]:
        if len(words) != 3:
            raise NotASheet("the square is not one of an enrolment sheet")
        url, text = words[1], words[2]
    letters = _letters(text)
    if len(letters) not in (CODE_LENGTH, CODE_LENGTH + PIN_LENGTH):
        raise NotASheet(f"a code has {CODE_LENGTH + PIN_LENGTH} letters and digits")
    if set(letters) - set(ALPHABET):
        raise NotASheet("a code has letters A to Z and digits, but no 0, 1, I, L or O")
    return Sheet(letters[:CODE_LENGTH], letters[CODE_LENGTH:], url)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).upper()
