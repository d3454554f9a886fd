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
import os
import re
import select
import time
from contextlib import suppress

from hardware.faults import DeviceFault, FaultCode
from hardware.keyboard_line import EV_KEY, EV_SYN, EVENT, SYN_DROPPED
from hardware.supervision import Condition, DeviceState

#: What the row of the health table says.
PLUGGED, EMPTY = "in", "out"

_EV_SW, _SW_HEADPHONE_INSERT = 5, 2
_PRESSED = 1
#: _IOR('E', 0x1b, 8 bytes): a bit for each switch.
_EVIOCGSW = 0x8008451B

#: How long it is listened for at once, seconds; a plug that goes in slowly says several things.
_LISTEN_S, _SETTLE_S = 1.0, 0.1

#: A plug that has been in for so long was left behind, seconds: the next citizen hears nothing.
LEFT_S = 1800.0

_MOST = 64


class HeadsetJack:
    """The driver; runs in a `DeviceLoop`, whose poll is this one's listening."""

    def __init__(self, path: str, keys: str = "") -> None:
        """`path`: an input device; `keys`: "IN,OUT", codes of input.h, or "" for a switch.
        Raises `ValueError`."""
        if keys and not re.fullmatch(r"[0-9]{1,3},[0-9]{1,3}", keys):
            raise ValueError(f"headset_keys {keys!r}: use IN,OUT, two codes of keys")
        self._path = path
        self._keys = [int(key) for key in keys.split(",")] if keys else []
        self._file: int | None = None
        #: Since when a plug is in; None: there is none.
        self._since: float | None = None
        self._counters = {"plugs": 0}

    def open(self) -> None:
        self.close()
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _offline(error) from None
        self._ask()

    def close(self) -> None:
        file, self._file = self._file, None
        self._since = None
        if file is not None:
            with suppress(OSError):
                os.close(file)

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
        if self._file is None:
            raise DeviceFault(FaultCode.HEADSET_OFFLINE, "not open")
        try:
            if not select.select([self._file], [], [], _LISTEN_S)[0]:
                return
            time.sleep(_SETTLE_S)
            data = os.read(self._file, EVENT.size * _MOST)
        except OSError as error:
            raise _offline(error) from None
        if not data:
            raise DeviceFault(FaultCode.HEADSET_OFFLINE, "gone")
        whole = len(data) - len(data) % EVENT.size
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            self._happened(kind, code, value)

    def _happened(self, kind: int, code: int, value: int) -> None:
        if (kind, code) == (EV_SYN, SYN_DROPPED):
            self._ask()
        elif not self._keys and (kind, code) == (_EV_SW, _SW_HEADPHONE_INSERT):
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
        if self._file is not None and not self._keys:
            self._plugged(stands(self._file))


def stands(file: int) -> bool:
    """Whether the switch of an open device says that a plug is in. Raises `DeviceFault`."""
    switches = bytearray(8)
    try:
        fcntl.ioctl(file, _EVIOCGSW, switches)
    except OSError as error:
        raise _offline(error) from None
    return bool(switches[0] >> _SW_HEADPHONE_INSERT & 1)


def _offline(error: OSError) -> DeviceFault:
    return DeviceFault(FaultCode.HEADSET_OFFLINE, type(error).__name__)
