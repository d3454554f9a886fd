"""Characters that chips hold in the private area of Unicode.

GBK's last eighty ideographs and radicals had no place in Unicode when older cards were written, and
Python's codecs still put fourteen of them there. GB 18030-2022 has a place for all of them.
"""

from __future__ import annotations

from typing import Final

#: GBK 0xFE50-0xFEA0 in order: U+E815 and the 79 after it.
_FIRST = 0xE815
_CHARACTERS = (
    "⺁𠂇𠂉𠃌⺄㑳㑇⺈⺋龴㖞㘚㘎⺌⺗㥮㤘龵㧏㧟"
    "㩳㧐龶龷㭎㱮㳠⺧𡗗龸⺪䁖䅟⺮䌷⺳⺶⺷𢦏䎱"
    "䎬⺻䏝䓖䙡䙌龹䜣䜩䝼䞍⻊䥇䥺䥽䦂䦃䦅䦆䦟"
    "䦛䦷䦶龺𤇾䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮龻"
)

#: Code point of the private area -> the character that is meant.
PRIVATE_USE: Final = {_FIRST + place: character for place, character in enumerate(_CHARACTERS)}
