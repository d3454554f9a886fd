"""Pixels to the JPEG the card bureau takes: quality 70, density 350, colour not subsampled.

The standard leaves the sampling of colour open. With 4:2:0 a third of good photos fall below the
usual 14 K (domain R-D4); with 4:4:4 hardly any does, and edges of hair stay clean.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from kiosk.photo.standard import Standard

if TYPE_CHECKING:
    from PIL.Image import Image

_NOT_SUBSAMPLED = 0


def encode(image: Image, standard: Standard) -> bytes:
    """A baseline JFIF file. Raises `ValueError` if the picture is not of the standard's size."""
    if image.size != (standard.width, standard.height):
        raise ValueError(f"picture is {image.size}, not {standard.width}x{standard.height}")
    buffer = io.BytesIO()
    image.convert("RGB").save(
        buffer,
        "JPEG",
        quality=standard.quality,
        subsampling=_NOT_SUBSAMPLED,
        dpi=(standard.density, standard.density),
    )
    return buffer.getvalue()
