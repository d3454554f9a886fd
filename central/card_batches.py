"""制卡批次: approved cases go to the 制卡公司 together, and its 回盘 moves them on (R-G4).

A case is ordered and comes into 制卡中 in one short transaction, so it is ordered once; what was
ordered is put into a batch in another; before the batch goes to the maker, each order is marked as
one that it may have. Whatever dies in between, the next look goes on from the rows, and a batch
that comes twice is made once (`central.ports.card_maker`). What the maker sends back is 退回 or
需补件 with its reason; 需补件 may be approved and ordered again. Who may give an order up:
`central.card_orders`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from central import alarms, storage
from central.business import business_of, businesses
from central.card_orders import (
    MADE,
    WITH_MAKER,
    case_of_number,
    hear_that_it_is_made,
    is_made_at_outlet,
    offered,
    order_number,
    take_over_number,
)
from central.cases import Case, record
from central.locks import lock_person, lock_persons
from central.machine import NotPossible, move
from central.models import CardBatch, CardOrder
from central.ports import NotNow
from central.ports.card_maker import SAID, SENT_BACK, Order, Said, card_maker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

log = logging.getLogger(__name__)

#: Who moves a case on what the maker says.
_MAKER = "制卡公司"

#: What is told of a person; the address only if the card goes there.
_FIELDS, _BY_MAIL = ("name", "id_number", "bank", "outlet"), ("phone", "address")

#: What was ordered longer ago and is in no batch was left there: by who died while they made one,
#: or because its photo was gone. Nobody takes so long for one.
_LEFT = timedelta(minutes=10)

#: The maker is listened to for so long after it was given a batch, whatever became of its cases.
_HEARD = timedelta(days=90)

#: In one of these it is no news that a card was sent or has come.
_ON_ITS_WAY = ("in_delivery", "delivered", "collected", "finished")


def make(limit: int, by: str = "") -> tuple[CardBatch | None, list[str]]:
    """Put the oldest approved cases into a batch; which it is, None if there was none to make, and
    a line for each that could not be ordered."""
    left: list[str] = []
    for case in list(islice(_approved(), limit)):
        try:
            _order(case, by)
        except (NotPossible, NotNow) as why:
            left.append(f"{case.receipt_no} {type(why).__name__} {why}")
        except Exception as error:  # noqa: BLE001 - named; the others must not wait for it
            left.append(f"{case.receipt_no} {type(error).__name__}")
    return _gather(CardOrder.objects.filter(batch=None), by), left


def look() -> None:
    """Hand over what waits for that, and follow what the maker says. What fails keeps nothing else
    from it."""
    now = timezone.now()
    with _alarmed("gather"):
        _gather(CardOrder.objects.filter(batch=None, made_at__lte=now - _LEFT))
    with _alarmed("batches"):
        _remember()
    # 网点待领 set by hand: until the maker says that the card is made, it is not made once more.
    unheard = Q(case__state="delivered", back=False, heard=[])
    followed = CardOrder.objects.filter(
        unheard | Q(case__state__in=WITH_MAKER), batch__isnull=False
    )
    wanted = Q(handed_at=None) | Q(handed_at__gte=now - _HEARD) | Q(pk__in=followed.values("batch"))
    for batch in CardBatch.objects.filter(wanted):
        with _alarmed(str(batch.id)):
            if batch.handed_at is None:
                _hand_over(batch)
            for said in card_maker().said(str(batch.id)):
                with _alarmed(said.order):
                    _follow(batch, said)
    for order in CardOrder.objects.exclude(recalled_by="").select_related("batch", "case"):
        with _alarmed(_named(order.case)):
            _recall(order)


@contextmanager
def _alarmed(about: str) -> Iterator[None]:
    """What fails inside comes again with the next look."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - an alarm
        log.error("card batch: %s %s", about, type(error).__name__)
        alarms.sound("card_batch", None, f"{about} {type(error).__name__}")


def _named(case: Case) -> str:
    """As the maker knows it, and as operators find it."""
    return f"{case.id} {case.receipt_no}"


def _approved() -> Iterator[Case]:
    """What waits for a card to be made by the maker, oldest first."""
    kinds = [
        kind
        for kind, one in businesses().items()
        if "in_production" in one.machine.get("approved", ())
    ]
    found = Case.objects.filter(kind__in=kinds, state="approved").order_by("position")
    return (case for case in found.iterator() if not is_made_at_outlet(case))


def _order(case: Case, by: str) -> None:
    _content(case)
    with transaction.atomic():
        lock_person(case.person)  # and nothing before it, as in every move
        if Case.objects.filter(pk=case.pk, state="approved").exists():  # nobody was quicker
            move(case.position, "in_production", by=by or "centre")


def _content(case: Case) -> Order:
    """Raises `OSError` where the photo is gone."""
    document = case.contents["document"]
    fields = {name: str(document.get(name, "")) for name in _FIELDS}
    if document.get("pickup") == "mail":
        address = document["address"]["text"]
        fields |= dict(zip(_BY_MAIL, (document["phone"], address), strict=True))
    return Order(order_number(case), fields, storage.pictures_of(case).get("photo", b""))


def _gather(waiting: QuerySet[CardOrder], by: str = "") -> CardBatch | None:
    """Put what is in no batch into one, whole or not at all; None if there is nothing. What cannot
    be read now waits on."""
    orders = waiting.filter(case__state__in=WITH_MAKER, back=False).select_related("case")
    ready = [order.pk for order in orders if _read(order.case) is not None]
    if not ready:
        return None
    with transaction.atomic():
        # Locked in one order: another may gather the same.
        free = CardOrder.objects.select_for_update().filter(pk__in=ready, batch=None).order_by("pk")
        if not (ids := list(free.values_list("pk", flat=True))):
            return None
        batch = CardBatch.objects.create(made_by=by)
        CardOrder.objects.filter(pk__in=ids).update(batch=batch)
    return batch


def _remember() -> None:
    """A centre that was put back from a backup has forgotten what the maker was given since: none
    of it may be given up unasked."""
    given = card_maker().batches()
    known = {str(id_) for id_ in CardBatch.objects.values_list("pk", flat=True)}
    for id_ in given:
        if id_ not in known:
            with _alarmed(id_):
                _take_over(id_, card_maker().orders(id_))


def _take_over(id_: str, orders: Sequence[str]) -> None:
    now = timezone.now()
    with transaction.atomic():
        named = {case_of_number(order): order for order in orders}
        cases = list(Case.objects.filter(id__in=named))
        lock_persons(case.person for case in cases)
        batch = CardBatch.objects.create(pk=id_, handed_at=now)
        CardOrder.objects.bulk_create(
            CardOrder(batch=batch, case=case, offered_at=now) for case in cases
        )
        for case in cases:
            take_over_number(case, named[str(case.id)])
        alarms.sound("card_forgotten", None, id_)


def _read(case: Case) -> Order | None:
    """What the maker is told; None, and an alarm, where that cannot be read now."""
    try:
        return _content(case)
    except Exception as error:  # noqa: BLE001 - an alarm; the others must not wait for it
        log.error("card order: %s %s", case.id, type(error).__name__)
        alarms.sound("card_photo", None, _named(case))
        return None


def _hand_over(batch: CardBatch) -> None:
    """What was given up meanwhile is not made; what cannot be read now goes with a later batch."""
    orders = batch.orders.select_related("case").order_by("pk")
    if ready := [content for order in orders if (content := _offer(order))]:
        card_maker().hand_over(str(batch.id), ready)
    CardBatch.objects.filter(pk=batch.pk, handed_at=None).update(handed_at=timezone.now())


def _offer(order: CardOrder) -> Order | None:
    """What the maker is told of an order, which it may have from now on; None if it shall not."""
    content = _read(order.case) if order.case.state in WITH_MAKER else None
    with transaction.atomic():
        lock_person(order.case.person)
        found = CardOrder.objects.select_related("case").filter(pk=order.pk, batch=order.batch_id)
        now = found.filter(back=False, case__state__in=WITH_MAKER).first()
        if now is None:
            return None
        if content is None:
            _leave_out(now)
        elif now.offered_at is None:
            now.offered_at, now.heard = timezone.now(), []
            now.save(update_fields=["offered_at", "heard"])
            record(now.case, "centre", "handed_over", str(now.batch_id))
    return content


def _leave_out(order: CardOrder) -> None:
    """Have it go with a later batch. The maker may have it in this one: then it is made once."""
    if order.offered_at is None:
        order.batch = None
        order.save(update_fields=["batch"])
    elif not order.case.card_orders.filter(offered_at=None).exists():
        CardOrder.objects.create(case=order.case)


def _follow(batch: CardBatch, said: Said) -> None:
    """Move a case on by a word that is new. What does not fit to where the case or its order stands
    moves nothing, and is an alarm: a card may be there that nobody waits for."""
    to, why = SAID[said.what], "".join(filter(str.isprintable, said.reason))
    with transaction.atomic():
        order = _order_of(batch, said.order)
        if said.what in order.heard:
            return
        order.heard = [*order.heard, said.what]
        order.save(update_fields=["heard"])
        case = order.case
        # A word about a card that was made once more meanwhile is about no card that is awaited.
        is_open = (
            order.offered_at is not None and not order.back and said.order == order_number(case)
        )
        if said.what in SENT_BACK and is_open:
            # It is the same order in whatever batch it stands.
            offered(case).update(back=True, recalled_by="", recalled_why="")
        if said.what in MADE and is_open:
            hear_that_it_is_made(case, said.what)
        if is_open and case.state == to:
            return
        asked = case.state in WITH_MAKER or said.what == "recalled"
        if is_open and asked and to in business_of(case.kind).machine.get(case.state, ()):
            move(case.position, to, by=_MAKER, note=why)
        elif not is_open or said.what in SENT_BACK or case.state not in _ON_ITS_WAY:
            record(case, _MAKER, "card_word", f"{said.what} {why}".strip())
            alarms.sound("card_word", None, _named(case))


def _order_of(batch: CardBatch, id_: str) -> CardOrder:
    """An order of this batch, whose person is locked. Raises `DoesNotExist` for another's."""
    case = Case.objects.get(id=case_of_number(id_))
    lock_person(case.person)  # and nothing before it, as in every move
    orders = CardOrder.objects.select_related("case")
    if case.card_orders.exists():
        return orders.get(batch=batch, case=case)
    # It came only after the centre had forgotten that the maker has it, see `_remember`.
    CardOrder.objects.create(batch=batch, case=case, offered_at=timezone.now())
    return orders.get(batch=batch, case=case)


def _recall(order: CardOrder) -> None:
    """撤单: ask the maker, whose word gives the case back, or says that it is too late."""
    case = order.case
    why = f"{order.recalled_by} 撤单：{order.recalled_why}"
    if order.batch is not None and card_maker().recall(order_number(case)):
        _follow(order.batch, Said(order_number(case), "recalled", why))
        return
    with transaction.atomic():
        lock_person(case.person)
        asked = case.card_orders.exclude(recalled_by="")
        if asked.update(recalled_by="", recalled_why=""):
            record(case, _MAKER, "recall_refused")


def states(batch: CardBatch) -> Sequence[str]:
    """Where its orders stand, as operators read it."""
    cases = [order.case for order in batch.orders.select_related("case")]
    return [business_of(case.kind).states[case.state] for case in cases]
