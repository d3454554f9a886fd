"""补换卡 / 二代换三代: another card in place of the one there is (domain §5.2).

What is filed is the replacement itself, or a 预约 (`booking`) made where the centre could not be
asked: that one touches nothing, and no more than a call follows from it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import Code, Day, IdNumber, Name, Sha256, Text
from sync.wire.base import Document, Message
from sync.wire.envelopes import KnownRejection
from sync.wire.kind import Kind, Picture, Question
from sync.wire.photo import PhotoEvidence

#: The three points of the 告知 (R-F2), each agreed to by itself: ids of consent texts.
POINTS = (
    "card_replacement.no_way_back",
    "card_replacement.other_bank",
    "card_replacement.accounts",
)


class CardReplacement(Document):
    """What the citizen reviewed, and signed where it is not a booking."""

    booking: bool
    name: Name
    id_number: IdNumber
    #: Why: 遗失, 损坏, 到期, 信息变更, 换银行, 自愿换三代 (domain R-E8).
    reason: Literal["lost", "damaged", "expired", "changed", "other_bank", "third_generation"]
    #: The old card as the centre named it, masked; "" in a booking.
    card: Annotated[str, Field(max_length=40)]
    #: "": the number that the centre has; the terminal knows that one masked only.
    phone: Annotated[str, Field(pattern=r"^(1[3-9][0-9]{9})?$")]
    bank: Code
    outlet: Code
    #: 工本费 in yuan and 批准文号, as the citizen was told (R-B8).
    fee: Annotated[int, Field(ge=0, le=10_000)]
    approval: Text
    #: Whether the electronic card is made with it, as the person agreed or not.
    electronic: bool
    #: Of the attachment, or of a photo that the centre has; "" in a booking.
    photo_sha256: Sha256 | Literal[""]


KIND = Kind(
    id="card_replacement",
    document=CardReplacement,
    evidence=PhotoEvidence,
    # A booking has none of them, and a photo that the centre has is not sent again.
    attachments={
        "photo": Picture(limit=128 * 1024, required=False, hash_field="photo_sha256"),
        "frame": Picture(limit=160 * 1024, required=False),
        #: Of the ID card's chip, only where the citizen agreed that the centre compares.
        "portrait_wlt": Picture(limit=4 * 1024, required=False),
        "signature": Picture(limit=64 * 1024, required=False),
    },
    signed=False,
)


class WhichCard(Message):
    """Which card does the holder of this number and name have, and may another be made?"""

    id_number: IdNumber
    name: Name


class OldCard(Message):
    """The card, or why nothing is replaced."""

    rejection: KnownRejection | None = None
    #: "in_use"; "lost": blocked; "none".
    state: Annotated[str, Field(max_length=20)] = ""
    #: Its number, masked: A12****89.
    card: Annotated[str, Field(max_length=40)] = ""
    #: 2 or 3; 0 where it is not known.
    generation: int = 0
    #: Of the second generation only; "" where it is not known.
    expires: Day | Literal[""] = ""
    bank: Annotated[str, Field(max_length=40)] = ""
    #: 制卡日期; "" where it is not known.
    made: Day | Literal[""] = ""
    #: What is paid to the card's account, as codes of the policy pack.
    benefits: Annotated[list[Code], Field(max_length=20)] = []
    #: The telephone number that the centre knows, masked.
    phone: Annotated[str, Field(max_length=11)] = ""
    #: The newest photo that the centre took in and may be used again; "" without one.
    photo_sha256: Sha256 | Literal[""] = ""
    photo_taken: Day | Literal[""] = ""


QUESTIONS = (Question("card_replacement.card", WhichCard, OldCard),)
