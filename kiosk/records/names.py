"""Names as the chip of an ID card holds them, brought to the characters of today's standard.

- *Dots.* Names of minorities carry a dot between their parts. Twelve ministries agreed in 2016 that
  it is U+00B7 (·); cards and systems hold a dozen others.
- *Private characters.* Older cards were written with GBK, whose last eighty ideographs and radicals
  had no place in Unicode yet: they stand in its private area, U+E815 to U+E864, where every font
  shows something else or nothing. GB 18030-2022 and Unicode have a place for all of them by now.
"""

from __future__ import annotations

from typing import Final

DOT: Final = "·"

#: Most characters of a name, as of `sync.values.Name`: what is longer would not be taken there.
LONGEST_NAME = 50

#: Whatever looks like a dot between the parts of a name.
_DOTS = "∙⋅･●•‧・．.。｡●∘◦⸱᛫˙⦁⚫﹒"

#: GBK 0xFE50-0xFEA0 in order: U+E815 and the 79 after it.
_PRIVATE_FIRST = 0xE815
_PRIVATE = (
    "⺁𠂇𠂉𠃌⺄㑳㑇⺈⺋龴㖞㘚㘎⺌⺗㥮㤘龵㧏㧟"
    "㩳㧐龶龷㭎㱮㳠⺧𡗗龸⺪䁖䅟⺮䌷⺳⺶⺷𢦏䎱"
    "䎬⺻䏝䓖䙡䙌龹䜣䜩䝼䞍⻊䥇䥺䥽䦂䦃䦅䦆䦟"
    "䦛䦷䦶龺𤇾䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮龻"
)

#: Code point -> the character that is kept.
STANDARD: Final = {ord(dot): DOT for dot in _DOTS} | {
    _PRIVATE_FIRST + place: character for place, character in enumerate(_PRIVATE)
}


def standard_name(text: str) -> str:
    """The name without spaces around it, its dots as U+00B7, its private characters replaced."""
    return text.strip().translate(STANDARD)
