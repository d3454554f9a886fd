"""Chinese characters from typed pinyin: the engine behind the touch keyboard. No Kivy here.

The words are those of `pinyin_simp.dict.yaml` (rime-pinyin-simp, derived from the PinyinIME of the
Android Open Source Project, Apache-2.0; Debian package `rime-data-pinyin-simp`): 65,000 lines of
word, syllables and weight. The words of the region's policy pack and of
`kiosk.keyboard.place_words` come before all of them, because what is typed at a terminal is an
address. Words that nobody wants to see on a screen in a public hall are left out.

How typed letters become words:

1. *Reading.* The letters are cut into pieces: whole syllables, the beginning of one at the end
   ("tangs"), and, only where nothing better fits, initials ("lldj", "tshan"). An apostrophe cuts
   where the citizen wants it ("xi'an"). `_readings` keeps the cheapest few.
2. *Looking up.* Words are kept in order of their initials, then of weight, so the candidates of a
   reading lie side by side; a pattern picks those whose syllables fit its pieces.
3. *Order.* Words that fit exactly; then words that fit initials or the beginning of a syllable;
   then longer words; at last words for the first pieces only, whose other letters stay typed. If
   no word fits exactly, one is composed of as few known words as possible (shebaoka -> 社保卡).

Nothing is learnt from what is typed: the next citizen finds no trace of the last one.
"""

from __future__ import annotations

import os
import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import chain, pairwise
from math import log
from pathlib import Path

from kiosk.keyboard.place_words import GENERAL_WORDS

DICTIONARY = "pinyin_simp.dict.yaml"

#: Places come before any word of the dictionary, whose heaviest has weight 4.8 million.
_PLACE_WEIGHT = 10_000_000

#: Lines of the dictionary that are sounds (嗯, 呣) rather than syllables a word is spelt with.
_NO_SYLLABLES = frozenset({"m", "n", "ng", "hm", "hng"})

#: ü after l and n is typed as v; the dictionary spells üe as ue (略 lue, 虐 nue).
_SPELLINGS = {"lve": "lue", "nve": "nue"}

#: Words of several characters with one of these, and these words, are not offered.
_UNSEEMLY = re.compile("[淫奸嫖妓娼屄肏屌婊]|性[福爱交欲]|做爱|卖淫|色情")

_INITIALS = frozenset("bpmfdtnlgkhjqxrzcsyw") | {"zh", "ch", "sh"}

#: What a piece costs: less is likelier. An initial costs more than any way to do without it.
_WHOLE, _BEGINNING, _INITIAL = 1, 2, 3

#: So many readings of the same letters are followed up, and only those nearly as cheap.
_READINGS, _DEARER = 6, 1

_LONGEST_SYLLABLE = 6


class NoDictionary(FileNotFoundError):
    """There is no dictionary to be found: Chinese cannot be typed on this terminal."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word to choose. `used_letters` counts the typed characters, from the left, it stands for;
    the others stay typed."""

    text: str
    used_letters: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of the typed letters: a syllable if `whole`, else the beginning of one. `end` is the
    place in the typed text after it."""

    text: str
    end: int
    whole: bool


_Reading = tuple[_Piece, ...]


def find_dictionary() -> Path:
    """The dictionary of this machine: $KIOSK_PINYIN, else in the bundle, else the system's.

    Raises `NoDictionary`.
    """
    places = [Path("/usr/share/rime-data") / DICTIONARY]
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        places.insert(0, Path(bundle) / "rime-data" / DICTIONARY)
    if named := os.environ.get("KIOSK_PINYIN"):
        places = [Path(named)]
    for place in places:
        if place.is_file():
            return place
    raise NoDictionary(f"{DICTIONARY} not found; install the package rime-data-pinyin-simp")


@lru_cache(maxsize=1)
def load(place_words: tuple[tuple[str, str], ...]) -> Pinyin:
    """The engine over this machine's dictionary, read once (about 0.2 s: call it on a worker).

    `place_words` are those of the policy pack. The engine holds nothing of a visit, so all visits
    share it. Raises `NoDictionary`.
    """
    return Pinyin(find_dictionary(), (*place_words, *GENERAL_WORDS))


class Pinyin:
    """An engine over one dictionary. Immutable; safe to use from any thread."""

    def __init__(self, path: Path, own: Iterable[tuple[str, str]] = GENERAL_WORDS) -> None:
        """`own` are further (word, "syllables with spaces") that come first.

        Raises `OSError` if the file cannot be read; lines it does not understand are left out.
        """
        # Columns instead of 65,000 objects, equal text held once: it halves the memory.
        texts: list[str] = []
        spelt: list[str] = []
        weights = array("l")
        initials: list[str] = []
        for word, syllables, weight in chain(_own_lines(own), _read(path)):
            texts.append(word)
            spelt.append(sys.intern(syllables))
            weights.append(weight)
            initials.append(sys.intern(_initials(syllables)))
        order = sorted(range(len(texts)), key=lambda row: (initials[row], -weights[row]))
        self._texts = [texts[row] for row in order]
        self._spelt = [spelt[row] for row in order]
        self._weights = array("l", (weights[row] for row in order))
        #: Initials -> first row; in order, with an end mark.
        starts: dict[str, int] = {}
        for place, row in enumerate(order):
            starts.setdefault(initials[row], place)
        self._initials = list(starts)
        self._starts = array("l", [*starts.values(), len(order)])
        known = {syllable for line in self._spelt for syllable in line.split()}
        self._syllables = frozenset(known - _NO_SYLLABLES)
        self._beginnings = frozenset(
            syllable[:length]
            for syllable in self._syllables
            for length in range(1, len(syllable) + 1)
        )

    def candidates(self, letters: str, limit: int = 64) -> list[Candidate]:
        """Words for typed letters a-z and apostrophes, the likeliest first, at most `limit`. A
        longer list begins with a shorter one, so that more can be asked for page by page.

        Empty if the letters begin no syllable. Letters of upper case are taken as lower case.
        """
        readings = self._readings(letters.lower())
        if not readings:
            return []
        found: dict[str, int] = {}
        for text, used in self._in_order(readings, limit):
            found.setdefault(text, used)
            if len(found) >= limit:
                break
        return [Candidate(text, used) for text, used in found.items()]

    def spell(self, letters: str) -> str:
        """The letters as they are read, cut by apostrophes: "tangshan" -> "tang'shan"."""
        readings = self._readings(letters.lower())
        if not readings:
            return letters
        ends = [0, *(piece.end for piece in readings[0]), len(letters)]
        parts = (letters[start:end].strip("'") for start, end in pairwise(ends))
        return "'".join(part for part in parts if part)

    # -- reading -----------------------------------------------------------------------------

    def _readings(self, letters: str) -> list[_Reading]:
        """The likeliest ways to cut the letters, cheapest first, as far as they can be read."""
        size = len(letters)
        ways: list[list[tuple[int, _Reading]]] = [[] for _ in range(size + 1)]
        ways[0] = [(0, ())]
        for start in range(size):
            here = sorted(ways[start], key=lambda way: way[0])[:_READINGS]
            if letters[start] == "'":
                ways[start + 1] += here
                continue
            for end in range(start + 1, min(size, start + _LONGEST_SYLLABLE) + 1):
                text = _SPELLINGS.get(letters[start:end], letters[start:end])
                cost = self._cost(text, last=end == size)
                if cost is not None:
                    piece = _Piece(text, end, cost == _WHOLE)
                    ways[end] += [(spent + cost, (*pieces, piece)) for spent, pieces in here]
        reached = next(found for found in reversed(ways) if found)
        reached.sort(key=lambda way: way[0])
        cheapest = reached[0][0]
        return [
            pieces for cost, pieces in reached[:_READINGS] if pieces and cost <= cheapest + _DEARER
        ]

    def _cost(self, text: str, *, last: bool) -> int | None:
        """What it costs to take this text as one piece; None if it cannot be one."""
        if text in self._syllables:
            return _WHOLE
        if last and text in self._beginnings:
            return _BEGINNING
        return _INITIAL if text in _INITIALS else None

    # -- looking up --------------------------------------------------------------------------

    def _in_order(self, readings: Sequence[_Reading], limit: int) -> Iterator[tuple[str, int]]:
        """(word, typed characters used), likeliest first; a word may come twice."""
        exact: list[int] = []
        near: list[int] = []
        for reading in readings:
            spelt = _spell(reading)
            for row in self._rows(reading, limit):
                (exact if self._spelt[row] == spelt else near).append(row)
        first = readings[0]
        used = first[-1].end
        yield from self._named(exact, used)
        if not exact and len(first) > 1:
            yield self._composed(first), used
        yield from self._named(near, used)
        if len(exact) + len(near) < limit:
            for reading in readings:
                yield from self._named(self._longer(reading, limit), used)
        for size in range(len(first) - 1, 0, -1):
            part = first[:size]
            yield from self._named(self._rows(part, limit), part[-1].end)

    def _named(self, rows: Iterable[int], used: int) -> Iterator[tuple[str, int]]:
        for row in sorted(rows, key=lambda row: -self._weights[row]):
            yield self._texts[row], used

    def _rows(self, reading: _Reading, limit: int) -> list[int]:
        """Rows of the words with as many syllables as the reading, heaviest first."""
        initials = "".join(piece.text[0] for piece in reading)
        place = bisect_left(self._initials, initials)
        if place == len(self._initials) or self._initials[place] != initials:
            return []
        fits = re.compile(_pattern(reading)).fullmatch
        rows: list[int] = []
        for row in range(self._starts[place], self._starts[place + 1]):
            if fits(self._spelt[row]):
                rows.append(row)
                if len(rows) == limit:
                    break
        return rows

    def _longer(self, reading: _Reading, limit: int) -> list[int]:
        """Rows of the words that go on after the reading, the heaviest few."""
        initials = "".join(piece.text[0] for piece in reading)
        start = bisect_left(self._initials, initials + "a")
        end = bisect_left(self._initials, initials + "{")  # the character after z
        fits = re.compile(_pattern(reading) + " .*").fullmatch
        rows = range(self._starts[start], self._starts[end])
        return nlargest(
            limit,
            (row for row in rows if fits(self._spelt[row])),
            key=self._weights.__getitem__,
        )

    def _composed(self, reading: _Reading) -> str:
        """Known words put together: as few as possible, then the heaviest."""
        best: list[tuple[int, float, str]] = [(0, 0.0, "")]
        for end in range(1, len(reading) + 1):
            ways = []
            for start in range(end):
                rows = self._rows(reading[start:end], 1)
                if rows:
                    words, score, text = best[start]
                    weight = log(self._weights[rows[0]] + 1)
                    ways.append((words + 1, score - weight, text + self._texts[rows[0]]))
            # Every syllable and every initial begins a word, so there is always a way.
            best.append(min(ways))
        return best[-1][2]


def _own_lines(own: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, int]]:
    for text, spelt in own:
        yield text, spelt, _PLACE_WEIGHT


def _read(path: Path) -> Iterator[tuple[str, str, int]]:
    """(word, syllables, weight) of each line after the head that ends with "..."."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line == "...\n":
                break
        for line in file:
            parts = line.rstrip("\n").split("\t")
            if len(parts) != 3 or not parts[1] or not parts[2].isdigit():
                continue
            if len(parts[0]) == 1 or not _UNSEEMLY.search(parts[0]):
                yield parts[0], parts[1], int(parts[2])


def _initials(spelt: str) -> str:
    return "".join(syllable[0] for syllable in spelt.split())


def _spell(reading: _Reading) -> str:
    return " ".join(piece.text for piece in reading)


def _pattern(reading: _Reading) -> str:
    """A pattern for the syllables of words that fit: a whole syllable must be met exactly."""
    return " ".join(piece.text if piece.whole else piece.text + "[a-z]*" for piece in reading)
