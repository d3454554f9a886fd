"""Breaking lines of mixed Chinese and Latin text. Pure; no Kivy.

Kivy breaks at spaces only, and a long run without spaces anywhere, so that a line may begin with
"，". Chinese typesetting (GB/T 15834, clause 5) forbids closing marks at the start of a line and
opening marks at its end; a number or Latin word is not torn apart unless it is longer than a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

#: Never at the start of a line.
CLOSING = frozenset("，。、；：？！）》」』】〉”’…—·%）,.;:?!)]}")
#: Never at the end of a line.
OPENING = frozenset("（《「『【〈“‘([{")

#: A last line shorter than this, characters, looks like a mistake.
LONELY = 4


def _wide(character: str) -> bool:
    """Whether a line may break before and after this character (ideographs, kana, full width)."""
    return character >= "\u2e80" or character in "“”‘’…—·"


def units(text: str) -> Iterator[str]:
    """The pieces between which a line may break; joined they are the text."""
    piece = ""
    for character in text:
        if piece and _may_break(piece[-1], character):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after in CLOSING or before in OPENING or after == " ":
        return False
    return before == " " or _wide(before) or _wide(after)


def wrap(text: str, width: float, measure: Callable[[str], float]) -> str:
    """The text with line feeds put in so that no line is wider than `width`.

    `measure` gives the width of a piece on one line, in the same unit as `width`. It is asked once
    for each piece; what it said is forgotten with the text.
    """
    measure = cache(measure)
    return "\n".join(
        line for paragraph in text.split("\n") for line in _paragraph(paragraph, width, measure)
    )


def _paragraph(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Lines of which the last is not a lonely character or two, if that takes no further line."""
    best = lines = list(_lines(text, width, measure))
    for twentieths in range(19, 9, -1):  # two lines of half the text are the most even
        if len(lines) == 1 or len(best[-1]) >= LONELY:
            break
        narrower = list(_lines(text, width * twentieths / 20, measure))
        if len(narrower) > len(lines):
            break
        best = max(best, narrower, key=lambda broken: len(broken[-1]))
    return best


def _lines(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    if measure(text) <= width:
        yield text.rstrip()
        return
    line = ""
    used = 0.0
    for unit in units(text):
        wide = measure(unit)
        if line and used + measure(unit.rstrip()) > width:
            yield line.rstrip()
            line, used = "", 0.0
        for piece in [unit] if wide <= width else unit:
            length = measure(piece)
            if line and used + length > width:
                yield line.rstrip()
                line, used = "", 0.0
            line += piece
            used += length
    yield line.rstrip()
