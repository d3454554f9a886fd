"""Every word that is shown, printed or spoken, by its id.

The words lie in `<language>/*.toml`, one file a topic. Nested tables make dotted ids:

    [apply.notice]
    title = "首次申领社会保障卡"        ->  say("apply.notice.title")

A `{name}` in the words is filled from the facts given to `say`. An id without words is shown as
itself: a citizen sees something odd but the terminal goes on; tests see to it that it cannot
happen (`tests/flows/test_words.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LOCALE = Path(__file__).parent

#: The languages the terminal speaks; both are complete.
LANGUAGES = ("zh_CN", "en")


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)


class Words:
    """The words of one language."""

    def __init__(self, language: str = "zh_CN", folder: Path = LOCALE) -> None:
        """Raises `ValueError` if two files define the same id, or the language has no words."""
        self.language = language
        self._words: dict[str, str] = {}
        for file in sorted((folder / language).glob("*.toml")):
            for key, text in _flatten(tomllib.loads(file.read_text(encoding="utf-8"))):
                if key in self._words:
                    raise ValueError(f"{file.name}: {key} is defined twice")
                self._words[key] = text
        if not self._words:
            raise ValueError(f"no words for {language} in {folder}")

    def has(self, key: str) -> bool:
        return key in self._words

    def ids(self) -> frozenset[str]:
        return frozenset(self._words)

    def say(self, key: str, **facts: object) -> str:
        """The words of `key` with the facts filled in."""
        text = self._words.get(key)
        if text is None:
            return key
        try:
            return text.format_map(facts) if facts else text
        except (KeyError, IndexError, ValueError):
            return text
