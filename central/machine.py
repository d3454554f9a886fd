"""The machine of states: the only way of a case from one state into another.

What may follow what is declared by the business. Whatever moves a case, a person or the centre,
comes through here: the row is locked, the machine asked, and the move written into the history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from central import notices
from central.business import business_of
from central.cases import NOT_TAKEN_IN, TO_REVIEW, Case, add_tasks, record
from central.locks import lock_person
from central.rules import open_case

if TYPE_CHECKING:
    from collections.abc import Iterable


class NotPossible(Exception):
    """The machine of the business, or its rules for people, do not allow this move."""


def move(position: int, to: str, *, by: str, note: str = "", operator: bool = False) -> Case:
    """Bring a case into another state, and say so in its history.

    `operator`: a person decides. What comes by itself they may not bring about; what is grave, and
    all out of 待核实, needs a reason. Out of 待核实 they must have opened the case since it came
    there and since its newest reason did.

    Raises `NotPossible` and `Case.DoesNotExist`.
    """
    with transaction.atomic():
        case = _locked(position)
        business = business_of(case.kind)
        allowed = business.choices(case.state) if operator else business.machine.get(case.state, ())
        if to not in allowed:
            raise NotPossible(f"{case.state} → {to}")
        _must_be_the_only_one(case, to)
        if operator:
            needs_a_reason = business.follows(case.state, to) or case.state == TO_REVIEW
            if needs_a_reason and not note.strip():
                raise NotPossible("no reason")
            _must_have_looked(case, by)
        if why := business.kept_from(case, to):
            raise NotPossible(why)
        _bring(case, to, by, note)
    return case


def _locked(position: int) -> Case:
    """The person first, as at the intake: what follows may depend on their other cases."""
    lock_person(Case.objects.values_list("person", flat=True).get(pk=position))
    return Case.objects.select_for_update().get(pk=position)


def _bring(case: Case, to: str, by: str, note: str) -> None:
    """What every move does, whoever wants it. Case and person are locked."""
    record(case, by, "moved", note, to=to)
    case.state, case.since = to, timezone.now()
    case.save(update_fields=["state", "since"])
    add_tasks((case, name) for name in notices.tasks())
    business_of(case.kind).moved(case)


def _must_be_the_only_one(case: Case, to: str) -> None:
    """A person has one open case of a business, by whatever way a case is opened."""
    business = business_of(case.kind)
    opens = to in business.open_states and case.state not in business.open_states
    if opens and open_case(business, case.person) is not None:
        raise NotPossible("open_case")


def _must_have_looked(case: Case, by: str) -> None:
    if case.state != TO_REVIEW:
        return
    looks = case.events.filter(what="opened", by=by, at__gte=case.since)
    newest = case.events.filter(what="noted").aggregate(id=Max("id"))["id"] or 0
    if not looks.filter(id__gt=newest).exists():
        raise NotPossible("not opened")


def put_to_review(position: int, reasons: Iterable[str], *, by: str = "centre") -> None:
    """A person must look, for these reasons, as long as the case is still open for that. What was
    not taken in only a person brings there."""
    with transaction.atomic():
        case = _locked(position)
        new = [reason for reason in reasons if reason not in case.review]
        if not new:
            return
        case.review = [*case.review, *new]
        case.save(update_fields=["review"])
        may = TO_REVIEW in business_of(case.kind).machine.get(case.state, ())
        if may and case.state not in NOT_TAKEN_IN:
            _bring(case, TO_REVIEW, by, ",".join(new))
        else:
            record(case, by, "noted", ",".join(new))
