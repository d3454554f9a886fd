"""挂失: the card is blocked, at once and always on the safe side.

临时挂失 blocks with the ID card alone and lapses by itself. 正式挂失 wants proof of who stood
there: what a person has to look at first is blocked as a temporary loss meanwhile, because a block
too many costs a way, and one too few a pension. A report that came late, after a power cut or a day
without network, blocks all the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings

from central.business import Business, Opened
from central.keys import person_hash
from central.masking import masked_card
from central.ports.registry import registry
from sync.kinds.loss_report import CardFound, WhichCard
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.cases import Case
    from sync.wire.base import Message

#: States of a card (domain §2.3): 正常, 未启用; 挂失, 临时挂失.
IN_USE, LOST = ("1", "A"), ("2", "B")

_LOSSES = {"temporary": "临时挂失", "formal": "正式挂失"}


class LossReport(Business):
    kind = "loss_report"
    title = "挂失"
    states: ClassVar = {
        "in_force": "已挂失",
        "to_review": "待核实(已先临时挂失)",
        "lapsed": "到期自动失效",
        "withdrawn": "已解挂",
        "returned": "退回",
        "refused": "不予受理",
        "duplicate": "重复",
    }
    machine: ClassVar = {
        "in_force": ("lapsed", "withdrawn", "returned"),
        "to_review": ("in_force", "lapsed", "withdrawn", "returned"),
        "refused": ("in_force",),
        "duplicate": ("in_force",),
    }
    lapsing = ("in_force",)

    def rows(self, document: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [
            ("姓名", document["name"]),
            ("身份证号", document["id_number"]),
            ("挂失种类", _LOSSES[document["loss"]]),
            ("卡号", document.get("card", "") or "未查到(离线)"),
        ]

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        found = _card(opened.document.name, opened.person)
        if found.rejection is not None:
            return found.rejection, "name"
        if found.state == "none":
            return Rejection.NOT_PERMITTED, "no_card"
        if found.state == "lost" and opened.document.loss == "temporary":
            return Rejection.DUPLICATE_APPLICATION, "lost_already"
        return None

    def state_after(self, verdict: Verdict) -> str:
        return "in_force" if verdict is Verdict.ACCEPTED else super().state_after(verdict)

    def lapse(self, case: Case) -> tuple[timedelta, str] | None:
        """A temporary loss ends by itself; a formal one does not, nor while a person looks."""
        if case.contents["document"]["loss"] == "temporary":
            return timedelta(days=settings.TEMPORARY_LOSS_DAYS), "lapsed"
        return None

    def moved(self, case: Case) -> None:
        formal = case.contents["document"]["loss"] == "formal"
        card = {
            "in_force": "2" if formal else "B",
            "to_review": "B",
            "lapsed": "1",
            "withdrawn": "1",
            "returned": "1",
        }.get(case.state)
        if card is not None:
            registry().set_card_state(case.person, card)


def _card(name: str, person: str) -> CardFound:
    """How the card of a person stands. Raises `central.ports.NotNow`."""
    known = registry().find(person)
    if known is None:
        return CardFound(rejection=Rejection.PERSON_UNKNOWN)
    if known.name != name:
        return CardFound(rejection=Rejection.MISMATCH)
    state = "in_use" if known.card_state in IN_USE else "none"
    if known.card_state in LOST:
        state = "lost"
    return CardFound(state=state, card=masked_card(known.card_no))


def _which_card(asked: WhichCard) -> Message:
    return _card(asked.name, person_hash(asked.id_number))


BUSINESS = LossReport()

ANSWERS = {"loss_report.card": _which_card}
