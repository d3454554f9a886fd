"""Is this picture what it should be? It comes from outside and is decoded with care."""

from __future__ import annotations

import io

from PIL import Image

from kiosk.photo.parts import BAD_BYTES, too_many_parts

#: Nothing a terminal sends has more pixels.
_PIXEL_LIMIT = 4_000_000


def size_of(data: bytes, kind: str, mode: str | None = None) -> tuple[int, int] | None:
    """(width, height) in pixels if `data` decodes to its last byte as `kind` ("JPEG", "PNG"), and
    in colour mode `mode` if one is given; else None."""
    if too_many_parts(data):
        return None
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            if image.width * image.height > _PIXEL_LIMIT:
                return None
            image.load()
            return image.size if mode in (None, image.mode) else None
    except (Image.DecompressionBombError, *BAD_BYTES):
        return None


def card_photo_fault(data: bytes) -> str:
    """Which file rule of the card photo (domain R-D) is broken first, "" if none.

    The rules that need a face are checked where the photo is taken; here, that what arrived is a
    picture of the size, density, colours and quality that cards are made from.
    """
    from kiosk.photo import inspect_jpeg  # brings numpy and more with it

    findings = inspect_jpeg(data).findings
    return findings[0].value if findings else ""


def png(pixels: bytes, width: int, height: int) -> bytes:
    """Pixels, red first and top row first, as a browser shows them."""
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), pixels).save(out, "PNG")
    return out.getvalue()
