"""The machine of states: who may move a case where, what must come first, and what is written."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre

NEEDS_A_LOOK = ("face_not_compared",)


def case_of(answer: ItemAnswer) -> Any:
    from central.cases import Case

    return Case.objects.get(pk=answer.position)


def why_not(answer: ItemAnswer, to: str, **more: Any) -> str:
    """The word for why it does not come there, "" if it does. Then it must be there."""
    from central.machine import NotPossible, move

    before = case_of(answer)
    lines = before.events.count()
    try:
        case = move(answer.position, to, by=more.pop("by", "王"), **more)
    except NotPossible as error:
        assert case_of(answer).state == before.state
        assert case_of(answer).events.count() == lines, "nothing is written"
        return str(error)
    assert (case.pk, case.state) == (answer.position, to)
    return ""


def opened(answer: ItemAnswer, by: str = "王", ago: timedelta = timedelta(0)) -> None:
    """Somebody opened the page of this case."""
    from central.cases import Event, record

    line = record(case_of(answer), by, "opened")
    Event.objects.filter(pk=line.pk).update(at=timezone.now() - ago)


@pytest.fixture
def applied(centre: Centre) -> ItemAnswer:
    return centre.applied(centre.holder(""), 0)


@pytest.fixture
def to_review(centre: Centre) -> ItemAnswer:
    return centre.applied(centre.holder(""), 0, level="P1", reasons=NEEDS_A_LOOK)


def test_a_move_is_written_into_the_history(centre: Centre, applied: ItemAnswer) -> None:
    from central.machine import move

    before = timezone.now()
    returned = move(applied.position, "returned", by="王", note="材料不符")
    case = case_of(applied)
    assert (case.state, returned.state) == ("returned", "returned")
    assert before <= case.since <= timezone.now()
    line = case.events.last()
    assert (line.by, line.what, line.note) == ("王", "moved", "材料不符")
    assert (line.from_state, line.to_state) == ("accepted", "returned")


def test_what_follows_from_a_state_follows_from_every_move(centre: Centre) -> None:
    person = centre.holder()
    lost = centre.lost(person, 0)
    centre.move(lost, "lapsed")
    assert centre.card(person) == "1"


def test_where_messages_are_sent_each_move_is_told(
    centre: Centre, applied: ItemAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "MESSAGES", "demo")
    names = case_of(applied).tasks.filter(name="notice")
    assert not names.exists()
    centre.move(applied, "returned")
    assert names.count() == 1
    names.delete()


def test_only_what_the_business_declares_may_follow(centre: Centre, applied: ItemAnswer) -> None:
    assert why_not(applied, "delivered") == "accepted → delivered"
    assert why_not(applied, "no such state") == "accepted → no such state"
    assert why_not(applied, "returned") == ""
    assert why_not(applied, "accepted") == "returned → accepted"


def test_a_case_that_is_not_here_is_said_to_be_none(centre: Centre) -> None:
    from central.machine import move, put_to_review

    with pytest.raises(ObjectDoesNotExist):
        move(10**9, "returned", by="王")
    with pytest.raises(ObjectDoesNotExist):
        put_to_review(10**9, NEEDS_A_LOOK)


def test_what_comes_by_itself_is_no_persons_decision(centre: Centre) -> None:
    lost = centre.lost(centre.holder(), 0)
    assert why_not(lost, "lapsed", operator=True, note="与本人一致") == "in_force → lapsed"
    assert why_not(lost, "lapsed", by="centre") == ""


@pytest.mark.parametrize("note", ["", "  \n"])
def test_what_is_grave_needs_a_reason(centre: Centre, applied: ItemAnswer, note: str) -> None:
    assert why_not(applied, "returned", operator=True) == "no reason"
    assert why_not(applied, "returned", operator=True, note=note) == "no reason"
    assert why_not(applied, "returned", operator=True, note="材料不符") == ""


def test_the_centre_gives_no_reason(centre: Centre, applied: ItemAnswer) -> None:
    assert why_not(applied, "returned", by="centre") == ""


def test_what_is_not_grave_needs_none(centre: Centre, applied: ItemAnswer) -> None:
    """And where nothing is in doubt nobody must have looked."""
    assert why_not(applied, "to_review", operator=True) == ""


def test_out_of_review_everything_needs_a_reason(centre: Centre, to_review: ItemAnswer) -> None:
    opened(to_review)
    assert why_not(to_review, "approved", operator=True, note=" ") == "no reason"
    assert why_not(to_review, "approved", operator=True, note="与本人一致") == ""


def test_who_decides_must_have_looked_themselves_since_it_came_there(
    centre: Centre, to_review: ItemAnswer
) -> None:
    from central.cases import record

    def said() -> str:
        return why_not(to_review, "approved", operator=True, note="与本人一致")

    assert said() == "not opened"
    record(case_of(to_review), "王", "printed")
    assert said() == "not opened", "what else they did with it is no look"
    opened(to_review, by="李")
    assert said() == "not opened"
    opened(to_review, ago=timedelta(hours=1))
    assert said() == "not opened"
    opened(to_review)
    assert said() == ""


def test_who_decides_must_have_seen_the_newest_reason(
    centre: Centre, to_review: ItemAnswer
) -> None:
    from central.machine import put_to_review

    def said() -> str:
        return why_not(to_review, "approved", operator=True, note="与本人一致")

    put_to_review(to_review.position, ["photo_unsure"])
    opened(to_review)
    put_to_review(to_review.position, ["phone_shared"])
    assert said() == "not opened"
    opened(to_review, by="李")
    assert said() == "not opened"
    opened(to_review)
    assert said() == ""


def test_the_reason_of_the_centre_needs_no_look(centre: Centre, to_review: ItemAnswer) -> None:
    assert why_not(to_review, "approved", by="centre") == ""


def test_a_person_has_one_open_case_of_a_business_by_whatever_way(centre: Centre) -> None:
    person = centre.holder("")
    first, second = centre.applied(person, 0), centre.applied(person, 5)
    assert second.verdict == "duplicate"
    for more in ({"by": "centre"}, {"operator": True, "note": "与本人一致"}):
        assert why_not(second, "to_review", **more) == "open_case"
    # What is open already may go on, and what ends opens nothing.
    assert why_not(first, "to_review") == ""
    assert why_not(first, "returned") == ""
    assert why_not(second, "to_review") == ""


def test_an_open_case_of_somebody_else_is_no_obstacle(centre: Centre) -> None:
    person = centre.holder("1")
    refused = centre.applied(person, 0)
    centre.applied(centre.holder(""), 0)
    assert (refused.verdict, why_not(refused, "to_review")) == ("rejected", "")


def test_nobody_else_decides_about_the_person_meanwhile(
    centre: Centre, applied: ItemAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import machine

    locked: list[str] = []
    monkeypatch.setattr(machine, "lock_person", locked.append)
    centre.move(applied, "to_review")
    assert locked == [case_of(applied).person]


def test_a_move_whose_consequences_fail_is_none(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central.business.loss_report import LossReport

    lost = centre.lost(centre.holder(), 0)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(LossReport, "moved", fail)
    with pytest.raises(RuntimeError):
        centre.move(lost, "lapsed")
    case = case_of(lost)
    assert (case.state, case.events.count()) == ("in_force", 1)


# -- the centre finds that a person must look ----------------------------------------------------


def test_what_is_open_comes_to_a_person_for_all_the_reasons(
    centre: Centre, applied: ItemAnswer
) -> None:
    from central.machine import put_to_review

    put_to_review(applied.position, ["photo_unsure", "phone_shared"])
    case = case_of(applied)
    assert (case.state, case.review) == ("to_review", ["photo_unsure", "phone_shared"])
    line = case.events.last()
    assert (line.by, line.what, line.note) == ("centre", "moved", "photo_unsure,phone_shared")
    assert (line.from_state, line.to_state) == ("accepted", "to_review")


def test_a_reason_is_written_once_and_by_whom(centre: Centre, to_review: ItemAnswer) -> None:
    from central.machine import put_to_review

    lines = case_of(to_review).events.count()
    put_to_review(to_review.position, NEEDS_A_LOOK)
    assert case_of(to_review).events.count() == lines, "it is known"
    put_to_review(to_review.position, [*NEEDS_A_LOOK, "photo_unsure", "x"], by="photo")
    case = case_of(to_review)
    assert case.review == [*NEEDS_A_LOOK, "photo_unsure", "x"]
    line = case.events.last()
    assert (line.by, line.what, line.note) == ("photo", "noted", "photo_unsure,x")
    assert (line.from_state, line.to_state, case.events.count()) == ("", "", lines + 1)


@pytest.mark.parametrize("verdict", ["rejected", "duplicate"])
def test_what_was_not_taken_in_only_a_person_brings_there(centre: Centre, verdict: str) -> None:
    from central.machine import put_to_review

    person = centre.holder("1" if verdict == "rejected" else "")
    answers = [centre.applied(person, minute) for minute in (0, 5)]
    assert answers[1].verdict == verdict
    state = centre.state(answers[1])
    put_to_review(answers[1].position, ["photo_unsure"])
    case = case_of(answers[1])
    assert (case.state, case.review[-1]) == (state, "photo_unsure")


def test_what_has_ended_keeps_the_reason_and_its_end(centre: Centre, applied: ItemAnswer) -> None:
    from central.machine import put_to_review

    centre.move(applied, "returned")
    put_to_review(applied.position, ["photo_unsure"])
    case = case_of(applied)
    assert (case.state, case.review) == ("returned", ["photo_unsure"])
    assert case.events.last().what == "noted"
