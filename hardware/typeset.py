"""Breaking text into lines, on pages and receipts: Chinese, with numbers and Latin words in it.

A toolkit breaks at spaces only, and a long run without spaces anywhere, so that a line may begin
with "，". Chinese typesetting (GB/T 15834, clause 5) forbids closing marks at the start of a line
and opening marks at its end. A number or a Latin word is not torn apart, nor is one of `terms.txt`
(身份 / 证 is read twice by an eye that reads slowly), unless it is longer than a line.

Of all ways to break a paragraph into as few lines as it needs, the one that costs least is taken: a
break after a full stop costs nothing, after a comma little, between two words more, before a 了 and
around a number most; a line costs more the earlier it ends, and so does a short last line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from unicodedata import combining

#: Small words that lean on the word before.
PARTICLES = frozenset("的了吗呢吧着过们地得")
#: Never at the start of a line.
CLOSING = frozenset("，。、；：？！）》」』】〉”’…—·～%）,.;:?!)]}")
_AFTER_A_PARTICLE = "".join(CLOSING) + " "
#: Never at the end of a line.
OPENING = frozenset("（《「『【〈“‘([{")

#: What a break costs by what stands before it; between two words it costs `_BETWEEN_WORDS`.
_AFTER_SENTENCE, _AFTER_CLAUSE, _BETWEEN_WORDS, _BEFORE_WHAT_LEANS = 0, 2, 10, 20
#: Between two characters of a piece that is longer than a line, where a mark would stand wrongly.
_MISPLACED = 100
#: What an empty line would cost; a line of half its width costs a quarter of this.
_EMPTY = 30
#: A last line of so few characters looks like a mistake, and costs as much.
_LONELY = {1: 40, 2: 25, 3: 8}


@cache
def terms() -> frozenset[str]:
    """Words of this counter, before or after which a line ends. One that is missing costs nothing
    but a line that ends within it."""
    return frozenset(Path(__file__).with_name("terms.txt").read_text("utf-8").split())


@cache
def _longest_term() -> int:
    return max(map(len, terms()))


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Lines of which none is wider than `width`, unless one character is; at least one, and a line
    feed ends one.

    `measure` gives the width of a piece on one line, in the same unit as `width`. It is asked once
    for each piece; what it said is forgotten with the text.
    """
    measure = cache(measure)
    width = max(width, 1)  # a page that has not been given its room yet
    return [line for part in text.split("\n") for line in _paragraph(part, width, measure)]


def units(text: str) -> Iterator[str]:
    """The pieces between which a line may break; joined they are the text."""
    piece = ""
    whole_until = 0
    for at, character in enumerate(text):
        if piece and at >= whole_until and _may_break(piece[-1], character):
            yield piece
            piece = ""
        whole_until = max(whole_until, at + _term_at(text, at))
        piece += character
    if piece:
        yield piece


def _term_at(text: str, at: int) -> int:
    """How long the word of `terms` is that begins here, characters; 0 if none does."""
    for length in range(_longest_term(), 1, -1):
        if text[at : at + length] in terms():
            return length
    return 0


def _wide(character: str) -> bool:
    """Whether a line may break before and after this character (ideographs, kana, full width)."""
    return character >= "\u2e80" or character in "“”‘’…—·"


def _may_break(before: str, after: str) -> bool:
    if after in CLOSING or before in OPENING or after == " " or combining(after):
        return False
    return before == " " or _wide(before) or _wide(after)


def _paragraph(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    text = text.strip(" ")
    if measure(text) <= width:
        return [text]
    pieces = list(_that_fit(text, width, measure))
    ends = _cheapest(pieces, [measure(piece) for piece in pieces], width, measure)
    return [
        "".join(pieces[start:end]).strip(" ") for start, end in zip([0, *ends], ends, strict=False)
    ]


def _that_fit(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    """The pieces of a text; one that is longer than a line is taken apart."""
    for unit in units(text):
        if measure(unit.strip(" ")) <= width:
            yield unit
        else:
            yield from unit


def _cheapest(
    pieces: list[str], wide: list[float], width: float, measure: Callable[[str], float]
) -> list[int]:
    """Where the lines end, as numbers of pieces, by the rules at the head of this file."""
    #: For the first n pieces: how many lines, what they cost, and where the last of them begins.
    best: list[tuple[int, float, int]] = [(0, 0.0, 0)]
    for end in range(1, len(pieces) + 1):
        last = end == len(pieces)
        ending = 0 if last else _break_cost(pieces[end - 1], pieces[end])
        used, length = measure(pieces[end - 1].rstrip(" ")), 0
        ways: list[tuple[int, float, int]] = []
        for start in range(end - 1, -1, -1):
            used += wide[start] if start < end - 1 else 0
            if used > width and ways:
                break
            length += len(pieces[start])
            shape = _LONELY.get(length, 0) if last else _EMPTY * (1 - used / width) ** 2
            lines, cost, _ = best[start]
            ways.append((lines + 1, cost + ending + shape, start))
        best.append(min(ways))
    ends = [len(pieces)]
    while begins := best[ends[0]][2]:
        ends.insert(0, begins)
    return ends


def _break_cost(before: str, after: str) -> int:
    mark = before.rstrip(" ")[-1:]
    if after[:1] in CLOSING or mark in OPENING:
        return _MISPLACED
    if mark and mark in "。！？；!?;":
        return _AFTER_SENTENCE
    if mark and mark in "，、：）,:)…—":
        return _AFTER_CLAUSE
    particle = after.rstrip(_AFTER_A_PARTICLE) in PARTICLES
    if particle or mark.isdigit() or (before.endswith(" ") and after[:1].isdigit()):
        return _BEFORE_WHAT_LEANS
    return _AFTER_CLAUSE if before.endswith(" ") else _BETWEEN_WORDS
