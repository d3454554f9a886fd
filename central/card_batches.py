"""制卡批次: approved cases go to the 制卡公司 together, and its 回盘 moves them on (R-G4).

A case comes into a batch and into 制卡中 in one transaction, so it is in no second one; the batch
is then handed over until the maker has it, and a batch that comes twice is made once
(`central.ports.card_maker`). Whatever dies in between, the next look goes on from the rows. What
the maker sends back is 退回 or 需补件 with its reason; 需补件 may be approved and ordered again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from central import alarms, storage
from central.business import business_of, businesses
from central.cases import Case
from central.locks import lock_person, lock_persons
from central.machine import NotPossible, move
from central.models import CardBatch, CardOrder
from central.packs import policy_of
from central.ports import NotNow
from central.ports.card_maker import SAID, Order, card_maker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from central.ports.card_maker import Said

log = logging.getLogger(__name__)

#: In one of these a card is with its maker.
_WITH_MAKER = ("in_production", "in_delivery")

#: Who moves a case on what the maker says.
_MAKER = "制卡公司"

#: What is told of a person; the address only if the card goes there.
_FIELDS, _BY_MAIL = ("name", "id_number", "bank", "outlet"), ("phone", "address")


def make(limit: int, by: str = "") -> tuple[CardBatch | None, list[str]]:
    """Put the oldest approved cases into a batch; which it is, None if there was none to make, and
    a line for each that could not be ordered."""
    left: list[str] = []
    with transaction.atomic():
        found = list(islice(_approved(), limit))
        lock_persons([case.person for case in found])
        batch = CardBatch.objects.create(made_by=by)
        for case in found:
            try:
                _order(batch, case)
            except (NotPossible, NotNow, OSError) as why:
                left.append(f"{case.receipt_no} {type(why).__name__} {why}")
        if not batch.orders.exists():
            batch.delete()
            return None, left
    return batch, left


def look() -> None:
    """Hand over what waits for that, and follow what the maker says. What fails keeps nothing else
    from it."""
    waiting = CardBatch.objects.filter(orders__case__state__in=_WITH_MAKER) | (
        CardBatch.objects.filter(handed_at=None)
    )
    for batch in waiting.distinct():
        with _alarmed(str(batch.id)):
            if batch.handed_at is None:
                _hand_over(batch)
            for said in card_maker().said(str(batch.id)):
                with _alarmed(said.order):
                    _follow(batch, said)


@contextmanager
def _alarmed(about: str) -> Iterator[None]:
    """What fails inside comes again with the next look."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - an alarm
        log.error("card batch: %s %s", about, type(error).__name__)
        alarms.sound("card_batch", None, f"{about} {type(error).__name__}")


def _approved() -> Iterator[Case]:
    """What waits for a card to be made by the maker, oldest first."""
    kinds = [
        kind
        for kind, one in businesses().items()
        if "in_production" in one.machine.get("approved", ())
    ]
    found = Case.objects.filter(kind__in=kinds, state="approved").order_by("position")
    return (case for case in found.iterator() if not _is_made_at_outlet(case))


def _is_made_at_outlet(case: Case) -> bool:
    """当场制卡: the outlet makes it while the person waits (R-F7)."""
    outlet = case.contents["document"]["outlet"]
    return any(one.id == outlet and one.instant for one in policy_of(case).outlets)


def _order(batch: CardBatch, case: Case) -> None:
    with transaction.atomic():
        CardOrder.objects.create(batch=batch, case=case)
        _content(case)
        move(case.position, "in_production", by=batch.made_by or "centre", note=str(batch.id))


def _content(case: Case) -> Order:
    """Raises `OSError` where the photo is gone."""
    document = case.contents["document"]
    fields = {name: str(document.get(name, "")) for name in _FIELDS}
    if document.get("pickup") == "mail":
        address = document["address"]["text"]
        fields |= dict(zip(_BY_MAIL, (document["phone"], address), strict=True))
    return Order(str(case.id), fields, storage.pictures_of(case).get("photo", b""))


def _hand_over(batch: CardBatch) -> None:
    """What was given up while it waited for this is not made."""
    wanted = batch.orders.filter(case__state__in=_WITH_MAKER).select_related("case").order_by("pk")
    if orders := [_content(order.case) for order in wanted]:
        card_maker().hand_over(str(batch.id), orders)
    CardBatch.objects.filter(pk=batch.pk, handed_at=None).update(handed_at=timezone.now())


def _follow(batch: CardBatch, said: Said) -> None:
    """Move a case on by a word that is new. A card that has come to its outlet or was given up
    meanwhile stays what it is."""
    with transaction.atomic():
        order = CardOrder.objects.select_related("case").get(batch=batch, case__id=said.order)
        lock_person(order.case.person)  # and nothing before it, as in every move
        order.refresh_from_db()
        if order.said == said.what:
            return
        order.said = said.what
        order.save(update_fields=["said"])
        case, to = order.case, SAID[said.what]
        if case.state in _WITH_MAKER and case.state != to:
            move(case.position, to, by=_MAKER, note=said.reason)


def states(batch: CardBatch) -> Sequence[str]:
    """Where its orders stand, as operators read it."""
    cases = [order.case for order in batch.orders.select_related("case")]
    return [business_of(case.kind).states[case.state] for case in cases]
