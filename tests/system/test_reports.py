"""What a heartbeat says of the outbox is kept at the centre; what is wrong in it is an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sync.outbox import Answer, Outbox
from sync.wire.fleet import HealthRow, Heartbeat, QueueReport

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.in_process import Centre


def beat(terminal: Any, **queue: Any) -> Heartbeat:
    report = QueueReport.model_validate(
        {"queued": 0, "sending": 0, "dead": 0, "oldest_s": 0} | queue
    )
    return Heartbeat(
        terminal=terminal.number,
        at="2026-11-24T09:00:00+08:00",
        queue=report,
        envelope_key_id="0" * 16,
    )


def heard(centre: Centre, **queue: Any) -> list[tuple[str, str]]:
    """The open alarms after this heartbeat of a terminal of its own: (kind, about)."""
    from central import fleet
    from central.models import Alarm, TerminalReport

    terminal = centre.terminal()
    fleet.heard(terminal, beat(terminal, **queue))
    kept = TerminalReport.objects.get(pk=terminal.pk)
    assert {name: getattr(kept, name) for name in queue} == queue
    alarms = Alarm.objects.filter(terminal=terminal, resolved_at=None)
    return list(alarms.values_list("kind", "about"))


def test_a_healthy_outbox_is_no_alarm(centre: Centre) -> None:
    assert heard(centre, held=3, held_oldest_s=60, held_gone=0, copied=False) == []


def test_held_items_that_went_unsaid_are_an_alarm(centre: Centre) -> None:
    assert heard(centre, held_oldest_s=9, held_gone=4) == [("held_gone", "4")]


def test_a_folder_that_was_put_back_is_an_alarm(centre: Centre) -> None:
    assert heard(centre, last_seq=9, set_back=1) == [("set_back", "1")]


def test_a_terminal_learns_what_number_the_centre_has_of_it(centre: Centre) -> None:
    """Signed to it alone, and only what it has not given."""
    from central import fleet
    from central.cases import Case
    from central.keys import keyring
    from sync.signing import centre_signed

    for minute in range(3):
        newest = centre.lost(centre.holder(), minute)
    case = Case.objects.select_related("terminal").get(pk=newest.position)
    for given, told in ((case.seq - 1, True), (case.seq, False), (case.seq + 1, False)):
        said = fleet.heard(case.terminal, beat(case.terminal, last_seq=given)).numbered
        assert (said is not None) is told
        if said is not None:
            assert said.seq == case.seq
            signing_key, mine = keyring().signing_key(), case.terminal_id
            assert centre_signed(said, signing_key, terminal=mine)
            assert not centre_signed(said, signing_key, terminal="029999")
    other = centre.terminal()
    assert fleet.heard(other, beat(other)).numbered is None


def test_a_copied_folder_is_an_alarm(centre: Centre) -> None:
    assert heard(centre, copied=True) == [("copied", "")]


def test_what_the_centre_puts_off_for_long_is_an_alarm_with_its_reason(centre: Centre) -> None:
    from central import fleet, sweep
    from central.models import Alarm

    terminal, long = centre.terminal(), sweep.PUT_OFF_S + 1
    fleet.heard(terminal, beat(terminal, queued=2, later={"unknown_kind": long, "no_registry": 5}))
    sweep._reports()
    found = Alarm.objects.filter(terminal=terminal, kind="put_off", resolved_at=None)
    assert list(found.values_list("about", flat=True)) == ["unknown_kind"]


@pytest.mark.parametrize(
    ("ahead", "epochs", "alarm"), [(1, 0, True), (0, 0, False), (1, -1, False)]
)
def test_a_centre_that_was_put_back_in_silence_is_an_alarm(
    centre: Centre, ahead: int, epochs: int, alarm: bool
) -> None:
    """Of the same epoch only: after `restored` the terminals send again what is not here."""
    from central import standing

    centre.lost(centre.holder(), 0)
    highest = standing.highest_position()
    known = {"known_position": highest + ahead, "known_epoch": standing.epoch() + epochs}
    assert heard(centre, **known) == ([("behind_terminals", str(highest + ahead))] if alarm else [])


def test_an_outbox_knows_the_highest_position_of_the_highest_epoch(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", "020001")
    empty = box.counts_and_ages()
    assert (empty.known_epoch, empty.known_position) == (0, 0)
    for epoch, position in ((7, 50), (7, 40), (8, 12)):
        put = box.put("x", lambda header: b"sealed", key_id="0" * 16, algorithm="a")
        box.lease(20, 60)
        box.acknowledge([Answer(put.id, "accepted", position=position, epoch=epoch)])
        known = box.counts_and_ages()
        wanted = (7, 50) if epoch == 7 else (8, 12)
        assert (known.known_epoch, known.known_position) == wanted
    box.close()
    QueueReport(**vars(known))


def test_a_door_that_was_opened_is_an_alarm_until_a_person_has_looked(centre: Centre) -> None:
    from central import fleet
    from central.models import Alarm

    terminal = centre.terminal()
    shut = HealthRow(device="contacts", state="ready")
    opened = HealthRow(device="contacts", state="warning", fault="door_open")
    fleet.heard(terminal, beat(terminal).model_copy(update={"health": [shut]}))
    assert not Alarm.objects.filter(terminal=terminal).exists()
    for row in (opened, opened, shut):
        fleet.heard(terminal, beat(terminal).model_copy(update={"health": [row]}))
    (alarm,) = Alarm.objects.filter(terminal=terminal)
    assert (alarm.kind, alarm.times, alarm.resolved_at) == ("door_open", 2, None)
