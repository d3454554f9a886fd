"""解挂: a card that was found again serves again (domain §5.3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sync.values import CardId, CardNo, IdNumber, Name
from sync.wire.base import Document, Message
from sync.wire.envelopes import KnownRejection
from sync.wire.kind import Kind, Question


class LossWithdrawal(Document):
    """Who withdraws, and the very card that was read."""

    name: Name
    id_number: IdNumber
    card_id: CardId
    card_no: CardNo = ""


KIND = Kind(id="loss_withdrawal", document=LossWithdrawal, signed=False)


class MayWithdraw(Message):
    """Is there a loss to withdraw for the holder of this number and name?"""

    id_number: IdNumber
    name: Name


class LossState(Message):
    """How the card stands."""

    rejection: KnownRejection | None = None
    #: "lost"; "in_use"; "replaced": a new one was asked for; "none".
    state: Annotated[str, Field(max_length=20)] = ""


QUESTIONS = (Question("loss_withdrawal.state", MayWithdraw, LossState),)
