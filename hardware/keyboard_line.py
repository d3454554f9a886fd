"""What a device types that passes itself off as a keyboard (HID): most 扫码器 do, as they are sold.

The kernel's input device (`/dev/input/by-id/…-event-kbd`) is held for us alone, so that no window
gets the digits of a code. It has the methods of `hardware.serial_port.SerialPort` that a listener
needs. Events are those of Linux's input.h, keys those of a US keyboard, which a scanner has to be
set to. A key that stands for no character, and events that the kernel lost, become a byte that is
in no text: half a code is none.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from hardware.faults import DeviceFault, FaultCode

#: struct input_event: two words of time, type, code, value.
EVENT = struct.Struct("@llHHi")
EV_SYN, EV_KEY, SYN_DROPPED = 0, 1, 3
_UP, _DOWN = 0, 1
#: _IOW('E', 0x90, int): events go to whoever holds the device, and to nobody else.
_EVIOCGRAB = 0x40044590

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

#: Events that are fetched at once, and how often those that nobody wanted are.
_MOST, _ROUNDS = 64, 64


class KeyboardLine:
    """One device. All its failures are `offline`, but for one that another program holds."""

    def __init__(self, path: str, offline: FaultCode, busy: FaultCode) -> None:
        self._path = path
        self._offline = offline
        self._busy = busy
        self._file: int | None = None
        self._typed = bytearray()
        self._shifts: set[int] = set()

    def open(self) -> None:
        self.close()
        with self._one_fault():
            self._file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            hold(self._file)

    def close(self) -> None:
        file, self._file = self._file, None
        self._typed.clear()
        self._shifts.clear()
        if file is not None:
            with suppress(OSError):
                os.close(file)

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
        if self._file is None:
            raise DeviceFault(self._offline, "not open")
        with self._one_fault():
            if not select.select([self._file], [], [], timeout_s)[0]:
                return False
            data = os.read(self._file, EVENT.size * _MOST)
        if not data:
            raise DeviceFault(self._offline, "gone")
        whole = len(data) - len(data) % EVENT.size
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            self._happened(kind, code, value)
        return True

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
            raise DeviceFault(self._offline, type(error).__name__) from error


def hold(file: int) -> None:
    """Let nobody else hear it. Raises `OSError`: EBUSY where another program does."""
    fcntl.ioctl(file, _EVIOCGRAB, 1)
