"""The texts that a citizen agrees to: set by an authority, versioned, and hashed as they stand.

In a pack, a text is a table under its id, with its words in both languages:

    [consent."photo.notice"]
    version = "2026-11-01"
    [consent."photo.notice".zh_CN]
    title = "…"
    use.title = "…"

The words are shown as the words of the prompt with that id (`kiosk.words`). `sha256` covers both
languages, so that a record of the consent proves what could be read on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.canonical import canonical, sha256_hex

if TYPE_CHECKING:
    from kiosk.policy.table import Table

#: Every consent text is there in both.
LANGUAGES = ("zh_CN", "en")


@dataclass(frozen=True)
class Consented:
    """One text: what a record of the consent has to name."""

    id: str
    version: str
    #: Over the canonical JSON of {language: {id of words: words}}, hex.
    sha256: str
    #: Language -> full id of words -> words.
    words: Mapping[str, Mapping[str, str]]


def consent_texts(pack: Table) -> dict[str, Consented]:
    """All consent texts of a pack, by id. Raises `BadPolicy`."""
    return {text_id: _consent(text_id, table) for text_id, table in pack.tables("consent")}


def _consent(text_id: str, table: Table) -> Consented:
    words = {
        language: dict(_flatten(table.table(language), f"{text_id}.")) for language in LANGUAGES
    }
    chinese, english = (words[language].keys() for language in LANGUAGES)
    if differing := chinese ^ english:
        raise table.wrong("en", f"differs from zh_CN in {', '.join(sorted(differing))}")
    if not chinese:
        raise table.wrong("zh_CN", "has no words")
    digest = sha256_hex(canonical({language: {**found} for language, found in words.items()}))
    return Consented(text_id, table.text("version"), digest, words)


def _flatten(table: Table, prefix: str) -> Iterator[tuple[str, str]]:
    for key in table:
        if table.is_table(key):
            yield from _flatten(table.table(key), f"{prefix}{key}.")
        else:
            yield prefix + key, table.text(key)
