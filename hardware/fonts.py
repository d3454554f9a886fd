"""The font for what a printer cannot print by itself, and for pictures of receipts."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_PACKAGE, _FILE = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"


@lru_cache(maxsize=4)
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
