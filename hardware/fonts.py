"""The font for what a printer cannot print by itself, and for pictures of receipts.

Noto Sans SC has every character of the 通用规范汉字表, so the names that a registry may give today.
What it lacks is shown as its number in Unicode, for a person to look up: an empty box could be
anybody.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from hardware.layout import width

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

#: Unicode promises that this is never a character.
_IN_NO_FONT = "\U0010ffff"

#: The line on which its characters stand, in heights below the upper edge of their square.
_BASE = 0.88

_PACKAGE, _FILE = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"


@lru_cache(maxsize=16)
def receipt_font(pixels: int) -> FreeTypeFont:
    """Noto Sans SC at a height in pixels. Raises `FileNotFoundError` if it is not installed."""
    from PIL import ImageFont

    package = resources.files(_PACKAGE)
    found = next(
        (file for file in (package / _FILE, package / "fonts" / _FILE) if file.is_file()), None
    )
    if found is None:
        raise FileNotFoundError(f"{_FILE} in {_PACKAGE}")
    return ImageFont.truetype(str(found), pixels)


@lru_cache(maxsize=256)
def has_glyph(character: str) -> bool:
    """Whether the font has this character, and not only the box that stands for what it lacks."""
    font = receipt_font(24)
    return bytes(font.getmask(character)) != bytes(font.getmask(_IN_NO_FONT))


def draw_cell(draw: ImageDraw, place: tuple[int, int], character: str, pixels: int) -> None:
    """One character `pixels` high, black, its cell's upper left corner at `place`."""
    left, top = place
    if has_glyph(character):
        base = (left, top + round(_BASE * pixels))
        font = receipt_font(pixels)
        room = pixels * width(character) / 2
        if (long := font.getlength(character)) > room:
            # A letter such as M is wider than a printer's: it must not reach into the next one.
            font = receipt_font(int(pixels * room / long))
        draw.text(base, character, font=font, fill=0, anchor="ls")
        return
    digits = f"{ord(character):X}"
    half = (len(digits) + 1) // 2
    small = receipt_font(pixels // 2)
    draw.rectangle((left + 1, top, left + pixels - 2, top + pixels - 1), outline=0)
    for bottom, part in ((0.44, digits[:half]), (0.90, digits[half:])):
        middle = (left + pixels // 2, top + round(bottom * pixels))
        draw.text(middle, part, font=small, fill=0, anchor="ms")
