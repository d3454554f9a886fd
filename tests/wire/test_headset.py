"""The headset jack over a pipe that says what a Linux input device says."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hardware.devices import Devices
from hardware.faults import Device, DeviceFault, FaultCode
from hardware.headset import EMPTY, PLUGGED, HeadsetJack, stands
from hardware.supervision import Condition, DeviceState, HealthTable
from hardware.virtual.headset import VirtualHeadset
from kiosk.settings import Devices as Settings
from tests.patience import eventually

#: F15 and F16.
KEYS = "185,186"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.headset._LISTEN_S", 0.02)
    monkeypatch.setattr("hardware.headset._SETTLE_S", 0.0)


@pytest.fixture
def far_end() -> Iterator[VirtualHeadset]:
    virtual = VirtualHeadset()
    yield virtual
    virtual.close()


@pytest.fixture
def position(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """How the switch stands when it is asked: a pipe cannot be."""
    stood = [False]
    monkeypatch.setattr("hardware.headset.stands", lambda file: stood[0])
    return stood


@pytest.fixture
def jack(far_end: VirtualHeadset, position: list[bool]) -> Iterator[HeadsetJack]:
    driver = HeadsetJack(far_end.port)
    driver.open()
    yield driver
    driver.close()


def test_a_plug_goes_in_and_out(far_end: VirtualHeadset, jack: HeadsetJack) -> None:
    assert jack.poll() == Condition(detail=EMPTY, counters={"plugs": 0})
    far_end.switch(True)
    assert jack.poll() == Condition(detail=PLUGGED, counters={"plugs": 1})
    assert jack.poll().detail == PLUGGED
    far_end.switch(True)
    assert jack.poll().counters == {"plugs": 1}
    far_end.switch(False)
    assert jack.poll() == Condition(detail=EMPTY, counters={"plugs": 1})


def test_a_pad_that_types_says_it_with_two_keys(far_end: VirtualHeadset) -> None:
    pad = HeadsetJack(far_end.port, KEYS)
    pad.open()
    assert pad.poll().detail == EMPTY, "it cannot be asked"
    far_end.switch(True)
    far_end.key(30)
    assert pad.poll().detail == EMPTY
    far_end.key(185)
    assert pad.poll().detail == PLUGGED
    far_end.key(186)
    assert pad.poll().detail == EMPTY
    pad.close()


def test_a_key_is_no_switch(far_end: VirtualHeadset, jack: HeadsetJack) -> None:
    far_end.key(2)
    assert jack.poll().detail == EMPTY


def test_what_stood_in_before_the_start_is_seen(
    far_end: VirtualHeadset, position: list[bool]
) -> None:
    position[0] = True
    driver = HeadsetJack(far_end.port)
    driver.open()
    assert driver.poll().detail == PLUGGED
    driver.close()


def test_events_that_were_lost_are_asked_for(
    far_end: VirtualHeadset, jack: HeadsetJack, position: list[bool]
) -> None:
    position[0] = True
    far_end.lost()
    assert jack.poll().detail == PLUGGED
    position[0] = False
    far_end.lost()
    assert jack.poll().detail == EMPTY


def test_half_an_event_and_many_at_once(far_end: VirtualHeadset, jack: HeadsetJack) -> None:
    for _ in range(50):
        far_end.switch(True)
        far_end.switch(False)
    far_end.switch(True)
    far_end.say(bytes(10))
    for _ in range(10):
        condition = jack.poll()
    assert condition.detail == PLUGGED


def test_a_plug_that_was_forgotten_is_a_warning(
    far_end: VirtualHeadset, jack: HeadsetJack, monkeypatch: pytest.MonkeyPatch
) -> None:
    far_end.switch(True)
    jack.poll()
    monkeypatch.setattr("hardware.headset.LEFT_S", 0.0)
    condition = jack.poll()
    assert (condition.state, condition.fault) == (DeviceState.WARNING, FaultCode.HEADSET_LEFT)
    far_end.switch(False)
    assert jack.poll().fault is None


def test_a_jack_that_is_not_there_or_is_none(far_end: VirtualHeadset) -> None:
    for path in ("/dev/input/none", os.devnull):
        with pytest.raises(DeviceFault) as caught:
            HeadsetJack(path).open()
        assert caught.value.code is FaultCode.HEADSET_OFFLINE
    with pytest.raises(DeviceFault) as caught:
        HeadsetJack(far_end.port).open()
    assert caught.value.code is FaultCode.HEADSET_OFFLINE, "a pipe has no switch"


def test_a_jack_that_was_pulled_off(far_end: VirtualHeadset, jack: HeadsetJack) -> None:
    os.close(far_end._pipe)
    with pytest.raises(DeviceFault) as caught:
        jack.poll()
    assert (caught.value.code, caught.value.detail) == (FaultCode.HEADSET_OFFLINE, "gone")
    far_end._pipe = os.open(far_end.port, os.O_RDWR)


def test_the_switch_is_the_third_bit_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ioctl(file: int, request: int, switches: bytearray) -> int:
        asked.append((file, request, len(switches)))
        switches[0] = 0b00000100
        return 8

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    assert stands(7)
    assert asked == [(7, 0x8008451B, 8)]
    monkeypatch.setattr("fcntl.ioctl", lambda *_: 8)
    assert not stands(7)


@pytest.mark.parametrize("keys", ["185", "185,", "F15,F16", "185,186,187", "-1,2"])
def test_keys_that_are_no_two_keys(keys: str) -> None:
    with pytest.raises(ValueError, match="headset_keys"):
        HeadsetJack("/dev/input/event0", keys)


def test_its_row_follows_the_plug(far_end: VirtualHeadset) -> None:
    health = HealthTable()
    devices = Devices(health, Settings(card="", headset=far_end.port, headset_keys=KEYS))
    devices.start()

    def says(detail: str) -> bool:
        row = health.get(Device.HEADSET)
        return row is not None and (row.state, row.detail) == (DeviceState.READY, detail)

    eventually(lambda: says(EMPTY))
    far_end.key(185)
    eventually(lambda: says(PLUGGED))
    far_end.key(186)
    eventually(lambda: says(EMPTY))
    devices.stop()
