"""The receipt number, as large as stands on one line, under what it is called."""

from __future__ import annotations

from screens import theme
from screens.scale import px, text_px
from screens.widgets.surface import Panel
from screens.widgets.text import Text, lines
from sync.receipt_number import grouped

#: Largest first. In 长者模式, or on a small window, the first takes two lines.
_ROLES = ("display", "title", "heading", "body")


class NumberPanel(Panel):
    """The number with which the citizen can ask how their application stands."""

    def __init__(self, name: str, number: str) -> None:
        super().__init__(pad=24, spacing=px(8))
        self.add_widget(Text(name, role="small", colour=theme.INK_SOFT, align="center"))
        self._number = Text(grouped(number), role=_ROLES[0], colour=theme.PRIMARY, align="center")
        self._number.fbind("width", self._fit)
        self.add_widget(self._number)

    def _fit(self, text: Text, width: float) -> None:
        fits = (role for role in _ROLES if lines(text.words, role, width) == 1)
        text.font_size = text_px(next(fits, _ROLES[-1]))
        text.say(text.words)
