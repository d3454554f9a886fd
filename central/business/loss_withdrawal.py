"""解挂: a block is lifted, once, for who has proven to be the holder within five minutes.

Never after a new card was asked for: the old one is void then (domain §2.7).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from central.business import Business, Opened
from central.business.loss_report import LOST
from central.cases import Case
from central.keys import person_hash
from central.machine import move
from central.ports.registry import registry
from sync.kinds.loss_withdrawal import LossState, MayWithdraw
from sync.wire.contents import ProofLevel
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync.wire.base import Message

#: How long a proof of level P3 is fresh (domain §5.0).
FRESH = timedelta(minutes=5)

#: Kinds that ask for a new card, after which the old one is not brought back.
_NEW_CARD = ("first_application", "replacement")
_UNDER_WAY = ("accepted", "to_review", "approved", "needs_more", "in_production", "delivered")


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
    open_states = ("to_review",)

    def rows(self, document: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [
            ("姓名", document["name"]),
            ("身份证号", document["id_number"]),
            ("卡识别码", document["card_id"]),
            ("卡号", document.get("card_no", "")),
        ]

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        document, proof = opened.document, opened.contents.proof
        found = _state(document.name, opened.person)
        if found.rejection is not None:
            return found.rejection, "name"
        if found.state != "lost":
            return Rejection.NOT_PERMITTED, found.state
        age = opened.created - datetime.fromisoformat(proof.at)
        if proof.level is not ProofLevel.PERSON or not timedelta(0) <= age <= FRESH:
            return Rejection.NOT_PERMITTED, "unproven"
        known = registry().find(opened.person)
        if known is not None and known.card_no and document.card_no not in ("", known.card_no):
            return Rejection.MISMATCH, "other_card"
        return None

    def state_after(self, verdict: Verdict) -> str:
        return "in_force" if verdict is Verdict.ACCEPTED else super().state_after(verdict)

    def moved(self, case: Case) -> None:
        if case.state != "in_force":
            return
        registry().set_card_state(case.person, "1")
        reports = Case.objects.filter(
            person=case.person, kind="loss_report", state__in=("in_force", "to_review")
        )
        for position in reports.values_list("position", flat=True):
            move(position, "withdrawn", by="centre", note=case.receipt_no)


def _state(name: str, person: str) -> LossState:
    known = registry().find(person)
    if known is None:
        return LossState(rejection=Rejection.PERSON_UNKNOWN)
    if known.name != name:
        return LossState(rejection=Rejection.MISMATCH)
    if Case.objects.filter(person=person, kind__in=_NEW_CARD, state__in=_UNDER_WAY).exists():
        return LossState(state="replaced")
    if known.card_state in LOST:
        return LossState(state="lost")
    return LossState(state="in_use" if known.card_state in ("1", "A") else "none")


def _may_withdraw(asked: MayWithdraw) -> Message:
    return _state(asked.name, person_hash(asked.id_number))


BUSINESS = LossWithdrawal()

ANSWERS = {"loss_withdrawal.state": _may_withdraw}
