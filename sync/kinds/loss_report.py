"""挂失: a lost card is blocked at once (domain §5.3)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import IdNumber, Name, Sha256
from sync.wire.application import PAGE_LIMIT
from sync.wire.base import Document, Message
from sync.wire.envelopes import KnownRejection
from sync.wire.kind import Kind, Picture, Question


class LossReport(Document):
    """Who reports, and what they asked for."""

    name: Name
    id_number: IdNumber
    #: 临时挂失 or 正式挂失.
    loss: Literal["temporary", "formal"]
    #: The card as the centre named it, masked; "" where nobody could look it up.
    card: Annotated[str, Field(max_length=40)] = ""
    #: 亲友代办: who reports it for the holder; "" where the holder does.
    proxy_name: Name | Literal[""] = ""
    proxy_id_number: IdNumber | Literal[""] = ""
    #: By 委托书, or as they say.
    authority: Literal["paper", "stated", ""] = ""
    page_1_sha256: Sha256 | Literal[""] = ""


_PAGE = Picture(PAGE_LIMIT, required=False, hash_field="page_1_sha256")

#: Urgent: a card that is blocked late is a card that somebody else uses.
KIND = Kind(
    id="loss_report",
    document=LossReport,
    attachments={"page_1": _PAGE},
    urgent=True,
    signed=False,
)


class WhichCard(Message):
    """Which card does the holder of this number and name have?"""

    id_number: IdNumber
    name: Name


class CardFound(Message):
    """The card, or why there is none to block."""

    rejection: KnownRejection | None = None
    #: "in_use"; "lost": blocked already; "none".
    state: Annotated[str, Field(max_length=20)] = ""
    #: "lost", and by 临时挂失 only: it may still be made a 正式挂失.
    temporary: bool = False
    #: Its number, masked: A12****89.
    card: Annotated[str, Field(max_length=40)] = ""
    #: Id of its bank in the policy pack; "" where it is not known.
    bank: Annotated[str, Field(max_length=40)] = ""


QUESTIONS = (Question("loss_report.card", WhichCard, CardFound),)
