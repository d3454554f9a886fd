"""Every word that is shown, printed or spoken, by its id.

The words lie in `<language>/*.toml`, one file a topic. Nested tables make dotted ids:

    [apply.notice]
    title = "首次申领社会保障卡"        ->  say("apply.notice.title")

A `{name}` in the words is filled from the facts given to `say`, or from the standing facts, which
are the same in every sentence of a terminal: the hotline, the window, how a card is put into the
reader (`kiosk.words.standing`). A fact that is itself an id of words is said.

Two things come from the policy pack, because an authority sets them: the texts of consents, which
are words like any other here, and names of banks and places in both languages (`Words.name`).

An id without words is shown as itself: a citizen sees something odd but the terminal goes on; tests
see to it that it cannot happen (`tests/flows/test_words.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from kiosk.policy import Name, Policy, load_policy
from kiosk.words.standing import USUAL, facts_of

LOCALE = Path(__file__).parent

#: The languages the terminal speaks; both are complete.
LANGUAGES = ("zh_CN", "en")


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)


@lru_cache(maxsize=128)
def _parsed(file: str) -> tuple[tuple[str, str], ...]:
    """The ids and words of a file's text. Each text is parsed once: that takes most of the time."""
    return tuple(_flatten(tomllib.loads(file)))


class _Facts(dict[str, object]):
    """A fact that nobody gave leaves its placeholder in the words."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


class Words:
    """The words of one language."""

    def __init__(
        self,
        language: str = "zh_CN",
        folder: Path = LOCALE,
        policy: Policy | None = None,
        standing: Mapping[str, object] = USUAL,
    ) -> None:
        """Without a policy, consents and hotline are those of the built-in pack.

        Raises `ValueError` if two files define the same id, or the language has no words.
        """
        self.language = language
        self._own: dict[str, str] = {}
        for file in sorted((folder / language).glob("*.toml")):
            for key, text in _parsed(file.read_text(encoding="utf-8")):
                if key in self._own:
                    raise ValueError(f"{file.name}: {key} is defined twice")
                self._own[key] = text
        if not self._own:
            raise ValueError(f"no words for {language} in {folder}")
        self._usual = dict(standing)
        self.use(policy or load_policy())

    def use(self, policy: Policy) -> None:
        """Another pack rules from now on: its consents, its hotline."""
        self.policy = policy
        self._words = {**self._own, **policy.words.get(self.language, {})}
        self._standing = self._named({**self._usual, **facts_of(policy)})

    @property
    def standing(self) -> frozenset[str]:
        """Names of the standing facts."""
        return frozenset(self._standing)

    def has(self, key: str) -> bool:
        return key in self._words

    def ids(self) -> frozenset[str]:
        return frozenset(self._words)

    def text(self, key: str) -> str:
        """The words as they are written, with their placeholders."""
        return self._words.get(key, key)

    def name(self, text: str) -> str:
        """A label or value as it is shown: words by their id, a name of the policy pack in this
        language, and any other text as it is."""
        if isinstance(text, Name) and self.language == "en":
            return text.english
        return self._words.get(text, text)

    def say(self, key: str, **facts: object) -> str:
        """The words of `key` with the facts filled in."""
        text = self._words.get(key)
        if text is None:
            return key
        if "{" not in text:
            return text
        try:
            return text.format_map(_Facts(self._standing | self._named(facts)))
        except (KeyError, IndexError, ValueError):
            return text

    def _named(self, facts: Mapping[str, object]) -> dict[str, object]:
        """Facts in this language: names of the pack, and facts that are ids of words."""
        return {
            fact: self.name(value) if isinstance(value, str) else value
            for fact, value in facts.items()
        }
