"""Names as the chip of an ID card holds them, brought to the characters of today's standard.

- *Dots.* Names of minorities carry a dot between their parts. Twelve ministries agreed in 2016 that
  it is U+00B7 (·); cards and systems hold a dozen others.
- *Private characters.* Older cards were written with GBK, whose last eighty ideographs and radicals
  had no place in Unicode yet: they stand in its private area, U+E815 to U+E864, where every font
  shows something else or nothing. GB 18030-2022 and Unicode have a place for all of them by now.
"""

from __future__ import annotations

from typing import Final

from hardware.characters import PRIVATE_USE

DOT: Final = "·"

#: Most characters of a name, as of `sync.values.Name`: what is longer would not be taken there.
LONGEST_NAME = 50

#: Whatever looks like a dot between the parts of a name.
_DOTS = "∙⋅･●•‧・．.。｡●∘◦⸱᛫˙⦁⚫﹒"

#: Code point -> the character that is kept.
STANDARD: Final = {ord(dot): DOT for dot in _DOTS} | PRIVATE_USE


def standard_name(text: str) -> str:
    """The name without spaces around it, its dots as U+00B7, its private characters replaced."""
    return text.strip().translate(STANDARD)
