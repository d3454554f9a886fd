"""The receipt number, as large as stands on one line, under what it is called."""

from __future__ import annotations

from screens import theme
from screens.scale import px
from screens.widgets.surface import Panel
from screens.widgets.text import Text
from sync.receipt_number import grouped


class NumberPanel(Panel):
    """The number with which the citizen can ask how their application stands."""

    def __init__(self, name: str, number: str) -> None:
        super().__init__(pad=24, spacing=px(8))
        self.add_widget(Text(name, role="small", colour=theme.INK_SOFT, align="center"))
        self.add_widget(Text(grouped(number), role="display", colour=theme.PRIMARY, align="center"))
