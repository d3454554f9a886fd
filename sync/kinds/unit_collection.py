"""单位采集: a unit's member, who is on its list, is photographed and signs in one sitting (R-C10).

The list (附件2) is at the centre. The terminal asks for one row of it, by the ID card it read.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sync.values import Text
from sync.wire.application import PICTURES, CardForm, Eligibility, MayApply
from sync.wire.kind import Kind, Question
from sync.wire.photo import PhotoEvidence

#: 花名册序号, as the unit wrote it.
Serial = Annotated[str, Field(max_length=20)]


class UnitForm(CardForm):
    """The form, and which row of which unit's list it fills; "" where that was not to be had."""

    unit: Text
    serial: Serial
    #: 用户来源, 用户类型.
    user_source: Text
    user_type: Text


class UnitRow(Eligibility):
    """May this person apply, and what the list says of them. `phone` is whole, not masked: the
    person checks it before they sign (R-B9)."""

    #: "": on no list.
    unit: Text = ""
    serial: Serial = ""
    user_source: Text = ""
    user_type: Text = ""
    #: 用户编号: 基本医疗保险个人编号.
    insurance_no: Annotated[str, Field(pattern=r"^[0-9A-Z]{0,20}$")] = ""
    address: Text = ""


KIND = Kind(id="unit_collection", document=UnitForm, evidence=PhotoEvidence, attachments=PICTURES)

QUESTIONS = (Question("unit_collection.row", MayApply, UnitRow),)
