"""受理回执号: a number that exists offline, can be read out over the telephone and checks itself.

    130001 261124 0017 4
    |      |      |    check digit, ISO/IEC 7064 MOD 11,10 (finds every single wrong digit and
    |      |      |    every swap of two neighbours but one)
    |      |      number of the day on this terminal
    |      day, YYMMDD, Beijing time
    number of the terminal

It holds nothing about the citizen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

#: Most numbers a terminal can give in a day.
LAST_OF_DAY = 9999


def check_digit(digits: str) -> str:
    """ISO/IEC 7064 MOD 11,10 of a string of digits."""
    product = 10
    for digit in digits:
        total = (product + int(digit)) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def receipt_number(terminal: str, day: date, number: int) -> str:
    """The receipt number, 17 digits.

    `terminal`: six digits. `number`: 1 to 9999 within the day. Raises `ValueError` otherwise.
    """
    if not re.fullmatch(r"[0-9]{6}", terminal) or not terminal.isascii():
        raise ValueError("a terminal number has six digits")
    if not 1 <= number <= LAST_OF_DAY:
        raise ValueError("the numbers of this day are used up")
    digits = f"{terminal}{day:%y%m%d}{number:04d}"
    return digits + check_digit(digits)


def grouped(number: str) -> str:
    """As it is printed and shown: 130001 261124 00174."""
    return f"{number[:6]} {number[6:12]} {number[12:]}"
