"""信息有误、办得太慢: a ticket that a person looks into (domain R-G3, R-G10, §5.6).

One open report of the same thing is enough: a second one is told so, and nothing is lost by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from central.business import Business, Opened, business_of
from central.cases import Case
from sync.wire.envelopes import Rejection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from kiosk.policy import Policy

_ABOUT = {
    "name": "姓名或证件信息有误",
    "insured": "参保信息有误",
    "card": "社保卡信息有误",
    "contact": "电话或地址有误",
    "other": "其他信息有误",
    "late": "超过规定时间未办结",
}
_OPEN = ("accepted", "to_review")


class ProblemReport(Business):
    kind = "problem_report"
    title = "问题反映"
    states: ClassVar = {
        "accepted": "待处理",
        "to_review": "待核实",
        "finished": "已处理",
        "returned": "退回",
        "refused": "不予受理",
        "duplicate": "重复",
    }
    machine: ClassVar = {
        "accepted": ("finished", "returned"),
        "to_review": ("accepted", "finished", "returned"),
        "duplicate": ("to_review",),
    }
    words: ClassVar = {"reported_already": "同一问题已有未处理的反映"}

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return [
            ("姓名", document["name"]),
            ("身份证号", document["id_number"]),
            ("反映的问题", _ABOUT[document["about"]]),
            ("有关回执号", document.get("receipt_no", "")),
        ]

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        document = opened.document
        if _open(opened.person, document.about, document.receipt_no).exists():
            return Rejection.DUPLICATE_APPLICATION, "reported_already"
        return None

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        """Somebody looks into it anyway."""
        return ()

    def takes_up(self, case: Case) -> bool:
        """What is late may be reported, once."""
        late = case.kind != self.kind and business_of(case.kind).is_late(case)
        return late and not _open(case.person, "late", case.receipt_no).exists()


def _open(person: str, about: str, receipt_no: str) -> QuerySet[Case]:
    reports = Case.objects.filter(person=person, kind=ProblemReport.kind, state__in=_OPEN)
    return reports.filter(
        contents__document__about=about, contents__document__receipt_no=receipt_no
    )


BUSINESS = ProblemReport()
