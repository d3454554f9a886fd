"""A receipt, device-neutral: what stands on the paper, in order, not how a printer is told.

`kiosk.receipts` builds these, `hardware.printer` turns them into ESC/POS, and tests read them.
Widths are counted in columns: a Han character takes two, a Latin letter one; size 2 doubles both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Align: TypeAlias = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Text:
    """A paragraph; broken into lines where it is too long. `size` 2 is twice as wide and high."""

    text: str
    size: int = 1
    bold: bool = False
    align: Align = "left"


@dataclass(frozen=True)
class Pair:
    """A label at the left margin and its value at the right; the value wraps below if it must."""

    label: str
    value: str


@dataclass(frozen=True)
class Rule:
    """A line across the paper."""


@dataclass(frozen=True)
class Qr:
    """A QR code, centred. `data` is ASCII."""

    data: str


@dataclass(frozen=True)
class Feed:
    """Empty lines."""

    lines: int = 1


Element: TypeAlias = Text | Pair | Rule | Qr | Feed
Receipt: TypeAlias = tuple[Element, ...]
