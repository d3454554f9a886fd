"""The rules of single fields: each takes what was typed and returns it as it is kept.

A broken rule is named, never quoted: `rule.<name>` is the id of the words for it, and what was
typed stays in its box.
"""

from __future__ import annotations

import re
from collections.abc import Callable


class Broken(ValueError):
    """`rule` names the rule that the text breaks."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def mobile(text: str) -> str:
    """常用手机号码: eleven digits, the second not below 3 (domain R-C7). Spaces are dropped."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]*", digits):
        raise Broken("phone.digits")
    if len(digits) != 11:
        raise Broken("phone.length")
    if not re.fullmatch(r"1[3-9][0-9]{9}", digits):
        raise Broken("phone.start")
    return digits


#: Han characters of all planes, and the middle dot of minority names.
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff·"


def place(text: str) -> str:
    """Name of an estate, road, town or village: Chinese, letters and digits, one Han at least."""
    if not re.fullmatch(rf"[{_HAN}A-Za-z0-9()（）\-]+", text):
        raise Broken("place.characters")
    if not re.search(rf"[{_HAN}]", text):
        raise Broken("place.chinese")
    return text.replace("(", "（").replace(")", "）")


def house(text: str) -> str:
    """A number on a door, e.g. 19, 401, 3A, 058 (its leading zero is kept, domain R-C4).

    The words that follow it on paper (楼, 门, 号 …) are dropped: the form prints its own.
    """
    number = re.sub(r"(号楼|栋|楼|单元|门|号|室)$", "", text)
    if not re.fullmatch(r"[A-Za-z0-9一二三四五六七八九十甲乙丙丁东西南北中-]{1,8}", number):
        raise Broken("house.characters")
    return number


def detail(text: str) -> str:
    """详址 in a village, e.g. 8排058号."""
    if not re.fullmatch(rf"[{_HAN}A-Za-z0-9()（）\-#]+", text):
        raise Broken("place.characters")
    if not re.search(r"[0-9一二三四五六七八九十]", text):
        raise Broken("detail.number")
    return text


#: Rules by the name that `Field.rule` uses.
RULES: dict[str, Callable[[str], str]] = {
    "mobile": mobile,
    "place": place,
    "house": house,
    "detail": detail,
}
