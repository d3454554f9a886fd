"""A version on trial: what makes it good, what makes it give itself up, and what does neither."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from hardware.faults import FaultCode
from hardware.supervision import DeviceState, HealthTable
from kiosk.upkeep.probation import BEFORE_FILE, GRACE_S, PATIENCE_S, Probation
from sync import launcher
from sync.agent import run_agent
from sync.bundle import pack
from sync.launcher import load
from sync.slots import Slots
from sync.systemd import notify

NEW = "1.1"


class Terminal:
    """A terminal whose launcher has started 1.1 on trial; under 1.0 printer and camera worked."""

    def __init__(self, folder: Path) -> None:
        self.state, self.root = folder / "state", folder / "slots"
        self.state.mkdir()
        self.root.mkdir()
        self.now = 0.0
        self.table = HealthTable()
        self.put("printer", "camera")
        self.table.put("id_reader", DeviceState.FAULT, FaultCode.ID_READER_OFFLINE)
        self.says("1.0")
        fill(self.root, "1.0")
        Slots(self.root).begin("1.0")
        fill(self.root, NEW)
        Slots(self.root).try_next(NEW)
        self.boot()

    def put(self, *devices: str, state: DeviceState = DeviceState.READY) -> None:
        for device in devices:
            self.table.put(device, state)

    def says(self, version: str) -> None:
        rows = [{"device": row.device, "state": row.state} for row in self.table.snapshot()]
        document = {"health": rows, "versions": {"kiosk": version}}
        (self.state / "health.json").write_text(json.dumps(document))

    def boot(self) -> None:
        """The program starts, and after a while says what it found."""
        mine = launcher.decide(self.root)
        self.slots = Slots(self.root, mine)
        self.began = self.now
        self.table = HealthTable()
        self.probation = Probation(self.state, self.slots, NEW, lambda: self.now)
        self.says(NEW)

    def look(self, at: float = 1.0, **agent: Any) -> str:
        """What the slots say, so long after the start."""
        self.now = self.began + at
        self.probation.look(self.table.snapshot(), {"version": NEW} | agent)
        state = load(self.root)
        if not state.trial:
            return "good" if state.versions[state.current] == NEW else "returned"
        return "given up" if self.probation.restart_due else "on trial"


def fill(root: Path, version: str) -> None:
    folder = root.parent / version
    folder.mkdir()
    (folder / "kiosk").write_text("#!/bin/sh\n")
    (folder / "kiosk").chmod(0o755)
    with (root.parent / f"{version}.tar").open("w+b") as tar:
        pack(folder, tar)
        tar.seek(0)
        Slots(root).put(tar, version)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_good_once_the_devices_are_back_and_the_centre_has_answered(terminal: Terminal) -> None:
    assert terminal.look(central="ok") == "on trial"
    terminal.put("printer", "camera", state=DeviceState.STARTING)
    assert terminal.look(central="ok") == "on trial"
    terminal.put("printer")
    terminal.put("camera", state=DeviceState.WARNING)
    assert terminal.look() == "on trial"
    assert terminal.look(central="ok") == "good"
    assert not terminal.probation.restart_due


def test_an_older_agent_s_word_does_not_count(terminal: Terminal) -> None:
    terminal.put("printer", "camera")
    assert terminal.look(central="ok", version="1.0") == "on trial"
    assert terminal.look(GRACE_S, central="ok", version="1.0") == "given up"


def test_given_up_when_a_device_does_not_come_back(terminal: Terminal) -> None:
    terminal.put("printer")
    terminal.table.put("camera", DeviceState.FAULT, FaultCode.CAMERA_ABSENT)
    assert terminal.look(PATIENCE_S - 1, central="ok") == "on trial"
    assert terminal.look(PATIENCE_S, central="ok") == "given up"
    assert load(terminal.root).versions[launcher.decide(terminal.root)] == "1.0"
    assert load(terminal.root).failed == (NEW,)


def test_paper_that_runs_out_is_not_the_version_s_fault(terminal: Terminal) -> None:
    terminal.put("camera")
    terminal.table.put("printer", DeviceState.FAULT, FaultCode.PRINTER_PAPER_OUT)
    assert terminal.look(central="ok") == "good"


@pytest.mark.parametrize("device", ["page_printer", "headset"])
def test_what_nobody_is_refused_for_is_not_waited_for(tmp_path: Path, device: str) -> None:
    """An A4 printer that was switched off had every terminal give up a good version for ever."""
    terminal = Terminal(tmp_path)
    terminal.state.joinpath(BEFORE_FILE).unlink()
    terminal.put("printer", "camera", device)
    terminal.says("1.0")
    terminal.probation = Probation(terminal.state, terminal.slots, NEW, lambda: terminal.now)
    terminal.table.put(device, DeviceState.FAULT, FaultCode.PAGE_PRINTER_OFFLINE)
    assert terminal.look(central="ok") == "good"


def test_an_outbox_that_takes_nothing_is(terminal: Terminal) -> None:
    terminal.put("printer", "camera")
    terminal.table.put("outbox", DeviceState.FAULT, FaultCode.OUTBOX_UNAVAILABLE)
    assert terminal.look(central="ok") == "on trial"
    assert terminal.look(PATIENCE_S, central="ok") == "given up"


@pytest.mark.parametrize("word", ["connection", "timeout", "busy", "server_error"])
def test_without_a_line_it_is_good_after_the_grace(terminal: Terminal, word: str) -> None:
    terminal.put("printer", "camera")
    assert terminal.look(GRACE_S - 1, central=word) == "on trial"
    assert terminal.look(GRACE_S, central=word) == "good"


@pytest.mark.parametrize("word", ["bad_signature", "terminal_too_new", "not_the_centre", ""])
def test_a_version_that_the_centre_does_not_take_is_given_up(terminal: Terminal, word: str) -> None:
    """Else it could never be replaced: its agent fetches the next one."""
    terminal.put("printer", "camera")
    assert terminal.look(GRACE_S - 1, central=word) == "on trial"
    assert terminal.look(GRACE_S, central=word) == "given up"


def test_what_worked_before_is_remembered_over_a_second_start(terminal: Terminal) -> None:
    terminal.boot()  # health.json is this version's own by now
    terminal.put("camera")
    assert terminal.look(central="ok") == "on trial"
    terminal.put("printer")
    assert terminal.look(central="ok") == "good"
    terminal.boot()
    assert not (terminal.state / BEFORE_FILE).exists()


def test_without_any_word_of_the_version_before_no_device_is_asked_for(tmp_path: Path) -> None:
    for number, wrong in enumerate((None, "{", '{"health": [{}]}', '{"health": 1}', "[]")):
        (tmp_path / str(number)).mkdir()
        terminal = Terminal(tmp_path / str(number))
        (terminal.state / BEFORE_FILE).unlink()
        health = terminal.state / "health.json"
        health.unlink() if wrong is None else health.write_text(wrong)
        terminal.probation = Probation(
            terminal.state, terminal.slots, NEW, lambda now=terminal: now.now
        )
        assert terminal.look(central="ok") == "good"


def test_a_good_version_ends_when_another_waits(terminal: Terminal) -> None:
    terminal.put("printer", "camera")
    terminal.look(central="ok")
    terminal.boot()
    assert terminal.look() == "good"
    assert not terminal.probation.restart_due
    terminal.slots.try_next("1.0")
    terminal.look()
    assert terminal.probation.restart_due


def test_who_was_started_because_nothing_could_be_counted_is_begun_anew_once_it_can(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen of one version ran beside the agent of another, until somebody switched it off."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    good = Slots(terminal.root, terminal.slots.idle().path.name)  # the trial counts as running
    probation = Probation(terminal.state, good, "1.0")
    with monkeypatch.context() as patch:
        patch.setattr("sync.slots.save", full)
        with pytest.raises(OSError, match="full"):
            probation.look([], {})
        assert not probation.restart_due
    probation.look([], {})
    assert probation.restart_due


def test_a_program_without_slots_has_nothing_to_prove(tmp_path: Path) -> None:
    probation = Probation(tmp_path, None, NEW)
    probation.look([], {})
    assert not probation.restart_due


def test_the_agent_of_another_version_ends_by_itself(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIOSK_SLOTS", str(terminal.root))
    monkeypatch.setenv("KIOSK_SLOT", terminal.slots.idle().path.name)
    stop = threading.Event()
    agent = threading.Thread(target=run_agent, args=(terminal.state, stop), daemon=True)
    agent.start()
    agent.join(20)
    ended = not agent.is_alive()
    stop.set()
    assert ended


def test_the_agent_tells_systemd_that_it_is_up_and_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its unit would never count as started, and be ended after a while."""
    monkeypatch.delenv("KIOSK_SLOTS", raising=False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    stop = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        agent = threading.Thread(target=run_agent, args=(tmp_path, stop))
        agent.start()
        told = [systemd.recv(100) for _ in range(2)]
        stop.set()
        agent.join()
    assert told == [b"READY=1", b"WATCHDOG=1"]


def test_systemd_is_told_by_its_socket_and_silence_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    for name in (str(tmp_path / "s"), f"@kiosk-test-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(name.replace("@", "\0", 1))
            systemd.setblocking(False)
            monkeypatch.setenv("NOTIFY_SOCKET", name)
            notify("WATCHDOG=1")
            assert systemd.recv(100) == b"WATCHDOG=1"
    notify("WATCHDOG=1")  # nobody listens any more
