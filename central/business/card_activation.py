"""社保功能启用: 未启用 becomes 正常, once, for who has proven to be the holder within five minutes.

Never the bank function (R-F5): that is the bank's counter's. The proof counts from the moment of
filing, however late the request arrives; the terminal sends that one request until it is answered,
and asks how the card stands instead of filing another. A card whose PIN nobody can tell stays as it
is until a person has looked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from central import own_card
from central.business import Business, Opened
from central.card_states import BLOCKED, CardMove, bring
from central.keys import person_hash
from central.masking import masked_phone
from central.models import CardState
from central.ports.registry import registry
from sync.kinds.card_activation import ActivationState, HowIsMyCard
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.cases import Case
    from kiosk.policy import Policy
    from sync.wire.base import Message

_PINS = {"own": "本人已设", "changed": "本次由初始密码改为本人密码", "unknown": "卡中途取走，不明"}

_STATES = {
    CardState.NOT_ACTIVE: "inactive",
    CardState.NORMAL: "active",
    CardState.ISSUED: "being_made",
    **dict.fromkeys(BLOCKED, "lost"),
}


class CardActivation(Business):
    kind = "card_activation"
    title = "社保功能启用"
    states: ClassVar = {
        "in_force": "已启用",
        "to_review": "待核实（尚未启用）",
        "returned": "退回",
        "refused": "不予受理",
        "duplicate": "重复",
    }
    machine: ClassVar = {"to_review": ("in_force", "returned")}
    open_states = ("to_review",)
    words: ClassVar = {
        "pin_unknown": "不知道卡上是哪个密码",
        "active_already": "卡已经启用",
        "being_made": "卡还没有领出",
        "lost": "卡已挂失",
        **own_card.WORDS,
    }
    grave: ClassVar = {
        "in_force": "卡片立即启用。",
        "returned": "启用不予办理，卡片仍未启用。",
    }

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return [
            *own_card.rows(document),
            ("密码", _PINS[document["pin"]]),
        ]

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        document = opened.document
        found = _state(document.name, opened.person)
        if found.rejection is not None:
            return found.rejection, "name"
        if found.state == "active":
            return Rejection.DUPLICATE_APPLICATION, "active_already"
        if found.state != "inactive":
            return Rejection.NOT_PERMITTED, found.state
        return own_card.refusal(opened)

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        unknown = ("pin_unknown",) * (opened.document.pin == "unknown")
        return (*super().reasons(opened), *unknown)

    def state_after(self, verdict: Verdict, opened: Opened) -> str:
        return "in_force" if verdict is Verdict.ACCEPTED else super().state_after(verdict, opened)

    def moved(self, case: Case) -> None:
        if case.state == "in_force":
            bring(case.person, CardState.NORMAL, CardMove.ACTIVATE)


def _state(name: str, person: str) -> ActivationState:
    known = registry().find(person)
    if known is None:
        return ActivationState(rejection=Rejection.PERSON_UNKNOWN)
    if known.name != name:
        return ActivationState(rejection=Rejection.MISMATCH)
    state = _STATES.get(known.card_state, "none")
    return ActivationState(state=state, bank=known.bank, phone=masked_phone(known.phone))


def _how_is_my_card(asked: HowIsMyCard) -> Message:
    return _state(asked.name, person_hash(asked.id_number))


BUSINESS = CardActivation()

ANSWERS = {"card_activation.state": _how_is_my_card}
