"""One table of a policy pack, read by typed accessors that say what is wrong and where.

A service that an authority rules has its own table, `[service.<id>]`, with any keys it needs:

    policy.service("loss_report").days("lapse")        -> Days
    policy.service("loss_report").whole("lapse")       -> BadPolicy: tangshan.toml:
                                                          service.loss_report.lapse is not a number

So a rule that is missing in a pack is found with its file and its full key, never as a `KeyError`.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from kiosk.policy.name import Name

T = TypeVar("T")

#: How days are counted: 工作日 or 自然日. Unit -> the words around the number in both languages.
UNITS: Mapping[str, tuple[str, str]] = {
    "working": ("{n} 个工作日", "{n} working days"),
    "calendar": ("{n} 天", "{n} days"),
}


class BadPolicy(ValueError):
    """A pack breaks a rule; the message names the file, the key and the rule."""


@dataclass(frozen=True)
class Days:
    """A time that an authority allows. `name` has number and unit in words, for the screen."""

    number: int
    #: "working" or "calendar", see `UNITS`.
    unit: str

    @property
    def name(self) -> Name:
        chinese, english = (words.format(n=self.number) for words in UNITS[self.unit])
        return Name(chinese, english)


@dataclass(frozen=True)
class Fee:
    """工本费 in yuan, with the reference of its approval (domain R-B7, R-B8)."""

    yuan: int
    #: 物价、财政部门的批准文号; never empty where something is charged.
    approval: str = ""

    @property
    def name(self) -> Name:
        """In words, for the screen and for paper."""
        if not self.yuan:
            return Name("免费", "free of charge")
        return Name(f"{self.yuan} 元（{self.approval}）", f"{self.yuan} yuan ({self.approval})")


def months_after(day: date, months: int) -> date:
    """The same day so many months later; the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class Table:
    """Part of a pack. `where` is its full key, "" for the pack itself."""

    def __init__(self, values: Mapping[str, Any], file: str, where: str = "") -> None:
        self._values = values
        self._file = file
        self._where = where

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def wrong(self, key: str, what: str) -> BadPolicy:
        """For `raise`: names the file and the full key."""
        full = f"{self._where}.{key}" if self._where and key else self._where or key
        return BadPolicy(f"{self._file}: {full} {what}")

    def text(self, key: str) -> str:
        """A text that is not empty."""
        if not (found := self._typed(key, str, "a text")):
            raise self.wrong(key, "is empty")
        return found

    def note(self, key: str) -> str:
        """A text that may be missing or empty."""
        return self._typed(key, str, "a text") if key in self else ""

    def whole(self, key: str, least: int = 0) -> int:
        """A whole number, not below `least`."""
        if isinstance(self._values.get(key), bool):
            raise self.wrong(key, "is not a whole number")
        if (found := self._typed(key, int, "a whole number")) < least:
            raise self.wrong(key, f"is below {least}")
        return found

    def flag(self, key: str) -> bool:
        """true or false."""
        return self._typed(key, bool, "true or false")

    def day(self, key: str) -> date:
        """A date without a time."""
        found = self._typed(key, date, "a date")
        if type(found) is not date:
            raise self.wrong(key, "is not a date without a time")
        return found

    def name(self, key: str) -> Name:
        """A name in one or two languages."""
        try:
            return Name.of(self._value(key))
        except ValueError as error:
            raise self.wrong(key, str(error)) from None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if it is missing."""
        found = self._typed(key, list, "a list of texts") if key in self else []
        if not all(isinstance(text, str) for text in found):
            raise self.wrong(key, "is not a list of texts")
        return tuple(found)

    def names(self, key: str) -> tuple[tuple[str, Name], ...]:
        """A table of code -> name, in the order of the file."""
        inner = self.table(key)
        return tuple((code, inner.name(code)) for code in inner)

    def days(self, key: str) -> Days:
        """{number = 30, unit = "working"}."""
        inner = self.table(key)
        unit = inner.text("unit")
        if unit not in UNITS:
            raise inner.wrong("unit", f"is {unit!r}, not one of {', '.join(UNITS)}")
        return Days(inner.whole("number"), unit)

    def fee(self, key: str) -> Fee:
        """{yuan = 0}, or {yuan = 20, approval = "…"}: a fee needs the reference of its approval."""
        inner = self.table(key)
        fee = Fee(inner.whole("yuan"), inner.note("approval"))
        if fee.yuan and not fee.approval:
            raise inner.wrong("approval", "is missing: a fee needs its approval (domain R-B7)")
        return fee

    def table(self, key: str) -> Table:
        """A table in this one."""
        full = f"{self._where}.{key}" if self._where else key
        return Table(self._typed(key, dict, "a table"), self._file, full)

    def is_table(self, key: str) -> bool:
        return isinstance(self._values.get(key), dict)

    def tables(self, key: str) -> tuple[tuple[str, Table], ...]:
        """The tables in a table, by their keys, in the order of the file."""
        inner = self.table(key)
        return tuple((name, inner.table(name)) for name in inner)

    def lacks(self, other: Table) -> tuple[str, ...]:
        """Full keys that `other` has and this one has not, table by table."""
        lacking: list[str] = []
        for key, theirs in other._values.items():
            if key not in self:
                lacking.append(f"{self._where}.{key}" if self._where else key)
            elif isinstance(theirs, dict) and isinstance(self._values[key], dict):
                lacking += self.table(key).lacks(other.table(key))
        return tuple(lacking)

    def _value(self, key: str) -> Any:
        if key not in self._values:
            raise self.wrong(key, "is missing")
        return self._values[key]

    def _typed(self, key: str, kind: type[T], what: str) -> T:
        found = self._value(key)
        if not isinstance(found, kind):
            raise self.wrong(key, f"is not {what}")
        return found
