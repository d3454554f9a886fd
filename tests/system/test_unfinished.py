"""What a citizen left unfinished waits at the centre: sealed, for that person, for seven days."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from sync.kinds.unfinished import KEPT_DAYS, Find, Keep

if TYPE_CHECKING:
    from tests.system.in_process import Centre
    from tests.system.people import Person

ANSWERS = '{"telephone.number": {"phone": "13911112222"}}'


def keep(person: Person, answers: str = ANSWERS, service: str = "first_application") -> Any:
    from central.business import answers as answering

    asked = Keep(id_number=person.number, name=person.name, service=service, answers=answers)
    return answering()["unfinished.keep"](asked)


def find(person: Person, name: str = "", service: str = "first_application") -> Any:
    from central.business import answers as answering

    asked = Find(id_number=person.number, name=name or person.name, service=service)
    return answering()["unfinished.find"](asked)


def test_a_childs_waits_for_its_guardian_and_for_no_other_child(centre: Centre) -> None:
    """The guardian's ID card was read; the child's number alone finds nothing."""
    from central.business import answers as answering
    from central.cases import Case

    guardian, child, sibling, stranger = (centre.holder("") for _ in range(4))

    def of(who: Person, about: str) -> dict[str, str]:
        named = {"id_number": who.number, "name": who.name, "about": about}
        return {**named, "service": "minor_application"}

    def found(who: Person, about: str) -> str:
        return str(answering()["unfinished.find"](Find(**of(who, about))).answers)

    answering()["unfinished.keep"](Keep(**of(guardian, child.number), answers=ANSWERS))
    assert found(guardian, child.number) == ANSWERS
    for who, about in ((guardian, sibling.number), (guardian, ""), (stranger, child.number)):
        assert found(who, about) == ""
    assert found(child, "") == "" == found(child, child.number)
    filed = centre.applied(child, 0)
    changed = {"kind": "minor_application", "created": timezone.now()}
    Case.objects.filter(pk=filed.position).update(**changed)
    assert found(guardian, child.number) == "", "it was filed"


def rows(person: Person) -> Any:
    from central.keys import person_hash
    from central.models import Unfinished

    return Unfinished.objects.filter(person=person_hash(person.number))


def age(person: Person, days: float) -> None:
    rows(person).update(kept_at=timezone.now() - timedelta(days=days))


def test_it_is_found_by_the_same_person_for_the_same_service(centre: Centre) -> None:
    person, other = centre.holder(), centre.holder()
    kept = keep(person)
    today = timezone.localdate()
    assert kept.until == (today + timedelta(days=KEPT_DAYS)).isoformat()
    found = find(person)
    assert (found.answers, found.kept) == (ANSWERS, today.isoformat())
    assert not find(person, service="card_replacement").answers
    assert not find(other).answers
    assert not find(person, name="别人").answers


def test_the_newest_replaces_the_one_before(centre: Centre) -> None:
    person = centre.holder()
    keep(person)
    keep(person, "{}")
    assert find(person).answers == "{}" and rows(person).count() == 1


def test_it_can_be_erased(centre: Centre) -> None:
    person = centre.holder()
    keep(person)
    assert not keep(person, "").until
    assert not find(person).answers and not rows(person).exists()


@pytest.mark.parametrize(("days", "there"), [(6.9, True), (7.1, False)])
def test_it_goes_after_seven_days(centre: Centre, days: float, there: bool) -> None:
    from central.sweep import sweep

    person = centre.holder()
    keep(person)
    age(person, days)
    assert bool(find(person).answers) == there
    sweep()
    assert rows(person).exists() == there


def test_it_is_not_offered_once_the_matter_was_filed(centre: Centre) -> None:
    from central.cases import Case

    person = centre.holder("")
    filed = centre.applied(person, 0)
    keep(person)
    assert find(person).answers, "what was left after it is another matter"
    Case.objects.filter(pk=filed.position).update(created=timezone.now())
    assert not find(person).answers


def test_nothing_of_it_can_be_read_where_it_waits(centre: Centre) -> None:
    person = centre.holder()
    keep(person)
    stored = repr(rows(person).values().get())
    assert bytes(rows(person).get().sealed)
    for secret in ("13911112222", person.name, person.number):
        assert secret not in stored and secret.encode() not in bytes(rows(person).get().sealed)


def test_what_cannot_be_opened_any_more_is_not_there(centre: Centre) -> None:
    person = centre.holder()
    keep(person)
    rows(person).update(sealed=b"\x00" * 80)
    assert not find(person).answers
