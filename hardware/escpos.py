"""ESC/POS: the bytes of lines, and what a printer's answers mean.

Commands are those of the Epson reference that Chinese receipt printers share. Text is GB18030
between FS & and FS ., because the double-byte mode is not on everywhere at start. A character that
needs four bytes in GB18030 is not in such printers' fonts: its line is drawn here and sent as an
image (see `raster`).
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware.faults import FaultCode
from hardware.layout import Line, QrLine, width

INIT = b"\x1b@"
LINE_FEED = b"\n"
#: Feed to the cutter and cut, leaving one point.
CUT = b"\x1dVB\x00"
CHINESE_ON, CHINESE_OFF = b"\x1c&", b"\x1c."
#: Real-time, carried out at once: throw away all that was sent and not printed (DLE DC4 fn 8).
CLEAR_BUFFER = bytes.fromhex("10140801031401060208")
#: Queued: answered when all before it has been printed. The end of a job.
ASK_PAPER_QUEUED = b"\x1dr\x01"

#: Modules of a QR code in dots, and its error correction (M, 15 %).
_QR_MODULE, _QR_LEVEL = 6, 0x31


def ask_status(kind: int) -> bytes:
    """DLE EOT n, answered at once: 1 printer, 2 cause of offline, 3 error, 4 paper."""
    return b"\x10\x04" + bytes([kind])


def is_status(answer: int) -> bool:
    """Whether a byte is an answer to DLE EOT: its fixed bits are 0xx1xx10."""
    return answer & 0x93 == 0x12


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
        if self.error & 0x64 or self.offline & 0x40:
            return FaultCode.PRINTER_ERROR
        if self.printer & 0x08:
            return FaultCode.PRINTER_OFFLINE
        return None

    @property
    def near_end(self) -> bool:
        return bool(self.paper & 0x0C)


def encode(line: Line | QrLine) -> bytes:
    """The bytes that print one line or code."""
    if isinstance(line, QrLine):
        return _qr(line.data)
    if _needs_drawing(line.text):
        return raster(line)
    doubled = line.size - 1
    size = b"\x1d!" + bytes([doubled << 4 | doubled])
    bold = b"\x1bE" + bytes([line.bold])
    text = line.text.encode("gb18030")
    if not line.text.isascii():
        # The double-byte font has its own size and weight (FS !).
        mode = b"\x1c!" + bytes([0x0C if line.size == 2 else 0x00])
        text = CHINESE_ON + mode + text + CHINESE_OFF
    return size + bold + text + LINE_FEED


def _needs_drawing(text: str) -> bool:
    return any(len(character.encode("gb18030")) == 4 for character in text)


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


def raster(line: Line) -> bytes:
    """A line drawn as an image (GS v 0), for characters that the printer's font lacks."""
    # On the printer's thread, and rarely.
    from PIL import Image, ImageDraw

    from hardware.fonts import receipt_font

    cell = 12 * line.size
    image = Image.new("1", (max(8, width(line.text) * cell), 2 * cell + 6), 1)
    draw = ImageDraw.Draw(image)
    font = receipt_font(2 * cell)
    column = 0
    for character in line.text:
        draw.text((column * cell, 0), character, font=font, fill=0)
        column += width(character)
    wide = (image.width + 7) // 8
    # PIL's "1" has 1 for white; a printer's dot is 1 for black. Each row begins a new byte.
    dots = bytes(byte ^ 0xFF for byte in image.tobytes())
    if spare := wide * 8 - image.width:
        mask = 0xFF << spare & 0xFF
        dots = bytes(
            byte & mask if index % wide == wide - 1 else byte for index, byte in enumerate(dots)
        )
    size = wide.to_bytes(2, "little") + image.height.to_bytes(2, "little")
    return b"\x1dv0\x00" + size + dots
