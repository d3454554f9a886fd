"""The stages of a service in one line: done (tick), current (number, dark), still to come."""

from __future__ import annotations

from kivy.graphics import Color, Rectangle
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget

from screens import theme
from screens.scale import px
from screens.widgets.coat import Coat
from screens.widgets.text import Icon, Text

DOT = 56


class _Dot(FloatLayout):
    """The round mark of one stage."""

    def __init__(self, number: int, past: bool, current: bool) -> None:
        super().__init__(size_hint=(None, None), size=(px(DOT), px(DOT)))
        ground = theme.PRIMARY if past or current else theme.PANEL
        ink = theme.ON_DARK if past or current else theme.INK_SOFT
        Coat(self, ground, theme.PRIMARY if past or current else theme.INK_SOFT, radius=DOT / 2)
        centre = {"center_x": 0.5, "center_y": 0.5}
        if past:
            self.add_widget(Icon("check", 36, ink, pos_hint=centre))
        else:
            self.add_widget(
                Text(str(number), role="legal", colour=ink, wrap=False, pos_hint=centre)
            )


class _Stage(BoxLayout):
    """Dot and name under one another, with the line that joins the dots behind."""

    def __init__(self, number: int, name: str, current: int, last: int) -> None:
        super().__init__(orientation="vertical", spacing=px(2))
        past, here = number - 1 < current, number - 1 == current
        self._ends = (number > 1, number < last)
        with self.canvas.before:
            self._before = self._bar(number - 1 <= current)
            self._after = self._bar(number - 1 < current)
        self.bind(pos=self._follow, size=self._follow)
        self._dot = _Dot(number, past, here)
        self._dot.pos_hint = {"center_x": 0.5}
        self.add_widget(self._dot)
        colour = theme.PRIMARY if past or here else theme.INK_SOFT
        self.add_widget(Text(name, role="legal", colour=colour, align="center"))
        self.add_widget(Widget())

    @staticmethod
    def _bar(past: bool) -> Rectangle:
        Color(*(theme.PRIMARY if past else theme.LINE))
        return Rectangle()

    def _follow(self, *_: object) -> None:
        y = self.top - px(DOT) / 2 - px(2)
        half = self.width / 2
        for bar, x, shown in (
            (self._before, self.x, self._ends[0]),
            (self._after, self.x + half, self._ends[1]),
        ):
            bar.pos = (x, y)
            bar.size = (half if shown else 0, px(4))


class ProgressStrip(BoxLayout):
    """All stages side by side. `show` with another stage draws it anew; empty it takes no room."""

    def __init__(self) -> None:
        super().__init__(size_hint_y=None, height=0)
        self.padding = (px(theme.GAP), px(20), px(theme.GAP), 0)
        self._shown: tuple[tuple[str, ...], int] | None = None

    def show(self, names: tuple[str, ...], current: int) -> None:
        """`current` counts from 0."""
        if self._shown == (names, current):
            return
        self.clear()
        self._shown = (names, current)
        self.height = px(theme.STRIP_HEIGHT)
        for number, name in enumerate(names, 1):
            self.add_widget(_Stage(number, name, current, len(names)))

    def clear(self) -> None:
        self.clear_widgets()
        self._shown = None
        self.height = 0
