"""耳机插孔: whether a plug is in it, for somebody who would rather hear than see.

Two kinds of jacks tell of it, both as a Linux input device (`struct input_event`, input.h):

| kind   | which jacks                   | what it says                                        |
|--------|-------------------------------|-----------------------------------------------------|
| switch | those of a sound chip         | SW_HEADPHONE_INSERT, also when it is asked          |
| keys   | those of USB pads for people  | one key for a plug that goes in, another for one    |
|        | who do not see                | that is pulled out; which, their maker's tool sets  |

A pad cannot be asked: until its first key the jack counts as empty. Nobody else is kept from
hearing the device. `Terminal.voice_output` makes of it where the voice goes.
"""

from __future__ import annotations

import fcntl
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hardware.faults import DeviceFault, FaultCode
from hardware.input_events import EV_KEY, EV_SW, EV_SYN, SYN_DROPPED, InputDevice, why
from hardware.supervision import Condition, DeviceState

#: What the row of the health table says.
PLUGGED, EMPTY = "in", "out"

_SW_HEADPHONE_INSERT = 2
_PRESSED = 1
#: _IOR('E', 0x1b, 8 bytes): a bit for each switch.
_EVIOCGSW = 0x8008451B

#: How long it is listened for at once, seconds; a plug that goes in slowly says several things.
_LISTEN_S, _SETTLE_S = 1.0, 0.1

#: A plug that has been in for so long was left behind, seconds: the next citizen hears nothing.
LEFT_S = 1800.0


class HeadsetJack:
    """The driver; runs in a `DeviceLoop`, whose poll is this one's listening."""

    def __init__(self, path: str, keys: str = "") -> None:
        """`path`: an input device; `keys`: "IN,OUT", codes of input.h, or "" for a switch.
        Raises `ValueError`."""
        if keys and not re.fullmatch(r"[0-9]{1,3},[0-9]{1,3}", keys):
            raise ValueError(f"headset_keys {keys!r}: use IN,OUT, two codes of keys")
        self._device = InputDevice(path)
        self._keys = [int(key) for key in keys.split(",")] if keys else []
        #: Since when a plug is in; None: there is none.
        self._since: float | None = None
        self._counters = {"plugs": 0}

    def open(self) -> None:
        self.close()
        with _one_fault():
            self._device.open()
        self._ask()

    def close(self) -> None:
        self._since = None
        self._device.close()

    def poll(self) -> Condition:
        """Listen for a while, less if something is heard."""
        self._listen()
        counters = dict(self._counters)
        if self._since is None:
            return Condition(detail=EMPTY, counters=counters)
        if time.monotonic() - self._since >= LEFT_S:
            warning, left = DeviceState.WARNING, FaultCode.HEADSET_LEFT
            return Condition(warning, left, PLUGGED, counters=counters)
        return Condition(detail=PLUGGED, counters=counters)

    def _listen(self) -> None:
        with _one_fault():
            heard = list(self._device.events(_LISTEN_S, _SETTLE_S))
        for event in heard:
            self._happened(*event)

    def _happened(self, kind: int, code: int, value: int) -> None:
        if (kind, code) == (EV_SYN, SYN_DROPPED):
            self._ask()
        elif not self._keys and (kind, code) == (EV_SW, _SW_HEADPHONE_INSERT):
            self._plugged(value != 0)
        elif kind == EV_KEY and value == _PRESSED and code in self._keys:
            self._plugged(code == self._keys[0])

    def _plugged(self, plugged: bool) -> None:
        if plugged and self._since is None:
            self._since = time.monotonic()
            self._counters["plugs"] += 1
        elif not plugged:
            self._since = None

    def _ask(self) -> None:
        """Which way the switch stands."""
        if not self._keys:
            with _one_fault():
                self._plugged(stands(self._device.file))


def stands(file: int) -> bool:
    """Whether the switch of an open device says that a plug is in. Raises `OSError`."""
    switches = bytearray(8)
    fcntl.ioctl(file, _EVIOCGSW, switches)
    return bool(switches[0] >> _SW_HEADPHONE_INSERT & 1)


@contextmanager
def _one_fault() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeviceFault(FaultCode.HEADSET_OFFLINE, why(error)) from None
