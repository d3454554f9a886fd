"""`Done`: the result. State by icon and word, the receipt number large, and what it means."""

from __future__ import annotations

from kiosk.visit.prompts import Done
from screens import theme
from screens.base import PromptScreen
from screens.widgets.button import BarButton
from screens.widgets.number import NumberPanel
from screens.widgets.status import Banner
from screens.widgets.surface import Column, Gap, Panel
from screens.widgets.text import Icon, Text

#: Lines of these ids say what went wrong on the way.
_TROUBLE = ("fault.", "receipt.")


class DoneScreen(PromptScreen[Done]):
    """The lines below the number are ids of words: what the state means, what to do next.

    What went wrong stands in one banner. A receipt that was not printed can be printed again, once
    there is paper.
    """

    def build(self) -> None:
        ink, tint, icon = theme.STATES[self.prompt.state]
        # What to do without a receipt needs the room.
        side, pad = (120, 32) if self.prompt.not_printed else (180, 48)
        head = Panel(fill=tint, border=ink, pad=pad)
        head.add_widget(Icon(icon, side, ink, pos_hint={"center_x": 0.5}))
        title = self.say(f"{self.prompt.id}.title")
        head.add_widget(Text(title, role="title", colour=ink, align="center"))
        if text := self.says("text"):
            head.add_widget(Text(text, align="center"))
        self.body.add_widget(Gap(24))
        self.body.add_widget(head)
        if self.prompt.number:
            self.body.add_widget(NumberPanel(self.say("done.number"), self.prompt.number))
        # What went wrong on the way is marked; what the state means is information.
        told = [key for key in self.prompt.lines if self.words.has(key)]
        wrong = [key for key in told if key.startswith(_TROUBLE)]
        lines = Column(gap=20)
        for key in told:
            if key not in wrong:
                lines.add_widget(Banner("info", self.say(key)))
        if self.prompt.not_printed:
            # The words of a printer's fault say that the receipt is missing, and what to do.
            wrong.append(self.prompt.not_printed)
        if wrong:
            words = "\n".join(self.say(key) for key in dict.fromkeys(wrong))
            lines.add_widget(Banner("trouble", words))
        if self.prompt.not_printed:
            lines.add_widget(self._reprint())
        self.body.add_widget(lines)
        self.body.add_widget(Gap())
        self.primary(self.say("done.finish"), lambda: self.actions.answer(True), icon="check")

    def _reprint(self) -> BarButton:
        return BarButton(
            self.say("done.reprint"),
            "reprint",
            lambda: self.actions.answer("reprint"),
            icon="printer-outline",
            role="body",
            height=104,
        )
