"""A serial port that fails in one way only.

pyserial and the kernel report a vanished device as `SerialException`, `OSError` or `termios.error`,
depending on the call; a write to a device that stopped reading blocks for ever unless it has a
time-out. Here all of that is one `DeviceFault`, opened exclusively so that no second program can
steal bytes.
"""

from __future__ import annotations

import errno
import os
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault, FaultCode

if TYPE_CHECKING:
    import serial

#: A byte on the line: start, eight, stop.
_BITS = 10

#: Longest wait for a device to take a second's worth of what is written, seconds.
WRITE_TIMEOUT_S = 2.0


class SerialPort:
    """One port. All its failures are `offline`, but for one that another program holds: `busy`."""

    def __init__(self, port: str, offline: FaultCode, busy: FaultCode, baud: int = 115200) -> None:
        self._name = port
        self._offline = offline
        self._busy = busy
        self._baud = baud
        self._port: serial.Serial | None = None
        #: When the last byte that was handed over will have left, of the monotonic clock.
        self._sent_at = 0.0

    def open(self) -> None:
        import serial  # on the device's own thread, after the screen is up

        self.close()
        self._sent_at = 0.0
        with self._one_fault():
            self._port = serial.Serial(
                self._name,
                self._baud,
                timeout=0.05,
                write_timeout=WRITE_TIMEOUT_S,
                exclusive=True,
            )

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            # If it is gone already, that is what was wanted.
            with suppress(OSError, termios.error):
                port.close()

    def write(self, data: bytes) -> None:
        """Hand over all bytes, however long the line takes over them. After a fault nobody knows
        how many were taken."""
        second = self._baud // _BITS
        with self._one_fault():
            port = self._open_port()
            for start in range(0, len(data), second):
                port.write(data[start : start + second])
        self._sent_at = max(self._sent_at, time.monotonic()) + len(data) / second

    def sent_at(self) -> float:
        """When the device will have got all that was written, of the monotonic clock: the system
        takes more at once than a slow line carries in a second."""
        return max(self._sent_at, time.monotonic())

    def read(self, count: int, timeout_s: float) -> bytes:
        """Up to `count` bytes; fewer, or none, when the time is over."""
        until = time.monotonic() + timeout_s
        got = bytearray()
        with self._one_fault():
            port = self._open_port()
            while len(got) < count:
                got += port.read(count - len(got))
                if time.monotonic() >= until:
                    break
        return bytes(got)

    def drop_input(self) -> None:
        """Forget what the device said before it was asked."""
        with self._one_fault():
            self._open_port().reset_input_buffer()

    def plugged(self) -> tuple[int, int, int]:
        """Differs once what is behind the port was unplugged and something was plugged in."""
        with self._one_fault():
            node = os.stat(self._name)
        return node.st_ino, node.st_rdev, node.st_ctime_ns

    def fault(self, detail: str) -> DeviceFault:
        """The fault of this port with a technical detail."""
        return DeviceFault(self._offline, detail)

    def _open_port(self) -> serial.Serial:
        if self._port is None:
            raise self.fault("not open")
        return self._port

    @contextmanager
    def _one_fault(self) -> Iterator[None]:
        import serial

        try:
            yield
        except (serial.SerialException, OSError, termios.error) as error:
            if getattr(error, "errno", None) == errno.EWOULDBLOCK:
                raise DeviceFault(self._busy, "held by another program") from error
            raise self.fault(type(error).__name__) from error
