"""首次申领: a citizen's first social security card (domain §5.1, form 附件1)."""

from __future__ import annotations

from sync.wire.application import PICTURES, CardForm, Eligibility, MayApply
from sync.wire.kind import Kind, Question
from sync.wire.photo import PhotoEvidence

KIND = Kind(id="first_application", document=CardForm, evidence=PhotoEvidence, attachments=PICTURES)

QUESTIONS = (Question("first_application.eligibility", MayApply, Eligibility),)
