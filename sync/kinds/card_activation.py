"""社保功能启用: a new card begins to serve as a social security card (domain §5.4, R-F5)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import CardId, CardNo, IdNumber, Name
from sync.wire.base import Document, Message
from sync.wire.envelopes import KnownRejection
from sync.wire.kind import Kind, Question


class CardActivation(Document):
    """Who stands there, and the very card that was in."""

    name: Name
    id_number: IdNumber
    card_id: CardId
    card_no: CardNo = ""
    #: The card's PIN: "own": it was the holder's own already; "changed" here from the initial one;
    #: "unknown": the card was pulled while it was changed.
    pin: Literal["own", "changed", "unknown"]


KIND = Kind(id="card_activation", document=CardActivation, signed=False)


class HowIsMyCard(Message):
    """How does the card of the holder of this number and name stand?"""

    id_number: IdNumber
    name: Name


class ActivationState(Message):
    """How it stands."""

    rejection: KnownRejection | None = None
    #: "inactive": 启用 is all it lacks; "active"; "lost"; "being_made"; "none".
    state: Annotated[str, Field(max_length=20)] = ""
    #: Id of the bank whose counter activates the bank function; "" where it is not known.
    bank: Annotated[str, Field(max_length=40)] = ""
    #: The telephone number that the centre knows, masked: the PIN shall be no part of it.
    phone: Annotated[str, Field(max_length=11)] = ""


QUESTIONS = (Question("card_activation.state", HowIsMyCard, ActivationState),)
