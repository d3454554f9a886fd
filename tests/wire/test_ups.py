"""The UPS over real sockets: mains, battery, nearly empty, silent, a upsd without manners."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hardware.faults import FaultCode
from hardware.supervision import DeviceState
from hardware.ups import Ups
from hardware.virtual.ups import VirtualUps


@pytest.fixture
def far_end() -> Iterator[VirtualUps]:
    virtual = VirtualUps()
    yield virtual
    virtual.close()


@pytest.mark.parametrize(
    ("status", "state", "fault"),
    [
        ("OL", DeviceState.READY, None),
        ("OL CHRG LB", DeviceState.READY, None),
        ("OL RB", DeviceState.WARNING, FaultCode.UPS_BATTERY_OLD),
        ("OB DISCHRG", DeviceState.WARNING, FaultCode.UPS_ON_BATTERY),
        ("OB DISCHRG LB", DeviceState.FAULT, FaultCode.UPS_LOW),
        ("FSD OL", DeviceState.FAULT, FaultCode.UPS_LOW),
        ("OFF", DeviceState.WARNING, FaultCode.UPS_OFFLINE),
        ("", DeviceState.WARNING, FaultCode.UPS_OFFLINE),
        ("WAIT", DeviceState.WARNING, FaultCode.UPS_OFFLINE),
        ("SLOB", DeviceState.WARNING, FaultCode.UPS_OFFLINE),
    ],
)
def test_what_a_ups_says_of_the_mains(
    far_end: VirtualUps, status: str, state: DeviceState, fault: FaultCode | None
) -> None:
    far_end.say(status, "57")
    found = Ups(far_end.where).poll()
    assert (found.state, found.fault) == (state, fault)
    if state is not DeviceState.WARNING or fault is not FaultCode.UPS_OFFLINE:
        assert found.detail == f"{status} 57%"


def test_one_that_does_not_say_how_full_it_is(far_end: VirtualUps) -> None:
    del far_end.variables["battery.charge"]
    assert Ups(far_end.where).poll().detail == "OL CHRG"
    far_end.variables["battery.charge"] = "full"
    assert Ups(far_end.where).poll().detail == "OL CHRG"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"ERR DATA-STALE\n", "DATA-STALE"),
        (b"ERR DRIVER-NOT-CONNECTED\n", "DRIVER-NOT-CONNECTED"),
        (b'VAR other ups.status "OL"\n', "garbled"),
        (b'VAR ups ups.load "OL"\n', "garbled"),
        (b"VAR ups ups.status OL\n", "garbled"),
        (b"\xff\xfe\n", "garbled"),
        (b"", "no whole answer"),
        (b'VAR ups ups.status "OL', "no whole answer"),
        (b"x" * 5000, "no whole answer"),
    ],
)
def test_an_answer_that_is_none_is_a_warning(far_end: VirtualUps, said: bytes, why: str) -> None:
    far_end.instead = said
    found = Ups(far_end.where).poll()
    assert (found.state, found.fault) == (DeviceState.WARNING, FaultCode.UPS_OFFLINE)
    assert found.detail == why


def test_another_ups_is_not_taken_for_it(far_end: VirtualUps) -> None:
    found = Ups(far_end.where.replace("ups@", "cellar@")).poll()
    assert (found.fault, found.detail) == (FaultCode.UPS_OFFLINE, "UNKNOWN-UPS")


def test_where_no_upsd_runs(far_end: VirtualUps) -> None:
    far_end.close()
    assert Ups(far_end.where).poll().fault is FaultCode.UPS_OFFLINE


def test_silence_on_battery_counts_as_nearly_empty(
    far_end: VirtualUps, monkeypatch: pytest.MonkeyPatch
) -> None:
    ups = Ups(far_end.where)
    far_end.say("OB DISCHRG")
    ups.poll()
    far_end.instead = b"ERR DATA-STALE\n"
    assert ups.poll().fault is FaultCode.UPS_OFFLINE
    monkeypatch.setattr("hardware.ups._DEAD_S", 0.0)
    assert ups.poll().fault is FaultCode.UPS_LOW
    far_end.instead = None
    far_end.say("OL CHRG")
    assert ups.poll().fault is None
    far_end.instead = b""
    assert ups.poll().fault is FaultCode.UPS_OFFLINE, "it was on mains when it fell silent"


@pytest.mark.parametrize("where", ["", "@host", "ups@host:port", "two words@host", "ups\n@h"])
def test_what_is_no_name_of_a_ups_is_refused(where: str) -> None:
    with pytest.raises(ValueError, match="NAME@HOST:PORT"):
        Ups(where)
