"""Moves that the centre makes by itself: each goes the way of every other move."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre


def test_putting_to_review_is_a_move_with_all_that_follows_from_it(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A formal loss that a person must look at blocks as a temporary one; and nobody else decides
    about the person meanwhile."""
    from central import machine
    from central.business.loss_report import LossReport
    from central.cases import Case

    locked: list[str] = []
    monkeypatch.setattr(machine, "lock_person", locked.append)
    monkeypatch.setattr(LossReport, "machine", {"in_force": ("to_review",)})
    person = centre.holder()
    report = centre.lost(person, 0, "formal")
    assert centre.card(person) == "2"
    machine.put_to_review(report.position, ["face_unsure"])
    case = Case.objects.get(pk=report.position)
    assert (case.state, case.review) == ("to_review", ["face_unsure"])
    assert centre.card(person) == "B"
    assert locked == [case.person]
    event = case.events.last()
    assert event is not None and (event.what, event.note) == ("moved", "face_unsure")


def test_a_reason_that_comes_when_the_machine_knows_no_review_is_kept(centre: Centre) -> None:
    from central import machine
    from central.cases import Case

    report = centre.lost(centre.holder(), 0, "formal")
    machine.put_to_review(report.position, ["face_unsure"])
    case = Case.objects.get(pk=report.position)
    assert (case.state, case.review) == ("in_force", ["face_unsure"])


def aged(answer: ItemAnswer, days: float) -> None:
    from central.cases import Case

    case = Case.objects.get(pk=answer.position)
    case.since -= timedelta(days=days)
    case.save(update_fields=["since"])


@pytest.mark.parametrize("trouble", ["NotPossible", "NotNow"])
def test_a_case_that_cannot_lapse_keeps_no_other_from_it(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    from central import sweep
    from central.business.loss_report import LossReport
    from central.cases import Case
    from central.machine import NotPossible
    from central.models import Alarm
    from central.ports import NotNow

    error = {"NotPossible": NotPossible("replaced"), "NotNow": NotNow("registry_away")}[trouble]
    stuck, other, young = (centre.lost(centre.holder(), 0) for _ in range(3))
    for report, days in ((stuck, 15), (other, 15), (young, 14.9)):
        aged(report, days)
    moved = LossReport.moved

    def stuck_is_not_possible(business: LossReport, case: Any) -> None:
        if case.pk == stuck.position:
            raise error
        moved(business, case)

    looked_at: list[int] = []
    lapse = LossReport.lapse
    monkeypatch.setattr(LossReport, "moved", stuck_is_not_possible)
    monkeypatch.setattr(
        LossReport, "lapse", lambda self, case: (looked_at.append(case.pk), lapse(self, case))[1]
    )
    sweep.sweep()
    states = [centre.state(report) for report in (stuck, other, young)]
    assert states == ["in_force", "lapsed", "in_force"]
    assert young.position not in looked_at, "the database knows that it is too young"
    receipt = Case.objects.get(pk=stuck.position).receipt_no
    alarm = Alarm.objects.get(kind="not_lapsed", about=f"{receipt} {error}")
    assert alarm.times == 1
    monkeypatch.undo()
    sweep.sweep()
    assert centre.state(stuck) == "lapsed"


def test_a_state_has_the_word_of_its_business_in_the_list(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """in_force was 已解挂 for every business, because one dictionary held the words of all."""
    import re

    from django.contrib.auth.models import User
    from django.test import Client

    User.objects.filter(username="list").delete()
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("list"))
    person = centre.holder()
    lost, found = centre.lost(person, 0), centre.found(person, 5)
    again = centre.lost(person, 9)

    def positions(page: str) -> set[int]:
        return {int(one) for one in re.findall(r"/admin/cases/(\d+)/", page)}

    page = client.get("/admin/cases/").content.decode()
    filters = page[page.index('name="state"') : page.index('name="terminal"')]
    words = re.findall(r"<option [^>]+>([^<]+)<", filters)
    assert {"已挂失", "已解挂", "待核实", "退回"} <= set(words)
    assert len(words) == len(set(words)), "one entry for a word"
    page = client.get("/admin/cases/?state=已挂失").content.decode()
    assert '<option value="已挂失" selected>已挂失' in page
    assert again.position in positions(page)
    assert not positions(page) & {lost.position, found.position}
    page = client.get("/admin/cases/?state=已解挂").content.decode()
    assert {lost.position, found.position} <= positions(page), "of two businesses"
    assert not positions(client.get("/admin/cases/?state=没有").content.decode())
