"""`Done`: the result. State by icon and word, the receipt number large, and what it means."""

from __future__ import annotations

from kiosk.visit.prompts import Done
from screens import theme
from screens.base import PromptScreen
from screens.scale import px
from screens.widgets.status import Banner
from screens.widgets.surface import Column, Gap, Panel
from screens.widgets.text import Icon, Text
from sync.receipt_number import grouped


class DoneScreen(PromptScreen[Done]):
    """The lines below the number are ids of words: what the state means, what went wrong."""

    def build(self) -> None:
        ink, tint, icon = theme.STATES[self.prompt.state]
        head = Panel(fill=tint, border=ink, pad=48)
        head.add_widget(Icon(icon, 180, ink, pos_hint={"center_x": 0.5}))
        title = self.say(f"{self.prompt.id}.title")
        head.add_widget(Text(title, role="title", colour=ink, align="center"))
        if text := self.says("text"):
            head.add_widget(Text(text, align="center"))
        self.body.add_widget(Gap(24))
        self.body.add_widget(head)
        if self.prompt.number:
            self.body.add_widget(self._number())
        lines = Column(gap=20)
        for key in self.prompt.lines:
            if self.words.has(key):
                # What went wrong on the way is marked; what the state means is information.
                trouble = key.startswith(("fault.", "receipt."))
                lines.add_widget(Banner("trouble" if trouble else "info", self.say(key)))
        if self.prompt.not_printed:
            lines.add_widget(Banner("trouble", self.say("receipt.not_printed")))
        self.body.add_widget(lines)
        self.body.add_widget(Gap())
        self.primary(self.say("done.finish"), lambda: self.actions.answer(True), icon="check")

    def _number(self) -> Panel:
        panel = Panel(pad=24, spacing=px(8))
        panel.add_widget(
            Text(self.say("done.number"), role="small", colour=theme.INK_SOFT, align="center")
        )
        number = grouped(self.prompt.number)
        # The largest size in which the whole number stands on one line.
        panel.add_widget(Text(number, role="display", colour=theme.PRIMARY, align="center"))
        return panel
