"""通讯地址 in the two forms the collection notice fixes (domain R-C3, R-C4, §1.12 no. 9).

- 城镇: 行政区划名称 + 小区 + 栋-单元-号, 「唐山市路北区张北小区19楼1门401号」
- 农村: 行政区划名称 + 村 + 详址,       「唐山市路北区果园乡二村8排058号」

On input 栋 and 楼, 单元 and 门, 号 and 室 mean the same; it is written in the words of the notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kiosk.records.codes import CITY, TANGSHAN

#: The form allows a hundred characters.
LONGEST = 100


@dataclass(frozen=True)
class UrbanAddress:
    """城镇地址. `building`, `entrance` and `room` are numbers without the word behind them."""

    area: str
    estate: str
    building: str
    entrance: str
    room: str

    kind = "urban"

    @property
    def text(self) -> str:
        entrance = f"{self.entrance}门" if self.entrance else ""
        where = f"{self.estate}{self.building}楼{entrance}{self.room}号"
        return f"{CITY}{TANGSHAN[self.area]}{where}"

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

    area: str
    township: str
    village: str
    detail: str

    kind = "rural"

    @property
    def text(self) -> str:
        return f"{CITY}{TANGSHAN[self.area]}{self.township}{self.village}{self.detail}"

    def as_form(self) -> dict[str, str]:
        return _form(self.kind, self.area, self.text) | {
            "township": self.township,
            "village": self.village,
            "detail": self.detail,
        }


Address = UrbanAddress | RuralAddress


def _form(kind: str, area: str, text: str) -> dict[str, str]:
    return {"kind": kind, "area_code": area, "area_name": TANGSHAN[area], "text": text}


_AREA = r"(?:河北省)?(?:唐山市)?(?P<area>" + "|".join(TANGSHAN.values()) + ")"
_NUMBER = r"[A-Za-z0-9]{1,6}"
_URBAN = re.compile(
    _AREA + rf"(?P<estate>.{{1,30}}?)(?P<building>{_NUMBER})(?:号楼|栋|楼|幢)"
    rf"(?:(?P<entrance>{_NUMBER})(?:单元|门))?(?P<room>{_NUMBER})(?:号|室)"
)
_RURAL = re.compile(
    _AREA + r"(?P<township>.{1,12}?(?:乡|镇|街道))(?P<village>.{1,12}?村)(?P<detail>.*[0-9].*)"
)


def parse_address(text: str) -> Address | None:
    """Read an address as it stands on an ID card; None if it is of neither form.

    Used to save typing: what cannot be read is typed by the citizen, never guessed.
    """
    text = re.sub(r"\s", "", text).replace("乡(镇)", "乡")
    codes = {name: code for code, name in TANGSHAN.items()}
    if urban := _URBAN.fullmatch(text):
        return UrbanAddress(
            codes[urban["area"]],
            urban["estate"],
            urban["building"],
            urban["entrance"] or "",
            urban["room"],
        )
    if rural := _RURAL.fullmatch(text):
        return RuralAddress(
            codes[rural["area"]], rural["township"], rural["village"], rural["detail"]
        )
    return None
