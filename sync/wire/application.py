"""What every business that asks for a card sends: the form 附件1, and what issuing needs beside it.

Field rules are those of the province's card management (domain §2.3) and of
《河北省社会保障卡申领登记表》 (domain R-B1).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import Code, Day, IdNumber, Name, Sha256, Text
from sync.wire.base import Document, Message
from sync.wire.envelopes import KnownRejection
from sync.wire.kind import Picture

_AreaCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
_NoneOrDay = Day | Literal[""]
_NoneOrSha256 = Sha256 | Literal[""]


class UrbanAddress(Document):
    """城镇: area, estate, building, entrance, room; what a place does not have is empty."""

    kind: Literal["urban"]
    area_code: _AreaCode
    area_name: Text
    estate: Text
    building: Text
    entrance: Text
    room: Text
    text: Text


class RuralAddress(Document):
    """农村: area, township, village, detail."""

    kind: Literal["rural"]
    area_code: _AreaCode
    area_name: Text
    township: Text
    village: Text
    detail: Text
    text: Text


class CardForm(Document):
    """《河北省社会保障卡申领登记表》: exactly what the citizen reviewed and signed."""

    name: Name
    #: GB/T 2261.1: "1" 男, "2" 女.
    sex: Literal["1", "2"]
    id_number: IdNumber
    birth: Day
    #: GB/T 3304; "" where an operator reads it from the page of the 户口簿.
    ethnic: Annotated[str, Field(pattern=r"^([0-9]{2})?$")]
    #: By what the person is known: the chip of their ID card, or pages before the camera, which a
    #: person at the centre reads (待核实, R-B10).
    identified: Literal["id_card", "household", "birth_certificate"] = "id_card"
    #: 职工, 居民, 灵活就业 (R-G2).
    person_kind: Literal["employee", "resident", "flexible"]
    #: 基本医疗保险个人编号; "": not given.
    insurance_no: Annotated[str, Field(pattern=r"^[0-9A-Z]{0,20}$")] = ""
    special_group: Code
    #: "": the number that the centre has; the terminal knows that one masked only.
    phone: Annotated[str, Field(pattern=r"^(1[3-9][0-9]{9})?$")]
    address: Annotated[UrbanAddress | RuralAddress, Field(discriminator="kind")]
    #: Of the chip; "" without an ID card.
    id_address: Text
    id_issuer: Text
    id_valid_from: _NoneOrDay
    #: "9999-12-31": 长期.
    id_valid_to: _NoneOrDay
    bank: Code
    #: "" where the card comes by mail.
    outlet: Code | Literal[""]
    #: 自取; at an outlet that makes it while one waits (即时制卡, R-F7); 邮寄.
    pickup: Literal["outlet", "instant", "mail"]
    #: Whether the 电子社保卡 is made with it, as the person agreed (R-K1).
    electronic: bool
    #: "" only for a child below the age at which a card has a photo.
    photo_sha256: _NoneOrSha256
    #: Pages before the camera, in the order in which they were laid down.
    page_1_sha256: _NoneOrSha256 = ""
    page_2_sha256: _NoneOrSha256 = ""
    page_3_sha256: _NoneOrSha256 = ""
    page_4_sha256: _NoneOrSha256 = ""


#: Most bytes of one page.
PAGE_LIMIT = 96 * 1024
#: Names of the attachments that are pages.
PAGES = ("page_1", "page_2", "page_3", "page_4")

#: What goes with a `CardForm`.
PICTURES = {
    "photo": Picture(limit=128 * 1024, hash_field="photo_sha256"),
    "frame": Picture(limit=160 * 1024, required=False),
    #: Of the ID card's chip, only where the citizen agreed that the centre compares.
    "portrait_wlt": Picture(limit=4 * 1024, required=False),
    "signature": Picture(limit=64 * 1024),
    **{page: Picture(PAGE_LIMIT, required=False, hash_field=f"{page}_sha256") for page in PAGES},
}


class MayApply(Message):
    """May the holder of this number and name apply?"""

    id_number: IdNumber
    name: Name


class Eligibility(Message):
    """The answer of the card management, one of four refusals or none."""

    #: None: this person may apply.
    rejection: KnownRejection | None = None
    #: Why, in a word, e.g. "has_card".
    reason: Annotated[str, Field(max_length=60)] = ""
    #: The telephone number that the centre knows, masked: 139****0000; "" if it knows none.
    phone: Annotated[str, Field(max_length=11)] = ""
