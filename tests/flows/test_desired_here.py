"""What the centre wants takes effect here: settings, roster, notices, closing, restart."""

from __future__ import annotations

import json
import os
import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from hardware.faults import FaultCode
from hardware.supervision import HealthTable
from kiosk.kioskctl.console import settings_of
from kiosk.maintenance.roster import (
    Person,
    Role,
    Roster,
    StaffRefused,
    said_by_centre,
    write_roster,
)
from kiosk.settings import load_settings, wanted_settings
from kiosk.upkeep.housekeeping import Housekeeping
from kiosk.upkeep.restarting import Restarting
from sync.identity import Identity
from sync.pins import hash_pin
from tests.flows.test_terminal import NOW, terminal

if TYPE_CHECKING:
    from pathlib import Path


def desire(state: Path, **said: Any) -> None:
    document = {"version": "1", "closed_services": {}, **said}
    (state / "desired.json").write_text(json.dumps(document), encoding="utf-8")
    # Two in one tick of the file system's clock would look like one.
    stamp = desire.count = getattr(desire, "count", 1_700_000_000) + 1  # type: ignore[attr-defined]
    os.utime(state / "desired.json", (stamp, stamp))


def test_settings_of_the_centre_stand_over_the_file_and_under_the_environment(
    tmp_path: Path,
) -> None:
    (tmp_path / "settings.toml").write_text('[hall]\nname = "旧名"\nwindow = "一号窗口"\n')
    desire(tmp_path, settings={"hall.name": "新名", "central.heartbeat_s": 30})
    found = settings_of(tmp_path)
    assert (found.hall.name, found.hall.window, found.central.heartbeat_s) == (
        *("新名", "一号窗口"),
        30.0,
    )
    file, wanted = tmp_path / "settings.toml", wanted_settings(tmp_path)
    assert load_settings(file, {"KIOSK_HALL_NAME": "现场"}, wanted).hall.name == "现场"


@pytest.mark.parametrize(
    "settings",
    [
        {"central.url": "https://elsewhere"},
        {"devices.printer": "/dev/null"},
        {"mode": "demo"},
        {"central.heartbeat_s": 1},
        {"outbox.max_items": "all"},
        {"hall.name": 7},
        [],
        3,
        None,
    ],
)
def test_what_does_not_fit_this_release_is_passed_over(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "settings.toml").write_text('[hall]\nname = "旧名"\n')
    desire(tmp_path, settings=settings)
    assert settings_of(tmp_path) == load_settings(tmp_path / "settings.toml", {})


def test_other_settings_and_an_order_make_the_program_start_anew(tmp_path: Path) -> None:
    desire(tmp_path, settings={"hall.name": "一"})
    running = Restarting(tmp_path)
    running.begun()
    running.look()
    assert not running.due
    desire(tmp_path, settings={"hall.name": "二"})
    running.look()
    assert running.due
    started = Restarting(tmp_path)
    started.look()
    assert not started.due
    (tmp_path / "wanted").mkdir()
    for text, due in (("", False), ("1.5", False), (str(time.time() + 60), True)):
        (tmp_path / "wanted" / "id.restart").write_text(text)
        started.look()
        assert started.due is due, "a command that is over restarts nothing"
    anew = Restarting(tmp_path)
    anew.begun()
    anew.look()
    assert not anew.due
    assert (tmp_path / "wanted" / "id.done").exists()


def test_an_order_on_a_disk_that_cannot_be_written_restarts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Path, other: Path) -> None:
        raise OSError(30, "Read-only file system")

    (tmp_path / "wanted").mkdir()
    later = str(time.time() + 60)
    (tmp_path / "wanted" / "one.restart").write_text(later)
    monkeypatch.setattr("pathlib.Path.replace", refuse)
    started = Restarting(tmp_path)
    with pytest.raises(OSError, match="Read-only"):
        started.begun()
    started.look()
    assert not started.due
    (tmp_path / "wanted" / "two.restart").write_text(later)
    started.look()
    assert started.due, "another order is one"


def test_settings_that_come_while_the_program_starts_start_it_anew(tmp_path: Path) -> None:
    desire(tmp_path, settings={"hall.name": "一"})
    loaded = load_settings(None, {}, wanted_settings(tmp_path))
    desire(tmp_path, settings={"hall.name": "二"})
    desk = terminal(tmp_path)
    housekeeping = Housekeeping(replace(desk.parts, settings=loaded), desk._offers)
    housekeeping.restarting.look()
    assert housekeeping.restart_due


def test_a_terminal_that_was_enrolled_anew_under_another_number_serves_nobody_under_the_old_one(
    tmp_path: Path,
) -> None:
    desk = terminal(tmp_path)
    housekeeping = Housekeeping(desk.parts, desk._offers)
    for number, other in ((desk.parts.terminal_id, False), ("130299-9", True)):
        document = {field.name: "" for field in fields(Identity)} | {"terminal": number}
        (tmp_path / "identity.json").write_text(json.dumps(document))
        housekeeping._often()
        assert (housekeeping.restart_due, desk._offers.out_of_use) == (other, other)


def test_a_setting_of_a_later_release_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desire(tmp_path, settings={"later.setting": 1})
    restarting = Restarting(tmp_path, wanted_settings(tmp_path))
    for _ in range(3):
        restarting.look()
    assert caplog.text.count("passed over") == 1
    assert not restarting.due


def test_the_centre_admits_and_strikes_off(tmp_path: Path) -> None:
    local = [
        Person("t001", frozenset({Role.TECHNICIAN}), hash_pin("739105")),
        Person("t002", frozenset({Role.TECHNICIAN}), hash_pin("264081")),
    ]
    write_roster(tmp_path / "roster.json", local)
    roster = Roster(tmp_path)
    entry = {"roles": ["technician"], "pin": hash_pin("518273")}
    desire(tmp_path, roster={"t003": entry, "t002": {"roles": [], "pin": ""}})
    assert roster.admit("518273").id == "t003"
    assert roster.admit("739105").id == "t001"
    with pytest.raises(StaffRefused):
        roster.admit("264081")
    desire(tmp_path, roster={"t003": {"roles": "x"}})
    assert sorted(roster.people()) == ["t001", "t002"], "what cannot be read strikes nobody off"


def test_home_shows_the_notices_of_today(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    until = NOW.date().isoformat()
    shown = [
        {"id": "a", "zh": "照常办理", "en": "Open as usual", "until": until},
        {"id": "b", "zh": "只有中文"},
        {"id": "c", "zh": "过去的", "until": "2020-01-01"},
    ]
    desire(tmp_path, announcements=shown)
    desk.parts.desired.refresh()
    assert desk.announcements() == ("照常办理", "只有中文")
    desk.words.language = "en"
    assert desk.announcements() == ("Open as usual", "只有中文")
    desire(tmp_path, announcements=[{"id": "bad"}])
    desk.parts.desired.refresh()
    assert desk.announcements() == ("Open as usual", "只有中文")


def test_the_centre_closes_the_whole_terminal_with_its_reason(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    desire(tmp_path, closed_services={"*": "停电检修"})
    desk.parts.desired.refresh()
    assert {(offer.open, offer.reason) for offer in desk.services()} == {(False, "停电检修")}


@pytest.mark.parametrize("how", ["retired", "disabled"])
def test_a_terminal_out_of_use_serves_nobody(tmp_path: Path, how: str) -> None:
    desk = terminal(tmp_path)
    if how == "retired":
        (tmp_path / "retired").touch()
    else:
        (tmp_path / "agent.json").write_text('{"central": "terminal_disabled"}')
    desk._housekeeping._often()
    said = {(offer.open, offer.reason) for offer in desk.services()}
    assert len(said) == 1
    assert "停止使用" in next(iter(said))[1]
    assert isinstance(desk.health, HealthTable)


@pytest.mark.parametrize("how", ["journal", "release"])
def test_nothing_is_filed_while_the_date_cannot_be_right(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the last entry of the journal, as the agent says, or before this release was made."""
    desk = terminal(tmp_path)
    desk._housekeeping._often()
    before = {offer.service.id: offer.reason for offer in desk.services()}
    with monkeypatch.context() as patch:
        if how == "journal":
            (tmp_path / "agent.json").write_text('{"central": "clock_wrong"}')
        else:
            patch.setattr("kiosk.upkeep.housekeeping.time.time", lambda: 1_700_000_000.0)
        desk._housekeeping._often()
    reasons = {offer.service: offer.reason for offer in desk.services()}
    closed = {service for service, reason in reasons.items() if "时间不准" in reason}
    assert {service.id for service in closed} >= {"loss_report", "info_change"}
    assert all(service.submits for service in closed)
    row = desk.health.get("clock")
    assert row is not None and row.fault is FaultCode.CLOCK_WRONG
    (tmp_path / "agent.json").write_text('{"central": "ok"}')
    desk._housekeeping._often()
    assert {offer.service.id: offer.reason for offer in desk.services()} == before


def test_one_wrong_entry_of_the_centre_s_roster_readmits_nobody(tmp_path: Path) -> None:
    """The whole of it was dropped, and with it who had been struck off."""
    roster = {
        "T002": {"roles": ["technician"], "pin": ""},
        "t004": 3,
        "t005": [],
        "t001": {"roles": [], "pin": ""},
        "t003": {"roles": ["technician"], "pin": "ab$cd"},
    }
    (tmp_path / "desired.json").write_text(json.dumps({"roster": roster}))
    said = said_by_centre(tmp_path)
    assert set(said) == {"t001", "t003"} and not said["t001"].roles
