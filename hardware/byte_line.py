"""The line to a printer: serial, the kernel's printer device at USB, or USB without a driver.

| what the settings name | line |
|------------------------|------|
| `/dev/serial/by-path/…`, `/dev/ttyS0` | `hardware.serial_port.SerialPort` |
| `/dev/usb/lp-…` | `hardware.usb_lines.PrinterDevice`: the kernel's driver usblp |
| `usb:04b8:0e15`, `usb:04b8:0e15:SERIAL` | `hardware.usb_lines.UsbInterface`: libusb |
"""

from __future__ import annotations

from typing import Protocol

from hardware.faults import DeviceFault, FaultCode
from hardware.serial_port import SerialPort
from hardware.usb_lines import DEVICES, PREFIX, PrinterDevice, UsbInterface


class ByteLine(Protocol):
    """Bytes to a device and from it. A line that failed raises `DeviceFault`."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def write(self, data: bytes) -> None:
        """Hand over all bytes. After a fault nobody knows how many were taken."""

    def read(self, count: int, timeout_s: float) -> bytes:
        """Up to `count` bytes; fewer, or none, when the time is over."""

    def drop_input(self) -> None:
        """Forget what the device said before it was asked."""

    def sent_at(self) -> float:
        """When the device will have got all that was written, of the monotonic clock."""

    def fault(self, detail: str) -> DeviceFault:
        """The fault of this line with a technical detail."""


def line_of(port: str, offline: FaultCode, busy: FaultCode, baud: int) -> ByteLine:
    """The line that the settings name. `baud` is of a serial one."""
    if port.startswith(PREFIX):
        return UsbInterface(port, offline, busy)
    if port.startswith(DEVICES):
        return PrinterDevice(port, offline, busy)
    return SerialPort(port, offline, busy, baud)
