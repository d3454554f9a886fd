"""制卡进度: where the matters of a person stand (domain §5.6). A question only."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import Code, Day, IdNumber, Name, ReceiptNo, Text
from sync.wire.base import Message
from sync.wire.kind import Question

#: Most cases in one reply, newest first.
LIMIT = 20


class WhatIsUnderWay(Message):
    """What has the holder of this number filed?"""

    id_number: IdNumber
    name: Name


class OfReceipt(Message):
    """Where does the matter with this number stand, whose person's ID number ends so?"""

    receipt_no: ReceiptNo
    last_four: Annotated[str, Field(pattern=r"^[0-9]{3}[0-9X]$")]


class CaseOf(Message):
    """One matter of a person."""

    receipt_no: ReceiptNo
    kind: Code
    #: The case's state, see `central.business`.
    stage: Code
    #: When it was filed, and since when it stands there.
    filed: Day
    since: Day
    #: Code of the outlet where the card is handed out; "" where there is none.
    outlet: Text = ""
    #: From when another bank may make the next card (R-F1); "" where that is not known.
    bank_from: Day | Literal[""] = ""
    #: Whether it takes longer than it should.
    overdue: bool = False
    #: Businesses that may take it up now, e.g. its withdrawal; only for who put the ID card.
    may: Annotated[list[Code], Field(max_length=10)] = []


class UnderWay(Message):
    """The cases, newest first."""

    cases: Annotated[list[CaseOf], Field(max_length=LIMIT)] = []


QUESTIONS = (
    Question("card_progress.cases", WhatIsUnderWay, UnderWay),
    Question("card_progress.receipt", OfReceipt, UnderWay),
)
