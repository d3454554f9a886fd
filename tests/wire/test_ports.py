"""Serial ports: named so that they stay what they are, and asked before anything is sent to them.

The far ends here are ears of their own: they write their bytes literally.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from hardware.faults import DeviceFault, FaultCode
from hardware.id_reader import IdReader
from hardware.inventory import _serial_ports, unsteady
from hardware.printer import ReceiptPrinter
from hardware.sam import SerialSam
from hardware.virtual.printer import Manners, VirtualPrinter
from hardware.virtual.wire import FarEnd
from tests.patience import PATIENCE_S, eventually

SAM_FRAME = bytes.fromhex("AAAAAA9669")
SAM_OK = bytes.fromhex("AAAAAA9669000400009094")
SAM_SAYS_ITS_ID = bytes.fromhex("AAAAAA9669001400009005000100B59831012B6B6200FDEBDA394A")


class Ear(FarEnd):
    """Something on a port. It hears everything; `sam`: whether it answers as a SAM module does."""

    def __init__(self, name: str = "ear", *, sam: bool = False, printer: bool = False) -> None:
        self.heard = b""
        self.sam, self.printer = sam, printer
        super().__init__(name)

    def received(self, data: bytes) -> None:
        self.heard += data
        if self.printer and data.endswith(b"\x10\x04\x01"):
            self.send(b"\x16")
        if self.sam and data.endswith(bytes.fromhex("000311FFED")):
            self.send(SAM_OK)
        if self.sam and data.endswith(bytes.fromhex("000312FFEE")):
            self.send(SAM_SAYS_ITS_ID)

    @property
    def frames(self) -> int:
        return self.heard.count(SAM_FRAME)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.sam._ANSWER_S", 0.5)
    monkeypatch.setattr("hardware.port_proof._WHO_S", 0.2)


@pytest.fixture
def ear() -> Iterator[Ear]:
    far_end = Ear()
    yield far_end
    far_end.close()


def test_whether_a_far_end_reads_may_wait_for_one_who_sends() -> None:
    """The thread that served the line asked with the lock held that the one who sent waited for:
    both stood for ever, and the printer answered nothing any more."""

    class Busy(Ear):
        sent = False

        def reading(self) -> bool:
            sending = threading.Thread(target=self.send, args=(b"x",), daemon=True)
            sending.start()
            sending.join(PATIENCE_S)
            self.sent = self.sent or not sending.is_alive()
            return True

    far_end = Busy()
    eventually(lambda: far_end.sent)
    far_end.close()


def fault_of(reader: IdReader | ReceiptPrinter) -> FaultCode | None:
    try:
        reader.open()
    except DeviceFault as fault:
        return fault.code
    reader.close()
    return None


def test_what_never_answered_gets_one_frame_and_no_more(ear: Ear) -> None:
    reader = IdReader(SerialSam(ear.port))
    for _ in range(5):
        assert fault_of(reader) is FaultCode.ID_READER_OFFLINE
    assert ear.frames == 1


def test_a_reader_plugged_in_anew_is_asked_anew(ear: Ear) -> None:
    reader = IdReader(SerialSam(ear.port))
    assert fault_of(reader) is FaultCode.ID_READER_OFFLINE
    ear.unplug()
    assert fault_of(reader) is FaultCode.ID_READER_OFFLINE
    ear.sam = True
    ear.plug()
    assert fault_of(reader) is None


def test_a_reader_that_has_answered_is_asked_until_it_is_back(ear: Ear) -> None:
    reader = IdReader(SerialSam(ear.port))
    ear.sam = True
    assert fault_of(reader) is None
    ear.sam = False
    for _ in range(3):
        assert fault_of(reader) is FaultCode.ID_READER_OFFLINE
    ear.sam = True
    assert fault_of(reader) is None


def test_a_printer_on_the_readers_port_gets_no_frame_at_all(ear: Ear) -> None:
    ear.printer = True
    reader = IdReader(SerialSam(ear.port))
    for _ in range(3):
        assert fault_of(reader) is FaultCode.PORTS_EXCHANGED
    assert ear.frames == 0


def test_cables_exchanged_while_it_runs_are_noticed_before_the_next_frame(ear: Ear) -> None:
    ear.sam = True
    reader = IdReader(SerialSam(ear.port))
    assert fault_of(reader) is None
    ear.sam, ear.printer = False, True
    before = ear.frames
    assert fault_of(reader) is FaultCode.PORTS_EXCHANGED
    assert ear.frames == before


@pytest.mark.parametrize("cover_open", [False, True])
def test_exchanged_ports_put_nothing_on_paper(tmp_path: Path, cover_open: bool) -> None:
    printer, sam = VirtualPrinter(tmp_path, manners=Manners()), Ear("sam", sam=True)
    if cover_open:
        printer.open_cover()
    reader, receipts = IdReader(SerialSam(printer.port)), ReceiptPrinter(sam.port)
    for _ in range(3):
        assert fault_of(reader) is FaultCode.PORTS_EXCHANGED
        assert fault_of(receipts) is FaultCode.PRINTER_OFFLINE
    printer.tear_off()
    assert printer.printed() == []
    printer.close()
    sam.close()


# -- names -----------------------------------------------------------------------------------------


def test_a_port_is_named_by_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, link, device in (
        ("by-path", "pci-0000:00:14.0-usb-0:1:1.0-port0", "ttyUSB1"),
        ("by-id", "usb-1a86_USB_Serial-if00-port0", "ttyUSB1"),
        ("by-id", "usb-FTDI_A50285BI-if00-port0", "ttyUSB0"),
    ):
        (tmp_path / "dev/serial" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "dev" / device).touch()
        os.symlink(f"../../{device}", tmp_path / "dev/serial" / folder / link)
    ports = [f"{tmp_path}/dev/{name}" for name in ("ttyUSB0", "ttyUSB1", "ttyS0")]
    found = [SimpleNamespace(device=port, description="a port") for port in ports]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: found)
    assert [plugged.place for plugged in _serial_ports(tmp_path)] == [
        f"{tmp_path}/dev/ttyS0",
        f"{tmp_path}/dev/serial/by-id/usb-FTDI_A50285BI-if00-port0",
        f"{tmp_path}/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0",
    ]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("/dev/ttyUSB0", True),
        ("/dev/ttyACM12", True),
        ("/dev/ttyS0", False),
        ("/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0", False),
        ("/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", False),
        ("", False),
    ],
)
def test_a_name_by_number_may_be_another_port_after_a_start(name: str, changes: bool) -> None:
    assert unsteady(name) is changes


def test_a_reader_that_starts_late_is_asked_again_but_not_for_ever(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.port_proof._ASKS_S", (0.0, 0.0, 0.0))
    reader = IdReader(SerialSam(ear.port))
    for _ in range(5):
        assert fault_of(reader) is FaultCode.ID_READER_OFFLINE
    assert ear.frames == 3
    assert len(ear.heard.replace(b"\x10\x04\x01", b"")) < 32, "less than a line of paper holds"
