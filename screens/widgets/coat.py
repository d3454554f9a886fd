"""The painted ground of a widget: a box, perhaps with round corners and a border.

A coat is one small picture of its corners, and the widget's size is made by stretching the rows and
columns in its middle (a nine-patch). So a border costs nothing: drawn as a box under a box, as Kivy
would, everything is painted twice, and on a terminal without a graphics card painting is all that a
frame costs. The edges are smoothed in the picture, because the window has no multisampling.
"""

from __future__ import annotations

from functools import lru_cache
from math import hypot, sqrt

from kivy.graphics import BorderImage, Color
from kivy.graphics.texture import Texture
from kivy.uix.widget import Widget

from screens import theme
from screens.scale import px

#: Parts of a pixel's channel.
_FULL = 255


class Coat:
    """Follows the place of its widget and can be painted over."""

    def __init__(
        self,
        widget: Widget,
        fill: theme.Colour,
        border: theme.Colour | None = None,
        *,
        radius: float = theme.RADIUS,
        width: float = theme.BORDER,
    ) -> None:
        """`radius` and `width` (of the border) are reference pixels; radius 0 is a plain box."""
        self._radius = round(px(radius))
        self._width = max(round(px(width)), 1) if border is not None else 0
        self._colours = (fill, border or fill)
        with widget.canvas.before:
            Color(1, 1, 1, 1)
            self._picture = BorderImage()
        # A plain function, because Kivy holds bound methods weakly: the coat lives as long as its
        # widget, whether or not anybody keeps it.
        widget.bind(pos=lambda w, _: self._follow(w), size=lambda w, _: self._follow(w))
        self._follow(widget)

    def _follow(self, widget: Widget) -> None:
        # Whole pixels, or the border is blurred.
        left, low = round(widget.x), round(widget.y)
        # Not `right` and `top`: they are not yet new when this is called.
        size = (round(widget.x + widget.width) - left, round(widget.y + widget.height) - low)
        self._picture.pos, self._picture.size = (left, low), size
        self._corner = max(min(self._radius, *(side // 2 for side in size)), 0)
        self._show()

    def paint(self, fill: theme.Colour, border: theme.Colour | None = None) -> None:
        """In the same colours again: nothing, for whatever is painted is a new frame to draw."""
        if self._colours != (fill, border or fill):
            self._colours = (fill, border or fill)
            self._show()

    def _show(self) -> None:
        texture = _corners(self._corner, self._width, *self._colours)
        self._picture.texture = texture
        self._picture.border = [texture.width // 2] * 4


@lru_cache(maxsize=128)
def _corners(radius: int, width: int, fill: theme.Colour, border: theme.Colour) -> Texture:
    """The four corners and one row and column between them. `radius` and `width` are pixels."""
    side = max(radius, width)
    paint = _Paint(width, fill, border)
    rows = [_both_halves(_row(y, side, radius, paint)) for y in range(side + 1)]
    texture = Texture.create(size=(2 * side + 1,) * 2, colorfmt="rgba")
    texture.mag_filter = texture.min_filter = "nearest"  # the middle is stretched, not mixed
    pixels = b"".join(_both_halves([b"".join(row) for row in rows]))
    texture.blit_buffer(pixels, colorfmt="rgba", bufferfmt="ubyte")
    return texture


def _row(y: int, side: int, radius: int, paint: _Paint) -> list[bytes]:
    """The pixels of a row from the left to the middle. `y` counts from the outermost row."""
    # Home waits for this: a disc has thousands of pixels, and only those of its edge are reckoned.
    edge = radius - sqrt(max((radius + 0.5) ** 2 - (radius - y - 0.5) ** 2, 0.0))
    outside = max(int(edge) - 1, 0) if y < radius else 0
    pixels = [bytes(4)] * outside
    while len(pixels) <= side:
        pixels.append(paint.pixel(_outside(len(pixels), y, radius)))
        if pixels[-1] is paint.inside:
            break  # and so are all that follow
    return pixels + [paint.inside] * (side + 1 - len(pixels))


def _both_halves(half: list[bytes]) -> list[bytes]:
    """With its mirror image, around its last."""
    return half + half[-2::-1]


def _outside(x: int, y: int, radius: int) -> float:
    """How far the middle of a pixel, counted from the corner, is from the edge; inside negative."""
    if x < radius and y < radius:
        return hypot(radius - x - 0.5, radius - y - 0.5) - radius
    return -min(x, y) - 0.5


class _Paint:
    """Red, green, blue and alpha of a pixel by how far it is outside of the edge."""

    def __init__(self, width: int, fill: theme.Colour, border: theme.Colour) -> None:
        self._width, self._fill, self._border = width, fill, border
        self.inside = self._mixed(-width - 0.5)

    def pixel(self, outside: float) -> bytes:
        if outside <= -self._width - 0.5:
            return self.inside
        return bytes(4) if outside >= 0.5 else self._mixed(outside)

    def _mixed(self, outside: float) -> bytes:
        inner = min(max(0.5 - outside - self._width, 0.0), 1.0) if self._width else 1.0
        red, green, blue, alpha = (
            edge + (ground - edge) * inner
            for ground, edge in zip(self._fill, self._border, strict=True)
        )
        alpha *= min(max(0.5 - outside, 0.0), 1.0)
        return bytes(round(part * _FULL) for part in (red, green, blue, alpha))
