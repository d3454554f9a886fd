"""电子社保卡: a code that a citizen shows at a terminal, checked by its platform.

The code is passed on once and kept nowhere: a second asking would be refused by the platform, which
counts the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.ports.electronic_cards import electronic_cards
from sync.kinds.electronic_card import HolderOf, WhoseCode

if TYPE_CHECKING:
    from sync.wire.base import Message


def _holder(asked: WhoseCode) -> Message:
    found = electronic_cards().check(asked.code)
    if isinstance(found, str):
        return HolderOf(said=found)
    return HolderOf(said="valid", name=found.name, id_number=found.number)


ANSWERS = {"electronic_card.holder": _holder}
