"""A signature as it was drawn on the screen, and as an image."""

from __future__ import annotations

import io
from dataclasses import field
from datetime import datetime
from itertools import pairwise

from kiosk.late import dataclass

#: The signature as an image: pixels, and the width of the pen.
_WIDTH, _HEIGHT, _PEN = 900, 360, 6
#: Drawn larger and scaled down, for smooth lines.
_OVERSAMPLING = 3


@dataclass(frozen=True)
class Strokes:
    """A signature as it was drawn.

    `lines`: one tuple per stroke of (x, y) in thousandths of the pad's width and height, origin
    top left, so that it does not depend on the screen. `signed_at` is an aware date-time.
    """

    lines: tuple[tuple[tuple[int, int], ...], ...] = field(repr=False)
    signed_at: datetime

    @property
    def drawn(self) -> int:
        """Length of ink, in thousandths of the pad."""
        return sum(
            abs(x1 - x0) + abs(y1 - y0)
            for line in self.lines
            for (x0, y0), (x1, y1) in pairwise(line)
        )


#: Less ink than this (thousandths of the pad) is a touch by accident, not a signature.
SHORTEST_SIGNATURE = 300


def signature_png(strokes: Strokes) -> bytes:
    """The signature in black on white, 900x360, PNG."""
    from PIL import Image, ImageDraw  # slow to import; the screen has been up for minutes

    scale = _OVERSAMPLING
    image = Image.new("L", (_WIDTH * scale, _HEIGHT * scale), 255)
    draw = ImageDraw.Draw(image)
    pen = _PEN * scale
    for line in strokes.lines:
        points = [(x * _WIDTH * scale / 1000, y * _HEIGHT * scale / 1000) for x, y in line]
        if len(points) > 1:
            draw.line(points, fill=0, width=pen, joint="curve")
        for x, y in (points[0], points[-1]) if points else ():
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=0)
    out = io.BytesIO()
    image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
