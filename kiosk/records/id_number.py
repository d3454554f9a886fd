"""公民身份号码: eighteen characters, checked and taken apart.

GB 11643-1999: six digits of region, eight of birth date, three of sequence (odd = male), one check
character by ISO 7064 MOD 11-2. The region is *not* looked up: abolished codes live on in numbers
that were issued under them (滦县 130223 is an example from Tangshan).
"""

from __future__ import annotations

from dataclasses import field
from datetime import date

from kiosk.late import dataclass

_CHECK_CHARACTERS = "10X98765432"
#: 2^(17-i) mod 11 for the first seventeen places.
_WEIGHTS = tuple(pow(2, 17 - place, 11) for place in range(17))

#: Older than this is a misread number, not a citizen (domain §5.0).
OLDEST_YEARS = 120


class BadIdNumber(ValueError):
    """`reason` is one of "length", "characters", "date", "future", "check"; never the number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class IdNumber:
    """A number that passed every check."""

    text: str = field(repr=False)
    birth: date = field(repr=False)

    @property
    def sex(self) -> str:
        """GB/T 2261.1 code: "1" 男, "2" 女."""
        return "1" if int(self.text[16]) % 2 else "2"

    def age_on(self, day: date) -> int:
        """Completed years (周岁) on a day."""
        had_birthday = (day.month, day.day) >= (self.birth.month, self.birth.day)
        return day.year - self.birth.year - (0 if had_birthday else 1)


def check_character(first_seventeen: str) -> str:
    """The check character for seventeen digits."""
    total = sum(
        int(digit) * weight for digit, weight in zip(first_seventeen, _WEIGHTS, strict=True)
    )
    return _CHECK_CHARACTERS[total % 11]


def parse_id_number(text: str, today: date) -> IdNumber:
    """Check a number; a lower-case x is accepted and stored as X. Raises `BadIdNumber`."""
    text = text.strip().upper()
    if len(text) != 18:
        raise BadIdNumber("length")
    body, check = text[:17], text[17]
    if not (body.isascii() and body.isdigit() and check in "0123456789X"):
        raise BadIdNumber("characters")
    try:
        birth = date(int(body[6:10]), int(body[10:12]), int(body[12:14]))
    except ValueError:
        raise BadIdNumber("date") from None
    if birth > today or today.year - birth.year > OLDEST_YEARS:
        raise BadIdNumber("future" if birth > today else "date")
    if check_character(body) != check:
        raise BadIdNumber("check")
    return IdNumber(text, birth)
