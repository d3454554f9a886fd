"""密码重置、解锁: the centre allows one script for one card, and hears what came of it.

A request of who has proven to stand there becomes an authorisation (`central.card_scripts`) whose
code is the id of the request: it is good for this card, once, for some minutes. The terminal then
files the outcome as a second case, which brings the request to its end. A request whose script was
fetched and that nobody told the end of goes to a person.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone

from central import card_scripts, own_card
from central.business import Business, Opened
from central.card_states import BLOCKED
from central.cases import TO_REVIEW, Case
from central.keys import person_hash
from central.machine import move, put_to_review
from central.masking import masked_phone
from central.models import CardAuthorisation, CardState
from central.ports.registry import registry
from sync.kinds.pin_reset import MayReset, ResetState
from sync.wire.envelopes import Rejection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.policy import Policy
    from sync.wire.base import Message

#: From the request until its script must have been fetched, and until its outcome is missed.
VALID, _MISSED = timedelta(minutes=10), timedelta(hours=2)

#: More requests of one person in a day are looked at by a person first.
_MOST_A_DAY = 3

_PURPOSES = {"reset": "重置密码", "unblock": "解锁密码"}
_OUTCOMES = {"": "申请", "done": "已写卡", "failed": "未写卡", "unknown": "结果不明"}

_STATES = {
    CardState.NORMAL: "in_use",
    CardState.NOT_ACTIVE: "inactive",
    **dict.fromkeys(BLOCKED, "lost"),
}


class PinReset(Business):
    kind = "pin_reset"
    title = "密码重置、解锁"
    states: ClassVar = {
        "accepted": "已授权，等待写卡",
        "finished": "已完成",
        "not_done": "未办成",
        "lapsed": "未写卡，授权已过期",
        "to_review": "待核实",
        "returned": "退回",
        "refused": "不予受理",
    }
    machine: ClassVar = {
        "accepted": ("finished", "not_done", "lapsed", "to_review"),
        "to_review": ("finished", "not_done", "returned"),
    }
    words: ClassVar = {
        "pin_unknown": "不知道密码重置、解锁是否写入卡中",
        "no_outcome": "指令已下发，终端没有报告结果",
        "no_request": "没有对应的申请",
        "many_resets": "一天内多次申请重置",
        "inactive": "卡还没有启用",
        "lost": "卡已挂失",
        **own_card.WORDS,
    }
    lapsing = ("accepted",)

    def choices(self, state: str) -> list[str]:
        """While its script may still be fetched nobody but the terminal knows the end."""
        return [] if state == "accepted" else super().choices(state)

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return [
            *own_card.rows(document),
            ("用途", _PURPOSES[document["purpose"]]),
            ("内容", _OUTCOMES[document.get("outcome", "")]),
        ]

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        document = opened.document
        if document.outcome:
            return None  # it took place
        found = _state(document.name, opened.person)
        if found.rejection is not None:
            return found.rejection, "name"
        if found.state != "in_use":
            return Rejection.NOT_PERMITTED, found.state
        return own_card.refusal(opened)

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        if opened.document.outcome:
            found = _request(opened.document.request, opened.person)
            return () if found is not None else ("no_request",)
        day = opened.created - timedelta(days=1)
        many = Case.objects.filter(person=opened.person, kind=self.kind, created__gt=day).filter(
            contents__document__outcome=""
        )
        too_many = many.count() >= _MOST_A_DAY
        return (*super().reasons(opened), *(("many_resets",) * too_many))

    def lapses_after(self) -> timedelta:
        return _MISSED

    def lapse(self, case: Case) -> tuple[timedelta, str] | None:
        """What was never fetched changed nothing."""
        fetched = CardAuthorisation.objects.filter(
            code_sha256=card_scripts.code_of(case), used_at__isnull=False
        ).exists()
        return _MISSED, TO_REVIEW if fetched else "lapsed"

    def moved(self, case: Case) -> None:
        document = case.contents["document"]
        if case.state != "accepted":
            return
        outcome = document.get("outcome", "")
        if not outcome:
            if timezone.now() <= case.created + VALID:
                card_scripts.authorise_case(case, document["purpose"], document["card_id"], VALID)
            return
        request = _request(document["request"], case.person)
        if request is None:
            return
        if outcome == "unknown":
            put_to_review(request.position, ["pin_unknown"])
        elif request.state in ("accepted", TO_REVIEW):
            move(
                request.position,
                "finished" if outcome == "done" else "not_done",
                by="centre",
                note=case.receipt_no,
            )
        move(case.position, "finished", by="centre", note=request.receipt_no)


def _request(item: str, person: str) -> Case | None:
    """The request of this person that an outcome belongs to."""
    found = (
        Case.objects.filter(id=item, person=person, kind=BUSINESS.kind).first() if item else None
    )
    return found if found is not None and not found.contents["document"]["outcome"] else None


def _state(name: str, person: str) -> ResetState:
    known = registry().find(person)
    if known is None:
        return ResetState(rejection=Rejection.PERSON_UNKNOWN)
    if known.name != name:
        return ResetState(rejection=Rejection.MISMATCH)
    state = _STATES.get(known.card_state, "none")
    return ResetState(state=state, phone=masked_phone(known.phone))


def _may_reset(asked: MayReset) -> Message:
    return _state(asked.name, person_hash(asked.id_number))


BUSINESS = PinReset()

ANSWERS = {"pin_reset.state": _may_reset}
