"""制卡公司: makes the cards, and says which number each got (回盘)."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol


class CardMaker(Protocol):
    """What is asked of it."""

    def number(self, order: str) -> str:
        """卡号 of the card that was made for an order, a letter and eight digits: always the same
        one. "" while it is not made. `order`: the id of its case. What cannot be asked now raises;
        it is asked again (`central.work`)."""


class DemoCardMaker:
    """Makes no card; its numbers begin with D and follow from the order."""

    def number(self, order: str) -> str:
        digest = sha256(order.encode("ascii")).digest()
        return f"D{int.from_bytes(digest[:8], 'big') % 10**8:08d}"


def card_maker() -> CardMaker:
    """The one that is set up."""
    return DemoCardMaker()
