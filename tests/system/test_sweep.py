"""What the centre looks for once a minute, and what an operator reads of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

if TYPE_CHECKING:
    from tests.system.in_process import Centre


def reported(centre: Centre) -> None:
    """A heartbeat after the newest case: nothing is left to send."""
    from central.models import TerminalReport

    now = timezone.now()
    TerminalReport.objects.update_or_create(
        terminal=centre.sender, defaults={"sent_at": now, "received_at": now}
    )


def gaps(centre: Centre) -> list[str]:
    from central.models import Alarm

    alarms = Alarm.objects.filter(kind="sequence_gap", terminal=centre.sender)
    return list(alarms.order_by("id").values_list("about", flat=True))


def look(centre: Centre) -> None:
    from central.sweep import sweep

    reported(centre)
    sweep()


def test_one_gap_is_one_alarm_however_many_cases_follow(centre: Centre) -> None:
    centre.lost(centre.holder(), 0)
    look(centre)
    assert gaps(centre) == []
    centre.skip(2)
    for _ in range(3):
        centre.lost(centre.holder(), 0)
        look(centre)
    assert gaps(centre) == ["2: 2-3"]


def test_another_gap_is_another_alarm_that_names_every_number(centre: Centre) -> None:
    from central import alarms

    alarms.resolve("sequence_gap", centre.sender, by="王")
    look(centre)
    assert gaps(centre) == ["2: 2-3"], "what somebody has looked into stays so"
    centre.skip(1)
    centre.lost(centre.holder(), 0)
    look(centre)
    assert gaps(centre) == ["2: 2-3", "3: 2-3, 7"]


def test_a_terminal_whose_first_cases_are_missing(centre: Centre) -> None:
    from tests.system.in_process import Centre as Another

    other = Another()
    other.skip(1)
    other.lost(other.holder(), 0)
    look(other)
    assert gaps(other) == ["1: 1"]


def test_what_does_not_lapse_is_named_by_its_receipt(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central.business.loss_report import LossReport
    from central.cases import Case
    from central.machine import NotPossible
    from central.models import Alarm

    stuck = Case.objects.get(pk=centre.lost(centre.holder(), 0).position)
    stuck.since -= timedelta(days=400)
    stuck.save()

    def never(*_: object) -> None:
        raise NotPossible("replaced")

    monkeypatch.setattr(LossReport, "moved", never)
    look(centre)
    look(centre)
    alarm = Alarm.objects.get(kind="not_lapsed", about__contains=stuck.receipt_no)
    assert (alarm.about, alarm.times) == (f"{stuck.receipt_no} replaced", 2)


def test_one_look_that_fails_keeps_no_other_from_being_taken(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import sweep

    seen: list[str] = []

    def fails() -> None:
        raise ValueError

    monkeypatch.setattr(sweep, "forget_old_nonces", fails)
    monkeypatch.setattr(sweep, "_gaps", lambda: seen.append("gaps"))
    with pytest.raises(ValueError):
        sweep.sweep()
    assert seen == ["gaps"]
