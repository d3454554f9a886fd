"""Patterns: one telephone for many people, and a terminal that files more than a counter can."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from tests.system.people import form_of, jpeg, png
from tests.system.test_info_changes import changed

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre
    from tests.system.people import Person


def applied(centre: Centre, person: Person, phone: str, minute: int = 0) -> ItemAnswer:
    pictures = {"photo": jpeg(), "signature": png()}
    document = form_of(person, pictures["photo"]) | {"phone": phone}
    return centre.file("first_application", document, minute, pictures=pictures)


def looked() -> None:
    from central.patterns import look

    look()


def alarms(kind: str) -> Any:
    from central.models import Alarm

    return Alarm.objects.filter(kind=kind, resolved_at=None)


def receipt_of(answer: ItemAnswer) -> str:
    from central.cases import Case

    return Case.objects.get(pk=answer.position).receipt_no


def test_the_fifth_person_with_one_telephone_is_looked_at_and_an_alarm_says_so(
    centre: Centre,
) -> None:
    phone = "13977770001"
    first = changed(centre, centre.holder(""), phone, 0)
    same = centre.holder("")
    for minute in range(1, 4):
        applied(centre, same if minute == 1 else centre.holder(""), phone, minute)
    again = changed(centre, same, phone, 8)
    looked()
    assert not alarms("shared_phone").filter(about=receipt_of(first)).exists(), "four people"
    fifth = applied(centre, centre.holder(""), phone, 9)
    before = centre.state(fifth)
    looked()
    alarm = alarms("shared_phone").get(about=receipt_of(first))
    assert (before, centre.state(fifth), centre.state(again)) == (
        "accepted",
        "to_review",
        "in_force",
    )
    looked()
    assert alarms("shared_phone").get(pk=alarm.pk).times == 1, "each case counts once"
    assert phone not in repr(alarm.__dict__)


def test_the_number_is_kept_as_a_hash_and_not_for_ever(centre: Centre) -> None:
    from central.models import PhoneUse

    phone = "13977770002"
    answer = changed(centre, centre.holder(""), phone, 0)
    looked()
    row = PhoneUse.objects.filter(case=answer.position)
    assert phone not in repr(row.get().__dict__)
    row.update(at=timezone.now() - timedelta(days=31))
    looked()
    assert not row.exists()


def test_what_was_looked_at_is_not_looked_at_again_when_its_hash_is_gone(centre: Centre) -> None:
    from central.cases import Case
    from central.models import PhoneUse

    answer = changed(centre, centre.holder(""), "13977770003", 0)
    looked()
    Case.objects.filter(pk=answer.position).update(
        received_at=timezone.now() - timedelta(minutes=6)
    )
    looked()
    PhoneUse.objects.filter(case=answer.position).delete()
    looked()
    assert not PhoneUse.objects.filter(case=answer.position).exists()


def test_people_who_came_long_ago_do_not_count(centre: Centre) -> None:
    from central.models import PhoneUse

    phone = "13977770004"
    first = changed(centre, centre.holder(""), phone, 0)
    for minute in range(1, 4):
        changed(centre, centre.holder(""), phone, minute)
    looked()
    PhoneUse.objects.filter(case=first.position).update(at=timezone.now() - timedelta(days=31))
    changed(centre, centre.holder(""), phone, 5)
    looked()
    assert not alarms("shared_phone").filter(about=receipt_of(first)).exists()


def test_a_terminal_that_files_more_in_an_hour_than_a_counter_can_raises_an_alarm(
    centre: Centre,
) -> None:
    from central.cases import Case
    from central.patterns import AN_HOUR

    changed(centre, centre.holder(""), "13977770005", 0)
    Case.objects.filter(terminal=centre.sender).update(created=timezone.now())
    had = Case.objects.filter(terminal=centre.sender).count()
    for minute in range(max(0, AN_HOUR - had - 1)):
        changed(centre, centre.holder(""), f"139{minute:08d}", minute)
    Case.objects.filter(terminal=centre.sender).update(created=timezone.now())
    looked()
    assert not alarms("many_filed").filter(terminal=centre.sender).exists()
    changed(centre, centre.holder(""), "13977770006", 0)
    Case.objects.filter(terminal=centre.sender).update(created=timezone.now())
    looked()
    assert alarms("many_filed").filter(terminal=centre.sender).exists()


def test_who_says_that_another_wants_it_is_called_before_anything_takes_effect(
    centre: Centre,
) -> None:
    """The terminal said P3 with this reason: nothing changes, and somebody hears of it at once."""
    person = centre.holder()
    answer = changed(centre, person, "13977770007", 0, reasons=("asked_by_other",))
    assert (answer.verdict, centre.row(person).phone) == ("to_review", "")
    assert alarms("asked_by_other").filter(about=receipt_of(answer)).exists()
