"""The bytes of ESC/POS, literally as the manual has them, and what a printer's answers mean."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from hardware.escpos import (
    Encoder,
    Status,
    _as_raster,
    ask_status,
    height_mm,
    is_pushed,
    is_queued_answer,
    is_status,
    raster,
)
from hardware.faults import FaultCode
from hardware.layout import PrintLine, QrLine
from hardware.printer_models import PrinterModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Knows everything.
MODEL = PrinterModel(
    "test", "测试", 48, 0.01, cut=b"\x1dV\x00", chinese=b"\x1c&", codes=True, images=True
)

#: GS v 0, not enlarged.
PICTURE = b"\x1dv0\x00"


def said(*lines: PrintLine | QrLine, model: PrinterModel = MODEL) -> list[bytes]:
    encoder = Encoder(model)
    return [encoder.encode(line) for line in lines]


# -- answers -------------------------------------------------------------------------------------


def test_the_four_questions() -> None:
    assert [ask_status(kind) for kind in (1, 2, 3, 4)] == [
        b"\x10\x04\x01",
        b"\x10\x04\x02",
        b"\x10\x04\x03",
        b"\x10\x04\x04",
    ]


@pytest.mark.parametrize(
    ("is_it", "bits"),
    [(is_status, "0..1..10"), (is_pushed, "0..1..00"), (is_queued_answer, "0..0....")],
)
def test_an_answer_is_known_by_its_fixed_bits(is_it: object, bits: str) -> None:
    assert callable(is_it)
    for answer in range(256):
        assert bool(is_it(answer)) is bool(re.fullmatch(bits, f"{answer:08b}")), answer


#: What it says (printer, cause of offline, error, paper) -> what keeps it from printing.
SAYS = {
    (0x12, 0x12, 0x12, 0x12): None,
    # Nearly no paper, the feed key, a drawer: it prints.
    (0x16, 0x1A, 0x12, 0x1E): None,
    (0x12, 0x12, 0x12, 0x72): FaultCode.PRINTER_PAPER_OUT,
    (0x12, 0x12, 0x12, 0x32): FaultCode.PRINTER_PAPER_OUT,
    (0x12, 0x12, 0x12, 0x52): FaultCode.PRINTER_PAPER_OUT,
    (0x12, 0x32, 0x12, 0x12): FaultCode.PRINTER_PAPER_OUT,
    (0x12, 0x16, 0x12, 0x12): FaultCode.PRINTER_COVER_OPEN,
    (0x12, 0x12, 0x1A, 0x12): FaultCode.PRINTER_CUTTER,
    (0x12, 0x12, 0x32, 0x12): FaultCode.PRINTER_ERROR,
    (0x12, 0x12, 0x16, 0x12): FaultCode.PRINTER_ERROR,
    (0x12, 0x12, 0x52, 0x12): FaultCode.PRINTER_HOT,
    (0x12, 0x52, 0x12, 0x12): FaultCode.PRINTER_ERROR,
    (0x1A, 0x12, 0x12, 0x12): FaultCode.PRINTER_OFFLINE,
    # The most specific first.
    (0x1A, 0x76, 0x7E, 0x7E): FaultCode.PRINTER_PAPER_OUT,
    (0x1A, 0x56, 0x7E, 0x12): FaultCode.PRINTER_COVER_OPEN,
    (0x1A, 0x52, 0x7E, 0x12): FaultCode.PRINTER_CUTTER,
    (0x1A, 0x52, 0x76, 0x12): FaultCode.PRINTER_ERROR,
    (0x1A, 0x52, 0x52, 0x12): FaultCode.PRINTER_HOT,
    (0x1A, 0x52, 0x12, 0x12): FaultCode.PRINTER_ERROR,
}


@pytest.mark.parametrize("says", SAYS)
def test_what_it_says_has_its_name(says: tuple[int, int, int, int]) -> None:
    assert Status(*says).fault() is SAYS[says]


@pytest.mark.parametrize(
    ("paper", "is_near"), [(0x12, False), (0x16, True), (0x1A, True), (0x1E, True), (0x72, False)]
)
def test_paper_near_its_end_is_told(paper: int, is_near: bool) -> None:
    assert Status(paper=paper).near_end is is_near


@pytest.mark.parametrize(
    ("line", "millimetres"), [(PrintLine("一"), 4), (PrintLine("一", size=2), 8), (QrLine("1"), 21)]
)
def test_how_much_paper_a_line_takes(line: PrintLine | QrLine, millimetres: int) -> None:
    assert height_mm(line) == millimetres


# -- text ----------------------------------------------------------------------------------------


def test_ascii_is_sent_as_it_is() -> None:
    assert said(PrintLine("No. 7"), PrintLine("")) == [b"No. 7\n", b"\n"]


def test_chinese_is_sent_in_gb18030_and_its_mode_is_said_once() -> None:
    assert said(PrintLine("回执"), PrintLine("卡 A"), PrintLine("B")) == [
        b"\x1c&\xbb\xd8\xd6\xb4\n",
        b"\xbf\xa8 A\n",
        b"B\n",
    ]


def test_size_is_said_where_it_changes_for_both_fonts() -> None:
    lines = [PrintLine("A", size=2), PrintLine("卡", size=2), PrintLine("B", size=2)]
    lines += [PrintLine("C"), PrintLine("卡"), PrintLine("D")]
    assert said(*lines) == [
        b"\x1d!\x11A\n",
        b"\x1c&\x1c!\x0c\xbf\xa8\n",
        b"B\n",
        b"\x1d!\x00C\n",
        b"\x1c!\x00\xbf\xa8\n",
        b"D\n",
    ]


def test_weight_is_said_where_it_changes() -> None:
    lines = [PrintLine("A", bold=True), PrintLine("B", bold=True), PrintLine("C")]
    assert said(*lines) == [b"\x1bE\x01A\n", b"B\n", b"\x1bE\x00C\n"]


def test_size_weight_and_mode_are_all_said_in_one_line_and_not_again() -> None:
    large = PrintLine("卡", size=2, bold=True)
    assert said(large, large) == [
        b"\x1d!\x11\x1bE\x01\x1c&\x1c!\x0c\xbf\xa8\n",
        b"\xbf\xa8\n",
    ]


def test_an_empty_line_changes_nothing() -> None:
    """Nothing on it has a size or a weight."""
    assert said(PrintLine("", size=2, bold=True), PrintLine("A")) == [b"\n", b"A\n"]


def test_a_printer_without_styles_is_told_none() -> None:
    plain = replace(MODEL, styles=False)
    lines = [PrintLine("A", size=2, bold=True), PrintLine("卡", size=2)]
    assert said(*lines, model=plain) == [b"A\n", b"\xbf\xa8\n"]


def test_what_no_font_has_is_drawn_and_only_that_line() -> None:
    drawn, text = said(PrintLine("王𬱖"), PrintLine("王"))
    assert drawn.startswith(PICTURE) and text == b"\x1c&\xcd\xf5\n"


def test_what_no_font_has_is_a_mark_where_nothing_can_be_drawn() -> None:
    assert said(PrintLine("王𬱖A"), model=replace(MODEL, images=False)) == [
        b"\x1c&\xcd\xf5\xa1\xfeA\n"
    ]


# -- pictures ------------------------------------------------------------------------------------


def dots(data: bytes) -> NDArray[np.bool_]:
    """The dots of a picture, rows of black or not; with those that fill the last byte of a row."""
    assert data[:4] == PICTURE
    wide, high = int.from_bytes(data[4:6], "little"), int.from_bytes(data[6:8], "little")
    assert len(data) == 8 + wide * high
    return np.unpackbits(np.frombuffer(data[8:], np.uint8)).reshape(high, wide * 8).astype(bool)


@pytest.mark.parametrize("width", [8, 12, 16, 17, 300])
def test_a_picture_is_black_where_it_was_and_nowhere_else(width: int) -> None:
    """Rows begin with a byte of their own; what fills the last one is white."""
    black = np.arange(3 * width).reshape(3, width) % 3 == 0
    found = dots(_as_raster(Image.fromarray(np.where(black, 0, 255).astype(np.uint8))))
    assert np.array_equal(found[:, :width], black)
    assert not found[:, width:].any()


@pytest.mark.parametrize(
    ("row", "sent"),
    [
        (b"\x10\x04", b"\x18\x04"),
        (b"\x10\x05", b"\x18\x05"),
        (b"\x10\x14", b"\x18\x14"),
        (b"\x10\x06", b"\x10\x06"),
        (b"\x04\x10", b"\x04\x10"),
    ],
)
def test_no_dots_are_a_question(row: bytes, sent: bytes) -> None:
    """DLE EOT, DLE ENQ and DLE DC4 would be answered in the middle of a picture."""
    picture = Image.frombytes("1", (16, 1), bytes(byte ^ 0xFF for byte in row))
    assert _as_raster(picture) == PICTURE + b"\x02\x00\x01\x00" + sent


@pytest.mark.parametrize("size", [1, 2])
def test_a_drawn_line_has_the_room_of_a_printed_one(size: int) -> None:
    """24 dots high, 12 wide for ASCII, twice as wide for Chinese; three dots above and below."""
    found = dots(raster(PrintLine("A 王𬱖", size=size)))
    cell = 12 * size
    assert found.shape == (2 * cell + 6, -(-6 * cell // 8) * 8)
    assert not found[:3].any() and not found[-3:].any()
    columns = [
        bool(found[:, a * cell : b * cell].any()) for a, b in ((0, 1), (1, 2), (2, 4), (4, 6))
    ]
    assert columns == [True, False, True, True]


@pytest.mark.parametrize("letter", list("AGMWmw@%7.，、"))
def test_no_character_reaches_into_the_room_of_the_next(letter: str) -> None:
    """A number of a passport begins with letters, and a wide M lay over what came next."""
    together = dots(raster(PrintLine(f"王{letter}王")))
    room = 12 if letter.isascii() else 24
    for text, left in (("王", 0), (letter, 24), ("王", 24 + room)):
        alone = dots(raster(PrintLine(f"{text} ")))
        wide = 24 if text == "王" else room
        assert alone[:, :wide].any() and not alone[:, wide:].any(), text
        assert np.array_equal(together[:, left : left + wide], alone[:, :wide]), text


def test_the_narrowest_line_is_a_byte_wide() -> None:
    assert dots(raster(PrintLine(""))).shape == (30, 8)


# -- codes ---------------------------------------------------------------------------------------


def test_a_code_is_the_printers_own_in_the_middle_of_the_paper() -> None:
    """GS ( k: model 2, modules of six dots, error correction M, then the data and the print."""
    assert said(QrLine("02000126112400007")) == [
        b"\x1ba\x01"
        b"\x1d(k\x04\x001A2\x00"
        b"\x1d(k\x03\x001C\x06"
        b"\x1d(k\x03\x001E\x31"
        b"\x1d(k\x14\x001P002000126112400007"
        b"\x1d(k\x03\x001Q0"
        b"\x1ba\x00"
    ]


def test_the_length_of_a_long_code_is_said_low_byte_first() -> None:
    (data,) = said(QrLine("7" * 300))
    assert b"\x1d(k\x2f\x011P0777" in data


@pytest.mark.parametrize("text", ["02000126112400007", "HTTP://CENTRE/A1B2C3D4"])
def test_a_printer_that_draws_no_codes_gets_the_same_as_a_picture(text: str) -> None:
    """Version and modules tell the correction: with L the second one would be smaller."""
    (data,) = said(QrLine(text), model=replace(MODEL, codes=False))
    assert (data[:3], data[-3:]) == (b"\x1ba\x01", b"\x1ba\x00")
    found = dots(data[3:-3])
    modules = 21 if text.isdigit() else 25
    assert found.shape == ((modules + 4) * 6, -(-(modules + 4) * 6 // 8) * 8)
    assert not found[:12].any() and not found[:, :12].any()
    assert found[12, 12]
    picture = np.where(found, 0, 255).astype(np.uint8)
    paper = cv2.copyMakeBorder(picture, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=255)
    assert cv2.QRCodeDetector().detectAndDecode(paper)[0] == text


def test_where_nothing_can_be_drawn_the_code_is_left_out() -> None:
    assert said(QrLine("1"), model=replace(MODEL, codes=False, images=False)) == [b""]
