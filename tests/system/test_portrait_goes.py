"""The chip's portrait is kept until it was compared, and not a moment before or after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from central.photos import Findings
from sync.canonical import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the centre's own look at the photo finds."""

    def set_up(*review: str) -> None:
        found = Findings(review=list(review))
        monkeypatch.setattr("central.photos.examine", lambda *_: found)

    return set_up


def work() -> None:
    from central.work import run_due

    run_due()


def kept(answer: ItemAnswer) -> set[str]:
    from central.cases import Case

    case = Case.objects.get(pk=answer.position)
    return set(case.attachments.values_list("name", flat=True))


def file_of(person: Any) -> Path:
    from central.storage import _path

    return _path(sha256_hex(person.number.encode()))


def decide(answer: ItemAnswer, to: str) -> None:
    from central.cases import Case, record
    from central.machine import move

    record(Case.objects.get(pk=answer.position), "王", "opened")
    move(answer.position, to, by="王", note="与本人一致", operator=True)


ALL, REST = {"photo", "signature", "portrait_wlt"}, {"photo", "signature"}


def test_it_goes_once_the_centre_has_compared_and_nobody_must(
    centre: Centre, finds: Callable[..., None]
) -> None:
    from central.cases import Case

    finds()
    person = centre.holder("")
    case = centre.applied(person, 0)
    assert (case.verdict, kept(case), file_of(person).exists()) == ("accepted", ALL, True)
    work()
    assert (kept(case), file_of(person).exists()) == (REST, False)
    event = Case.objects.get(pk=case.position).events.last()
    assert event is not None and (event.what, event.by) == ("forgotten", "centre")


def test_another_reason_than_the_face_keeps_nothing(
    centre: Centre, finds: Callable[..., None]
) -> None:
    finds("staff_rules")
    case = centre.applied(centre.holder(""), 0)
    work()
    assert (centre.state(case), kept(case)) == ("to_review", REST)


@pytest.mark.parametrize("reason", ["face_unsure", "face_mismatch", "comparison_disagrees"])
def test_it_stays_until_a_person_who_must_compare_has_decided(
    centre: Centre, finds: Callable[..., None], reason: str
) -> None:
    finds(reason)
    person = centre.holder("")
    case = centre.applied(person, 0)
    work()
    work()
    assert (centre.state(case), kept(case), file_of(person).exists()) == ("to_review", ALL, True)
    decide(case, "approved")
    assert kept(case) == ALL, "not within the operator's click"
    work()
    assert (kept(case), file_of(person).exists()) == (REST, False)


def test_what_the_terminal_left_to_a_person_stays_as_well(
    centre: Centre, finds: Callable[..., None]
) -> None:
    finds()
    case = centre.applied(centre.holder(""), 0, level="P1", reasons=("face_not_compared",))
    work()
    assert (centre.state(case), kept(case)) == ("to_review", ALL)
    decide(case, "returned")
    work()
    assert kept(case) == REST


def test_a_decision_before_the_centre_has_looked_lets_nothing_go(
    centre: Centre, finds: Callable[..., None]
) -> None:
    from central.cases import Task

    case = centre.applied(centre.holder(""), 0)
    photo = Task.objects.filter(case_id=case.position, name="photo")
    photo.update(name="portrait")
    decide(case, "approved")
    work()
    assert kept(case) == ALL
    from central.photo_check import check

    finds("face_mismatch")
    check(case.position)
    work()
    assert (centre.state(case), kept(case)) == ("to_review", ALL), "back to a person"


def test_the_file_stays_while_another_case_has_it(
    centre: Centre, finds: Callable[..., None]
) -> None:
    """The same card, two applications: the second waits for a person."""
    finds()
    person = centre.holder("")
    first = centre.applied(person, 0)
    work()
    assert not file_of(person).exists()
    decide(first, "returned")
    finds("face_unsure")
    second, third = centre.applied(person, 5), centre.applied(person, 6)
    assert (second.verdict, third.verdict) == ("accepted", "duplicate")
    work()
    assert (kept(second), kept(third)) == (ALL, REST), "nobody has to look at the third"
    assert file_of(person).exists()
    decide(second, "approved")
    work()
    assert not file_of(person).exists()


def test_a_case_whose_portrait_went_while_a_backup_was_written_is_whole_without_it(
    centre: Centre,
) -> None:
    from central import storage
    from central.cases import Case

    person = centre.holder("")
    case = centre.applied(person, 0)
    file_of(person).unlink()
    assert set(storage.pictures_of(Case.objects.get(pk=case.position))) == REST


def test_who_must_compare_sees_it(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chip's own format is shown by no browser."""
    import base64

    from central.desk import views
    from central.pictures import size_of
    from central.ports.portrait_decoder import DemoDecoder, NoDecoder
    from hardware.virtual.portrait import chip

    monkeypatch.setattr(views, "portrait_decoder", DemoDecoder)
    head, _, data = views._shown("portrait_wlt", chip("man")).partition(",")
    assert head == "data:image/png;base64"
    assert size_of(base64.b64decode(data), "PNG", "RGB") == (102, 126)
    monkeypatch.setattr(views, "portrait_decoder", NoDecoder)
    assert views._shown("portrait_wlt", chip("man")) == ""
