"""制卡单: how a case comes to the order of its card, where that is, and who may give it up.

Whoever brings a case into 制卡中, the command or an operator, has ordered its card; only what an
outlet makes at once (当场制卡) is ordered of nobody. A card that is lost at its outlet is made once
more, as another order with another number: the maker has made the first.

As long as the 制卡公司 may have an order, only its word gives the case back: refused, incomplete,
lost, or recalled (撤单) because it was asked to. Whoever gave it up here alone would have the
person apply again, and a second card made. Before that an order is taken out of its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.business import OwnMove
from central.cases import Case, came_from, record
from central.locks import lock_person
from central.models import CardOrder
from central.packs import policy_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

#: In one of these a card is with its maker, or is to be.
WITH_MAKER = ("in_production", "in_delivery")

#: In one of these no card comes of a case, for now or ever.
GIVEN_UP = ("returned", "needs_more", "withdrawn")

#: Why a case is kept from them; and from having a card made once more.
KEPT, NOT_MADE = "with_maker", "not_made"

#: After one of these words of the maker the card of an order is there, or was.
MADE = frozenset({"sent", "at_outlet"})

#: The one way back from an outlet.
_REMAKE = ("delivered", "in_production")
OWN_MOVES = {
    _REMAKE: OwnMove(
        called="卡找不到了，重新制卡",
        follows="原来那张卡作废，另做一张，短信告诉本人。请先问过网点，确实找不到。",
        told="您的卡在网点找不到了，正在重新制作",
    )
}

#: Finding of a case: how often its card was made once more.
_REMADE = "card_remade"


def offered(case: Case) -> QuerySet[CardOrder]:
    """The orders of a case that its maker may have and has not sent back."""
    orders: QuerySet[CardOrder] = case.card_orders.all()
    return orders.filter(back=False).exclude(offered_at=None)


def hear_that_it_is_made(case: Case, word: str) -> None:
    """The same order may stand in several batches, and the maker speaks in the newest of them."""
    for one in offered(case):
        if word not in one.heard:
            one.heard = [*one.heard, word]
            one.save(update_fields=["heard"])


def kept_from(case: Case, to: str) -> str:
    """For `Business.kept_from`. Only a card that was made is made once more: 网点待领 may have been
    set by mistake, and the first order be given up for lost while its card is still to come."""
    if (case.state, to) == _REMAKE:
        return NOT_MADE if any(MADE.isdisjoint(one.heard) for one in offered(case)) else ""
    return KEPT if to in GIVEN_UP and offered(case).exists() else ""


def follow(case: Case) -> None:
    """For `Business.moved`: what is to be made has its order, once; what was given up is not made,
    and its maker does not have it yet."""
    if case.state in GIVEN_UP:
        case.card_orders.filter(offered_at=None).delete()
    if case.state != "in_production":
        return
    if is_remade(case):
        # Of one that its maker never had nothing is left to say: it would go with the new one.
        case.card_orders.filter(offered_at=None).delete()
        case.card_orders.update(back=True, recalled_by="", recalled_why="")
        case.findings = {**case.findings, _REMADE: case.findings.get(_REMADE, 0) + 1}
        case.save(update_fields=["findings"])
    if not is_made_at_outlet(case) and not case.card_orders.filter(back=False).exists():
        CardOrder.objects.create(case=case)


def is_remade(case: Case) -> bool:
    """Whether the move that it has just made has its card made once more."""
    before, to = _REMAKE
    return case.state == to and came_from(case) == before


def is_made_at_outlet(case: Case) -> bool:
    """当场制卡: the outlet makes it while the person waits (R-F7)."""
    outlet = case.contents["document"]["outlet"]
    return any(one.id == outlet and one.instant for one in policy_of(case).outlets)


def order_number(case: Case) -> str:
    """制卡单号, by which the maker knows the order of its card: the case's id, and which card it is
    of those that were made once more."""
    times = case.findings.get(_REMADE, 0)
    return f"{case.id}/{times}" if times else str(case.id)


def case_of_number(number: str) -> str:
    """The id of the case whose card was ordered under this `order_number`."""
    return number.partition("/")[0]


def take_over_number(case: Case, number: str) -> None:
    """The maker has this order of a case, of which the centre may have forgotten some."""
    _, _, times = number.partition("/")
    if times.isdecimal() and int(times) > case.findings.get(_REMADE, 0):
        case.findings = {**case.findings, _REMADE: int(times)}
        case.save(update_fields=["findings"])


def recall(position: int, by: str, why: str) -> bool:
    """Have a case given back as soon as the maker confirms that it makes no card; `look` of
    `central.card_batches` asks it. False: it has no order of this case. A transaction runs."""
    lock_person(Case.objects.values_list("person", flat=True).get(pk=position))
    case = Case.objects.get(pk=position)
    if not offered(case).update(recalled_by=by, recalled_why=why[:200]):
        return False
    record(case, by, "recall", why)
    return True
