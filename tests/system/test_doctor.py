"""A whole kiosk on virtual devices: all lines green, and each fault turns its own one red."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hardware.faults import FaultCode
from kiosk.demo.processes import wait_for
from kiosk.demo.tour import visited
from kiosk.demo.world import World
from kiosk.doctor import CHECKS
from kiosk.kioskctl import app
from tests.system.conftest import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

#: Until a fault or its end is known to the screen program, seconds: devices are looked at every
#: two, and opened again after at most twenty.
PATIENCE_S = 40.0

#: Verb of the bench, line that must turn red, its fault, verb that puts it right.
DEVICE_FAULTS = [
    ("id unplug", "id_reader", FaultCode.ID_READER_OFFLINE, "id plug"),
    ("id mute", "id_reader", FaultCode.ID_READER_OFFLINE, "id unmute"),
    ("id unauthorised", "id_reader", FaultCode.ID_READER_UNAUTHORISED, "id authorised"),
    ("paper out", "printer", FaultCode.PRINTER_PAPER_OUT, "paper load"),
    ("paper near-end", "printer", FaultCode.PRINTER_PAPER_NEAR_END, "paper load"),
    ("cover open", "printer", FaultCode.PRINTER_COVER_OPEN, "cover close"),
    ("cutter jam", "printer", FaultCode.PRINTER_CUTTER, "cutter clear"),
    ("printer hot", "printer", FaultCode.PRINTER_HOT, "printer cool"),
    ("printer break", "printer", FaultCode.PRINTER_ERROR, "printer mend"),
    ("printer mute", "printer", FaultCode.PRINTER_OFFLINE, "printer unmute"),
    ("printer unplug", "printer", FaultCode.PRINTER_OFFLINE, "printer plug"),
    ("camera unplug", "camera", FaultCode.CAMERA_ABSENT, "camera plug"),
    ("camera freeze", "camera", FaultCode.CAMERA_NO_FRAMES, "camera thaw"),
    ("camera stick", "camera", FaultCode.CAMERA_FROZEN, "camera unstick"),
    ("camera cover", "camera", FaultCode.CAMERA_BLACK, "camera uncover"),
]


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
    assert not [row for row in rows if row["state"] == "absent"]
    return found


@pytest.mark.parametrize(("wrong", "line", "code", "right"), DEVICE_FAULTS, ids=lambda word: word)
def test_a_device_s_fault_turns_its_line_red_and_it_comes_back(
    world: World, wrong: str, line: str, code: FaultCode, right: str
) -> None:
    world.bench.do(*wrong.split())
    devices = ("id_reader", "card_reader", "printer", "camera")
    wait_for(wrong, lambda: faults(world, line) == {line: code}, PATIENCE_S, lambda: None)
    others = [device for device in devices if device not in (line, "camera")]
    assert faults(world, *others) == {}, "only its own"
    world.bench.do(*right.split())
    wait_for(right, lambda: faults(world, line) == {}, PATIENCE_S, lambda: None)


def test_without_its_agent(world: World) -> None:
    world.stop_agent()
    assert faults(world, "screen", "agent", "clock") == {"agent": FaultCode.AGENT_STOPPED}
    world.start_agent()
    wait_for("the agent", lambda: faults(world, "agent") == {}, PATIENCE_S, lambda: None)


def test_without_the_centre(world: World) -> None:
    world.stop_central()
    lines = ("enrolment", "outbox", "screen", "agent", "centre", "clock")
    expected = {"centre": FaultCode.CENTRE_UNREACHABLE}
    wait_for("no centre", lambda: faults(world, *lines) == expected, PATIENCE_S, lambda: None)
    world.start_central()
    wait_for("the centre", lambda: faults(world, "centre") == {}, PATIENCE_S, lambda: None)


def test_without_its_screen_the_devices_are_examined_directly(world: World) -> None:
    world.stop_screen()
    minute_ago = time.time() - 60
    os.utime(world.state / "health.json", (minute_ago, minute_ago))
    world.bench.do("paper", "out")
    expected = {"screen": FaultCode.SCREEN_STOPPED, "printer": FaultCode.PRINTER_PAPER_OUT}
    assert faults(world, "screen", "printer", "id_reader") == expected
    world.bench.do("paper", "load")
    world.start_screen()
    wait_for("the screen", lambda: faults(world, "screen") == {}, PATIENCE_S, lambda: None)


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
