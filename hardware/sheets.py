"""A receipt's elements (`hardware.paper`) as A4 sheets: a PDF in memory, each sheet a picture.

Pictures, because every name has to be printed, whatever fonts the printer and CUPS know.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from hardware.drawn_code import drawn_code
from hardware.layout import PrintLine, QrLine, lay_out, width
from hardware.paper import Receipt

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

#: Dots an inch, and the sheet in dots.
_DPI = 150
_WIDE, _HIGH = 1240, 1754
#: Columns of a line, dots of a column, of the space between two lines, and of the margin (20 mm).
_COLUMNS, _COLUMN, _GAP, _MARGIN = 56, 18, 14, 118
#: Dots of a module of a QR code, and modules of white around it.
_MODULE, _WHITE = 8, 4


def pdf_of(receipt: Receipt) -> tuple[bytes, int]:
    """The PDF, and how many sheets it takes."""
    sheets = _sheets(receipt)
    made = io.BytesIO()
    first, *others = sheets
    first.save(made, "PDF", resolution=_DPI, save_all=True, append_images=others)
    return made.getvalue(), len(sheets)


def _sheets(receipt: Receipt) -> list[Image]:
    import PIL.Image
    import PIL.ImageDraw

    sheets: list[Image] = []
    down = _HIGH
    for line in lay_out(receipt, _COLUMNS):
        drawn = _drawn(line) if isinstance(line, QrLine) else None
        high = drawn.height if drawn else 2 * _COLUMN * _size(line) + _GAP
        if down + high > _HIGH - _MARGIN:
            sheets.append(PIL.Image.new("L", (_WIDE, _HIGH), 255))
            down = _MARGIN
        if drawn:
            sheets[-1].paste(drawn, ((_WIDE - drawn.width) // 2, down))
        elif isinstance(line, PrintLine):
            _write(PIL.ImageDraw.Draw(sheets[-1]), line, down)
        down += high
    return sheets or [PIL.Image.new("L", (_WIDE, _HIGH), 255)]


def _size(line: PrintLine | QrLine) -> int:
    return line.size if isinstance(line, PrintLine) else 1


def _write(draw: ImageDraw, line: PrintLine, down: int) -> None:
    from hardware.fonts import draw_cell

    across = _MARGIN
    for character in line.text:
        for bolder in range(2 if line.bold else 1):
            draw_cell(draw, (across + bolder, down), character, 2 * _COLUMN * line.size)
        across += width(character) * _COLUMN * line.size


def _drawn(line: QrLine) -> Image:
    return drawn_code(line.data, _MODULE, _WHITE).convert("L")
