"""信息变更 at the real centre: in order and out of it, by whom it was not, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.system import people
from tests.system.test_businesses import asked, fresh, put, state_of
from tests.system.test_central import decided

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.conftest import CentralServer, EnrolledTerminal
    from tests.system.in_process import Centre
    from tests.system.people import Person

HOME = "唐山市路北区张北小区19楼1门401号"


def to(person: Person, what: str, value: str) -> dict[str, Any]:
    document = {"name": person.name, "id_number": person.number, "what": what, what: value}
    return document | ({"area_code": "130203"} if what == "address" else {})


def test_what_is_changed_is_what_the_centre_tells_masked_from_then_on(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    person = people.MOVING
    before = asked(terminal, "info_change.known", person)
    assert (before["phone"], before["address"]) == ("", "")
    for what, value in (("phone", "13900001234"), ("address", HOME)):
        changed = put(terminal, "info_change", to(person, what, value), fresh)
        assert decided(terminal, changed).verdict == "accepted"
        assert state_of(central, changed) == "in_force"
    known = asked(terminal, "info_change.known", person)
    assert (known["phone"], known["address"]) == ("139****1234", "唐山市路北区****")
    stranger = people.Person("别名", person.birth, person.order)
    assert asked(terminal, "info_change.known", stranger)["rejection"] == "mismatch"


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ("13900000012", "139****0012"),
        ("+86 139 0000 0012", "139****0012"),
        ("0315-2821234", ""),
        ("1390000", ""),
        ("", ""),
    ],
)
def test_a_register_s_number_is_masked_or_not_told(known: str, shown: str) -> None:
    """A longer one made three questions fail for ever, and a short one was told whole."""
    from central.masking import masked_phone

    assert masked_phone(known) == shown


def test_the_number_is_told_masked_to_who_makes_up_a_pin(centre: Centre) -> None:
    """§5.5: no PIN out of one's own telephone number. Who is not of that name learns nothing."""
    from types import SimpleNamespace

    from central.business import answers
    from central.keys import person_hash
    from central.ports.registry import registry

    person = centre.holder()
    registry().set_contact(person_hash(person.number), "phone", "13900001234")
    for question in ("pin_change.state", "pin_reset.state", "card_activation.state"):
        ask = answers()[question]
        asked_by = SimpleNamespace(id_number=person.number, name=person.name)
        assert ask(asked_by).phone == "139****1234", question
        assert ask(SimpleNamespace(id_number=person.number, name="别名")).phone == "", question


def test_a_change_that_says_nothing_new_is_unusable(
    terminal: EnrolledTerminal, central: CentralServer
) -> None:
    empty = to(people.MOVING, "phone", "")
    assert decided(terminal, put(terminal, "info_change", empty, fresh)).verdict == "unusable"


def changed(centre: Centre, person: Person, phone: str, minute: int, **more: Any) -> ItemAnswer:
    return centre.file("info_change", to(person, "phone", phone), minute, **more)


def phone_of(person: Person) -> str:
    from central.keys import person_hash
    from central.ports.registry import registry

    known = registry().find(person_hash(person.number))
    assert known is not None
    return known.phone


def test_a_change_that_comes_late_does_not_undo_a_later_one(centre: Centre) -> None:
    person = centre.holder()
    assert changed(centre, person, "13900000010", 10).verdict == "accepted"
    late = changed(centre, person, "13900000005", 5)
    assert (late.verdict, late.reason) == ("rejected", "changed_since")
    assert phone_of(person) == "13900000010"
    assert changed(centre, person, "13900000015", 15).verdict == "accepted"
    assert phone_of(person) == "13900000015"


def test_a_change_of_the_address_does_not_make_one_of_the_number_late(centre: Centre) -> None:
    person = centre.holder()
    assert centre.file("info_change", to(person, "address", HOME), 10).verdict == "accepted"
    assert changed(centre, person, "13900000005", 5).verdict == "accepted"


def test_who_is_not_proven_is_looked_at_before_anything_changes(centre: Centre) -> None:
    from central.machine import NotPossible

    person = centre.holder()
    waiting = changed(centre, person, "13900000005", 5, level="P1", comparison=None)
    assert (waiting.verdict, phone_of(person)) == ("to_review", "")
    other = changed(centre, person, "13900000006", 6, level="P1", comparison=None)
    centre.move(other, "in_force")
    assert phone_of(person) == "13900000006"
    with pytest.raises(NotPossible, match="changed_since"):
        centre.move(waiting, "in_force")
    assert (centre.state(waiting), phone_of(person)) == ("to_review", "13900000006")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HOME, "唐山市路北区****"),
        ("唐山市滦南县倴城镇某村8号", "唐山市滦南县****"),
        ("河北省唐山市迁安市某路1号", "河北省唐山市迁安市****"),
        ("某处", "****"),
        ("", ""),
    ],
)
def test_an_address_is_shown_to_its_district(centre: Centre, text: str, shown: str) -> None:
    from central.masking import masked_address

    assert masked_address(text) == shown


def test_the_number_before_is_told_that_there_is_another_one(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever took somebody's card could have changed it: the owner hears of it."""
    from django.conf import settings

    from central import work
    from central.cases import Case
    from central.models import SentMessage

    monkeypatch.setattr(settings, "MESSAGES", "demo")
    person, first = centre.holder(), centre.holder()
    centre.register(person, phone="13900000001")
    answers = [changed(centre, person, "13900000002", 0), changed(centre, first, "13900000003", 0)]
    centre.register(first, phone="13900000003")
    answers.append(changed(centre, first, "13900000003", 1))
    for _ in range(9):
        work.run_due()
    sent = []
    for answer in answers:
        case = Case.objects.get(pk=answer.position)
        sent.append(SentMessage.objects.filter(key=f"{case.id}:before").first())
    told, new, same = sent
    assert told.phone == "13900000001" and "不是您本人办的" in told.text
    assert "13900000002" not in told.text and person.name not in told.text
    assert new is None, "there was no number before"
    assert same is None, "it is the same number"
    kept = [str(Case.objects.get(pk=answer.position).findings) for answer in answers]
    assert not [one for one in kept if "139" in one], "the old number is not kept once it was told"
