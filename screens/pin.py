"""`EnterPin`: the PIN of the card on a pad, as dots. A new one is typed twice.

No key shows that it was pressed, the digits may stand in another order each time, and what was
typed goes to the terminal, never into an answer. The page says how many tries the card leaves.

Where a PIN pad is fitted there are no keys here, only the dots; if it fails the keys come.
"""

from __future__ import annotations

from kiosk.records.pins import DIGITS
from kiosk.visit.flow import Unacceptable
from kiosk.visit.prompts import EnterPin
from screens.base import PromptScreen
from screens.widgets.digit_pad import DigitPad
from screens.widgets.status import Banner
from screens.widgets.surface import Column, Gap
from screens.widgets.text import Icon, Text

#: From so few tries on the page warns of it.
_FEW_TRIES = 2


class PinScreen(PromptScreen[EnterPin]):
    """See the module's docstring."""

    def build(self) -> None:
        self.title()
        self._first = ""
        self._asked = Text(self._ask("once"), role="heading", align="center")
        self._metal = self.actions.has_pin_pad()
        self._column = Column(gap=36)
        if banner := self._banner():
            self._column.add_widget(banner)
        self._column.add_widget(self._asked)
        for part in (Gap(), self._column, Gap()):
            self.body.add_widget(part)
        self._done = self.primary(self.say("pin_entry.done"), self._enter, icon="check")
        self._show_pad()

    def _show_pad(self) -> None:
        """The dots, and the keys or where they are."""
        keys = "" if self._metal else self.actions.pin_keys()
        self._pad = DigitPad(self.say, DIGITS, self._typed, secret=True, keys=keys, look="quiet")
        self._column.add_widget(self._pad)
        self._where = Column(gap=24)
        if self._metal:
            self._where.add_widget(Icon("dialpad", 160, pos_hint={"center_x": 0.5}))
            self._where.add_widget(Text(self.say("pin_entry.on_pad"), align="center"))
        self._column.add_widget(self._where)
        self._done.disabled = True

    def pressed(self, key: str) -> None:
        if not self._metal:
            return
        if key == "enter":
            self._enter()
        elif key:
            self._pad.press(key)
        else:
            self._metal, self._first = False, ""
            for part in (self._pad, self._where):
                self._column.remove_widget(part)
            self._pad.clear()
            self._asked.say(self._ask("once"))
            self._show_pad()
            self.show_error(Unacceptable("pin_entry.pad_gone"))

    def _banner(self) -> Banner | None:
        """Why it is asked again, and how many tries are left where that is to be known."""
        prompt = self.prompt
        parts = [self.say(prompt.again)] if prompt.again else []
        if prompt.tries_left is not None and (prompt.again or prompt.tries_left <= _FEW_TRIES):
            parts.append(self.say("pin_entry.tries", tries=prompt.tries_left))
        return Banner("trouble", " ".join(parts)) if parts else None

    def _ask(self, time: str) -> str:
        return self.say(f"pin_entry.{time}") if self.prompt.new else " "

    def _typed(self) -> None:
        self.error.clear()
        self._done.disabled = len(self._pad.digits) < DIGITS

    def _enter(self) -> None:
        digits = self._pad.digits
        if len(digits) < DIGITS:
            return
        self._again()
        if self.prompt.new and not self._first:
            self._first = digits
            self._asked.say(self._ask("twice"))
            return
        differ, self._first = self.prompt.new and digits != self._first, ""
        self._asked.say(self._ask("once"))
        if differ:
            self.show_error(Unacceptable("pin_entry.differ"))
            return
        self.actions.enter_pin(digits)

    def _again(self) -> None:
        self._pad.clear()
        self._done.disabled = True

    def left(self) -> None:
        self._first = ""
        self._pad.clear()
