"""社会保障卡: the state of a card that lies in a reader, by its number; nothing of its holder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.card_states import BLOCKED, WITHOUT_CARD
from central.keys import person_hash
from central.models import CardState as Letter
from central.ports.registry import registry
from sync.kinds.social_card import CardState, WhichState

if TYPE_CHECKING:
    from sync.wire.base import Message

_WORDS = {
    Letter.NORMAL: "in_use",
    # Made, and not handed out yet as far as the centre knows: 启用 is what it lacks as well.
    Letter.ISSUED: "not_active",
    Letter.NOT_ACTIVE: "not_active",
    **dict.fromkeys(BLOCKED, "lost"),
    **dict.fromkeys(WITHOUT_CARD, "void"),
}


def _state(asked: WhichState) -> Message:
    found = registry().card(asked.card_no)
    if asked.id_number is not None:
        holder = registry().find(person_hash(asked.id_number))
        if holder is None or holder.card_no != asked.card_no:
            return CardState()
    return CardState(state="" if found is None else _WORDS[found])


ANSWERS = {"social_card.state": _state}
