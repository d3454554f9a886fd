"""What happened while a version ran, counted from the journal that the screen writes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sync.journal import FOLDER, Journal, Recorder
from sync.updates import tally
from sync.updates.tally import TALLY_FILE, Tallies
from sync.wire.release import Tally

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Screen:
    def __init__(self, state: Path) -> None:
        self.record = Recorder(Journal(state / FOLDER, "screen")).record

    def visit(self, outcome: str = "done") -> None:
        self.record("visit_begun", service="loss_report")
        facts = {"service": "loss_report", "outcome": outcome, "committed": False, "seconds": 9}
        self.record("visit_ended", **facts)  # type: ignore[arg-type]

    def fault(self, device: str = "printer") -> None:
        self.record("fault_begun", device=device, code="paper_out")


def test_visits_faults_and_crashes_are_counted_by_the_version_that_met_them(
    tmp_path: Path,
) -> None:
    screen, clock = Screen(tmp_path), [0.0]
    agent = Recorder(Journal(tmp_path / FOLDER, "agent"))
    tallies = Tallies(tmp_path, lambda: clock[0])
    assert tallies.now() == {}
    screen.record("started", version="1.0.0")
    agent.record("started", version="1.0.0")
    for outcome in ("done", "cancelled", "idle", "fault", "crashed"):
        screen.visit(outcome)
    screen.fault()
    tallies.now()
    clock[0] += 600
    one = Tally(minutes=10, visits=5, unfinished=4, faults=1, crashes=1)
    assert tallies.now() == {"1.0.0": one}
    screen.record("stopped")
    screen.record("started", version="1.1.0")
    screen.fault()  # it was there before
    screen.fault("camera")
    screen.record("started", version="1.1.0")  # nobody said "stopped"
    screen.visit()
    two = Tally(visits=1, faults=1, crashes=1)
    assert tallies.now() == {"1.0.0": one, "1.1.0": two}
    assert Tallies(tmp_path).now() == {"1.0.0": one, "1.1.0": two}, "after a start of the agent"


def test_a_tally_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    screen = Screen(tmp_path)
    screen.record("started", version="1.0.0")
    (tmp_path / TALLY_FILE).write_text("{")
    screen.visit("idle")
    assert Tallies(tmp_path).now() == {"1.0.0": Tally(visits=1, unfinished=1)}


def test_a_journal_that_begins_anew_is_counted_again(tmp_path: Path) -> None:
    """Lost with a file system that was mended: its numbers begin again, half a year below."""
    screen = Screen(tmp_path)
    screen.record("started", version="1.0.0")
    for _ in range(9):
        screen.visit()
    tallies = Tallies(tmp_path)
    assert tallies.now() == {"1.0.0": Tally(visits=9)}
    shutil.rmtree(tmp_path / FOLDER)
    screen = Screen(tmp_path)
    screen.record("started", version="1.1.0")
    tallies.now()
    screen.visit("crashed")
    assert tallies.now()["1.0.0"] == Tally(visits=9), "nothing twice"
    assert Tallies(tmp_path).now()["1.0.0"].visits == 9
    screen.record("started", version="1.1.0")
    screen.visit("crashed")
    found = Tallies(tmp_path).now()["1.1.0"]
    assert (found.visits, found.crashes) == (2, 3), "two visits, a start without an end"


def test_old_versions_are_forgotten(tmp_path: Path) -> None:
    screen, tallies = Screen(tmp_path), Tallies(tmp_path)
    for number in range(9):
        screen.record("started", version=f"1.{number}.0")
        screen.visit()
        screen.record("stopped")
    assert list(tallies.now()) == ["1.5.0", "1.6.0", "1.7.0", "1.8.0"]


def test_a_full_disk_keeps_nothing_from_being_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    screen, clock = Screen(tmp_path), [0.0]
    tallies = Tallies(tmp_path, lambda: clock[0])
    screen.record("started", version="1.0.0")
    with monkeypatch.context() as disk:
        disk.setattr(tally, "write_whole", full)
        tallies.now()
        clock[0] += 120
        assert tallies.now() == {"1.0.0": Tally(minutes=2)}
    screen.visit()
    assert tallies.now() == {"1.0.0": Tally(minutes=2, visits=1)}
    assert Tallies(tmp_path).now() == {"1.0.0": Tally(minutes=2, visits=1)}
