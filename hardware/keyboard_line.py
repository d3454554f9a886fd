"""What a device types that passes itself off as a keyboard (HID): most 扫码器 do, as they are sold.

The kernel's input device (`/dev/input/by-id/…-event-kbd`) is held for us alone, so that no window
gets the digits of a code. It has the methods of `hardware.serial_port.SerialPort` that a listener
needs. Events are those of Linux's input.h, keys those of a US keyboard, which a scanner has to be
set to. A key that stands for no character, and events that the kernel lost, become a byte that is
in no text: half a code is none.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hardware.faults import DeviceFault, FaultCode
from hardware.input_events import EV_KEY, EV_SYN, SYN_DROPPED, InputDevice, hold, why

_UP, _DOWN = 0, 1

_SHIFTS = (42, 54)

#: Rows of keys by the code of the first: what each types alone, and with shift.
_ROWS = (
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (15, b"\tqwertyuiop[]\r", b"\tQWERTYUIOP{}\r"),
    (30, b"asdfghjkl;'`", b'ASDFGHJKL:"~'),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    (57, b" ", b" "),
    (96, b"\r", b"\r"),
)
_TYPED: Mapping[tuple[int, bool], int] = {
    (first + place, shifted): character
    for first, *rows in _ROWS
    for shifted, row in zip((False, True), rows, strict=True)
    for place, character in enumerate(row)
}

#: No text has it.
_BROKEN = 0xFF

#: How often events that nobody wanted are fetched.
_ROUNDS = 64


class KeyboardLine:
    """One device. All its failures are `offline`, but for one that another program holds."""

    def __init__(self, path: str, offline: FaultCode, busy: FaultCode) -> None:
        self._device = InputDevice(path)
        self._offline = offline
        self._busy = busy
        self._typed = bytearray()
        self._shifts: set[int] = set()

    def open(self) -> None:
        self.close()
        with self._one_fault():
            hold(self._device.open())

    def close(self) -> None:
        self._typed.clear()
        self._shifts.clear()
        self._device.close()

    def read(self, count: int, timeout_s: float) -> bytes:
        """Up to `count` characters; fewer, or none, when the time is over."""
        until = time.monotonic() + timeout_s
        while len(self._typed) < count and (left := until - time.monotonic()) > 0:
            self._fetch(left)
        got, self._typed = bytes(self._typed[:count]), self._typed[count:]
        return got

    def drop_input(self) -> None:
        """Forget what was typed before it was wanted."""
        for _ in range(_ROUNDS):
            if not self._fetch(0):
                break
        self._typed.clear()

    def _fetch(self, timeout_s: float) -> bool:
        """Wait for events and take them. Whether there were any."""
        with self._one_fault():
            events = list(self._device.events(timeout_s))
        for event in events:
            self._happened(*event)
        return bool(events)

    def _happened(self, kind: int, code: int, value: int) -> None:
        if (kind, code) == (EV_SYN, SYN_DROPPED):
            self._shifts.clear()
            self._typed.append(_BROKEN)
        elif kind == EV_KEY and code in _SHIFTS:
            (self._shifts.discard if value == _UP else self._shifts.add)(code)
        elif kind == EV_KEY and value == _DOWN:
            self._typed.append(_TYPED.get((code, bool(self._shifts)), _BROKEN))

    @contextmanager
    def _one_fault(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.close()
            if error.errno == errno.EBUSY:
                raise DeviceFault(self._busy, "held by another program") from error
            raise DeviceFault(self._offline, why(error)) from error
