"""密码重置、解锁: asked for at the counter, allowed by the centre, done at the card, and told
(domain §5.5).

A visit files two of these: what it asks for, and, once the centre has allowed it, what came of it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import CardId, CardNo, IdNumber, ItemId, Name
from sync.wire.base import Document, Message
from sync.wire.envelopes import KnownRejection
from sync.wire.kind import Kind, Question


class PinReset(Document):
    """Who stands there, which card was in, and what is to be done to its PIN, or was."""

    name: Name
    id_number: IdNumber
    card_id: CardId
    card_no: CardNo = ""
    purpose: Literal["reset", "unblock"]
    #: "": it is asked for; "failed": nothing was changed; "unknown": nobody can tell.
    outcome: Literal["", "done", "failed", "unknown"] = ""
    #: Of an outcome: the id of what was asked for.
    request: ItemId | Literal[""] = ""


KIND = Kind(id="pin_reset", document=PinReset, signed=False)


class MayReset(Message):
    """May the PIN of the holder of this number and name be reset?"""

    id_number: IdNumber
    name: Name


class ResetState(Message):
    """How the card stands."""

    rejection: KnownRejection | None = None
    #: "in_use"; "inactive"; "lost"; "none".
    state: Annotated[str, Field(max_length=20)] = ""
    #: The telephone number that the centre knows, masked: the PIN shall be no part of it.
    phone: Annotated[str, Field(max_length=11)] = ""


QUESTIONS = (Question("pin_reset.state", MayReset, ResetState),)
