"""密码修改: a record of what a terminal did to a card's PIN; the PIN itself goes nowhere
(domain §5.5)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import CardId, CardNo, IdNumber, Name
from sync.wire.base import Document, Message
from sync.wire.kind import Kind, Question


class PinChange(Document):
    """Whose ID card was read, which card was in, and what came of it."""

    name: Name
    id_number: IdNumber
    card_id: CardId
    card_no: CardNo = ""
    #: "unknown": the card was pulled, and nobody can tell which PIN is on it.
    outcome: Literal["done", "unknown"]


KIND = Kind(id="pin_change", document=PinChange, signed=False)


class MayChange(Message):
    """May the card of the holder of this number and name be used yet?"""

    id_number: IdNumber
    name: Name


class ChangeState(Message):
    """It tells no more than what hinders, and which PIN would be a weak one."""

    #: "inactive": 启用 comes first (R-G5); "": nothing that is known.
    state: Annotated[str, Field(max_length=20)] = ""
    #: The telephone number that the centre knows, masked: the PIN shall be no part of it.
    phone: Annotated[str, Field(max_length=11)] = ""


QUESTIONS = (Question("pin_change.state", MayChange, ChangeState),)
