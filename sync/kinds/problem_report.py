"""信息有误、办得太慢: somebody is to look into what is wrong (domain R-G3, §5.6)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import IdNumber, Name
from sync.wire.base import Document
from sync.wire.kind import Kind


class ProblemReport(Document):
    """Who reports what."""

    name: Name
    id_number: IdNumber
    #: What the centre has wrong; "late": a matter takes longer than it should.
    about: Literal["name", "insured", "card", "contact", "other", "late"]
    #: Of the matter that is late; "" otherwise.
    receipt_no: Annotated[str, Field(pattern=r"^([0-9]{17})?$")] = ""


KIND = Kind(id="problem_report", document=ProblemReport, signed=False)
