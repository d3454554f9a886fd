"""Is this picture what it should be? It comes from outside and is decoded with care."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

#: 三代卡照片: width and height in pixels, 24-bit RGB (domain R-D).
CARD_PHOTO = (358, 441)

#: Nothing a terminal sends has more pixels.
_PIXEL_LIMIT = 4_000_000


def size_of(data: bytes, kind: str, mode: str | None = None) -> tuple[int, int] | None:
    """(width, height) in pixels if `data` decodes to its last byte as `kind` ("JPEG", "PNG"), and
    in colour mode `mode` if one is given; else None."""
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            if image.width * image.height > _PIXEL_LIMIT:
                return None
            image.load()
            return image.size if mode in (None, image.mode) else None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def is_card_photo(data: bytes) -> bool:
    return size_of(data, "JPEG", "RGB") == CARD_PHOTO
