"""首次申领: a citizen's first social security card (domain §5.1, form 附件1).

Field rules are those of the province's card management (domain §2.3) and of
《河北省社会保障卡申领登记表》 (domain R-B1).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import Code, Day, IdNumber, Name, Sha256, Text
from sync.wire.base import Document, Message
from sync.wire.envelopes import KnownRejection
from sync.wire.kind import Kind, Picture, Question
from sync.wire.photo import PhotoEvidence

_AreaCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]


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


class ApplicationForm(Document):
    """《河北省社会保障卡申领登记表》: exactly what the citizen reviewed and signed."""

    name: Name
    #: GB/T 2261.1: "1" 男, "2" 女.
    sex: Literal["1", "2"]
    id_number: IdNumber
    birth: Day
    #: GB/T 3304.
    ethnic: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    special_group: Code
    #: "": the number that the centre has; the terminal knows that one masked only.
    phone: Annotated[str, Field(pattern=r"^(1[3-9][0-9]{9})?$")]
    address: Annotated[UrbanAddress | RuralAddress, Field(discriminator="kind")]
    id_address: Text
    id_issuer: Text
    id_valid_from: Day
    #: "9999-12-31": 长期.
    id_valid_to: Day
    bank: Code
    outlet: Code
    pickup: Code
    photo_sha256: Sha256


KIND = Kind(
    id="first_application",
    document=ApplicationForm,
    evidence=PhotoEvidence,
    attachments={
        "photo": Picture(limit=128 * 1024, hash_field="photo_sha256"),
        "frame": Picture(limit=160 * 1024, required=False),
        #: Of the ID card's chip, only where the citizen agreed that the centre compares.
        "portrait_wlt": Picture(limit=4 * 1024, required=False),
        "signature": Picture(limit=64 * 1024),
    },
)


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


QUESTIONS = (Question("first_application.eligibility", MayApply, Eligibility),)
