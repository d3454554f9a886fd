"""制卡进度: what a person has filed, wherever it was filed, and where it stands.

The person is found by the keyed hash of the ID number; the reply is sealed to the terminal's key.
Who has a receipt number only must know how the person's ID number ends, and learns of that one
matter where it stands and nothing of the person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from central.business import business_of, businesses
from central.cases import Case
from central.keys import person_hash
from sync.kinds.card_progress import LIMIT, CaseOf, OfReceipt, UnderWay, WhatIsUnderWay

if TYPE_CHECKING:
    from sync.wire.base import Message


def _under_way(asked: WhatIsUnderWay) -> Message:
    cases = Case.objects.filter(person=person_hash(asked.id_number)).order_by("-position")
    # Whoever has a number but not the name that belongs to it learns nothing.
    own = [case for case in cases[:LIMIT] if case.contents["document"].get("name") == asked.name]
    taken = [[one.kind for one in businesses().values() if one.takes_up(case)] for case in own]
    return UnderWay(cases=[_case(case, may) for case, may in zip(own, taken, strict=True)])


def _of_receipt(asked: OfReceipt) -> Message:
    cases = Case.objects.filter(receipt_no=asked.receipt_no).order_by("-position")[:LIMIT]
    fits = [
        case
        for case in cases
        if str(case.contents["document"].get("id_number", "")).endswith(asked.last_four)
    ]
    return UnderWay(cases=[_case(case, []) for case in fits])


def _case(case: Case, may: list[str]) -> CaseOf:
    bank_from = business_of(case.kind).bank_from(case)
    return CaseOf(
        receipt_no=case.receipt_no,
        kind=case.kind,
        stage=case.state,
        filed=timezone.localtime(case.created).date().isoformat(),
        since=timezone.localtime(case.since).date().isoformat(),
        outlet=str(case.contents["document"].get("outlet", "")),
        bank_from="" if bank_from is None else bank_from.isoformat(),
        overdue=business_of(case.kind).is_late(case),
        may=may,
    )


ANSWERS = {"card_progress.cases": _under_way, "card_progress.receipt": _of_receipt}
