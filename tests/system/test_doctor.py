"""A whole kiosk on virtual devices: all lines green, and each fault turns its own one red."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hardware import camera
from hardware.faults import OPTIONAL, FaultCode
from kiosk.demo.processes import wait_for
from kiosk.demo.tour import visited
from kiosk.demo.world import World
from kiosk.kioskctl import app
from kiosk.upkeep.doctor import CHECKS
from sync.journal import FOLDER
from sync.journal.lines import read
from tests.system.conftest import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

#: Until a fault or its end is known to the screen program, seconds: devices are looked at every
#: two, and opened again after at most twenty.
PATIENCE_S = 40.0

#: Line of the doctor -> what happens to its device: verb of the bench, fault, verb that mends it.
DEVICE_FAULTS = {
    "id_reader": [
        ("id unplug", FaultCode.ID_READER_OFFLINE, "id plug"),
        ("id mute", FaultCode.ID_READER_OFFLINE, "id unmute"),
        ("id unauthorised", FaultCode.ID_READER_UNAUTHORISED, "id authorised"),
    ],
    "printer": [
        ("paper out", FaultCode.PRINTER_PAPER_OUT, "paper load"),
        ("paper near-end", FaultCode.PRINTER_PAPER_NEAR_END, "paper load"),
        ("cover open", FaultCode.PRINTER_COVER_OPEN, "cover close"),
        ("cutter jam", FaultCode.PRINTER_CUTTER, "cutter clear"),
        ("printer hot", FaultCode.PRINTER_HOT, "printer cool"),
        ("printer break", FaultCode.PRINTER_ERROR, "printer mend"),
        ("printer offline", FaultCode.PRINTER_OFFLINE, "printer online"),
        ("printer mute", FaultCode.PRINTER_OFFLINE, "printer unmute"),
        ("printer unplug", FaultCode.PRINTER_OFFLINE, "printer plug"),
    ],
    "camera": [
        ("camera unplug", FaultCode.CAMERA_ABSENT, "camera plug"),
        ("camera freeze", FaultCode.CAMERA_NO_FRAMES, "camera thaw"),
        ("camera stick", FaultCode.CAMERA_FROZEN, "camera unstick"),
        ("camera cover", FaultCode.CAMERA_BLACK, "camera uncover"),
    ],
}

#: One fault of each device at a time, so that each line has to find its own. The printer has most:
#: in the last rounds the others are well and must be found so.
ROUNDS = list(zip_longest(*DEVICE_FAULTS.values()))
DEVICES = ("camera", "id_reader", "card_reader", "printer")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    pictures = tmp_path_factory.mktemp("pictures")
    with visited(folder, (540, 960), pictures, print, pcsc=False) as (world, _):
        wait_for("every line green", lambda: faults(world) == {}, PATIENCE_S, lambda: None)
        yield world


def faults(world: World, *only: str) -> dict[str, str]:
    """What the doctor finds wrong: check -> fault."""
    words = [part for name in only for part in ("--only", name)]
    result = CliRunner().invoke(app, ["doctor", "--state", str(world.state), "--json", *words])
    rows = json.loads(result.output)
    assert [row["check"] for row in rows] == list(only or CHECKS)
    found = {row["check"]: row["fault"] for row in rows if row["fault"]}
    assert result.exit_code == bool(found)
    # The demonstration has what every terminal has; its camera takes pages as well.
    absent = [row["check"] for row in rows if row["state"] == "absent"]
    assert set(absent) <= OPTIONAL
    return found


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor watches the camera itself; black and stuck pictures are known sooner here."""
    monkeypatch.setattr("kiosk.upkeep.doctor._WATCH_S", 1.5)
    monkeypatch.setattr("hardware.camera._FRAME_S", 1.0)
    monkeypatch.setattr("hardware.camera._OPEN_S", 1.5)
    for code in camera._PATIENCE_S:
        monkeypatch.setitem(camera._PATIENCE_S, code, 0.6)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "faults_of_round", ROUNDS, ids=lambda round_: ", ".join(fault[0] for fault in round_ if fault)
)
def test_each_device_s_fault_turns_its_own_line_red_and_it_comes_back(
    world: World, faults_of_round: tuple[tuple[str, FaultCode, str] | None, ...]
) -> None:
    happens = {
        line: what for line, what in zip(DEVICE_FAULTS, faults_of_round, strict=True) if what
    }
    for wrong, _, _ in happens.values():
        world.bench.do(*wrong.split())
    expected: dict[str, str] = {line: code for line, (_, code, _) in happens.items()}
    wait_for("red", lambda: faults(world, *DEVICES) == expected, PATIENCE_S, lambda: None)
    for _, _, right in happens.values():
        world.bench.do(*right.split())
    wait_for("green", lambda: faults(world, *DEVICES) == {}, PATIENCE_S, lambda: None)


def test_without_its_agent(world: World) -> None:
    world.take_away("agent")
    assert faults(world, "screen", "agent", "clock") == {"agent": FaultCode.AGENT_STOPPED}
    world.start_agent()
    wait_for("the agent", lambda: faults(world, "agent") == {}, PATIENCE_S, lambda: None)


def test_without_the_centre(world: World) -> None:
    world.take_away("central")
    lines = ("enrolment", "outbox", "screen", "agent", "centre", "clock")
    expected = {"centre": FaultCode.CENTRE_UNREACHABLE}
    wait_for("no centre", lambda: faults(world, *lines) == expected, PATIENCE_S, lambda: None)
    world.start_central()
    wait_for("the centre", lambda: faults(world, "centre") == {}, PATIENCE_S, lambda: None)


def test_without_its_screen_the_devices_are_examined_directly(world: World) -> None:
    world.take_away("run")
    minute_ago = time.time() - 60
    os.utime(world.state / "health.json", (minute_ago, minute_ago))
    world.bench.do("paper", "out")
    expected = {"screen": FaultCode.SCREEN_STOPPED, "printer": FaultCode.PRINTER_PAPER_OUT}
    assert faults(world, "screen", "printer", "id_reader") == expected
    world.bench.do("paper", "load")
    world.start_screen()
    wait_for("the screen", lambda: faults(world, "screen") == {}, PATIENCE_S, lambda: None)


def test_both_programs_have_written_one_journal_that_the_centre_vouches_for(world: World) -> None:
    def found() -> dict[str, Any]:
        words = ["journal", "verify", "--state", str(world.state), "--json"]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0
        found: dict[str, Any] = json.loads(result.output)
        return found

    wait_for("a checkpoint", lambda: found()["checkpoints"] > 0, PATIENCE_S, lambda: None)
    entries = [line.entry for line in read(world.state / FOLDER) if line.entry]
    assert {"screen", "agent"} <= {entry.by for entry in entries}
    assert {"started", "settings_loaded"} <= {entry.kind for entry in entries}
    text = "".join(line.data.decode() for line in read(world.state / FOLDER))
    assert text.isascii(), "no name, no address"


def test_without_its_identity(world: World, tmp_path: Path) -> None:
    identity = world.state / "identity.json"
    identity.rename(tmp_path / "identity.json")
    try:
        assert faults(world, "enrolment", "screen") == {"enrolment": FaultCode.NOT_ENROLLED}
    finally:
        (tmp_path / "identity.json").rename(identity)


def test_without_the_pcsc_service(world: World) -> None:
    """In a process that looks for the service where there is none."""
    settings = world.state / "settings.toml"
    as_it_was = settings.read_text()
    settings.write_text(re.sub(r'card = "direct:\d+"', 'card = "pcsc"', as_it_was))
    words = ["doctor", "--state", str(world.state), "--json", "--only", "card_reader"]
    program = "from kiosk.kioskctl import main; main()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            env=environment() | {"PCSCLITE_CSOCK_NAME": "/nowhere/pcscd.comm"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        settings.write_text(as_it_was)
    (row,) = json.loads(done.stdout)
    assert (row["check"], row["fault"]) == ("card_reader", FaultCode.CARD_SERVICE_DOWN)
    assert done.returncode == 1
