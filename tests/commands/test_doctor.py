"""The doctor's checks of the terminal itself; those of the devices are in tests/system."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hardware.faults import WEIGHTS, FaultCode, Weight
from hardware.virtual.contacts import VirtualBoard
from hardware.virtual.headset import VirtualHeadset
from hardware.virtual.page_printer import VirtualPagePrinter
from hardware.virtual.pin_pad import VirtualPinPad
from hardware.virtual.scanner import VirtualScanner
from hardware.virtual.ups import VirtualUps
from kiosk.kioskctl import app
from kiosk.settings import Devices, Settings
from kiosk.upkeep import doctor
from kiosk.upkeep.doctor import CHECKS, Finding, Patient, examine
from kiosk.upkeep.housekeeping import LEAST_FREE_BYTES
from kiosk.words import LANGUAGES, Words
from sync.effects import retire_terminal
from sync.identity import Identity
from sync.outbox import Answer, Outbox
from sync.signing import DeviceKey
from tests.flows.packs import KEY, dated, install

RUN = CliRunner()

Disk = namedtuple("Disk", "total used free")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A terminal without devices whose two programs have just said that all is well."""
    Identity(
        "130299", "http://127.0.0.1:9", "0" * 16, b"\0" * 1216, "0" * 16, "test", 1, b"\0" * 32
    ).save(tmp_path)
    Outbox(tmp_path / "outbox.db", "130299").close()
    said(tmp_path, "ok", os.getpid())
    (tmp_path / "health.json").write_text('{"health": []}')
    return tmp_path


def said(state: Path, central: str, pid: int) -> None:
    (state / "agent.json").write_text(json.dumps({"central": central, "pid": pid}))


def finding(state: Path, check: str, devices: Devices | None = None) -> Finding:
    return examine(Patient(state, Settings(devices=devices or Devices())), check)


def fault(state: Path, check: str) -> FaultCode | None:
    return finding(state, check).fault


def test_a_terminal_that_was_never_enrolled(tmp_path: Path) -> None:
    assert fault(tmp_path, "enrolment") is FaultCode.NOT_ENROLLED
    assert not finding(tmp_path, "outbox").present


def test_an_enrolled_one_says_its_number(state: Path) -> None:
    assert finding(state, "enrolment") == Finding("enrolment", detail="130299")


def test_a_retired_one_is_in_use_no_more_and_says_why(state: Path) -> None:
    """✗ `doctor` was green on a terminal that the centre had retired."""
    retire_terminal(state)
    assert finding(state, "enrolment") == Finding("enrolment", FaultCode.NOT_ENROLLED, "retired")


def test_an_identity_that_cannot_be_read_is_not_called_missing(state: Path) -> None:
    (state / "identity.json").write_text("half a f")
    assert finding(state, "enrolment") == Finding("enrolment", FaultCode.NOT_ENROLLED, "damaged")


def test_an_old_copy_of_the_outbox_is_a_fault_although_it_can_be_read(state: Path) -> None:
    """✗ `doctor` was green on a terminal that took nothing from anybody."""
    folder = state.with_name(f"{state.name}-old")
    shutil.copytree(state, folder)
    assert finding(folder, "outbox") == Finding("outbox", FaultCode.OUTBOX_UNAVAILABLE, "copied")
    assert fault(state, "outbox") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_a_terminal_is_not_enrolled_has_words(language: str) -> None:
    for reason in ("retired", "damaged", "no_key", "no_rights"):
        assert Words(language).has(f"fault.not_enrolled.reason.{reason}")


@pytest.mark.parametrize(
    ("free", "expected"), [(LEAST_FREE_BYTES, None), (LEAST_FREE_BYTES - 1, FaultCode.DISK_LOW)]
)
def test_a_disk_that_is_nearly_full(
    state: Path, monkeypatch: pytest.MonkeyPatch, free: int, expected: FaultCode | None
) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Disk(1, 1, free))
    assert fault(state, "disk") is expected


def test_an_outbox_that_is_no_database(state: Path) -> None:
    assert fault(state, "outbox") is None
    file = state / "outbox.db"
    file.unlink()
    file.mkdir()
    assert fault(state, "outbox") is FaultCode.OUTBOX_UNAVAILABLE


def test_records_that_were_given_up(state: Path) -> None:
    outbox = Outbox(state / "outbox.db", "130299")
    kind = "application.submitted"
    stored = outbox.put(kind, lambda header: b"sealed", key_id="k", algorithm="a")
    outbox.lease(1, 60.0)
    outbox.acknowledge([Answer(stored.id, "unusable")])
    outbox.close()
    assert finding(state, "outbox") == Finding("outbox", FaultCode.OUTBOX_DEAD_LETTERS, "1")


def test_a_screen_program_that_has_been_silent_for_a_minute(state: Path) -> None:
    assert fault(state, "screen") is None
    minute_ago = doctor.time.time() - 60
    os.utime(state / "health.json", (minute_ago, minute_ago))
    assert fault(state, "screen") is FaultCode.SCREEN_STOPPED


def test_programs_that_cannot_start_without_settings_are_said_to_lack_them(state: Path) -> None:
    """✗ "Look at the log", which said that the file was not there."""
    (state / "health.json").unlink()
    for check in ("screen", "agent"):
        assert finding(state, check).detail == "no_settings"
        for language in LANGUAGES:
            assert Words(language).has(f"fault.{check}_stopped.reason.no_settings")
    (state / "settings.toml").write_text("")
    for check in ("screen", "agent"):
        assert finding(state, check).detail == ""


def test_an_agent_is_known_by_its_process(state: Path) -> None:
    assert fault(state, "agent") is FaultCode.AGENT_STOPPED, "this process is no agent"
    command = [sys.executable, "-c", "print(flush=True); input()", "agent"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as agent:
        assert agent.stdout is not None and agent.stdout.readline(), "its command line is there now"
        said(state, "ok", agent.pid)
        assert fault(state, "agent") is None
        agent.communicate(b"\n")
    assert fault(state, "agent") is FaultCode.AGENT_STOPPED


@pytest.mark.parametrize(
    ("central", "centre", "clock"),
    [
        ("ok", None, None),
        ("unreachable", FaultCode.CENTRE_UNREACHABLE, None),
        ("clock_skew", None, FaultCode.CLOCK_WRONG),
        ("clock_wrong", None, FaultCode.CLOCK_WRONG),
        ("terminal_too_old", FaultCode.TERMINAL_TOO_OLD, None),
        ("terminal_too_new", FaultCode.TERMINAL_TOO_NEW, None),
        ("tpm_away", FaultCode.TPM_AWAY, None),
        ("tpm_other", FaultCode.TPM_OTHER, None),
    ],
)
def test_what_the_agent_hears_from_the_centre(
    state: Path, central: str, centre: FaultCode | None, clock: FaultCode | None
) -> None:
    said(state, central, os.getpid())
    assert (fault(state, "centre"), fault(state, "clock")) == (centre, clock)


def test_whose_rules_are_in_force_and_which_come_next(state: Path) -> None:
    assert finding(state, "policy").detail.startswith(
        "2026-11-29 (demo) since 2026-11-01: 演示数据"
    )
    Identity("130299", "http://127.0.0.1:9", "0" * 16, b"\0" * 1216, "0" * 16, "test", 1, KEY).save(
        state
    )
    install(state / "policy", dated("2026-11-20", "2026-11-20"))
    install(state / "policy", dated("2099-06-15", "2099-07-01"))
    found = finding(state, "policy")
    assert found.healthy
    assert found.detail.startswith("2026-11-20 (centre) since 2026-11-20")
    assert found.detail.endswith("next 2099-06-15 from 2099-07-01")


def test_a_pack_that_cannot_be_used_is_named_with_its_reason(state: Path) -> None:
    document = {"central": "ok", "pid": os.getpid(), "policy": "2027-06-15: is too large"}
    (state / "agent.json").write_text(json.dumps(document))
    (state / "policy").mkdir()
    (state / "policy" / "2027-01-01.toml").write_text("forged")
    found = finding(state, "policy")
    assert found.fault is FaultCode.POLICY_REFUSED
    assert not found.serious, "services go on"
    assert "2027-06-15: is too large" in found.detail
    assert "2027-01-01.toml" in found.detail


def test_the_rules_of_a_terminal_that_was_never_enrolled_are_the_examples(tmp_path: Path) -> None:
    assert "(demo)" in finding(tmp_path, "policy").detail


@pytest.mark.parametrize("left", [None, b"half a key"])
def test_an_enrolled_terminal_without_its_key_is_none(state: Path, left: bytes | None) -> None:
    if left is not None:
        (state / "device.key").write_bytes(left)
        (state / "device.key").chmod(0o600)
    assert finding(state, "key") == Finding("key", FaultCode.NOT_ENROLLED, "no_key")


def test_a_key_that_others_may_read_is_not_called_lost(state: Path) -> None:
    """✗ Its owner was told to have the terminal's number replaced, over a sound key."""
    DeviceKey.load_or_create(state)
    (state / "device.key").chmod(0o640)
    assert finding(state, "key") == Finding("key", FaultCode.NOT_ENROLLED, "no_rights")


def test_who_was_never_enrolled_has_no_key(tmp_path: Path) -> None:
    assert not finding(tmp_path, "key").present


def test_a_device_that_is_not_set_is_absent_and_no_fault(state: Path) -> None:
    for device in ("id_reader", "card_reader", "printer", "camera"):
        assert finding(state, device) == Finding(device, present=False)


def test_a_device_that_does_not_answer_at_all_does_not_hold_the_doctor(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        def open(self) -> None:
            doctor.threading.Event().wait(30)

        def close(self) -> None:
            """Never reached."""

    monkeypatch.setattr(doctor, "_LOOK_S", 0.2)
    monkeypatch.setattr("hardware.devices.make_drivers", lambda _: {"printer": Hanging()})
    assert fault(state, "printer") is FaultCode.PRINTER_OFFLINE


def test_the_command_shows_every_check_and_ends_with_one_when_something_is_wrong(
    state: Path,
) -> None:
    result = RUN.invoke(app, ["doctor", "--state", str(state), "--json"])
    rows = {row["check"]: row for row in json.loads(result.output)}
    assert list(rows) == list(CHECKS)
    assert (rows["agent"]["state"], rows["agent"]["fault"]) == ("broken", "agent_stopped")
    assert rows["enrolment"]["state"] == "healthy"
    assert rows["camera"]["state"] == "absent"
    assert result.exit_code == 1


def test_one_check_alone_and_the_words_for_it(state: Path) -> None:
    words = ["doctor", "--state", str(state), "--only"]
    assert RUN.invoke(app, [*words, "enrolment"]).exit_code == 0
    result = RUN.invoke(app, [*words, "agent"])
    assert result.exit_code == 1
    assert "代理程序" in result.output
    assert RUN.invoke(app, [*words, "weather"]).exit_code == 2


def test_only_warnings_leave_citizens_served() -> None:
    for code, weight in WEIGHTS.items():
        assert Finding("disk", code).serious is (weight is not Weight.WARNING)


def test_ports_named_by_number_are_told_before_they_are_exchanged(state: Path) -> None:
    named = Devices(id_reader="/dev/ttyUSB0", printer="/dev/serial/by-path/pci-0-port0")
    assert finding(state, "ports", named) == Finding(
        "ports", FaultCode.PORT_UNSTEADY, "/dev/ttyUSB0"
    )
    assert finding(state, "ports", Devices(id_reader="/dev/ttyS0")).healthy


def test_each_optional_device_is_asked_where_there_is_one(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.port_proof._WHO_S", 0.2)
    for name in ("scanner", "pin_pad", "ups", "contacts", "page_printer", "headset"):
        assert not finding(state, name).present
    ups, board, pad, scanner = VirtualUps(), VirtualBoard(), VirtualPinPad(), VirtualScanner()
    paper, jack = VirtualPagePrinter(), VirtualHeadset()
    settings = Devices(
        ups=ups.where,
        contacts=board.port,
        contacts_lines={"door": "in0"},
        pin_pad=pad.port,
        scanner=scanner.port,
        page_printer=paper.where,
        headset=jack.port,
        headset_keys="185,186",
    )
    board.inputs[0] = True
    assert finding(state, "ups", settings) == Finding("ups", detail="OL CHRG 100%")
    for name in ("contacts", "pin_pad", "scanner", "page_printer"):
        assert finding(state, name, settings) == Finding(name)
    board.inputs[0] = False
    ups.say("OB LB", "8")
    assert finding(state, "contacts", settings).fault is FaultCode.DOOR_OPEN
    assert finding(state, "ups", settings) == Finding("ups", FaultCode.UPS_LOW, "OB LB 8%")
    paper.lack("media-jam-error")
    jammed = Finding("page_printer", FaultCode.PAGE_PRINTER_JAM, "media-jam-error")
    assert finding(state, "page_printer", settings) == jammed
    jack.key(185)
    assert finding(state, "headset", settings) == Finding("headset", detail="in")
    for far_end in (ups, board, pad, scanner, paper, jack):
        far_end.close()
    assert finding(state, "scanner", settings).fault is FaultCode.SCANNER_OFFLINE
    assert finding(state, "page_printer", settings).fault is FaultCode.PAGE_PRINTER_OFFLINE
    assert finding(state, "headset", settings).fault is FaultCode.HEADSET_OFFLINE
