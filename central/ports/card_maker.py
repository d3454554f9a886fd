"""制卡公司: makes the cards, and says how far it is and which number each got (回盘).

Its orders come in batches (`central.card_batches`). No maker has given its interface yet: here is
the seam for it, and what stands for it in the demonstration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from django.db import transaction

from central.models import DemoCardOrder

#: What a maker says of an order -> the state of its case. A state of `Business.machine`.
SAID: Mapping[str, str] = {
    "sent": "in_delivery",
    "at_outlet": "delivered",
    "incomplete": "needs_more",
    "refused": "returned",
    "lost": "returned",
    "recalled": "returned",
}

#: After one of these there is no card: the order may be given again, unless it was recalled.
SENT_BACK = ("incomplete", "refused", "lost", "recalled")


@dataclass(frozen=True)
class Order:
    """One card. `id`: of its case; `photo`: JPEG, empty for a child who needs none."""

    id: str
    fields: Mapping[str, str] = field(repr=False)
    photo: bytes = field(repr=False)


@dataclass(frozen=True)
class Said:
    """How far an order is: a key of `SAID`; `reason`: why it was sent back, for the history."""

    order: str
    what: str
    reason: str = ""


class CardMaker(Protocol):
    """What is asked of it. What cannot be asked now raises; it is asked again."""

    def hand_over(self, batch: str, orders: Sequence[Order]) -> None:
        """Have them made: once, however often a batch is handed over, and whatever batch an order
        stands in, as long as it was not sent back. What was recalled is never made."""

    def said(self, batch: str) -> Sequence[Said]:
        """回盘 of a batch: the last word about each order, every time; an order that nothing is
        said of is being made. What comes in another batch again stands in that one."""

    def batches(self) -> Sequence[str]:
        """Those that it was given in the last months."""

    def orders(self, batch: str) -> Sequence[str]:
        """The ids of the orders of a batch."""

    def recall(self, order: str) -> bool:
        """撤单: whether no card is made of an order, also if it comes only later: a hand-over may
        still be on its way. False: it is too late. Asked again, it says the same."""

    def number(self, order: str) -> str:
        """卡号 of the card that was made for an order, a letter and eight digits: always the same
        one. "" while it is not made. `order`: the id of its case."""


class DemoCardMaker:
    """Makes no card; its numbers begin with D and follow from the order. How far an order is an
    operator sets on its page."""

    def hand_over(self, batch: str, orders: Sequence[Order]) -> None:
        with transaction.atomic():
            for order in orders:
                row, _ = DemoCardOrder.objects.get_or_create(
                    order=order.id, defaults={"batch": batch}
                )
                if row.batch != batch:
                    row.batch = batch
                    again = row.said in SENT_BACK and row.said != "recalled"
                    row.said = "" if again else row.said
                    row.save()

    def said(self, batch: str) -> Sequence[Said]:
        rows = DemoCardOrder.objects.filter(batch=batch, said__in=SAID).order_by("pk")
        return [Said(row.order, row.said, row.reason) for row in rows]

    def batches(self) -> Sequence[str]:
        given = DemoCardOrder.objects.exclude(batch="")
        return list(given.order_by("batch").values_list("batch", flat=True).distinct())

    def orders(self, batch: str) -> Sequence[str]:
        return list(DemoCardOrder.objects.filter(batch=batch).values_list("order", flat=True))

    def recall(self, order: str) -> bool:
        with transaction.atomic():
            made = DemoCardOrder.objects.select_for_update()
            row, _ = made.get_or_create(order=order, defaults={"said": "recalled"})
            if row.said in ("sent", "at_outlet"):
                return False
            row.said = "recalled"
            row.save()
        return True

    def number(self, order: str) -> str:
        digest = sha256(order.encode("ascii")).digest()
        return f"D{int.from_bytes(digest[:8], 'big') % 10**8:08d}"


def card_maker() -> CardMaker:
    """The one that is set up."""
    return DemoCardMaker()
