"""Words of addresses that the pinyin keyboard offers before all others, in any region.

The names of a region (districts, towns, 街道, roads) come from its policy pack
(`Policy.place_words`), which stands before these. A name that is missing there can still be typed:
the engine composes it of shorter words.
"""

from __future__ import annotations

from typing import Final

#: Offered while nothing is typed: what an address is made of. One touch each.
QUICK_WORDS: Final = ("小区", "路", "街", "镇", "乡", "村", "排", "号", "里", "楼")

_PARTS = """
小区 xiao qu
家园 jia yuan
花园 hua yuan
公寓 gong yu
号楼 hao lou
单元 dan yuan
街道 jie dao
居委会 ju wei hui
村委会 cun wei hui
号院 hao yuan
东里 dong li
西里 xi li
南里 nan li
北里 bei li
路 lu
道 dao
街 jie
巷 xiang
楼 lou
栋 dong
门 men
号 hao
室 shi
户 hu
座 zuo
平房 ping fang
底商 di shang
幸福 xing fu
层 ceng
排 pai
组 zu
队 dui
区 qu
县 xian
镇 zhen
乡 xiang
村 cun
庄 zhuang
里 li
"""

#: Numbers and sides, which name villages and estates (二村, 东新里).
_NUMBERS = """
一 yi
二 er
三 san
四 si
五 wu
六 liu
七 qi
八 ba
九 jiu
十 shi
东 dong
西 xi
南 nan
北 bei
中 zhong
前 qian
后 hou
大 da
小 xiao
新 xin
"""


def _table(text: str) -> tuple[tuple[str, str], ...]:
    lines = (line.partition(" ") for line in text.strip().splitlines())
    return tuple((word, spelt) for word, _, spelt in lines)


#: (word, its syllables with spaces between). Among words of one spelling the earlier comes first.
GENERAL_WORDS: Final = tuple(line for table in (_PARTS, _NUMBERS) for line in _table(table))
