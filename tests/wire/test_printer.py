"""The receipt printer over a real pty: whole or not at all, and never to the next citizen."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hardware.printer
from hardware.escpos import Encoder, Status, is_pushed, is_queued_answer, is_status, raster
from hardware.faults import DeviceFault, FaultCode
from hardware.fonts import has_glyph
from hardware.layout import PrintLine, QrLine, lay_out, width
from hardware.paper import Feed, Pair, Qr, Receipt, Rule, Text
from hardware.printer import ReceiptPrinter
from hardware.printer_models import (
    PrinterModel,
    model_named,
    models,
)
from hardware.supervision import DeviceLoop, DeviceState, HealthTable
from hardware.virtual.printer import VirtualPrinter
from tests.any_text import any_text
from tests.patience import PATIENCE_S, eventually

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
def far_end(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VirtualPrinter]:
    """Five times as fast as a real one, unless the test says how many seconds a line takes."""
    virtual = VirtualPrinter(tmp_path / "receipts", line_s=getattr(request, "param", 0.005))
    yield virtual
    virtual.close()


#: An answer may take so long on a busy machine, and from a printer that gives none; seconds.
ANSWER_S, MUTE_S = 3.0, 0.5


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.printer._STATUS_S", ANSWER_S)
    for name, model in models().items():
        # As fast as the far ends of these tests.
        monkeypatch.setitem(models(), name, replace(model, line_s=0.01))


def go_mute(far_end: VirtualPrinter, mute: bool = True) -> None:
    hardware.printer._STATUS_S = MUTE_S if mute else ANSWER_S
    far_end.go_mute(mute)


#: As a real one: a hand is quick enough to do something in the middle.
AS_REAL_ONES = pytest.mark.parametrize("far_end", [0.025], indirect=True)


@pytest.fixture
def printer(far_end: VirtualPrinter) -> Iterator[ReceiptPrinter]:
    driver = ReceiptPrinter(far_end.port)
    driver.open()
    yield driver
    driver.close()


def after_lines(far_end: VirtualPrinter, lines: int, happens: Callable[[], None]) -> None:
    """It happens when so many lines are on paper, however long a busy machine takes for them."""
    count, counted = far_end._count_line, itertools.count(1)

    def counting() -> None:
        count()
        if next(counted) == lines:
            happens()

    far_end._count_line = counting  # type: ignore[method-assign]


def fault_of(printer: ReceiptPrinter, action: str = "a1") -> FaultCode:
    with pytest.raises(DeviceFault) as caught:
        printer.print(RECEIPT, action)
    return caught.value.code


def test_what_is_printed_is_what_was_sent(far_end: VirtualPrinter, printer: ReceiptPrinter) -> None:
    printer.print(RECEIPT, "a1")
    (piece,) = far_end.printed()
    expected = [
        line.text.rstrip() if isinstance(line, PrintLine) else f"[QR {line.data}]"
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


def test_a_program_that_died_mid_receipt_leaves_nothing_for_the_next_citizen(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    """The driver is dropped without a chance to cancel; opening it again cancels first."""
    far_end.open_cover()
    printer._line.write(b"".join(encoded(*lay_out(RECEIPT, 48)[:10])))
    printer.close()
    restarted = ReceiptPrinter(far_end.port)
    restarted.open()
    far_end.close_cover()
    restarted.print((Text("下一位的回执"),), "a2")
    restarted.close()
    assert far_end.printed()[-1].text == "下一位的回执\n"


@AS_REAL_ONES
def test_cover_opened_mid_receipt_is_named_and_what_was_printed_is_cut_off(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    """Paper is still in: the begun receipt must not come out as the head of the next one."""
    after_lines(far_end, 5, far_end.open_cover)
    assert fault_of(printer) is FaultCode.PRINTER_COVER_OPEN
    far_end.close_cover()
    printer.print((Text("下一位的回执"),), "a2")
    begun, next_one = (piece.text for piece in far_end.printed())
    assert begun.lstrip().startswith("唐山市社会保障卡自助服务")
    assert "请妥善保管" not in begun
    assert next_one == "下一位的回执\n"


@AS_REAL_ONES
def test_what_was_printed_is_cut_off_while_nobody_prints(
    far_end: VirtualPrinter, printer: ReceiptPrinter
) -> None:
    after_lines(far_end, 5, far_end.open_cover)
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
    go_mute(far_end)
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


@pytest.mark.parametrize("name", ["㛃", "䶮", "𠮷"])
def test_a_rare_character_is_drawn_instead_of_lost(
    far_end: VirtualPrinter, printer: ReceiptPrinter, name: str
) -> None:
    """䶮 has two bytes in GB18030 as common ones have, but printers with a GBK font lack it."""
    printer.print((Text(f"姓名 {name}"), Text("①〇·￥é")), "a1")
    assert far_end.printed()[0].text == "[image]\n①〇·￥é\n"


@pytest.mark.parametrize("size", [1, 2])
def test_a_drawn_character_is_whole(size: int) -> None:
    """Neither its head nor its feet are cut off by the edge of the image."""
    sent = raster(PrintLine("㛃䶮龘", size=size))
    row, high = (int.from_bytes(sent[at : at + 2], "little") for at in (4, 6))
    dots = [any(sent[8 + y * row : 8 + (y + 1) * row]) for y in range(high)]
    assert not dots[0] and not dots[-1]
    assert sum(dots) > 20 * size


def test_what_the_font_lacks_is_shown_by_its_number_not_by_a_box_that_may_be_anybody() -> None:
    assert has_glyph("㛃") and not has_glyph("𠮷")
    assert raster(PrintLine("𠮷")) != raster(PrintLine("𪚥"))


@given(any_text(max_size=40), any_text(max_size=60), st.sampled_from([32, 48]))
def test_a_pair_fits_the_paper(label: str, value: str, columns: int) -> None:
    lines = lay_out((Pair(label[:10], value),), columns)
    assert all(isinstance(line, PrintLine) and width(line.text) <= columns for line in lines)


def test_text_cannot_command_the_printer(far_end: VirtualPrinter, printer: ReceiptPrinter) -> None:
    cut, ask, reverse = "\x1dV\x00", "\x10\x04\x01", "\u202e"
    printer.print((Text(f"上{cut}\n下{ask}{reverse}"), Pair("a\x1b@", "\ud800b\r\n")), "a1")
    (piece,) = far_end.printed()
    assert piece.text.split() == ["上V", "下", "a@", "b"]


@given(any_text(max_size=60), any_text(max_size=60), any_text(max_size=20))
def test_any_text_becomes_lines_of_writing(text: str, value: str, label: str) -> None:
    for line in lay_out((Text(text, size=2), Pair(label, value)), 32):
        assert isinstance(line, PrintLine) and width(line.text) * line.size <= 32
        assert not any(ord(character) < 0x20 for character in line.text)
        line.text.encode("gb18030")


def test_a_value_too_long_for_its_line_goes_below() -> None:
    lines = lay_out((Pair("领卡网点", "很长很长的名称" * 3),), 32)
    assert isinstance(lines[0], PrintLine) and lines[0].text == "领卡网点"
    assert len(lines) == 3


@given(*(st.integers(0, 255),) * 4)
def test_any_four_status_bytes_mean_a_fault_or_none(a: int, b: int, c: int, d: int) -> None:
    assert Status(a, b, c, d).fault() is None or isinstance(Status(a, b, c, d).fault(), FaultCode)


def test_answers_to_the_two_questions_are_told_apart() -> None:
    kinds = (is_status, is_queued_answer, is_pushed)
    assert all(sum(kind(byte) for kind in kinds) <= 1 for byte in range(256))
    assert all(map(is_pushed, (0x10, 0x18, 0x38)))
    assert all(map(is_queued_answer, (0x00, 0x03, 0x0F)))
    assert all(map(is_status, (0x12, 0x16, 0x1A, 0x1E, 0x32, 0x72, 0x7E)))


def encoded(*lines: PrintLine | QrLine, model: str = "generic") -> list[bytes]:
    return list(map(Encoder(model_named(model)).encode, lines))


def without_codes() -> PrinterModel:
    return replace(model_named("generic"), codes=False)


def test_the_double_byte_mode_is_turned_on_once_and_only_for_chinese() -> None:
    latin, chinese, more = encoded(PrintLine("ABC"), PrintLine("社保"), PrintLine("卡 1"))
    assert b"\x1c&" not in latin
    assert chinese.startswith(b"\x1c&")
    assert more == "卡 1\n".encode("gb18030")


def test_size_and_weight_are_said_where_they_change_and_taken_back() -> None:
    large, small, bold, plain = encoded(
        PrintLine("大", size=2), PrintLine("小"), PrintLine("abc", bold=True), PrintLine("abc")
    )
    assert b"\x1d!\x11" in large and b"\x1c!\x0c" in large
    assert b"\x1d!\x00" in small and b"\x1c!\x00" in small
    assert (bold, plain) == (b"\x1bE\x01abc\n", b"\x1bE\x00abc\n")


def test_a_printer_that_draws_no_codes_gets_an_image() -> None:
    (native,) = encoded(QrLine("123"))
    drawn = Encoder(without_codes()).encode(QrLine("123"))
    assert native.count(b"\x1d(k") == 5
    assert b"\x1d(k" not in drawn and b"\x1dv0" in drawn


# -- what stops it ---------------------------------------------------------------------------------


def lines_of(receipt: Receipt) -> int:
    return len(lay_out(receipt, 48))


NEXT: Receipt = (Text("下一位的回执"),)


def next_citizen_gets_only_theirs(far_end: VirtualPrinter, driver: ReceiptPrinter) -> None:
    driver.print(NEXT, "a2")
    *before, last = far_end.printed()
    assert last.text == "下一位的回执\n"
    assert not any("下一位" in piece.text for piece in before)


@pytest.mark.parametrize("line", range(1, lines_of(RECEIPT) + 1))
def test_paper_out_at_every_line_is_named_and_the_next_receipt_is_whole(
    far_end: VirtualPrinter, line: int
) -> None:
    driver = ReceiptPrinter(far_end.port)
    driver.open()
    far_end.run_out(after_lines=line)
    assert fault_of(driver) is FaultCode.PRINTER_PAPER_OUT
    far_end.load()
    next_citizen_gets_only_theirs(far_end, driver)
    if line < lines_of(RECEIPT) - 2:  # the last two are empty
        assert not any("请妥善保管" in piece.text for piece in far_end.printed()), "cancelled"
    driver.close()


@pytest.mark.parametrize("line", [1, 2, 3, 5])
def test_paper_out_among_pictures_is_named_and_nothing_of_them_is_kept(
    far_end: VirtualPrinter, line: int
) -> None:
    """A few of them fill the printer's buffer, and then it would take no more questions."""
    driver = ReceiptPrinter(far_end.port)
    driver.open()
    far_end.run_out(after_lines=line)
    with pytest.raises(DeviceFault) as caught:
        driver.print((Text("㛃" * 23),) * 12, "a1")
    assert caught.value.code is FaultCode.PRINTER_PAPER_OUT
    far_end.load()
    next_citizen_gets_only_theirs(far_end, driver)
    driver.close()


#: What a person or the device does in the middle, its fault, and what ends it.
_TROUBLES: dict[FaultCode, tuple[str, Callable[[VirtualPrinter, bool], None]]] = {
    FaultCode.PRINTER_COVER_OPEN: (
        "cover",
        lambda far, on: far.open_cover() if on else far.close_cover(),
    ),
    FaultCode.PRINTER_CUTTER: ("cutter", lambda far, on: far.jam_cutter(on)),
    FaultCode.PRINTER_HOT: ("hot", lambda far, on: far.get_hot(on)),
    FaultCode.PRINTER_ERROR: ("broken", lambda far, on: far.break_down(on)),
    FaultCode.PRINTER_OFFLINE: ("mute", go_mute),
}


@pytest.mark.parametrize("code", _TROUBLES, ids=lambda code: _TROUBLES[code][0])
@pytest.mark.parametrize("lines", [1, 4, 13, 30])
def test_every_trouble_in_the_middle_is_named_and_the_next_receipt_is_whole(
    far_end: VirtualPrinter, code: FaultCode, lines: int
) -> None:
    driver = ReceiptPrinter(far_end.port)
    driver.open()
    trouble = _TROUBLES[code][1]
    after_lines(far_end, lines, lambda: trouble(far_end, True))
    assert fault_of(driver) is code
    trouble(far_end, False)
    next_citizen_gets_only_theirs(far_end, driver)
    driver.close()


@pytest.mark.parametrize("lines", [1, 4, 8, 12, 16, 20])
def test_a_cable_pulled_in_the_middle_is_named_and_the_next_receipt_is_whole(
    far_end: VirtualPrinter, lines: int
) -> None:
    table = HealthTable()
    loop = DeviceLoop("printer", lambda: ReceiptPrinter(far_end.port), table, poll_s=0.2)
    loop.start()
    # By a hand of its own: the printer's engine cannot wait for the end of its line.
    after_lines(far_end, lines, threading.Thread(target=far_end.unplug).start)
    with pytest.raises(DeviceFault) as caught:
        loop.submit(lambda printer: printer.print(RECEIPT, "a1")).result(PATIENCE_S)
    assert caught.value.code is FaultCode.PRINTER_OFFLINE
    eventually(lambda: (row := table.get("printer")) is not None and row.fault is not None)
    far_end.plug()
    eventually(lambda: (row := table.get("printer")) is not None and row.fault is None, 10)
    loop.submit(lambda printer: printer.print(NEXT, "a2")).result(PATIENCE_S)
    assert far_end.printed()[-1].text == "下一位的回执\n"
    loop.stop()


def test_an_end_that_is_never_confirmed_is_not_taken_for_one(
    far_end: VirtualPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.printer._FINISH_S", 0.5)
    monkeypatch.setattr("hardware.escpos.ASK_PAPER_QUEUED", b"")
    driver = ReceiptPrinter(far_end.port, "epson")
    driver.open()
    assert fault_of(driver) is FaultCode.PRINTER_UNCONFIRMED
    driver.close()


def test_a_status_that_nobody_asked_for_confirms_nothing(
    far_end: VirtualPrinter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.printer._FINISH_S", 0.5)
    monkeypatch.setattr("hardware.escpos.ASK_PAPER_QUEUED", b"")
    driver = ReceiptPrinter(far_end.port, "epson")
    driver.open()
    pushes = threading.Timer(0.1, far_end.send, [bytes.fromhex("10000000 38000000 10000300") * 8])
    pushes.start()
    assert fault_of(driver) is FaultCode.PRINTER_UNCONFIRMED
    driver.close()


def test_a_port_that_another_program_holds_is_busy(far_end: VirtualPrinter) -> None:
    first = ReceiptPrinter(far_end.port)
    first.open()
    with pytest.raises(DeviceFault) as caught:
        ReceiptPrinter(far_end.port).open()
    assert caught.value.code is FaultCode.PRINTER_BUSY
    first.close()


def test_what_wears_out_is_counted(far_end: VirtualPrinter) -> None:
    driver = ReceiptPrinter(far_end.port)
    driver.open()
    driver.poll()  # cuts off what may hang from a printer that was used before
    before = dict(driver.poll().counters)
    driver.print(RECEIPT, "a1")
    after = driver.poll().counters
    assert after["receipts"] == before["receipts"] + 1
    assert after["cuts"] == before["cuts"] + 1
    assert 150 < after["paper_mm"] - before["paper_mm"] < 250
    driver.close()


@given(st.binary(max_size=60))
def test_any_bytes_from_a_printer_are_a_status_or_a_fault(noise: bytes) -> None:
    """Pushed status, XON and XOFF, noise: what is no answer to DLE EOT is passed over."""
    driver = ReceiptPrinter("/nowhere")
    driver._line = cast(Any, Chattering(noise))
    try:
        status = driver.status()
    except DeviceFault as fault:
        assert fault.code is FaultCode.PRINTER_OFFLINE
        return
    answers = (status.printer, status.offline, status.error, status.paper)
    assert all(is_status(answer) and answer in noise for answer in answers)


class Chattering:
    """A line that says what it likes, and then nothing."""

    def __init__(self, noise: bytes) -> None:
        self._rest = noise

    def write(self, data: bytes) -> None:
        """Nobody listens."""

    def sent_at(self) -> float:
        return time.monotonic()

    def read(self, count: int, timeout_s: float) -> bytes:
        said, self._rest = self._rest[:count], self._rest[count:]
        if not said:
            raise DeviceFault(FaultCode.PRINTER_OFFLINE, "silence")
        return said


_LABELS = st.text(st.characters(codec="gbk", exclude_categories=["Cc", "Cf"]), max_size=30)


@given(_LABELS, st.booleans(), st.sampled_from([1, 2]))
def test_any_text_that_printers_have_comes_back_from_its_bytes(
    text: str, bold: bool, size: int
) -> None:
    for line in lay_out((Text(text, size=size, bold=bold),), 48):
        assert isinstance(line, PrintLine)
        sent = Encoder(model_named("generic")).encode(line)
        assert sent.endswith(line.text.encode("gb18030") + b"\n") or b"\x1dv0" in sent


@pytest.mark.parametrize(("columns", "dots"), [(32, 384), (48, 576)])
def test_nothing_is_wider_than_the_paper(tmp_path: Path, columns: int, dots: int) -> None:
    receipt = (*RECEIPT, Text("㛃" * 40), Pair("姓名", "䶮" * 30))
    for model in (model_named("generic"), without_codes()):
        far_end = VirtualPrinter(tmp_path / str(model.codes), columns, line_s=0.005)
        driver = ReceiptPrinter(far_end.port, columns=columns)
        driver._model = model
        driver.open()
        driver.print(receipt, "a1")
        (piece,) = far_end.printed()
        with PIL.Image.open(piece.png) as picture:
            assert picture.width == dots + 2 * 36
        for line in lay_out(receipt, columns):
            sent = Encoder(model).encode(line)
            if (place := sent.find(b"\x1dv0\x00")) >= 0:
                assert int.from_bytes(sent[place + 4 : place + 6], "little") * 8 <= dots
        driver.close()
        far_end.close()
