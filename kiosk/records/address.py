"""通讯地址 in the two forms that the collection notice fixes (domain R-C3, R-C4, §1.12 no. 9).

- 城镇: 行政区划名称 + 小区 + 栋-单元-号, 「唐山市路北区张北小区19楼1门401号」
- 农村: 行政区划名称 + 村 + 详址,       「唐山市路北区果园乡二村8排058号」

People live at more than these: 平房, 底商2, B座, 文化路甲3号, 12-1. So 楼, 门 and 号 may each be
missing, and a part keeps its own word where it has one. On input 栋 and 楼, 单元 and 门, 号 and 室
mean the same; a bare number is written with the word of the notice.

The areas come from the policy pack; names on older cards (滦县, 唐海县) are read as today's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING

from kiosk.late import dataclass

if TYPE_CHECKING:
    from kiosk.policy import Area

#: The form allows a hundred characters.
LONGEST = 100

#: Of these a number on a door is made: 19, 3A, 058, 甲3, 十二.
NUMERALS = "0-9A-Za-z甲乙丙丁戊己一二三四五六七八九十百"


@dataclass(frozen=True)
class UrbanAddress:
    """城镇地址. `building`, `entrance` and `room` are bare numbers, or have a word of their own
    (B座, 平房, 底商2); each may be empty."""

    area: Area
    #: 小区, or road: 张北小区, 新华西道.
    estate: str = field(repr=False)
    building: str = field(default="", repr=False)
    entrance: str = field(default="", repr=False)
    room: str = field(default="", repr=False)

    kind = "urban"

    @property
    def text(self) -> str:
        parts = (_written(self.building, "楼"), _written(self.entrance, "门"))
        return f"{self.area.full}{self.estate}{''.join(parts)}{_written(self.room, '号')}"

    @property
    def numbered(self) -> bool:
        """Whether it leads to a door, not only to an estate or a road."""
        return bool(self.building or self.entrance or self.room or _has_number(self.estate))

    def as_form(self) -> dict[str, str]:
        return _form(self.kind, self.area, self.text) | {
            "estate": self.estate,
            "building": self.building,
            "entrance": self.entrance,
            "room": self.room,
        }


@dataclass(frozen=True)
class RuralAddress:
    """农村地址."""

    area: Area
    township: str = field(repr=False)
    village: str = field(repr=False)
    #: 详址: 8排058号; may be empty.
    detail: str = field(default="", repr=False)

    kind = "rural"

    @property
    def text(self) -> str:
        return f"{self.area.full}{self.township}{self.village}{self.detail}"

    @property
    def numbered(self) -> bool:
        """Whether it leads to a door, not only to a village."""
        return _has_number(self.detail)

    def as_form(self) -> dict[str, str]:
        return _form(self.kind, self.area, self.text) | {
            "township": self.township,
            "village": self.village,
            "detail": self.detail,
        }


Address = UrbanAddress | RuralAddress


def _form(kind: str, area: Area, text: str) -> dict[str, str]:
    return {"kind": kind, "area_code": area.code, "area_name": str(area.name), "text": text}


def _written(part: str, word: str) -> str:
    """A bare number gets the word of the notice behind it; what has its own word keeps it."""
    return f"{part}{word}" if re.search(rf"[{NUMERALS}]$", part) else part


def _has_number(text: str) -> bool:
    return re.search(r"[0-9一二三四五六七八九十]", text) is not None


# -- reading ---------------------------------------------------------------------------------------

# Patterns as text: they are compiled when the first address is read, not while home is waited for.
#: One number, or several joined: 12-1, 101/102.
_N = rf"[{NUMERALS}]{{1,6}}(?:[-/][{NUMERALS}]{{1,6}})*"
_TOWN = r"(?P<township>[^0-9]{1,12}?(?:乡|镇|农场|街道(?:办事处)?))"
_VILLAGE = _TOWN + r"(?P<village>[^0-9]{1,15}?村(?![街路道小]))(?P<detail>.*)"
#: A village without the word 村: 大令公庄.
_HAMLET = _TOWN + r"(?P<village>[^0-9]{1,10}(?:庄|营|屯|寨|峪|坞|店|铺|坨|队))(?P<detail>.*)"
#: 栋-单元-号 without words, 「19-1-401」.
_DASHES = rf"(?P<estate>.*?[^{NUMERALS}\-])(?P<numbers>[0-9A-Z]+-[0-9A-Z]+-[0-9A-Z]+)号?"
_URBAN = (
    r"(?P<estate>.{1,30}?)"
    rf"(?:(?P<building>{_N})(?:号楼|栋|楼|幢)|(?P<named>(?:{_N})座|平房))?"
    rf"(?:(?P<entrance>{_N})(?:单元|门))?"
    rf"(?:(?P<room>{_N})(?:号|室|户)|(?P<shop>底商(?:{_N})?)(?:号|室)?|(?P<last>{_N}))?"
)
#: Words that only a block of flats has.
_FLATS = r"小区|号楼|单元|[0-9]楼|[0-9]栋|[0-9]门"


def parse_address(text: str, areas: Sequence[Area]) -> Address | None:
    """Read an address as it stands on an ID card; None if it is in none of the areas.

    Used to save typing: what is read is shown as it will be written, and the citizen says whether
    they live there. What has no known parts stands whole as the estate, word for word.
    """
    text = re.sub(r"\s", "", text).replace("乡(镇)", "乡").replace("乡（镇）", "乡")
    found = _area_and_rest(text, areas)
    if found is None or not 2 <= len(found[1]) <= LONGEST - len(found[0].full):
        return None
    area, rest = found
    if village := re.fullmatch(_VILLAGE, rest):
        return RuralAddress(area, village["township"], village["village"], village["detail"])
    if not re.search(_FLATS, rest) and (hamlet := re.fullmatch(_HAMLET, rest)):
        return RuralAddress(area, hamlet["township"], hamlet["village"], hamlet["detail"])
    if dashes := re.fullmatch(_DASHES, rest):
        return UrbanAddress(area, dashes["estate"], *dashes["numbers"].split("-"))
    if urban := re.fullmatch(_URBAN, rest):
        return UrbanAddress(
            area,
            urban["estate"],
            urban["building"] or urban["named"] or "",
            urban["entrance"] or "",
            urban["room"] or urban["shop"] or urban["last"] or "",
        )
    return UrbanAddress(area, rest)


def _area_and_rest(text: str, areas: Sequence[Area]) -> tuple[Area, str] | None:
    """The area that a text begins with, by today's name or an earlier one, and what follows."""
    names, begins = _beginnings(
        tuple((str(one.name), *one.formerly) for one in areas),
        frozenset(str(one.city) for one in areas),
    )
    found = re.match(begins, text) if names else None
    return (areas[names[found[1]]], text[found.end() :]) if found else None


@lru_cache(maxsize=4)
def _beginnings(
    of_areas: tuple[tuple[str, ...], ...], cities: frozenset[str]
) -> tuple[dict[str, int], str]:
    """Every name of an area -> the area's place, and the pattern that an address begins by."""
    names = {name: place for place, names in enumerate(of_areas) for name in names}
    head = rf"(?:\w{{2,3}}省)?(?:{'|'.join(map(re.escape, cities))})?"
    # The longest name first, so that none hides another that begins like it.
    longest = sorted(names, key=len, reverse=True)
    return names, head + f"({'|'.join(map(re.escape, longest))})"
