"""社会保障卡: how a card stands in the card management (domain §5.7). A question only."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sync.values import IdNumber
from sync.wire.base import Message
from sync.wire.kind import Question


class WhichState(Message):
    """How does the card with this 卡号 stand?"""

    card_no: Annotated[str, Field(pattern=r"^[A-Z][0-9]{8}$")]
    #: Whose it says it is, where that matters: a chip can be made to say anything.
    id_number: IdNumber | None = None


class CardState(Message):
    """It tells nothing of whose it is."""

    #: "in_use"; "not_active": 未启用; "lost": 挂失; "void": 注销; "": no such card is known, or
    #: it is another's.
    state: Annotated[str, Field(max_length=20)] = ""


QUESTIONS = (Question("social_card.state", WhichState, CardState),)
