"""密码修改: what a terminal did to a card's PIN is kept; what nobody can tell a person looks at.

The change took place at the card, before the record came: nothing is refused here. A terminal that
is online asks before that whether the card serves yet: one that is not activated is offered 启用
only (R-G5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from central import own_card
from central.business import Business, Opened
from central.keys import person_hash
from central.masking import masked_phone
from central.models import CardState
from central.ports.registry import registry
from sync.kinds.pin_change import ChangeState, MayChange
from sync.wire.envelopes import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.policy import Policy
    from sync.wire.base import Message

_OUTCOMES = {"done": "已修改", "unknown": "卡中途取走，结果不明"}


class PinChange(Business):
    kind = "pin_change"
    title = "密码修改"
    states: ClassVar = {
        "finished": "已记录",
        "to_review": "待核实",
    }
    machine: ClassVar = {"to_review": ("finished",), "finished": ("to_review",)}
    words: ClassVar = {
        "pin_unknown": "不知道卡上是哪个密码",
        "other_card": "卡号与登记的不一致",
    }

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return [
            *own_card.rows(document),
            ("结果", _OUTCOMES[document["outcome"]]),
        ]

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        """The PIN itself has proven who may change it: no face is asked for (P2)."""
        document, known = opened.document, registry().find(opened.person)
        unknown = ("pin_unknown",) * (document.outcome == "unknown")
        other = known is None or document.card_no not in ("", known.card_no)
        return (*unknown, *(("other_card",) * other))

    def state_after(self, verdict: Verdict, opened: Opened) -> str:
        return "finished" if verdict is Verdict.ACCEPTED else super().state_after(verdict, opened)


def _may_change(asked: MayChange) -> Message:
    known = registry().find(person_hash(asked.id_number))
    if known is None or known.name != asked.name:
        return ChangeState()
    inactive = known.card_state == CardState.NOT_ACTIVE
    return ChangeState(state="inactive" if inactive else "", phone=masked_phone(known.phone))


BUSINESS = PinChange()

ANSWERS = {"pin_change.state": _may_change}
