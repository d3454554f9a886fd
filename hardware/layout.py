"""A receipt as lines of columns: who wraps where, before any printer is told anything.

A line of 80 mm paper has 48 columns, of 58 mm 32. A Han character takes two columns, a Latin letter
one, twice as many at size 2. `typeset` says where a line ends.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from hardware.paper import Align, Feed, Pair, Qr, Receipt, Rule, Text
from hardware.typeset import wrap


@dataclass(frozen=True)
class PrintLine:
    """One printed line. `text` is padded for its alignment and never wider than the paper."""

    text: str
    size: int = 1
    bold: bool = False


@dataclass(frozen=True)
class QrLine:
    """A QR code in the middle of the paper."""

    data: str


def width(text: str) -> int:
    """Columns that a text takes at size 1."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WFA" else 1


def _aligned(text: str, columns: int, align: Align) -> str:
    free = max(0, columns - width(text))
    left = {"left": 0, "center": free // 2, "right": free}[align]
    return " " * left + text


def _pair(pair: Pair, columns: int) -> Iterator[PrintLine]:
    """Label left, value right; a value that does not fit beside it goes below, indented."""
    free = columns - width(pair.label) - width(pair.value)
    if free >= 1:
        yield PrintLine(pair.label + " " * free + pair.value)
        return
    yield PrintLine(pair.label)
    for part in wrap(pair.value, columns - 2, width):
        yield PrintLine("  " + part)


#: Unicode categories that are no writing. Sent to a printer, a control character is a command.
_NO_WRITING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _writing(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in _NO_WRITING)


def lay_out(receipt: Receipt, columns: int) -> list[PrintLine | QrLine]:
    """The lines of a receipt from top to bottom."""
    lines: list[PrintLine | QrLine] = []
    for element in receipt:
        match element:
            case Text(text, size, bold, align):
                room = columns // size
                for paragraph in text.split("\n"):
                    parts = wrap(_writing(paragraph), room, width)
                    lines += [PrintLine(_aligned(part, room, align), size, bold) for part in parts]
            case Pair(label, value):
                lines += _pair(Pair(_writing(label), _writing(value)), columns)
            case Rule():
                lines.append(PrintLine("-" * columns))
            case Qr(data):
                lines.append(QrLine(data))
            case Feed(count):
                lines += [PrintLine("")] * count
    return lines
