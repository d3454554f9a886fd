"""The code of an electronic card (电子社保卡), as its platform judged it through the centre."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from kiosk.late import dataclass


class CodeSaid(StrEnum):
    """What was said of a code."""

    VALID = "valid"
    #: It is none of an electronic card, however often another was shown.
    UNKNOWN = "unknown"
    #: The card that it belongs to was reported lost.
    STOPPED = "stopped"
    #: Nobody could be asked.
    UNASKED = "unasked"


@dataclass(frozen=True)
class ElectronicCard:
    """Whose it is, if it is valid. What the code itself said is known to nobody any more."""

    said: CodeSaid
    name: str = field(default="", repr=False)
    number: str = field(default="", repr=False)
