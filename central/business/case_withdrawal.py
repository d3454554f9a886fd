"""撤回: a case is taken back by its person, but only while nobody has decided anything about it.

What may be withdrawn is said by each business (`Business.withdrawable`). The ID card alone is
enough, because whoever takes back too much can file it again. A person at the centre and a
withdrawal cannot both decide: each locks the person first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone

from central.business import Business, Opened, business_of
from central.cases import Case
from central.keys import person_hash
from central.machine import NotPossible, move
from sync.kinds.case_withdrawal import LIMIT, MayBeWithdrawn, WhatMayBeWithdrawn, Withdrawable
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kiosk.policy import Policy
    from sync.wire.base import Message


class CaseWithdrawal(Business):
    kind = "case_withdrawal"
    title = "撤回"
    states: ClassVar = {
        "in_force": "已撤回",
        "to_review": "待核实",
        "returned": "退回",
        "refused": "不予受理",
        "duplicate": "重复",
    }
    machine: ClassVar = {"to_review": ("in_force", "returned")}
    words: ClassVar = {
        "not_found": "没有这个回执号的办件",
        "withdrawn_already": "已经撤回",
        "decided": "已有处理，不能撤回",
    }

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return [
            ("姓名", document["name"]),
            ("身份证号", document["id_number"]),
            ("撤回的回执号", document["receipt_no"]),
        ]

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        mine = _meant(opened.person, opened.document.receipt_no)
        if not mine:
            return Rejection.NOT_PERMITTED, "not_found"
        if any(_is_open(case) for case in mine):
            return None
        if any(case.state == "withdrawn" for case in mine):
            return Rejection.DUPLICATE_APPLICATION, "withdrawn_already"
        return Rejection.NOT_PERMITTED, "decided"

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        """It rests on the ID card alone."""
        return ()

    def state_after(self, verdict: Verdict, opened: Opened) -> str:
        accepted = verdict is Verdict.ACCEPTED
        return "in_force" if accepted else super().state_after(verdict, opened)

    def moved(self, case: Case) -> None:
        if case.state != "in_force":
            return
        open_ones = [
            one
            for one in _meant(case.person, case.contents["document"]["receipt_no"])
            if _is_open(one)
        ]
        if not open_ones:
            raise NotPossible("decided")
        for one in open_ones:
            move(one.position, "withdrawn", by="centre", note=case.receipt_no)

    def takes_up(self, case: Case) -> bool:
        return _is_open(case)


def _meant(person: str, receipt_no: str) -> Sequence[Case]:
    """Of a cloned terminal several cases may have one number."""
    return list(Case.objects.filter(person=person, receipt_no=receipt_no).order_by("position"))


def _is_open(case: Case) -> bool:
    """Whether nobody has decided anything about it yet, and its business lets it be withdrawn."""
    business = business_of(case.kind)
    if case.state not in business.withdrawable or business.kept_from(case, "withdrawn"):
        return False
    return not case.events.filter(what="moved").exclude(by="centre").exists()


def _cases(asked: WhatMayBeWithdrawn) -> Message:
    mine = Case.objects.filter(person=person_hash(asked.id_number)).order_by("-position")
    found = [
        Withdrawable(
            receipt_no=case.receipt_no,
            kind=case.kind,
            filed=timezone.localtime(case.created).date().isoformat(),
        )
        for case in mine
        if case.contents["document"].get("name") == asked.name and _is_open(case)
    ]
    return MayBeWithdrawn(cases=found[:LIMIT])


BUSINESS = CaseWithdrawal()

ANSWERS = {"case_withdrawal.cases": _cases}
