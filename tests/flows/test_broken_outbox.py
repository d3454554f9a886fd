"""A terminal whose outbox is broken says so, and a technician can open the maintenance page.

✗ The page asked the outbox for its counts and fell over, so the one page that says what is wrong
could not be opened when it was needed most.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.maintenance.roster import ROSTER_FILE, Person, Role, write_roster
from kiosk.records.person import KEY_FILE
from kiosk.services.first_application import ApplyFirst
from kiosk.terminal import Terminal
from kiosk.visit.prompts import FindMine, Submit
from sync.database import Reason
from sync.outbox import OutboxUnavailable
from sync.pins import hash_pin
from tests.flows.counter import NOW, ZHANG, Walk
from tests.flows.test_terminal import terminal


class Broken:
    """Every question to it fails, but for the one that tells whether it takes anything."""

    def refusal(self) -> Reason:
        return Reason.DAMAGED

    def close(self) -> None:
        """Nothing is open."""

    def __getattr__(self, name: str) -> Any:
        raise OutboxUnavailable(Reason.DAMAGED)


class Sealer:
    """Seals by leaving everything out."""

    key_id, algorithm = "0" * 16, "test"

    def seal(self, header: Any, contents: Any) -> bytes:
        return b"sealed"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setattr("kiosk.upkeep.housekeeping._PERIOD_S", 0.01)
    whole = terminal(tmp_path)
    whole.parts.outbox.close()
    broken: Any = Broken()
    desk = Terminal(dataclasses.replace(whole.parts, outbox=broken), clock=lambda: NOW)
    desk.open()
    yield desk
    desk.close()


def test_the_maintenance_page_can_be_opened_and_says_what_is_wrong(
    desk: Terminal, tmp_path: Path
) -> None:
    technician = Person("t001", frozenset({Role.TECHNICIAN}), hash_pin("314159"))
    write_roster(tmp_path / ROSTER_FILE, [technician])
    assert desk.maintenance.admit("314159") == technician
    assert desk.queue() is None
    row = until(lambda: desk.health.get("outbox"))
    assert row.fault is FaultCode.OUTBOX_UNAVAILABLE
    desk.maintenance.left()


def test_the_centre_hears_of_it_and_the_terminal_goes_on(desk: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "health.json"

    def told() -> bool:
        if not file.exists():
            return False
        rows = json.loads(file.read_text())["health"]
        return any(row["fault"] == FaultCode.OUTBOX_UNAVAILABLE for row in rows)

    assert until(told)
    written = file.stat().st_mtime_ns
    desk.health.put("printer", desk.health.snapshot()[0].state, FaultCode.PRINTER_HOT)
    assert until(lambda: file.stat().st_mtime_ns != written), "the housekeeping has ended"


def test_what_nobody_waits_for_does_not_fail_unheard(
    desk: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    """Looking for numbers that nobody was told failed, and nothing said so."""

    def said() -> bool:
        records = (*caplog.get_records("setup"), *caplog.get_records("call"))
        return any("not done: Unavailable" in record.getMessage() for record in records)

    assert until(said)


def test_without_a_key_for_persons_nothing_is_filed_and_it_is_said(tmp_path: Path) -> None:
    """The state folder takes no new file: it was "system trouble", a bug without a name."""
    sealer: Any = Sealer()
    whole = terminal(tmp_path)
    whole = Terminal(dataclasses.replace(whole.parts, sealer=lambda: sealer), clock=lambda: NOW)
    (tmp_path / KEY_FILE).mkdir()
    transaction = Walk(ApplyFirst).until("filing.submit").prompt.transaction
    with pytest.raises(DeviceFault) as caught:
        whole.perform(Submit("filing.submit", transaction))
    assert caught.value.code is FaultCode.OUTBOX_UNAVAILABLE
    assert whole.parts.outbox.waiting() == []
    assert whole.perform(FindMine("progress.mine", ZHANG.number)) == ()


def until(look: Any) -> Any:
    ends = time.monotonic() + 10
    while not (found := look()):
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.02)
    return found
