"""A name that an authority gives: Chinese as it is printed, and its English."""

from __future__ import annotations

from collections.abc import Mapping


class Name(str):
    """The Chinese name; `english` is shown where the screen speaks English.

    It is text like any other: it is sealed, signed and compared as the Chinese name. Whoever shows
    a label, a value or a fact asks `kiosk.words.Words.name`, which chooses the language.
    """

    __slots__ = ("english",)
    english: str

    def __new__(cls, chinese: str, english: str = "") -> Name:
        """Without an English name the Chinese one stands in its place."""
        made = super().__new__(cls, chinese)
        made.english = english or chinese
        return made

    def __reduce__(self) -> tuple[type[Name], tuple[str, str]]:
        return Name, (str(self), self.english)

    @classmethod
    def of(cls, value: object) -> Name:
        """From a pack: "…" or {zh = "…", en = "…"}. Raises `ValueError` for anything else."""
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, Mapping) and set(value) <= {"zh", "en"}:
            chinese, english = value.get("zh"), value.get("en", "")
            if chinese and isinstance(chinese, str) and isinstance(english, str):
                return cls(chinese, english)
        raise ValueError("is no name: a text, or {zh = …, en = …}")
