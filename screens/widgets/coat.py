"""The painted ground of a widget: a box, perhaps with round corners and a border.

A coat is one small picture of its corners, and the widget's size is made by stretching the rows and
columns in its middle (a nine-patch). So a border costs nothing: drawn as a box under a box, as Kivy
would, everything is painted twice, and on a terminal without a graphics card painting is all that a
frame costs. The edges are smoothed in the picture, because the window has no multisampling.
"""

from __future__ import annotations

from functools import lru_cache
from math import hypot

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
    across = [min(place, 2 * side - place) for place in range(2 * side + 1)]
    quarter = [
        [_pixel(_outside(x, y, radius), width, fill, border) for x in range(side + 1)]
        for y in range(side + 1)
    ]
    texture = Texture.create(size=(2 * side + 1,) * 2, colorfmt="rgba")
    texture.mag_filter = texture.min_filter = "nearest"  # the middle is stretched, not mixed
    pixels = b"".join(quarter[y][x] for y in across for x in across)
    texture.blit_buffer(pixels, colorfmt="rgba", bufferfmt="ubyte")
    return texture


def _outside(x: int, y: int, radius: int) -> float:
    """How far the middle of a pixel, counted from the corner, is from the edge; inside negative."""
    if x < radius and y < radius:
        return hypot(radius - x - 0.5, radius - y - 0.5) - radius
    return -min(x, y) - 0.5


def _pixel(outside: float, width: int, fill: theme.Colour, border: theme.Colour) -> bytes:
    """Red, green, blue and alpha of a pixel so far outside of the edge."""
    inner = min(max(0.5 - outside - width, 0.0), 1.0) if width else 1.0
    red, green, blue, alpha = (
        edge + (ground - edge) * inner for ground, edge in zip(fill, border, strict=True)
    )
    alpha *= min(max(0.5 - outside, 0.0), 1.0)
    return bytes(round(part * _FULL) for part in (red, green, blue, alpha))
