"""首次申领: may this person have a first card, and where does the application stand?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.applications import CardApplication, refusal
from central.keys import person_hash
from central.rules import open_case
from sync.wire.application import Eligibility, MayApply
from sync.wire.envelopes import Rejection

if TYPE_CHECKING:
    from sync.wire.base import Message


class FirstApplication(CardApplication):
    kind = "first_application"
    title = "首次申领"


def _eligibility(asked: MayApply) -> Message:
    person = person_hash(asked.id_number)
    refused = refusal(asked.name, person)
    if refused is None and open_case(BUSINESS, person) is not None:
        refused = Rejection.DUPLICATE_APPLICATION, "open_case"
    return Eligibility(rejection=refused[0], reason=refused[1]) if refused else Eligibility()


BUSINESS = FirstApplication()

ANSWERS = {"first_application.eligibility": _eligibility}
