"""ESC/POS: the bytes of lines, and what a printer's answers mean.

Commands are those of the Epson reference that Chinese receipt printers share; what differs between
them is `hardware.printer_models`. Text is GB18030 in the double-byte mode, which is not on
everywhere at start: FS & turns it on before the first Chinese text of a receipt, and it stays on,
because ASCII is the same in it. Size and weight are said only where they change. A character that
GBK lacks is not in most such printers' fonts: its line is drawn here and sent as an image (see
`raster`). Where both have one, its bytes are the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.drawn_code import drawn_code
from hardware.faults import FaultCode
from hardware.layout import PrintLine, QrLine, width

if TYPE_CHECKING:
    from PIL.Image import Image

    from hardware.printer_models import PrinterModel

INIT = b"\x1b@"
LINE_FEED = b"\n"
#: Queued: answered when all before it was made into dots, which is before they are on paper.
ASK_PAPER_QUEUED = b"\x1dr\x01"
#: GS I 67: the name of the model, which comes between "_" and a zero byte.
ASK_MODEL = b"\x1dI\x43"
#: Where there is no cutter: so many empty lines to the edge where paper is torn off.
TEAR_OFF = b"\n" * 4

#: A line of text, millimetres of paper.
LINE_MM = 4

#: Paper between the head and the cutter, millimetres.
CUT_FEED_MM = 12

#: Modules of a QR code in dots, and its error correction (M, 15 %).
_QR_MODULE, _QR_LEVEL, _QR_BORDER = 6, 0x31, 2


def ask_status(kind: int) -> bytes:
    """DLE EOT n, answered at once: 1 printer, 2 cause of offline, 3 error, 4 paper."""
    return b"\x10\x04" + bytes([kind])


def is_status(answer: int) -> bool:
    """Whether a byte is an answer to DLE EOT: its fixed bits are 0xx1xx10."""
    return answer & 0x93 == 0x12


def is_pushed(answer: int) -> bool:
    """Whether a byte begins a status of four bytes that nobody asked for (GS a): 0xx1xx00. INIT
    turns that off on most printers."""
    return answer & 0x93 == 0x10


def is_queued_answer(answer: int) -> bool:
    """Whether a byte is an answer to GS r."""
    return answer & 0x90 == 0


@dataclass(frozen=True)
class Status:
    """The four answers to DLE EOT together."""

    printer: int = 0x12
    offline: int = 0x12
    error: int = 0x12
    paper: int = 0x12

    def fault(self) -> FaultCode | None:
        """What keeps it from printing, most specific first; None if nothing does."""
        if self.paper & 0x60 or self.offline & 0x20:
            return FaultCode.PRINTER_PAPER_OUT
        if self.offline & 0x04:
            return FaultCode.PRINTER_COVER_OPEN
        if self.error & 0x08:
            return FaultCode.PRINTER_CUTTER
        if self.error & 0x24:
            return FaultCode.PRINTER_ERROR
        if self.error & 0x40:
            # Recovers by itself: the head has become too hot.
            return FaultCode.PRINTER_HOT
        if self.offline & 0x40:
            return FaultCode.PRINTER_ERROR
        if self.printer & 0x08:
            return FaultCode.PRINTER_OFFLINE
        return None

    @property
    def near_end(self) -> bool:
        return bool(self.paper & 0x0C)


def height_mm(line: PrintLine | QrLine) -> int:
    """Paper that a line takes, millimetres, rounded: a sixth of an inch for text of size 1, eight
    dots to the millimetre for a code (25 modules and its border)."""
    if isinstance(line, QrLine):
        return 29 * _QR_MODULE // 8
    return LINE_MM * line.size


class Encoder:
    """Lines of one receipt as bytes, in their order, after INIT. What was said once still holds."""

    def __init__(self, model: PrinterModel) -> None:
        self._model = model
        self._size, self._chinese_size, self._bold = 1, 1, False
        self._chinese = False

    def encode(self, line: PrintLine | QrLine) -> bytes:
        """The bytes that print one line or code."""
        model = self._model
        if isinstance(line, QrLine):
            if model.codes:
                return _qr(line.data)
            # What is in the code stands beside it as text, for a printer that knows only that.
            return _drawn_qr(line.data) if model.images else b""
        text = line.text
        if _needs_drawing(text):
            if model.images:
                return raster(line)
            text = "".join(MISSING if _needs_drawing(one) else one for one in text)
        return self._style(line) + text.encode("gb18030") + LINE_FEED

    def _style(self, line: PrintLine) -> bytes:
        said = b""
        if not self._model.styles:
            return said
        if line.size != self._size and line.text:
            self._size = line.size
            said += b"\x1d!" + bytes([(line.size - 1) * 0x11])
        if line.bold != self._bold and line.text:
            self._bold = line.bold
            said += b"\x1bE" + bytes([line.bold])
        if line.text.isascii():
            return said
        if not self._chinese:
            self._chinese = True
            said += self._model.chinese
        if line.size != self._chinese_size:
            # The double-byte font has a size of its own on some printers (FS !).
            self._chinese_size = line.size
            said += b"\x1c!" + bytes([0x0C if line.size == 2 else 0x00])
        return said


#: Printed for a character that the printer has no picture of, where none can be sent.
MISSING = "〓"


def _needs_drawing(text: str) -> bool:
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return True
    return False


def _qr(data: str) -> bytes:
    payload = data.encode("ascii")
    commands = (
        b"1A2\x00",
        b"1C" + bytes([_QR_MODULE]),
        b"1E" + bytes([_QR_LEVEL]),
        b"1P0" + payload,
        b"1Q0",
    )
    body = b"".join(b"\x1d(k" + len(c).to_bytes(2, "little") + c for c in commands)
    return b"\x1ba\x01" + body + b"\x1ba\x00"


def _drawn_qr(data: str) -> bytes:
    """A code as an image, for printers without a command for it."""
    drawn = drawn_code(data, _QR_MODULE, _QR_BORDER)
    return b"\x1ba\x01" + _as_raster(drawn) + b"\x1ba\x00"


def raster(line: PrintLine) -> bytes:
    """A line drawn as an image (GS v 0), for characters that the printer's font lacks."""
    # On the printer's thread, and rarely.
    import PIL.Image
    import PIL.ImageDraw

    from hardware.fonts import draw_cell

    cell = 12 * line.size
    image = PIL.Image.new("1", (max(8, width(line.text) * cell), 2 * cell + 6), 1)
    draw = PIL.ImageDraw.Draw(image)
    column = 0
    for character in line.text:
        draw_cell(draw, (column * cell, 3), character, 2 * cell)
        column += width(character)
    return _as_raster(image)


def _as_raster(picture: Image) -> bytes:
    """GS v 0 with a picture, black on white."""
    image = picture.convert("1")
    wide = (image.width + 7) // 8
    # PIL's "1" has 1 for white; a printer's dot is 1 for black. Each row begins a new byte.
    dots = bytes(byte ^ 0xFF for byte in image.tobytes())
    if spare := wide * 8 - image.width:
        mask = 0xFF << spare & 0xFF
        dots = bytes(
            byte & mask if index % wide == wide - 1 else byte for index, byte in enumerate(dots)
        )
    size = wide.to_bytes(2, "little") + image.height.to_bytes(2, "little")
    return b"\x1dv0\x00" + size + _REAL_TIME.sub(b"\x18", dots)


#: Bytes that many printers take for a question or a command also in the middle of a picture: one
#: more dot of black, an eighth of a millimetre, makes them none.
_REAL_TIME = re.compile(rb"\x10(?=[\x04\x05\x14])")
