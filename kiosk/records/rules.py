"""The rules of single fields: each takes what was typed and returns it as it is kept.

A broken rule is named, never quoted: `rule.<name>` is the id of the words for it, and what was
typed stays in its box.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kiosk.clock import beijing_now
from kiosk.records.address import NUMERALS
from kiosk.records.id_number import BadIdNumber, parse_id_number
from kiosk.records.names import LONGEST_NAME, standard_name
from sync.receipt_number import check_digit


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


def receipt_no(text: str) -> str:
    """回执编号: seventeen digits, the last of which checks the others. Spaces are dropped."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{17}", digits):
        raise Broken("receipt_no.length")
    if check_digit(digits[:-1]) != digits[-1]:
        raise Broken("receipt_no.check")
    return digits


def last_four(text: str) -> str:
    """The last four characters of an ID number: three digits, and a digit or X."""
    text = text.strip().upper()
    if not re.fullmatch(r"[0-9]{3}[0-9X]", text):
        raise Broken("last_four.shape")
    return text


#: Han characters of all planes, and the middle dot of minority names.
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff·"
_PLACE = rf"[{_HAN}A-Za-z0-9()（）\-/#]+"


def place(text: str) -> str:
    """Name of an estate, road, town or village: Chinese, letters and digits, one Han at least."""
    text = _plain(text)
    if not re.fullmatch(_PLACE, text):
        raise Broken("place.characters")
    if not re.search(rf"[{_HAN}]", text):
        raise Broken("place.chinese")
    return text.replace("(", "（").replace(")", "）")


_HOUSE = (
    rf"(?:[{NUMERALS}东西南北中前后上下/#-]"
    r"|平房|底商|车库|门面|号楼|单元|[栋幢楼座院区排层门号室户房])+"
)
#: The words that the form prints itself behind a bare number.
_PRINTED = rf"(?<=[{NUMERALS}])(?:号楼|栋|幢|楼|单元|门|号|室|户)+$"


def house(text: str) -> str:
    """A number on a door, or what stands in its place: 19, 401, 3A, 甲3, 12-1, 101/102, B座, 平房,
    底商2, 058 (its leading zero is kept, domain R-C4).

    The words that follow a bare number on paper (楼, 门, 号 …) are dropped: the form prints its
    own. Other words (座, 排, 平房 …) are kept.
    """
    text = _plain(text).upper()
    if not re.fullmatch(_HOUSE, text):
        raise Broken("house.characters")
    return re.sub(_PRINTED, "", text)


def detail(text: str) -> str:
    """详址 in a village, e.g. 8排058号, 村东头."""
    text = _plain(text)
    if not re.fullmatch(_PLACE, text):
        raise Broken("place.characters")
    return text.replace("(", "（").replace(")", "）")


def _plain(text: str) -> str:
    """Full-width letters and digits as narrow ones, one kind of dash and of slash, no spaces."""
    narrow = "".join(
        chr(ord(character) - 0xFEE0) if "！" <= character <= "～" else character
        for character in text
        if not character.isspace()
    )
    return narrow.translate({ord("—"): "-", ord("–"): "-", ord("、"): "/"})


def id_number(text: str) -> str:
    """公民身份号码, checked as it is typed (domain R-B12); spaces are dropped."""
    try:
        return parse_id_number(re.sub(r"\s", "", text), beijing_now().date()).text
    except BadIdNumber as bad:
        raise Broken(f"id_number.{bad.reason}") from None


def name(text: str) -> str:
    """A name as the household register has it: Han characters and the dot of minority names."""
    text = standard_name(re.sub(r"\s", "", text))
    if not re.fullmatch(rf"[{_HAN}]{{2,{LONGEST_NAME}}}", text):
        raise Broken("name")
    return text


def insurance_no(text: str) -> str:
    """基本医疗保险个人编号 (domain R-C1): letters and digits."""
    text = _plain(text).upper()
    if not re.fullmatch(r"[0-9A-Z]{4,20}", text):
        raise Broken("insurance_no")
    return text


#: Rules by the name that `Field.rule` uses.
RULES: dict[str, Callable[[str], str]] = {
    "mobile": mobile,
    "receipt_no": receipt_no,
    "last_four": last_four,
    "place": place,
    "house": house,
    "detail": detail,
    "id_number": id_number,
    "name": name,
    "insurance_no": insurance_no,
}
