"""A nearly empty battery: no visit begins, who is served may finish, then the machine goes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from hardware.faults import FaultCode
from hardware.supervision import DeviceState, HealthTable
from kiosk.services.card_check import CheckCard
from kiosk.upkeep.power import LONGEST_VISIT_S, Power
from kiosk.upkeep.visit_lock import visit_runs
from tests.flows.test_terminal import Desk, terminal


@dataclass
class Machine:
    """What is run, whether somebody is served, and a clock."""

    health: HealthTable = field(default_factory=HealthTable)
    ran: list[Sequence[str]] = field(default_factory=list)
    served: bool = False
    now: float = 0.0

    def power(self, command: str = "systemctl poweroff") -> Power:
        return Power(self.health, lambda: self.served, command, self.ran.append, lambda: self.now)

    def low(self) -> None:
        self.health.put("ups", DeviceState.FAULT, FaultCode.UPS_LOW)

    def on_mains(self) -> None:
        self.health.put("ups", DeviceState.READY)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_it_goes_down_once_when_the_battery_is_low(machine: Machine) -> None:
    power = machine.power()
    power.look()
    machine.health.put("ups", DeviceState.WARNING, FaultCode.UPS_ON_BATTERY)
    power.look()
    assert machine.ran == [], "on battery work goes on"
    machine.low()
    for _ in range(3):
        power.look()
    assert machine.ran == [["systemctl", "poweroff"]]


def test_who_is_served_may_finish_but_not_for_ever(machine: Machine) -> None:
    power = machine.power()
    machine.low()
    machine.served = True
    power.look()
    machine.now += LONGEST_VISIT_S - 1
    power.look()
    assert machine.ran == []
    machine.now += 1
    power.look()
    assert len(machine.ran) == 1


def test_mains_that_come_back_in_time_call_it_off_and_the_next_time_counts_anew(
    machine: Machine,
) -> None:
    power = machine.power()
    machine.low()
    machine.served = True
    power.look()
    machine.on_mains()
    machine.now += LONGEST_VISIT_S
    power.look()
    assert machine.ran == []
    machine.low()
    power.look()
    assert machine.ran == [], "the wait begins anew"
    machine.served = False
    power.look()
    machine.on_mains()
    power.look()
    machine.low()
    power.look()
    assert len(machine.ran) == 2


def test_without_a_command_nothing_is_run(machine: Machine) -> None:
    power = machine.power("")
    machine.low()
    power.look()
    assert machine.ran == []


def test_a_command_that_cannot_be_run_is_tried_again(machine: Machine) -> None:
    def refuse(command: Sequence[str]) -> None:
        machine.ran.append(command)
        raise FileNotFoundError(command[0])

    machine.low()
    power = Power(machine.health, lambda: False, "poweroff", refuse, lambda: 0.0)
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            power.look()
    assert len(machine.ran) == 2


def test_no_visit_begins_and_one_that_runs_is_known(tmp_path: Path) -> None:
    desk = terminal(tmp_path, card_reader=Desk(None))
    assert any(offer.open for offer in desk.services())
    desk.visit(CheckCard)
    assert visit_runs(tmp_path)
    desk.health.put("ups", DeviceState.FAULT, FaultCode.UPS_LOW)
    offers = desk.services()
    assert not any(offer.open for offer in offers)
    assert {offer.reason for offer in offers} == {desk.words.say("home.power")}
    desk.wipe()
    assert not visit_runs(tmp_path)
    desk.health.put("ups", DeviceState.WARNING, FaultCode.UPS_ON_BATTERY)
    assert any(offer.open for offer in desk.services())


class Board:
    """A board of contacts: what it was told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def visit(self, runs: bool) -> None:
        self.told.append(runs)

    def alive(self) -> None:
        self.told.append("alive")


def test_the_lamp_goes_with_the_visit_and_the_watchdog_with_the_screen(tmp_path: Path) -> None:
    board = Board()
    desk = terminal(tmp_path, contacts=Desk(board))
    desk.visit(CheckCard)
    desk.wipe()
    desk.alive()
    desk.alive()
    assert board.told == [True, False, "alive"], "not at every tick"
    (tmp_path / "none").mkdir()
    terminal(tmp_path / "none").alive()


def test_the_voice_goes_into_a_headset_while_a_plug_is_in(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    devices = replace(desk.settings.devices, headset_sound="plughw:CARD=Pad")
    desk.settings = replace(desk.settings, devices=devices)
    assert desk.voice_output() == ""
    for state, fault, detail, output in (
        (DeviceState.READY, None, "out", ""),
        (DeviceState.READY, None, "in", "plughw:CARD=Pad"),
        (DeviceState.WARNING, FaultCode.HEADSET_LEFT, "in", ""),
        (DeviceState.FAULT, FaultCode.HEADSET_OFFLINE, "gone", ""),
    ):
        desk.health.put("headset", state, fault, detail)
        assert desk.voice_output() == output
