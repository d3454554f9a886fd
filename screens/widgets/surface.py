"""What things lie on: panels with a border, columns, lines, gaps."""

from __future__ import annotations

from typing import Any

from kivy.graphics import Color, Rectangle
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from screens import theme
from screens.scale import px
from screens.widgets.coat import Coat


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
