"""`Notice` and `AskConsent`: a few points to read, each an icon, a headline and a sentence."""

from __future__ import annotations

from functools import partial
from typing import Any

from kivy.uix.boxlayout import BoxLayout

from kiosk.clock import beijing_now
from kiosk.visit.prompts import Agreement, AskConsent, Notice
from screens import theme
from screens.base import PromptScreen
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.surface import Column, Gap, Panel, Rule
from screens.widgets.text import Icon, Text

#: From a page's coming to its first word, seconds.
_SOON_S = 0.4


class NoticeScreen(PromptScreen[Notice]):
    """Answers with the time at which the citizen went on, which is the time of consent."""

    def build(self) -> None:
        self.title()
        self.body.add_widget(_points(self))
        self.body.add_widget(Gap())
        if self.prompt.aloud:
            self._read_aloud(f"{self.prompt.id}.aloud")
        if self.prompt.exception:
            self.body.add_widget(
                BarButton(
                    self.says("exception"),
                    "exception",
                    lambda: self.actions.answer(Agreement(beijing_now(), exception=True)),
                    icon="account-cog",
                )
            )
        usual = "frame.agree" if self.prompt.must_agree else "frame.next"
        icon = "check" if self.prompt.must_agree else ""
        button = self.primary(
            self.says("agree") or self.say(usual),
            lambda: self.actions.answer(Agreement(beijing_now())),
            icon=icon,
            icon_after="" if icon else "arrow-right",
        )
        if self.prompt.least_s:
            button.disabled = True
            self.after(self.prompt.least_s, lambda _: setattr(button, "disabled", False))

    def _read_aloud(self, message: str) -> None:
        """At once, and again for who asks; nothing is promised where nothing can be heard."""
        if not self.actions.speaks(message):
            return
        speak = partial(self.actions.speak, message)
        self.body.add_widget(
            BarButton(self.say("frame.read_again"), "aloud", speak, icon="volume-high")
        )
        # After the touch that led here, which ends what is being said.
        self.after(_SOON_S, lambda _: speak())

    def left(self) -> None:
        if self.prompt.aloud:
            self.actions.hush()


class ConsentScreen(PromptScreen[AskConsent]):
    """Two answers of the same size: neither is made harder than the other."""

    def build(self) -> None:
        self.title()
        self.body.add_widget(_points(self))
        self.body.add_widget(Gap())
        self.body.add_widget(
            BarButton(
                self.says("decline"), "decline", lambda: self.actions.answer(None), icon="close"
            )
        )
        self.primary(self.says("agree"), lambda: self.actions.answer(beijing_now()), icon="check")


def _points(page: PromptScreen[Any]) -> Panel:
    """The points of a prompt under one another."""
    panel = Panel(pad=40, spacing=px(20))
    for place, (point, icon) in enumerate(page.prompt.points):
        if place:
            panel.add_widget(Rule())
        panel.add_widget(_point(page, point, icon))
    return panel


def _point(page: PromptScreen[Any], point: str, icon: str) -> BoxLayout:
    row = BoxLayout(spacing=px(36), size_hint_y=None)
    row.add_widget(Icon(icon, 80, pos_hint={"center_y": 0.5}))
    words = Column(gap=2, pos_hint={"center_y": 0.5})
    words.add_widget(Text(page.says(f"{point}.title"), role="heading"))
    words.add_widget(Text(page.says(f"{point}.text"), colour=theme.INK_SOFT))
    words.bind(height=lambda _, height: setattr(row, "height", max(px(112), height)))
    row.add_widget(words)
    return row
