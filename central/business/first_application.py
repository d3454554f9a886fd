"""首次申领: may this person have a first card, and where does the application stand?

The rules are tried in order; the first that applies decides. The question before the visit and the
application itself go through the same table (domain §2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone

from central import card_states, pictures, portrait
from central.business import Business, Opened
from central.card_states import WITHOUT_CARD, CardMove
from central.cases import TO_REVIEW
from central.keys import person_hash
from central.models import CardState
from central.ports.registry import registry
from central.rules import open_case
from sync.kinds.first_application import Eligibility, MayApply
from sync.wire.envelopes import Rejection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from central.cases import Case
    from central.ports.registry import Registered
    from sync.wire.base import Message

#: (refusal, reason, does it apply?)
_RULES: list[tuple[Rejection, str, Callable[[Registered], bool]]] = [
    (Rejection.NOT_PERMITTED, "deceased", lambda person: person.deceased),
    (Rejection.NOT_PERMITTED, "not_insured", lambda person: not person.insured),
    (Rejection.NOT_PERMITTED, "has_card", lambda person: person.card_state not in WITHOUT_CARD),
    (Rejection.DUPLICATE_APPLICATION, "open_elsewhere", lambda person: person.open_elsewhere),
]

_SEXES = {"1": "男", "2": "女"}


class FirstApplication(Business):
    kind = "first_application"
    title = "首次申领"
    states: ClassVar = {
        "accepted": "已受理",
        "to_review": "待核实",
        "approved": "审核通过",
        "needs_more": "需补件",
        "in_production": "制卡中",
        "in_delivery": "配送中",
        "delivered": "网点待领",
        "collected": "已领卡",
        "finished": "办结",
        "returned": "退回",
        "withdrawn": "已撤回",
        "refused": "不予受理",
        "duplicate": "重复申请",
    }
    machine: ClassVar = {
        "accepted": ("to_review", "approved", "needs_more", "returned", "withdrawn"),
        "to_review": ("accepted", "approved", "needs_more", "returned", "withdrawn"),
        "needs_more": ("accepted", "returned", "withdrawn"),
        "approved": ("to_review", "in_production", "returned"),
        "in_production": ("in_delivery", "delivered", "returned"),
        "in_delivery": ("delivered", "returned"),
        "delivered": ("collected", "finished"),
        # Its social security side is activated by the person, here or at a window (启用).
        "collected": ("finished",),
        # The registry was wrong or came late: a person may take it in after all, once they looked.
        "refused": ("to_review",),
        "duplicate": ("to_review",),
    }
    open_states = (
        "accepted",
        "to_review",
        "approved",
        "needs_more",
        "in_production",
        "in_delivery",
        "delivered",
    )
    withdrawable = ("accepted", "to_review")
    tasks = ("photo",)

    def rows(self, document: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [
            ("姓名", document["name"]),
            ("性别", _SEXES.get(document["sex"], document["sex"])),
            ("身份证号", document["id_number"]),
            ("出生日期", document["birth"]),
            ("民族代码", document["ethnic"]),
            ("特殊人群", document["special_group"]),
            ("联系电话", document["phone"] or "沿用中心已有号码"),
            ("通讯地址", document["address"]["text"]),
            ("身份证住址", document["id_address"]),
            ("签发机关", document["id_issuer"]),
            ("有效期限", f"{document['id_valid_from']} 至 {document['id_valid_to']}"),
            ("合作银行", document["bank"]),
            ("领卡网点", document["outlet"]),
            ("领取方式", document["pickup"]),
        ]

    def faults(self, opened: Opened) -> str:
        form = opened.document
        checks = [
            ("birth", form.birth.replace("-", "") == form.id_number[6:14]),
            ("sex", (form.sex == "1") == (int(form.id_number[16]) % 2 == 1)),
        ]
        if wrong := next((name for name, right in checks if not right), ""):
            return wrong
        photo = pictures.card_photo_fault(opened.attachments["photo"])
        return f"photo.{photo}" if photo else ""

    def moved(self, case: Case) -> None:
        """Whoever had to compare has decided; the card follows the case."""
        if case.state != TO_REVIEW:
            portrait.add_task(case)
        if case.state == "in_production":
            bank = case.contents["document"]["bank"]
            card_states.number(case.person, bank, timezone.localdate())
        elif case.state == "collected" or (
            case.state == "finished" and not _was(case, "collected")
        ):
            card_states.bring(case.person, CardState.NOT_ACTIVE, CardMove.HAND_OUT)
        elif case.state == "returned" and _was(case, "in_production"):
            card_states.cancel(case.person)

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        return _refusal(opened.document.name, opened.person)


def _was(case: Case, state: str) -> bool:
    """Whether it came through a state: in production its card gets its number, when collected it is
    in its holder's hands."""
    return case.events.filter(to_state=state).exists()


def _refusal(name: str, person: str) -> tuple[Rejection, str] | None:
    known = registry().find(person)
    if known is None:
        return Rejection.PERSON_UNKNOWN, "not_in_registry"
    if known.name != name:
        return Rejection.MISMATCH, "name"
    return next(((kind, reason) for kind, reason, applies in _RULES if applies(known)), None)


def _eligibility(asked: MayApply) -> Message:
    person = person_hash(asked.id_number)
    refused = _refusal(asked.name, person)
    if refused is None and open_case(BUSINESS, person) is not None:
        refused = Rejection.DUPLICATE_APPLICATION, "open_case"
    return Eligibility(rejection=refused[0], reason=refused[1]) if refused else Eligibility()


BUSINESS = FirstApplication()

ANSWERS = {"first_application.eligibility": _eligibility}
