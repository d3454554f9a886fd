"""制卡单: where the order of a card is, and who may give it up.

As long as the 制卡公司 may have an order, only its word gives the case back: refused, incomplete,
lost, or recalled (撤单) because it was asked to. Whoever gave it up here alone would have the
person apply again, and a second card made. Before that an order is taken out of its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.cases import Case, record
from central.locks import lock_person

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from central.models import CardOrder

#: In one of these a card is with its maker, or is to be.
WITH_MAKER = ("in_production", "in_delivery")

#: In one of these no card comes of a case, for now or ever.
GIVEN_UP = ("returned", "needs_more", "withdrawn")

#: Why a case is kept from them.
KEPT = "with_maker"


def offered(case: Case) -> QuerySet[CardOrder]:
    """The orders of a case that its maker may have and has not sent back."""
    orders: QuerySet[CardOrder] = case.card_orders.all()
    return orders.filter(back=False).exclude(offered_at=None)


def kept_from(case: Case, to: str) -> str:
    """For `Business.kept_from`."""
    return KEPT if to in GIVEN_UP and offered(case).exists() else ""


def take_out(case: Case) -> None:
    """For `Business.moved`: what was given up is not made, and its maker does not have it yet."""
    if case.state in GIVEN_UP:
        case.card_orders.filter(offered_at=None).delete()


def recall(position: int, by: str, why: str) -> bool:
    """Have a case given back as soon as the maker confirms that it makes no card; `look` of
    `central.card_batches` asks it. False: it has no order of this case. A transaction runs."""
    lock_person(Case.objects.values_list("person", flat=True).get(pk=position))
    case = Case.objects.get(pk=position)
    if not offered(case).update(recalled_by=by, recalled_why=why[:200]):
        return False
    record(case, by, "recall", why)
    return True
