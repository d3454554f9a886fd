"""The receipt printer over a real pty: whole or not at all, and never to the next citizen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.escpos import Status, encode, is_queued_answer, is_status
from hardware.faults import DeviceFault, FaultCode
from hardware.layout import Line, QrLine, lay_out, width, wrap
from hardware.paper import Feed, Pair, Qr, Receipt, Rule, Text
from hardware.printer import ReceiptPrinter
from hardware.supervision import DeviceState
from hardware.virtual.printer import VirtualPrinter

RECEIPT: Receipt = (
    Text("唐山市社会保障卡自助服务", align="center"),
    Text("申领回执", size=2, align="center"),
    Rule(),
    *(Pair(f"第{n}行", f"内容{n}") for n in range(1, 31)),
    Qr("13029926112400015"),
    Text("请妥善保管本回执", align="center"),
    Feed(2),
)


@pytest.fixture
def far_end(tmp_path: Path) -> Iterator[VirtualPrinter]:
    virtual = VirtualPrinter(tmp_path / "receipts")
    yield virtual
    virtual.close()


@pytest.fixture
def printer(far_end: VirtualPrinter) -> Iterator[ReceiptPrinter]:
    driver = ReceiptPrinter(far_end.port)
    driver.open()
    yield driver
    driver.close()


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


def fault_of(printer: ReceiptPrinter, action: str = "a1") -> FaultCode:
    with pytest.raises(DeviceFault) as caught:
        printer.print(RECEIPT, action)
    return caught.value.code


def test_what_is_printed_is_what_was_sent(far_end: VirtualPrinter, printer: ReceiptPrinter) -> None:
    printer.print(RECEIPT, "a1")
    (piece,) = far_end.printed()
    expected = [
        line.text.rstrip() if isinstance(line, Line) else f"[QR {line.data}]"
        for line in lay_out(RECEIPT, 48)
    ]
    assert [line.rstrip() for line in piece.text.rstrip().split("\n")] == expected[:-2]
    assert piece.png.stat().st_size > 5000


def test_one_action_prints_once(far_end: VirtualPrinter, printer: ReceiptPrinter) -> None:
    printer.print(RECEIPT, "a1")
    printer.print(RECEIPT, "a1")
    assert len(far_end.printed()) == 1
    printer.print(RECEIPT, "a2")
    assert len(far_end.printed()) == 2


def test_paper_out_before_the_receipt_prints_nothing_of_it(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    far_end.run_out()
    assert fault_of(printer) is FaultCode.PRINTER_PAPER_OUT
    far_end.load()
    time.sleep(0.5)
    assert far_end.printed() == []


@pytest.mark.parametrize("lines", [1, 3, 4, 5, 17, 33, 36])
def test_paper_out_mid_receipt_is_cancelled_in_the_printer(
    far_end: VirtualPrinter, printer: ReceiptPrinter, lines: int
) -> None:
    """After the refill nothing of the first citizen's receipt comes out, and the next is whole."""
    far_end.run_out(after_lines=lines)
    assert fault_of(printer) is FaultCode.PRINTER_PAPER_OUT
    far_end.load()
    time.sleep(0.3)
    assert all(piece.torn for piece in far_end.printed())
    next_one: Receipt = (Text("下一位的回执"),)
    printer.print(next_one, "a2")
    assert far_end.printed()[-1].text == "下一位的回执\n"


def test_a_program_that_died_mid_receipt_leaves_nothing_for_the_next_citizen(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    """The driver is dropped without a chance to cancel; opening it again cancels first."""
    far_end.open_cover()
    printer._line.write(b"".join(encode(line) for line in lay_out(RECEIPT, 48)[:10]))
    printer.close()
    restarted = ReceiptPrinter(far_end.port)
    restarted.open()
    far_end.close_cover()
    restarted.print((Text("下一位的回执"),), "a2")
    restarted.close()
    assert far_end.printed()[-1].text == "下一位的回执\n"


def test_cover_opened_mid_receipt_is_named_and_what_was_printed_is_cut_off(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    """Paper is still in: the begun receipt must not come out as the head of the next one."""
    opener = threading.Timer(0.15, far_end.open_cover)
    opener.start()
    assert fault_of(printer) is FaultCode.PRINTER_COVER_OPEN
    far_end.close_cover()
    printer.print((Text("下一位的回执"),), "a2")
    begun, next_one = (piece.text for piece in far_end.printed())
    assert begun.lstrip().startswith("唐山市社会保障卡自助服务")
    assert "请妥善保管" not in begun
    assert next_one == "下一位的回执\n"


def test_what_was_printed_is_cut_off_while_nobody_prints(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    threading.Timer(0.15, far_end.open_cover).start()
    assert fault_of(printer) is FaultCode.PRINTER_COVER_OPEN
    printer.poll()
    assert far_end.printed() == []
    far_end.close_cover()
    printer.poll()
    eventually(lambda: len(far_end.printed()) == 1)


def test_a_jammed_cutter_is_named(far_end: VirtualPrinter, printer: ReceiptPrinter) -> None:
    far_end.jam_cutter()
    assert fault_of(printer) is FaultCode.PRINTER_CUTTER


def test_a_mute_printer_is_offline_not_full_of_paper(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    far_end.go_mute()
    assert fault_of(printer) is FaultCode.PRINTER_OFFLINE


def test_printer_unplugged_is_offline_and_comes_back(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    far_end.unplug()
    assert fault_of(printer) is FaultCode.PRINTER_OFFLINE
    far_end.plug()
    printer.open()
    printer.print(RECEIPT, "a2")
    assert len(far_end.printed()) == 1


def test_paper_near_its_end_is_a_warning_and_still_prints(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    far_end.near_end()
    found = printer.poll()
    assert (found.state, found.fault) == (DeviceState.WARNING, FaultCode.PRINTER_PAPER_NEAR_END)
    printer.print(RECEIPT, "a1")
    assert len(far_end.printed()) == 1


def test_a_rare_character_is_drawn_instead_of_lost(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    printer.print((Text("姓名 㛃䶮"),), "a1")
    assert far_end.printed()[0].text == "[image]\n"


@given(st.text(max_size=200), st.integers(min_value=4, max_value=48))
def test_no_line_is_wider_than_the_paper_and_nothing_is_lost(text: str, columns: int) -> None:
    lines = list(wrap(text, columns))
    assert all(width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(st.text(max_size=40), st.text(max_size=60), st.sampled_from([32, 48]))
def test_a_pair_fits_the_paper(label: str, value: str, columns: int) -> None:
    lines = lay_out((Pair(label[:10], value),), columns)
    assert all(isinstance(line, Line) and width(line.text) <= columns for line in lines)


def test_text_cannot_command_the_printer(far_end: VirtualPrinter, printer: ReceiptPrinter) -> None:
    cut, ask, reverse = "\x1dV\x00", "\x10\x04\x01", "\u202e"
    printer.print((Text(f"上{cut}\n下{ask}{reverse}"), Pair("a\x1b@", "\ud800b\r\n")), "a1")
    (piece,) = far_end.printed()
    assert piece.text.split() == ["上V", "下", "a@", "b"]


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20))
def test_any_text_becomes_lines_of_writing(text: str, value: str, label: str) -> None:
    for line in lay_out((Text(text, size=2), Pair(label, value)), 32):
        assert isinstance(line, Line) and width(line.text) * line.size <= 32
        assert not any(ord(character) < 0x20 for character in line.text)
        line.text.encode("gb18030")


def test_no_line_begins_with_a_comma() -> None:
    assert list(wrap("一二三四，五六", 8)) == ["一二三", "四，五六"]


def test_a_value_too_long_for_its_line_goes_below() -> None:
    lines = lay_out((Pair("领卡网点", "很长很长的名称" * 3),), 32)
    assert isinstance(lines[0], Line) and lines[0].text == "领卡网点"
    assert len(lines) == 3


@given(*(st.integers(0, 255),) * 4)
def test_any_four_status_bytes_mean_a_fault_or_none(a: int, b: int, c: int, d: int) -> None:
    assert Status(a, b, c, d).fault() is None or isinstance(Status(a, b, c, d).fault(), FaultCode)


def test_answers_to_the_two_questions_are_told_apart() -> None:
    assert not any(is_status(byte) and is_queued_answer(byte) for byte in range(256))
    assert all(map(is_queued_answer, (0x00, 0x03, 0x0F)))
    assert all(map(is_status, (0x12, 0x16, 0x1A, 0x1E, 0x32, 0x72, 0x7E)))


def test_chinese_is_sent_in_double_byte_mode_and_latin_without() -> None:
    assert b"\x1c&" in encode(Line("社保"))
    assert b"\x1c&" not in encode(Line("ABC"))
    assert encode(QrLine("123")).count(b"\x1d(k") == 5
