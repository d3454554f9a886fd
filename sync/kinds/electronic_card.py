"""电子社保卡: whose is this code? Asked once for each code, which is opaque text (domain §5.0)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import IdNumber, Name
from sync.wire.base import Message
from sync.wire.kind import Question

#: Longest code, characters.
LONGEST = 512


class WhoseCode(Message):
    """Who shows this code? It is good for one minute and for one question."""

    code: Annotated[str, Field(min_length=1, max_length=LONGEST)]


class HolderOf(Message):
    """`said`: "valid", with name and number; "expired", also for one that was asked about before;
    "stopped", because the card was reported lost; "unknown", none of an electronic card."""

    said: Literal["valid", "expired", "stopped", "unknown"]
    name: Name | Literal[""] = ""
    id_number: IdNumber | Literal[""] = ""


QUESTIONS = (Question("electronic_card.holder", WhoseCode, HolderOf),)
