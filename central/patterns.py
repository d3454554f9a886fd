"""Patterns (异常): what no single case shows, looked for once a minute (domain §6, fraud).

- One telephone number for many people: somebody may "help" old people and give their own number. An
  alarm names a receipt, never the number, and a person looks at whoever comes after that.
- A terminal that files more in an hour than a counter can: a stolen key, or a wild program.

Nobody is refused because of a pattern: families share a telephone, and units come in crowds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Max, Min
from django.utils import timezone

from central import alarms
from central.cases import Case
from central.keys import person_hash
from central.machine import put_to_review
from central.models import Centre, PhoneUse, Terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

#: So many people with one number, within so long.
PEOPLE, WITHIN = 5, timedelta(days=30)
#: So many cases made at one terminal, within an hour.
AN_HOUR = 60

#: Of the review, in `central.rules`.
REASON = "phone_shared"

#: A case may be committed so much later than one with a higher position.
_SETTLED = timedelta(minutes=5)


def look() -> None:
    """Look at what came since the last time."""
    mark = Centre.objects.values_list("seen_to", flat=True).get(pk=Centre.ONE)
    new = list(
        Case.objects.filter(position__gt=mark, phone_use=None)
        .order_by("position")
        .values("position", "person", "terminal", "contents__document__phone")
    )
    for case in new:
        if phone := case["contents__document__phone"]:
            _phone(case["position"], case["person"], person_hash(f"phone:{phone}"))
    _terminals({case["terminal"] for case in new})
    settled = Case.objects.filter(position__gt=mark, received_at__lt=timezone.now() - _SETTLED)
    if (newest := settled.aggregate(newest=Max("position"))["newest"]) is not None:
        Centre.objects.filter(pk=Centre.ONE).update(seen_to=newest)
    PhoneUse.objects.filter(at__lt=timezone.now() - WITHIN).delete()


def _phone(position: int, person: str, phone: str) -> None:
    with transaction.atomic():
        PhoneUse.objects.create(phone=phone, person=person, case_id=position)
        recent = PhoneUse.objects.filter(phone=phone, at__gte=timezone.now() - WITHIN)
        found = recent.aggregate(people=Count("person", distinct=True), first=Min("case"))
        if found["people"] < PEOPLE:
            return
        put_to_review(position, [REASON])
    first = Case.objects.only("receipt_no").get(pk=found["first"])
    alarms.sound("shared_phone", None, first.receipt_no)


def _terminals(numbers: Iterable[str]) -> None:
    for number in numbers:
        made = Case.objects.filter(terminal=number).order_by("-seq")
        latest = list(made.values_list("created", flat=True)[:AN_HOUR])
        if len(latest) == AN_HOUR and latest[0] - latest[-1] < timedelta(hours=1):
            alarms.sound("many_filed", Terminal.objects.get(pk=number))
