"""上次没办完的: what terminals may leave here for a person for seven days (domain R-K10).

It waits under the keyed hash of the ID number, and of the child's whose matter it is, sealed to the
centre's own key, one per person and service. It goes when it is old, and is not offered once the
matter itself was filed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from central.cases import Case
from central.keys import person_hash
from central.models import Unfinished
from central.sealed import opened, seal
from sync.kinds.unfinished import KEPT_DAYS, Find, Found, Keep, Kept

if TYPE_CHECKING:
    from datetime import datetime

    from sync.wire.base import Message

_PURPOSE = "unfinished.kept"


def _keep(asked: Keep) -> Message:
    person = _kept_under(asked)
    if not asked.answers:
        Unfinished.objects.filter(person=person, service=asked.service).delete()
        return Kept()
    header, sealed = seal(_PURPOSE, {"name": asked.name, "answers": asked.answers})
    now = timezone.now()
    Unfinished.objects.update_or_create(
        person=person,
        service=asked.service,
        defaults={"kept_at": now, "header": header, "sealed": sealed},
    )
    return Kept(until=_day(now + timedelta(days=KEPT_DAYS)))


def _find(asked: Find) -> Message:
    person, whose = _kept_under(asked), person_hash(asked.about or asked.id_number)
    row = Unfinished.objects.filter(
        person=person, service=asked.service, kept_at__gt=_oldest()
    ).first()
    if row is None or _filed(whose, asked.service, row.kept_at):
        return Found()
    plain = opened(row.header, bytes(row.sealed))
    if plain.get("name") != asked.name:
        return Found()
    return Found(answers=str(plain["answers"]), kept=_day(row.kept_at))


def _kept_under(asked: Keep | Find) -> str:
    return person_hash(asked.id_number + asked.about)


def _filed(person: str, service: str, since: datetime) -> bool:
    return Case.objects.filter(person=person, kind=service, created__gt=since).exists()


def _oldest() -> datetime:
    return timezone.now() - timedelta(days=KEPT_DAYS)


def _day(when: datetime) -> str:
    return timezone.localtime(when).date().isoformat()


def _forget_old() -> None:
    """Delete what is no longer offered because of its age."""
    Unfinished.objects.filter(kept_at__lte=_oldest()).delete()


SWEEP = _forget_old

ANSWERS = {"unfinished.keep": _keep, "unfinished.find": _find}
