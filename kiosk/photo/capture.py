"""What one try before the camera leaves: the card photo, the frame it was made of, a hint.

The frame goes with the application as it came from the camera, so that the centre can see what the
card photo was cut from, and that nothing but cutting was done. It has to fit into an envelope, so a
large one is written with less quality before it is made smaller, and says how it was written.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kiosk.photo.findings import CardPhoto
from kiosk.photo.liveness import Hint

if TYPE_CHECKING:
    from kiosk.photo.detect import Picture

#: Most bytes of a whole frame: with photo and signature it stays well inside an envelope.
FRAME_LIMIT = 160_000

_QUALITIES = (92, 85, 75)


@dataclass(frozen=True)
class WholeFrame:
    """A camera frame as JPEG: all of it, upright, not mirrored, nothing made prettier."""

    jpeg: bytes = field(repr=False)
    #: Size as written, and the width the camera gave; pixels.
    width: int
    height: int
    camera_width: int
    quality: int


@dataclass(frozen=True)
class Capture:
    """One of the tries a citizen has."""

    photo: CardPhoto
    frame: WholeFrame
    liveness: Hint = field(default_factory=Hint)


def whole_frame(rgb: Picture, limit: int = FRAME_LIMIT) -> WholeFrame:
    """A frame (height x width x 3 bytes) as JPEG of at most `limit` bytes.

    Raises `ValueError` if not even a thumbnail of it would fit.
    """
    from PIL import Image

    image = Image.fromarray(rgb)
    for size, quality in _ways(image.size):
        small = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= limit:
            return WholeFrame(buffer.getvalue(), *size, image.width, quality)
    raise ValueError(f"a frame of {image.size} does not fit into {limit} bytes")


def _ways(size: tuple[int, int]) -> Iterator[tuple[tuple[int, int], int]]:
    """(size, quality) in the order in which they are tried."""
    for divisor in (1, 2, 3, 4, 8):
        for quality in _QUALITIES:
            yield (max(size[0] // divisor, 1), max(size[1] // divisor, 1)), quality
