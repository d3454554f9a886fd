"""制卡进度: what a person has filed, wherever it was filed, and where it stands.

The person is found by the keyed hash of the ID number; the reply is sealed to the terminal's key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from central.cases import Case
from central.keys import person_hash
from central.packs import days_of, ends
from sync.kinds.card_progress import LIMIT, CaseOf, UnderWay, WhatIsUnderWay

if TYPE_CHECKING:
    from kiosk.policy import Days, Policy
    from sync.wire.base import Message

#: States in which somebody still waits for something.
_WAITING = ("accepted", "to_review", "approved", "in_production")


def _under_way(asked: WhatIsUnderWay) -> Message:
    cases = Case.objects.filter(person=person_hash(asked.id_number)).order_by("-position")
    # Whoever has a number but not the name that belongs to it learns nothing.
    own = [case for case in cases[:LIMIT] if case.contents["document"].get("name") == asked.name]
    return UnderWay(cases=[_case(case) for case in own])


def _to_card(policy: Policy) -> Days:
    """A card that takes longer than this is overdue."""
    return policy.days("make_card")


def _case(case: Case) -> CaseOf:
    due = ends(case.received_at, days_of(case, _to_card))
    return CaseOf(
        receipt_no=case.receipt_no,
        kind=case.kind,
        stage=case.state,
        filed=timezone.localtime(case.created).date().isoformat(),
        since=timezone.localtime(case.since).date().isoformat(),
        outlet=str(case.contents["document"].get("outlet", "")),
        overdue=timezone.now() > due and case.state in _WAITING,
    )


ANSWERS = {"card_progress.cases": _under_way}
