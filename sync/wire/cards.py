"""How the centre's 加密机 (HSM) opens a third-generation card or sets its PIN."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from sync.values import Base64, ItemId
from sync.wire.base import Message

#: 随机因子 of a card, and the first bytes of its proof.
EightBytes = Annotated[Base64, Field(min_length=8, max_length=8)]
_Hex = Annotated[str, Field(pattern=r"^([0-9A-F]{2}){0,40}$")]


class CardFacts(Message):
    """What a card tells everybody, for the 加密机 to find its keys; nothing of it names the holder.
    In hexadecimal."""

    region: Annotated[str, Field(pattern=r"^[0-9A-F]{6}$")]
    #: 卡复位信息: historical bytes of the answer to reset.
    reset_info: _Hex
    #: "03": SM4.
    algorithm: Annotated[str, Field(pattern=r"^[0-9A-F]{2}$")]
    #: 卡识别码.
    card_id: Annotated[str, Field(pattern=r"^[0-9A-F]{32}$")]


class CardProof(Message):
    """First step, 内部认证: what the card answered to its two factors. Is it genuine?"""

    card: CardFacts
    process: EightBytes
    source: EightBytes
    proof: EightBytes


class CardProofAnswer(Message):
    """It is: this may be named once, by the same terminal, for the same card, within seconds."""

    exchange: ItemId


class CardOpening(Message):
    """Second step, 外部认证: the card's next two factors."""

    exchange: ItemId
    card: CardFacts
    process: EightBytes
    source: EightBytes


class CardOpeningAnswer(Message):
    """What opens the holder's file of this card, now."""

    cryptogram: Annotated[Base64, Field(min_length=16, max_length=16)]


class ScriptPurpose(StrEnum):
    """What a script of the centre does to a card's PIN."""

    #: Back to the initial PIN, which the citizen must change before it is good for anything.
    RESET = "reset"
    UNBLOCK = "unblock"


class ScriptQuestion(Message):
    """May this be done to this card? `authorisation`: the code that an operator gave out."""

    card: CardFacts
    purpose: ScriptPurpose
    authorisation: Annotated[str, Field(min_length=8, max_length=40)]
    #: Of the card; the script is good for nothing after the next one.
    challenge: EightBytes


class ScriptStep(Message):
    """One command in hexadecimal, and the status words with which the script goes on."""

    command: Annotated[str, Field(pattern=r"^([0-9A-F]{2}){4,261}$")]
    expect: list[Annotated[str, Field(pattern=r"^[0-9A-Fx]{4}$")]] = ["9000"]


class ScriptAnswer(Message):
    """For the terminal to carry to the card as it is (`hardware.card.script`)."""

    id: ItemId
    steps: Annotated[list[ScriptStep], Field(min_length=1, max_length=64)]
