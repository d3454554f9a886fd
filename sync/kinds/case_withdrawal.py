"""撤回: a matter that nobody has decided yet is taken back by who filed it (domain §5.0)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sync.values import Code, Day, IdNumber, Name, ReceiptNo
from sync.wire.base import Document, Message
from sync.wire.kind import Kind, Question

#: Most cases in one reply, newest first.
LIMIT = 10


class CaseWithdrawal(Document):
    """Who takes back what."""

    name: Name
    id_number: IdNumber
    receipt_no: ReceiptNo


KIND = Kind(id="case_withdrawal", document=CaseWithdrawal, signed=False)


class WhatMayBeWithdrawn(Message):
    """What can the holder of this number and name still take back?"""

    id_number: IdNumber
    name: Name


class Withdrawable(Message):
    """A matter that nobody has decided yet."""

    receipt_no: ReceiptNo
    kind: Code
    filed: Day


class MayBeWithdrawn(Message):
    """The matters, newest first."""

    cases: Annotated[list[Withdrawable], Field(max_length=LIMIT)] = []


QUESTIONS = (Question("case_withdrawal.cases", WhatMayBeWithdrawn, MayBeWithdrawn),)
