"""What things lie on: painted grounds, panels with a border, gaps.

The window has no multisampling (it costs 80 MB and four fifths of the frame rate), so only the
Smooth… instructions are used: they blend their own edges.
"""

from __future__ import annotations

from typing import Any

from kivy.graphics import Color, Rectangle, SmoothRoundedRectangle
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from screens import theme
from screens.scale import px


class Coat:
    """The painted ground of a widget; follows its place and can be painted over."""

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
        self._inset = px(width) if border is not None else 0.0
        self._radius = px(radius)
        #: None without a border: drawing under the fill would cost as much as the fill.
        self._edge: Rectangle | SmoothRoundedRectangle | None = None
        with widget.canvas.before:
            if border is not None:
                self._edge_colour = Color(*border)
                self._edge = self._shape()
            self._fill_colour = Color(*fill)
            self._fill = self._shape()
        # A plain function, because Kivy holds bound methods weakly: the coat lives as long as its
        # widget, whether or not anybody keeps it.
        widget.bind(pos=lambda w, _: self._follow(w), size=lambda w, _: self._follow(w))
        self._follow(widget)

    def _shape(self) -> Rectangle | SmoothRoundedRectangle:
        return SmoothRoundedRectangle() if self._radius else Rectangle()

    def _follow(self, widget: Widget) -> None:
        inset = self._inset
        if self._edge is not None:
            self._edge.pos, self._edge.size = widget.pos, widget.size
        self._fill.pos = (widget.x + inset, widget.y + inset)
        self._fill.size = (max(0, widget.width - 2 * inset), max(0, widget.height - 2 * inset))
        if self._radius:
            if self._edge is not None:
                self._edge.radius = [self._radius]
            self._fill.radius = [max(1.0, self._radius - inset)]

    def paint(self, fill: theme.Colour, border: theme.Colour | None = None) -> None:
        self._fill_colour.rgba = fill
        if self._edge is not None:
            self._edge_colour.rgba = border or fill


class Panel(BoxLayout):
    """A white card with a thin border; as high as its content unless told otherwise."""

    def __init__(
        self,
        *,
        fill: theme.Colour = theme.PANEL,
        border: theme.Colour | None = theme.LINE,
        pad: float = 36,
        grow: bool = True,
        **more: Any,
    ) -> None:
        more.setdefault("orientation", "vertical")
        more.setdefault("spacing", px(theme.GAP))
        super().__init__(padding=px(pad), **more)
        self.coat = Coat(self, fill, border)
        if grow:
            self.size_hint_y = None
            self.bind(minimum_height=self.setter("height"))


class Column(BoxLayout):
    """Things under one another, as high as they are together."""

    def __init__(self, *, gap: float = theme.GAP, **more: Any) -> None:
        super().__init__(orientation="vertical", spacing=px(gap), size_hint_y=None, **more)
        self.bind(minimum_height=self.setter("height"))


class Rule(Widget):
    """A thin line between rows."""

    def __init__(self, colour: theme.Colour = theme.LINE) -> None:
        super().__init__(size_hint_y=None, height=px(2))
        with self.canvas:
            Color(*colour)
            self._line = Rectangle()
        self.bind(pos=self._follow, size=self._follow)

    def _follow(self, *_: object) -> None:
        self._line.pos, self._line.size = self.pos, self.size


class Gap(Widget):
    """Empty room: `height` reference pixels, or whatever is left over."""

    def __init__(self, height: float | None = None) -> None:
        super().__init__()
        if height is not None:
            self.size_hint_y = None
            self.height = px(height)
