"""A printer at USB: by the kernel's device and by libusb, before the far end of every printer.

The device is a pty here, the bus a backend of pyusb whose descriptors stand below as a printer
gives them.
"""

from __future__ import annotations

import array
import errno
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import usb.backend
import usb.core

from hardware.byte_line import line_of
from hardware.faults import DeviceFault, FaultCode
from hardware.inventory import _printers, unsteady
from hardware.paper import Feed, Pair, Receipt, Text
from hardware.printer import ReceiptPrinter
from hardware.printer_models import model_named
from hardware.usb_lines import PrinterDevice
from hardware.virtual.printer import VirtualPrinter
from tests.patience import eventually

RECEIPT: Receipt = (
    Text("唐山市社会保障卡自助服务", align="center"),
    *(Pair(f"第{n}行", f"内容{n}") for n in range(1, 13)),
    Feed(2),
)


@dataclass
class Bus(usb.backend.IBackend):  # type: ignore[misc]
    """One device: an interface for audio, and one that prints (04b8:0e15, endpoints 01 and 82)."""

    file: int = -1
    printers: int = 0x07
    bulk: int = 0x02
    there: bool = True
    error: int = 0
    serial: str = "X5XQ0001"
    calls: list[str] = field(default_factory=list)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.error:
            raise usb.core.USBError(os.strerror(self.error), -1, self.error)

    def enumerate_devices(self) -> list[str]:
        return ["device"] if self.there else []

    def get_parent(self, dev: str) -> None:
        return None

    def get_device_descriptor(self, dev: str) -> Any:
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x200, bDeviceClass=0, bDeviceSubClass=0,
            bDeviceProtocol=0, bMaxPacketSize0=64, idVendor=0x04B8, idProduct=0x0E15,
            bcdDevice=0x100, iManufacturer=1, iProduct=2, iSerialNumber=3, bNumConfigurations=1,
            address=5, bus=1, port_number=2, port_numbers=(2,), speed=3,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: str, config: int) -> Any:
        if config:
            raise IndexError
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=64, bNumInterfaces=2,
            bConfigurationValue=1, iConfiguration=0, bmAttributes=0xC0, bMaxPower=1,
            extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, dev: str, intf: int, alt: int, config: int) -> Any:
        if intf > 1 or alt:
            raise IndexError
        kind, ends = ((0x01, 1), (self.printers, 3))[intf]
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=intf, bAlternateSetting=0,
            bNumEndpoints=ends, bInterfaceClass=kind, bInterfaceSubClass=1, bInterfaceProtocol=2,
            iInterface=0, extra_descriptors=[],
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: str, ep: int, intf: int, alt: int, config: int) -> Any:
        # An interrupt endpoint first: it takes no receipt.
        address, kind = ([(0x03, 3)], [(0x83, 3), (0x82, self.bulk), (0x01, self.bulk)])[intf][ep]
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=address, bmAttributes=kind,
            wMaxPacketSize=64, bInterval=0, bRefresh=0, bSynchAddress=0, extra_descriptors=[],
        )  # fmt: skip

    def open_device(self, dev: str) -> str:
        self._call("open")
        return "handle"

    def close_device(self, handle: str) -> None:
        self.calls.append("close")

    def get_configuration(self, handle: str) -> int:
        return 1

    def is_kernel_driver_active(self, handle: str, intf: int) -> bool:
        return "detach 1" not in self.calls

    def detach_kernel_driver(self, handle: str, intf: int) -> None:
        self._call(f"detach {intf}")

    def claim_interface(self, handle: str, intf: int) -> None:
        self._call(f"claim {intf}")

    def release_interface(self, handle: str, intf: int) -> None:
        self.calls.append(f"release {intf}")

    def ctrl_transfer(self, handle: str, *request: Any) -> int:
        kind, _, value, _, data, _ = request
        # String descriptors: 0 the languages, 3 the serial number.
        said = b"\x09\x04" if value == 0x300 else self.serial.encode("utf-16-le")
        assert (kind, value) in {(0x80, 0x300), (0x80, 0x303)}
        whole = bytes([2 + len(said), 3]) + said
        data[: len(whole)] = array.array("B", whole)
        return len(whole)

    def bulk_write(
        self, handle: str, ep: int, intf: int, data: array.array[int], timeout: int
    ) -> int:
        assert (ep, intf) == (0x01, 1)
        if self.error:
            raise usb.core.USBError("gone", -4, self.error)
        # A packet at a time, and none while it is full.
        if not select.select([], [self.file], [], timeout / 1000)[1]:
            raise usb.core.USBTimeoutError("timeout", -7, errno.ETIMEDOUT)
        return os.write(self.file, bytes(data)[:64])

    def bulk_read(
        self, handle: str, ep: int, intf: int, buff: array.array[int], timeout: int
    ) -> int:
        assert (ep, intf) == (0x82, 1) and timeout > 0, "0 waits for ever"
        if not select.select([self.file], [], [], timeout / 1000)[0]:
            raise usb.core.USBTimeoutError("timeout", -7, errno.ETIMEDOUT)
        said = os.read(self.file, 64)
        buff[: len(said)] = array.array("B", said)
        return len(said)


@pytest.fixture
def far_end(tmp_path: Path) -> Iterator[VirtualPrinter]:
    virtual = VirtualPrinter(tmp_path / "receipts", line_s=0.005)
    yield virtual
    virtual.close()


@pytest.fixture
def bus(far_end: VirtualPrinter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    made = Bus(os.open(far_end.port, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY))
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda *_: made)
    yield made
    os.close(made.file)


@pytest.fixture(params=["usblp", "libusb", "libusb by its serial number"])
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the settings say of the printer."""
    monkeypatch.setattr("hardware.printer._STATUS_S", 3.0)
    if request.param == "usblp":
        port: str = request.getfixturevalue("far_end").port
        monkeypatch.setattr("hardware.byte_line.DEVICES", str(Path(port).parent))
        return port
    request.getfixturevalue("bus")
    return "usb:04b8:0e15" if request.param == "libusb" else "usb:04B8:0E15:X5XQ0001"


def fault_of(act: Callable[[], Any]) -> DeviceFault:
    with pytest.raises(DeviceFault) as caught:
        act()
    return caught.value


def test_a_receipt_comes_out_whole(far_end: VirtualPrinter, name: str) -> None:
    printer = ReceiptPrinter(name)
    printer.open()
    printer.print(RECEIPT, "a1")
    printer.close()
    eventually(lambda: [one.text.count("内容") for one in far_end.printed()] == [12])


def test_paper_out_in_the_middle_gives_no_line_to_the_next(
    far_end: VirtualPrinter, name: str
) -> None:
    printer = ReceiptPrinter(name)
    printer.open()
    far_end.run_out(after_lines=5)
    assert fault_of(lambda: printer.print(RECEIPT, "a1")).code is FaultCode.PRINTER_PAPER_OUT
    far_end.load()
    eventually(lambda: printer.poll().fault is None)
    printer.print((Text("下一位"), Feed(2)), "a2")
    printer.close()
    last = far_end.printed()[-1].text
    assert "下一位" in last and "内容" not in last


def test_a_printer_that_takes_nothing_is_a_fault_and_not_a_wait_for_ever(
    far_end: VirtualPrinter, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.usb_lines.WRITE_TIMEOUT_S", 0.1)
    line = line_of(name, FaultCode.PRINTER_OFFLINE, FaultCode.PRINTER_BUSY, 0)
    line.open()
    monkeypatch.setattr(far_end, "reading", lambda: False)
    fault = fault_of(lambda: line.write(bytes(1_000_000)))
    assert (fault.code, fault.detail) == (FaultCode.PRINTER_OFFLINE, "takes nothing")
    line.close()


def test_a_printer_that_is_full_for_a_moment_is_waited_for(
    far_end: VirtualPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's device says so of a packet that is still under way, although it could be written
    to: that is no other program's doing."""
    monkeypatch.setattr("hardware.byte_line.DEVICES", str(Path(far_end.port).parent))
    line = line_of(far_end.port, FaultCode.PRINTER_OFFLINE, FaultCode.PRINTER_BUSY, 0)
    line.open()
    write, refused = os.write, []

    def full_at_first(file: int, data: bytes) -> int:
        if threading.current_thread() is threading.main_thread() and len(refused) < 3:
            refused.append(data)
            raise BlockingIOError(errno.EAGAIN, "")
        return write(file, data)

    monkeypatch.setattr("os.write", full_at_first)
    line.write(b"\x10\x04\x01")
    assert line.read(1, 20), "the question came through"
    line.close()


def test_a_device_that_never_falls_silent_is_given_up(
    far_end: VirtualPrinter, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = line_of(name, FaultCode.PRINTER_OFFLINE, FaultCode.PRINTER_BUSY, 0)
    line.open()
    monkeypatch.setattr(line, "_take", lambda timeout_s: b"noise")
    assert fault_of(line.drop_input).code is FaultCode.PRINTER_OFFLINE
    line.close()


def test_what_it_said_before_it_was_asked_is_forgotten(far_end: VirtualPrinter, name: str) -> None:
    line = line_of(name, FaultCode.PRINTER_OFFLINE, FaultCode.PRINTER_BUSY, 0)
    line.open()
    far_end.send(b"early" * 30)
    assert line.read(2, 20) == b"ea"
    line.drop_input()
    assert line.read(1, 0.05) == b""
    far_end.send(b"ab")
    assert line.read(1, 20) + line.read(1, 20) + line.read(5, 0.05) == b"ab"
    line.close()
    assert fault_of(lambda: line.read(1, 0.01)).detail == "not open"
    assert fault_of(lambda: line.write(b"x")).detail == "not open"


@pytest.fixture
def usblp(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[PrinterDevice, socket.socket]]:
    """What drivers/usb/class/usblp.c does and no terminal: packets, of which some are empty, and
    a write that is answered before the printer has anything."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
    line = PrinterDevice("", FaultCode.PRINTER_OFFLINE, FaultCode.PRINTER_BUSY)
    monkeypatch.setattr(line, "_file", ours.fileno())
    with ours, theirs:
        yield line, theirs


def test_a_printer_that_has_nothing_to_say_is_not_gone(
    usblp: tuple[PrinterDevice, socket.socket],
) -> None:
    line, printer = usblp
    for packet in (b"", b"", b"\x12"):
        printer.send(packet)
    assert line.read(1, 2) == b"\x12"


def test_an_empty_packet_does_not_hide_what_was_said_after_it(
    usblp: tuple[PrinterDevice, socket.socket],
) -> None:
    """It was heard as the answer to the next question."""
    line, printer = usblp
    for packet in (b"\x12", b"", b"", b"\x12"):
        printer.send(packet)
    line.drop_input()
    printer.send(b"\x16")
    assert line.read(1, 2) == b"\x16"


def test_a_printer_that_says_nothing_without_end_is_silent(
    usblp: tuple[PrinterDevice, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.read", lambda file, most: b"")
    line, printer = usblp
    printer.send(b"")
    line.drop_input()


def test_what_is_on_its_way_has_not_left(
    usblp: tuple[PrinterDevice, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To close the device would have thrown it away, and nobody would have known."""
    monkeypatch.setattr("hardware.usb_lines.WRITE_TIMEOUT_S", 0.1)
    line, printer = usblp
    assert fault_of(lambda: line.write(bytes(2000))).detail == "takes nothing"
    printer.recv(4096)
    line.write(b"x")


def test_a_device_that_is_pulled_out_is_offline_and_comes_back(
    far_end: VirtualPrinter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.byte_line.DEVICES", str(Path(far_end.port).parent))
    printer = ReceiptPrinter(far_end.port)
    printer.open()
    far_end.unplug()
    assert fault_of(printer.status).code is FaultCode.PRINTER_OFFLINE
    assert fault_of(printer.open).code is FaultCode.PRINTER_OFFLINE
    far_end.plug()
    printer.open()
    assert printer.poll().fault is None
    printer.close()


@pytest.mark.parametrize(
    ("number", "code", "detail"),
    [
        (errno.EBUSY, FaultCode.PRINTER_BUSY, "held by another program"),
        (errno.EACCES, FaultCode.PRINTER_OFFLINE, "not allowed: a rule of udev"),
        (errno.ENODEV, FaultCode.PRINTER_OFFLINE, "USBError"),
    ],
)
def test_a_bus_that_refuses_is_named(bus: Bus, number: int, code: FaultCode, detail: str) -> None:
    bus.error = number
    fault = fault_of(ReceiptPrinter("usb:04b8:0e15").open)
    assert (fault.code, fault.detail) == (code, detail)


def test_another_device_of_the_same_kind_is_not_taken_for_it(bus: Bus) -> None:
    assert fault_of(ReceiptPrinter("usb:04b8:0e15:OTHER").open).detail == "not plugged in"
    bus.there = False
    assert fault_of(ReceiptPrinter("usb:04b8:0e15").open).detail == "not plugged in"


def test_what_is_no_printer_is_not_claimed(bus: Bus) -> None:
    bus.bulk = 0x01
    detail = fault_of(ReceiptPrinter("usb:04b8:0e15").open).detail
    assert detail == "no interface of a printer"
    assert not [call for call in bus.calls if call.startswith(("claim", "detach"))]


def test_the_kernels_driver_lets_go_and_the_makers_own_class_prints_too(
    bus: Bus, far_end: VirtualPrinter
) -> None:
    bus.printers = 0xFF
    printer = ReceiptPrinter("usb:04b8:0e15")
    printer.open()
    printer.close()
    assert bus.calls == ["open", "detach 1", "claim 1", "release 1", "close"]


def test_a_bus_that_breaks_in_the_middle_is_offline(bus: Bus, far_end: VirtualPrinter) -> None:
    printer = ReceiptPrinter("usb:04b8:0e15", "epson")
    printer.open()
    bus.error = errno.ENODEV
    assert fault_of(lambda: printer.print(RECEIPT, "a1")).code is FaultCode.PRINTER_OFFLINE
    printer.close()


def test_where_libusb_is_missing_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in ("libusb1", "libusb0", "openusb"):
        monkeypatch.setattr(f"usb.backend.{backend}.get_backend", lambda *_: None)
    assert fault_of(ReceiptPrinter("usb:04b8:0e15").open).detail == "libusb is not installed"


@pytest.mark.parametrize("name", ["usb:", "usb:04b8", "usb:04b8:0e1g", "usb:04b8:0e15:"])
def test_what_names_no_usb_device_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="VENDOR"):
        ReceiptPrinter(name)


def test_printers_at_usb_are_listed_by_socket_or_by_what_they_are(tmp_path: Path) -> None:
    usb_device = tmp_path / "sys/devices/usb1/1-2"
    interface = usb_device / "1-2:1.0"
    interface.mkdir(parents=True)
    for file, text in (("idVendor", "04b8"), ("idProduct", "0e15"), ("product", "TM-m30II")):
        (usb_device / file).write_text(text + "\n")
    entry = tmp_path / "sys/class/usbmisc/lp0"
    entry.mkdir(parents=True)
    (entry / "device").symlink_to(interface)
    assert [(one.place, one.detail) for one in _printers(tmp_path)] == [
        ("usb:04b8:0e15", "TM-m30II")
    ]
    (tmp_path / "dev/usb").mkdir(parents=True)
    (tmp_path / "dev/usb/lp0").touch()
    lasting = tmp_path / "dev/usb/lp-pci-0000:00:14.0-usb-0:2:1.0"
    lasting.symlink_to("lp0")
    assert [one.place for one in _printers(tmp_path)] == [str(lasting)]
    assert unsteady("/dev/usb/lp0") and not unsteady(str(lasting))


def test_the_model_is_the_same_at_every_line(bus: Bus) -> None:
    assert ReceiptPrinter("usb:04b8:0e15", "epson").model is model_named("epson")
