"""解挂: a block is lifted, once, for who has just proven to be the holder.

Never after a new card was asked for: the old one is void then (domain §2.7). A report made after
the withdrawal stands, whichever of the two arrives first or has to wait for a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from central import own_card
from central.business import WAITING, Business, Opened
from central.business.loss_report import BEFORE, HOLDING, holding_reports
from central.card_states import BLOCKED, USABLE, CardMove, bring
from central.cases import TO_REVIEW, Case
from central.keys import person_hash
from central.machine import NotPossible, move
from central.models import CardState
from central.ports.registry import registry
from sync.kinds.loss_withdrawal import LossState, MayWithdraw
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    from kiosk.policy import Policy
    from sync.wire.base import Message

#: Kinds that ask for a new card, after which the old one is not brought back.
_NEW_CARD = ("first_application", "card_replacement")
_UNDER_WAY = (*WAITING, "needs_more", "delivered")


class LossWithdrawal(Business):
    kind = "loss_withdrawal"
    title = "解挂"
    states: ClassVar = {
        "in_force": "已解挂",
        "to_review": "待核实",
        "returned": "退回",
        "refused": "不予受理",
        "duplicate": "重复",
    }
    machine: ClassVar = {"to_review": ("in_force", "returned")}
    grave: ClassVar = {
        "in_force": "挂失解除，卡片立即恢复使用。",
        "returned": "解挂不予办理，卡片仍是挂失状态。",
    }
    words: ClassVar = {
        "none": "名下没有卡",
        "in_use": "卡没有挂失",
        "replaced": "已申请新卡，旧卡作废",
        "lost_again": "之后又报了挂失",
        **own_card.WORDS,
    }
    open_states = ("to_review",)

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return own_card.rows(document)

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        document = opened.document
        found = _state(document.name, opened.person)
        if found.rejection is not None:
            return found.rejection, "name"
        if found.state != "lost":
            return Rejection.NOT_PERMITTED, found.state
        if _reports(opened.person, after=opened.created).exists():
            return Rejection.NOT_PERMITTED, "lost_again"
        return own_card.refusal(opened)

    def state_after(self, verdict: Verdict, opened: Opened) -> str:
        accepted = verdict is Verdict.ACCEPTED
        return "in_force" if accepted else super().state_after(verdict, opened)

    def moved(self, case: Case) -> None:
        if case.state != "in_force":
            return
        if _new_card(case.person):
            raise NotPossible("replaced")
        # Lost again while this one waited: said to be known already, but only of the older loss.
        again = _reports(case.person, after=case.created).filter(state="duplicate")
        for position in list(again.values_list("position", flat=True)):
            if not move(position, TO_REVIEW, by="centre", note=case.receipt_no).review:
                move(position, "in_force", by="centre", note=case.receipt_no)
        older = holding_reports(case.person).filter(created__lte=case.created)
        for position in list(older.values_list("position", flat=True)):
            move(position, "withdrawn", by="centre", note=case.receipt_no)
        known = registry().find(case.person)
        holds = holding_reports(case.person).exists()
        if known is not None and known.card_state in BLOCKED and not holds:
            # It was blocked with a replacement that came to nothing, at a window or by telephone.
            bring(case.person, _before(case.person), CardMove.RELEASE)


def _before(person: str) -> CardState:
    """What a card was before a replacement blocked it; 正常 where nobody knows."""
    known = Case.objects.filter(person=person, kind="card_replacement", findings__has_key=BEFORE)
    newest = known.order_by("-position").first()
    before = newest.findings[BEFORE] if newest else CardState.NORMAL
    return CardState.NORMAL if before in BLOCKED else CardState(before)


def _reports(person: str, after: datetime) -> QuerySet[Case]:
    """Reports made after a time that hold, or that were told the card was blocked already."""
    states = (*HOLDING, "duplicate")
    return Case.objects.filter(
        person=person, kind="loss_report", state__in=states, created__gt=after
    ).order_by("position")


def _new_card(person: str) -> bool:
    """Whether a new card is being made."""
    return Case.objects.filter(person=person, kind__in=_NEW_CARD, state__in=_UNDER_WAY).exists()


def _state(name: str, person: str) -> LossState:
    known = registry().find(person)
    if known is None:
        return LossState(rejection=Rejection.PERSON_UNKNOWN)
    if known.name != name:
        return LossState(rejection=Rejection.MISMATCH)
    if _new_card(person):
        return LossState(state="replaced")
    if known.card_state in BLOCKED:
        return LossState(state="lost")
    return LossState(state="in_use" if known.card_state in USABLE else "none")


def _may_withdraw(asked: MayWithdraw) -> Message:
    return _state(asked.name, person_hash(asked.id_number))


BUSINESS = LossWithdrawal()

ANSWERS = {"loss_withdrawal.state": _may_withdraw}
