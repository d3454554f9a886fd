"""监护人代未成年人申领: a guardian applies for a child's first card (domain §5.16)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from sync.values import IdNumber, Name
from sync.wire.application import PICTURES, CardForm, Eligibility, MayApply
from sync.wire.kind import Kind, Question
from sync.wire.photo import PhotoEvidence


class MinorForm(CardForm):
    """The child's form, and who reviewed and signed it: their guardian (监护人)."""

    guardian_name: Name
    guardian_id_number: IdNumber
    #: 父, 母, 其他监护人.
    relation: Literal["father", "mother", "other"]


KIND = Kind(
    id="minor_application",
    document=MinorForm,
    evidence=PhotoEvidence,
    attachments={**PICTURES, "photo": replace(PICTURES["photo"], required=False)},
)

QUESTIONS = (Question("minor_application.eligibility", MayApply, Eligibility),)
