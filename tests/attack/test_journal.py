"""The journal killed and cut off at every call that changes a file: no entry that was written is
lost, what is torn is told from an alteration, and it goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sync.journal import Journal
from sync.journal.check import check
from tests.attack.harness import KILLED, TALLY, Told, Victims
from tests.attack.power import Disk, recorded
from tests.attack.test_power import lay_out

pytestmark = pytest.mark.timeout(300)

#: Ways in which a power cut is played, besides the one that loses all that was not flushed: after a
#: write that was not flushed yet, and elsewhere.
UNFLUSHED, ELSEWHERE = 25, 2


def goes_on(folder: Path, told: Told) -> None:
    found = check(folder)
    assert found.altered is None, found
    assert found.last.seq >= told.entry, "written and lost"
    assert found.torn in (0, found.last.seq + 1)
    end = Journal(folder, "next").append("stopped", {})
    assert end.seq == found.last.seq + (2 if found.torn else 1)
    again = check(folder)
    assert (again.altered, again.torn, again.last) == (None, 0, end)


def fresh(folder: Path) -> Path:
    folder.mkdir()
    Journal(folder, "before").append("started", {"version": "0.1.0"})
    return folder


def test_killed_at_every_call_that_writes_the_journal(
    victims: Victims, tmp_path: Path, seed: int
) -> None:
    whole = victims.run("journalling", fresh(tmp_path / "whole"), seed, mode="count")
    assert (whole.status, whole.entry > 12) == (0, True)
    for where in ("within", "after"):
        for at in range(1, whole.calls + 1):
            folder = fresh(tmp_path / f"{where}-{at}")
            told = victims.run("journalling", folder, seed, mode=where, at=at)
            assert told.status == KILLED
            goes_on(folder, told)
            TALLY["kill -9 at a call: journal"] += 1


def test_power_cut_after_every_call_that_writes_the_journal(
    victims: Victims, tmp_path: Path, seed: int
) -> None:
    folder, record = tmp_path / "journal", tmp_path / "record"
    folder.mkdir()
    life = victims.run("journalling", folder, seed, mode="count", record=str(record))
    assert life.status == 0
    disk, told, torn = Disk(str(folder)), Told(), 0
    for number, call in enumerate(recorded(record)):
        if call.operation == "n":
            told.hear(call.name)
        else:
            disk.call(call)
        for way in range((UNFLUSHED if call.operation == "w" else ELSEWHERE) + 1):
            chance = random.Random(f"{seed} {number} {way}") if way else None
            lay_out(tmp_path / "cut", disk.after_power_cut(chance))
            torn += bool(check(tmp_path / "cut").torn)
            goes_on(tmp_path / "cut", told)
            TALLY["power cut: journal"] += 1
    assert torn, "no cut tore a line: the attack is none"
