"""Is a page before the camera legible? (户口簿, 出生证; domain §5.16, R-B10)

A page fills the picture, lies still, is sharp and does not shine. Nothing is read: whoever checks
the matter at the centre reads it. Thresholds are measured on the drawn pages of
`hardware.virtual.papers` and on spoilt copies of them (`tests/photo/test_pages.py`).
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.photo.detect import Picture

#: Most bytes of a page: four of them fit into an envelope beside photo, frame and signature.
PAGE_LIMIT = 90_000
_WIDTHS, _QUALITIES = (1600, 1280, 960, 640), (80, 65, 50, 35)

#: Width at which a frame is judged, pixels: the same thresholds then hold for every camera.
_WIDTH = 640
#: Mean brightness below which the lamp is off, of 255.
_DARK = 60.0
#: Share of the picture that the page must fill.
_FILLS = 0.40
#: Share of burnt-out pixels from which the page shines.
_GLARE = 0.04
_BURNT = 253
#: Variance of the Laplacian within the page below which print is blurred, or there is none: a face
#: before a wall comes to 180, print of any kind to thousands.
_SHARP = 300.0
#: Mean difference to the picture before, levels, above which it is moved.
_MOVED = 3.0
#: Mean difference to the page before, levels, from which it has been turned or taken away.
_TURNED = 6.0


class PageFinding(StrEnum):
    """What is wrong first, from the top; the words are `page.finding.<code>`."""

    TOO_DARK = "too_dark"
    #: It is the page that was taken last.
    SAME = "same"
    NOT_FILLED = "not_filled"
    GLARE = "glare"
    BLURRED = "blurred"
    MOVING = "moving"
    OK = "ok"


@dataclass(frozen=True)
class Page:
    """One page as JPEG. `legible`: nothing was wrong with it when it was taken."""

    jpeg: bytes = field(repr=False)
    sha256: str
    legible: bool = True


class PageLook:
    """Looks at one frame after the other."""

    def __init__(self, last: bytes = b"") -> None:
        """`last`: JPEG of the page before, which lies there until it is turned."""
        self._last = last
        self._before: Picture | None = None

    def see(self, rgb: Picture) -> PageFinding:
        """`rgb`: height x width x 3 bytes."""
        # The camera's driver has loaded both when there is a frame.
        import cv2
        import numpy as np

        grey = _small(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8))
        before, self._before = self._before, grey
        if float(grey.mean()) < _DARK:
            return PageFinding.TOO_DARK
        if self._is_last(grey):
            return PageFinding.SAME
        page = _page(grey)
        if page is None:
            return PageFinding.NOT_FILLED
        left, top, wide, high = page
        inside = grey[top : top + high, left : left + wide]
        if float((inside >= _BURNT).mean()) > _GLARE:
            return PageFinding.GLARE
        if float(cv2.Laplacian(inside, cv2.CV_64F).var()) < _SHARP:
            return PageFinding.BLURRED
        if before is None or before.shape != grey.shape:
            return PageFinding.MOVING
        moved = float(np.mean(cv2.absdiff(before, grey)))
        return PageFinding.MOVING if moved > _MOVED else PageFinding.OK

    def _is_last(self, grey: Picture) -> bool:
        import cv2
        import numpy as np

        if not self._last:
            return False
        last = cv2.imdecode(np.frombuffer(self._last, np.uint8), cv2.IMREAD_GRAYSCALE)
        last = _small(np.asarray(last, np.uint8))
        if last.shape == grey.shape and float(np.mean(cv2.absdiff(last, grey))) < _TURNED:
            return True
        self._last = b""
        return False


def _small(grey: Picture) -> Picture:
    import cv2
    import numpy as np

    height = round(grey.shape[0] * _WIDTH / grey.shape[1])
    small = cv2.resize(grey, (_WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _page(grey: Picture) -> tuple[int, int, int, int] | None:
    """Where the page lies: the largest light area, which print does not break up. None if it does
    not fill the picture."""
    import cv2
    import numpy as np

    _, light = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    whole = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(whole)
    if len(stats) < 2:
        return None
    # The first is what is dark.
    largest = max(stats[1:], key=lambda one: int(one[cv2.CC_STAT_AREA]))
    left, top, wide, high, area = (int(part) for part in largest)
    return (left, top, wide, high) if area >= _FILLS * grey.size else None


def make_page(rgb: Picture, legible: bool, limit: int = PAGE_LIMIT) -> Page:
    """The page as JPEG of at most `limit` bytes: with less quality before it is made smaller,
    because small print suffers more from that. Raises `ValueError` if nothing is small enough."""
    from PIL import Image

    image = Image.fromarray(rgb)
    for width in _WIDTHS:
        small = image
        if width < image.width:
            small = image.resize((width, round(image.height * width / image.width)))
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= limit:
                jpeg = buffer.getvalue()
                return Page(jpeg, hashlib.sha256(jpeg).hexdigest(), legible)
    raise ValueError(f"a page of {image.size} does not fit into {limit} bytes")
