"""A printer at USB: by the kernel's printer device (usblp), or by libusb where there is none.

Both take bytes as fast as the printer does, so what was written has left. A printer that takes none
for `WRITE_TIMEOUT_S` is gone or full; which of the two its status says later.
"""

from __future__ import annotations

import errno
import os
import re
import select
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault, FaultCode
from hardware.serial_port import WRITE_TIMEOUT_S

if TYPE_CHECKING:
    import usb.core

#: How a setting begins that means one or the other.
DEVICES, PREFIX = "/dev/usb/", "usb:"

_NAME = re.compile(r"usb:([0-9a-f]{4}):([0-9a-f]{4})(?::(.+))?", re.IGNORECASE)

#: Classes of an interface: printers, and what only its maker knows.
_PRINTERS, _VENDORS = 0x07, 0xFF
#: Of an endpoint: towards us; its kind, and which is bulk.
_IN, _KIND, _BULK = 0x80, 0x03, 0x02

#: Bytes that are handed over or fetched at once, and how often what nobody asked for is fetched.
_MOST, _ROUNDS = 4096, 64

_NOT_ALLOWED = {errno.EACCES, errno.EPERM}

#: The kernel's device takes nothing while a packet is under way; seconds until it is asked again.
_AGAIN_S = 0.005


class _UsbLine(ABC):
    """`hardware.byte_line.ByteLine` over something that takes and gives packets."""

    def __init__(self, name: str, offline: FaultCode, busy: FaultCode) -> None:
        self._name = name
        self._offline = offline
        self._busy = busy
        self._heard = bytearray()

    @abstractmethod
    def open(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def _give(self, data: bytes, timeout_s: float) -> int:
        """Hand over some of it. How many bytes were taken in that time. Raises `OSError`."""

    @abstractmethod
    def _take(self, timeout_s: float) -> bytes | None:
        """What it says within that time, which may be an empty packet; None if it is silent.
        Raises `OSError`."""

    def write(self, data: bytes) -> None:
        with self._one_fault():
            while data:
                taken = self._give(data[:_MOST], WRITE_TIMEOUT_S)
                if not taken:
                    raise self.fault("takes nothing")
                data = data[taken:]

    def read(self, count: int, timeout_s: float) -> bytes:
        until = time.monotonic() + timeout_s
        with self._one_fault():
            while len(self._heard) < count and (left := until - time.monotonic()) > 0:
                self._heard += self._take(left) or b""
        got, self._heard = bytes(self._heard[:count]), self._heard[count:]
        return got

    def drop_input(self) -> None:
        with self._one_fault():
            for _ in range(_ROUNDS):
                if (said := self._take(0)) is None:
                    break
            if said:
                raise self.fault("never falls silent")
        self._heard.clear()

    def sent_at(self) -> float:
        return time.monotonic()

    def fault(self, detail: str) -> DeviceFault:
        return DeviceFault(self._offline, detail)

    @contextmanager
    def _one_fault(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # libusb's errors are of its kind
            if error.errno == errno.EBUSY:
                raise DeviceFault(self._busy, "held by another program") from error
            forbidden = error.errno in _NOT_ALLOWED
            why = "not allowed: a rule of udev" if forbidden else type(error).__name__
            raise self.fault(why) from error


class PrinterDevice(_UsbLine):
    """The kernel's printer device, which one program at a time may open."""

    def __init__(self, name: str, offline: FaultCode, busy: FaultCode) -> None:
        super().__init__(name, offline, busy)
        self._file: int | None = None

    def open(self) -> None:
        self.close()
        with self._one_fault():
            self._file = os.open(self._name, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)

    def close(self) -> None:
        file, self._file = self._file, None
        self._heard.clear()
        if file is not None:
            with suppress(OSError):
                os.close(file)

    def _give(self, data: bytes, timeout_s: float) -> int:
        until = time.monotonic() + timeout_s
        while time.monotonic() < until and self._takes(until):
            try:
                taken = os.write(self._open_file(), data)
            except BlockingIOError:
                time.sleep(_AGAIN_S)
                continue
            # usblp answers at once and hands it over afterwards: what is on its way has not left.
            return taken if self._takes(time.monotonic() + timeout_s) else 0
        return 0

    def _takes(self, until: float) -> bool:
        left = max(0.0, until - time.monotonic())
        return bool(select.select([], [self._open_file()], [], left)[1])

    def _take(self, timeout_s: float) -> bytes | None:
        ready, _, _ = select.select([self._open_file()], [], [], timeout_s)
        if not ready:
            return None
        try:
            # Nothing is an empty packet, which many printers send; of a printer that is gone the
            # kernel says so.
            data = os.read(self._open_file(), _MOST)
        except BlockingIOError:
            data = b""
        if not data:
            time.sleep(min(_AGAIN_S, timeout_s))
        return data

    def _open_file(self) -> int:
        if self._file is None:
            raise self.fault("not open")
        return self._file


class UsbInterface(_UsbLine):
    """The interface of a USB device that takes bytes, claimed for us alone."""

    def __init__(self, name: str, offline: FaultCode, busy: FaultCode) -> None:
        """`name`: usb:VENDOR:PRODUCT[:SERIAL], in hexadecimal. Raises `ValueError`."""
        super().__init__(name, offline, busy)
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"{name!r} is no usb:VENDOR:PRODUCT[:SERIAL]")
        self._vendor, self._product = int(found[1], 16), int(found[2], 16)
        self._serial = found[3]
        self._device: usb.core.Device | None = None
        self._out: usb.core.Endpoint | None = None
        self._in: usb.core.Endpoint | None = None

    def open(self) -> None:
        import usb.core
        import usb.util

        self.close()
        try:
            with self._one_fault():
                self._device = self._find()
                interface = self._interface(self._device)
                number = interface.bInterfaceNumber
                with suppress(NotImplementedError):
                    if self._device.is_kernel_driver_active(number):
                        self._device.detach_kernel_driver(number)
                usb.util.claim_interface(self._device, number)
                self._out, self._in = _end(interface, 0), _end(interface, _IN)
        except usb.core.NoBackendError as error:
            raise self.fault("libusb is not installed") from error
        except DeviceFault:
            self.close()
            raise

    def close(self) -> None:
        device, self._device = self._device, None
        self._out = self._in = None
        self._heard.clear()
        if device is not None:
            import usb.util

            with suppress(OSError):
                usb.util.dispose_resources(device)

    def _find(self) -> usb.core.Device:
        import usb.core

        def ours(device: usb.core.Device) -> bool:
            try:
                return self._serial is None or device.serial_number == self._serial
            except ValueError as error:  # who may not open it reads nothing of it
                raise PermissionError(errno.EACCES, "") from error

        found = usb.core.find(idVendor=self._vendor, idProduct=self._product, custom_match=ours)
        if found is None:
            raise self.fault("not plugged in")
        return found

    def _interface(self, device: usb.core.Device) -> usb.core.Interface:
        """A printer's, or the maker's own, if it takes bytes in bulk."""
        interfaces = [one for one in device.get_active_configuration() if _end(one, 0) is not None]
        for kind in (_PRINTERS, _VENDORS):
            for interface in interfaces:
                if interface.bInterfaceClass == kind:
                    return interface
        raise self.fault("no interface of a printer")

    def _give(self, data: bytes, timeout_s: float) -> int:
        import usb.core

        if self._out is None:
            raise self.fault("not open")
        try:
            return int(self._out.write(data, round(timeout_s * 1000)))
        except usb.core.USBTimeoutError:
            return 0

    def _take(self, timeout_s: float) -> bytes | None:
        import usb.core

        if self._out is None:
            raise self.fault("not open")
        if self._in is None:  # a printer that only listens
            time.sleep(timeout_s)
            return None
        try:
            # 0 would wait for ever.
            return bytes(self._in.read(_MOST, max(1, round(timeout_s * 1000))))
        except usb.core.USBTimeoutError:
            return None


def _end(interface: usb.core.Interface, direction: int) -> usb.core.Endpoint | None:
    """The first one for bulk data in a direction."""
    for end in interface:
        if end.bmAttributes & _KIND == _BULK and end.bEndpointAddress & _IN == direction:
            return end
    return None
