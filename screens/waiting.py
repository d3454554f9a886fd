"""One calm page while the centre, the disk or the printer is at work. Nothing can be pressed."""

from __future__ import annotations

from typing import Any

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget

from kiosk.visit.flow import Prompt
from kiosk.visit.prompts import (
    AskCentral,
    AwaitVerdict,
    CompareFaces,
    FindMine,
    Print,
    RunScript,
    Submit,
    UsePin,
)
from screens import theme
from screens.base import PromptScreen
from screens.scale import px
from screens.widgets.coat import Coat
from screens.widgets.surface import Column, Gap
from screens.widgets.text import Icon, Text

#: Prompt -> (icon, words if the prompt has none of its own).
LOOKS: dict[type[Prompt[Any]], tuple[str, str]] = {
    AskCentral: ("account-search-outline", "waiting.ask_central"),
    CompareFaces: ("face-recognition", "waiting.compare_faces"),
    UsePin: ("lock-outline", "waiting.use_pin"),
    RunScript: ("lock-reset", "waiting.run_script"),
    Submit: ("content-save-check-outline", "waiting.submit"),
    AwaitVerdict: ("cloud-upload-outline", "waiting.await_verdict"),
    FindMine: ("magnify", "waiting.find_mine"),
    Print: ("printer-outline", "waiting.print"),
}
DOTS = 4


class WaitingScreen(PromptScreen[Prompt[Any]]):
    """The icon of what is being done, what it is, and dots that walk."""

    def build(self) -> None:
        self.hide_foot()
        icon, usual = LOOKS[type(self.prompt)]
        column = Column(gap=40)
        disc = FloatLayout(
            size_hint=(None, None), size=(px(300), px(300)), pos_hint={"center_x": 0.5}
        )
        Coat(disc, theme.PRIMARY_TINT, radius=150)
        disc.add_widget(Icon(icon, 160, pos_hint={"center_x": 0.5, "center_y": 0.5}))
        column.add_widget(disc)
        title = self.says("title") or self.say(f"{usual}.title")
        text = self.says("text") or self.say(f"{usual}.text")
        column.add_widget(Text(title, role="title", align="center"))
        column.add_widget(Text(text, colour=theme.INK_SOFT, align="center"))
        column.add_widget(self._dots())
        self.body.add_widget(Gap())
        self.body.add_widget(column)
        self.body.add_widget(Gap())
        self.body.add_widget(
            Text(self.say("waiting.calm"), role="small", colour=theme.INK_SOFT, align="center")
        )
        self._step = 0
        self.every(0.5, self._step_on)
        self._step_on(0.0)

    def _dots(self) -> Widget:
        row = BoxLayout(
            size_hint=(None, None),
            size=(px(DOTS * 28 + (DOTS - 1) * 28), px(28)),
            spacing=px(28),
            pos_hint={"center_x": 0.5},
        )
        self._coats = []
        for _ in range(DOTS):
            dot = Widget(size_hint=(None, None), size=(px(28), px(28)))
            self._coats.append(Coat(dot, theme.LINE, radius=14))
            row.add_widget(dot)
        return row

    def _step_on(self, _: float) -> None:
        for place, coat in enumerate(self._coats):
            coat.paint(theme.PRIMARY if place == self._step % DOTS else theme.LINE)
        self._step += 1
