"""`Advice`: why this cannot go on here, and where it can. Never a dead end without a next step.

A 窗口办理单, which says the same on paper, is printed on request.
"""

from __future__ import annotations

from kivy.uix.boxlayout import BoxLayout

from kiosk.visit.prompts import Advice
from screens import theme
from screens.base import PromptScreen
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.status import Banner
from screens.widgets.surface import Column, Gap, Panel
from screens.widgets.text import Icon, Text


class AdviceScreen(PromptScreen[Advice]):
    """Icon, what is the matter, and in a panel what to do next."""

    def build(self) -> None:
        self.body.add_widget(Gap())
        column = Column(gap=36)
        column.add_widget(Icon(self.prompt.icon, 200, pos_hint={"center_x": 0.5}))
        column.add_widget(Text(self.say(f"{self.prompt.id}.title"), role="title", align="center"))
        if text := self.says("text"):
            column.add_widget(Text(text, colour=theme.INK_SOFT, align="center"))
        column.add_widget(self._next())
        for line in self.prompt.lines:
            column.add_widget(Banner("info", self.say(line)))
        self.body.add_widget(column)
        self.body.add_widget(Gap())
        self.body.add_widget(Gap())
        if self.prompt.onward:
            self.body.add_widget(
                BarButton(
                    self.say(f"service.{self.prompt.onward}.button"),
                    "onward",
                    lambda: self.actions.answer("onward"),
                    icon="arrow-right-circle",
                )
            )
        if self.prompt.prints:
            self.body.add_widget(
                BarButton(
                    self.say("advice.print"),
                    "print",
                    lambda: self.actions.answer("print"),
                    icon="printer-outline",
                )
            )
        self.primary(self.say("advice.understood"), lambda: self.actions.answer(True), icon="check")

    def _next(self) -> Panel:
        panel = Panel(fill=theme.PRIMARY_TINT, border=theme.PRIMARY)
        for icon, text in (
            ("arrow-right-circle", self.says("next")),
            ("phone", self.say("advice.help")),
        ):
            if not text:
                continue
            row = BoxLayout(size_hint_y=None, spacing=px(28))
            row.add_widget(Icon(icon, 60, pos_hint={"center_y": 0.5}))
            words = Text(text, pos_hint={"center_y": 0.5})
            words.bind(
                height=lambda _, height, row=row: setattr(row, "height", max(px(64), height))
            )
            row.add_widget(words)
            panel.add_widget(row)
        return panel
