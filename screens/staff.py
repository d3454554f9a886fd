"""`AskStaff`: a member of staff vouches for the citizen, with their own number and PIN (人工核验).

Three pages in one: why a person is needed, the number, the PIN. The PIN goes to the terminal's
roster, off the Kivy thread, and is never an answer of the prompt. Whoever has no time for staff
goes on by the button below, on every page.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from kiosk.maintenance.roster import StaffRefused
from kiosk.records.staff import Staff
from kiosk.visit.prompts import AskStaff
from screens.background import in_background
from screens.base import PromptScreen
from screens.widgets.button import BarButton
from screens.widgets.digit_pad import DigitPad
from screens.widgets.surface import Column, Gap
from screens.widgets.text import Text
from sync.pins import DIGITS as PIN_DIGITS
from sync.pins import STAFF_DIGITS, STAFF_LETTER


class StaffScreen(PromptScreen[AskStaff]):
    """See the module's docstring."""

    def build(self) -> None:
        self.title()
        self._reason = self._number = ""
        self._pad: DigitPad | None = None
        self._gone = False
        self._ask_why()
        self.primary(self.says("skip"), lambda: self.actions.answer(None), icon_after="arrow-right")

    def _ask_why(self) -> None:
        column = Column(gap=24)
        column.add_widget(Text(self.says("why"), role="heading"))
        for reason in self.prompt.reasons:
            column.add_widget(
                BarButton(
                    self.says(f"reason.{reason}"),
                    f"reason:{reason}",
                    partial(self._because, reason),
                )
            )
        self._put(column)

    def _because(self, reason: str) -> None:
        self._reason = reason
        self._ask("number", STAFF_DIGITS, secret=False)
        self.body.add_widget(
            BarButton(self.says("number_done"), "number_done", self._numbered, icon="check"),
            index=1,
        )

    def _numbered(self) -> None:
        if self._pad is None or not self._pad.digits:
            return
        self._number = f"{STAFF_LETTER}{self._pad.digits}"
        self._ask("pin", PIN_DIGITS, secret=True)

    def _ask(self, what: str, longest: int, *, secret: bool) -> None:
        self._pad = DigitPad(self.say, longest, self._typed, secret=secret)
        column = Column(gap=36)
        column.add_widget(Text(self.says(what), role="heading", align="center"))
        column.add_widget(self._pad)
        self._put(column)

    def _put(self, column: Column) -> None:
        self.body.clear_widgets()
        self.body.add_widget(Gap())
        self.body.add_widget(column)
        self.body.add_widget(Gap())

    def _typed(self) -> None:
        self.error.clear()
        pad = self._pad
        if pad is None or not self._number or len(pad.digits) < PIN_DIGITS:
            return
        pin, pad.closed = pad.digits, True
        in_background(lambda: self.actions.vouch(self._number, pin, self._reason), self._vouched)

    def _vouched(self, result: Any) -> None:
        if self._gone or self._pad is None:
            return
        if isinstance(result, Staff):
            self.actions.answer(result)
            return
        self._pad.closed = False
        self._pad.clear()
        if not isinstance(result, StaffRefused):
            raise result
        seconds = int(result.locked_s) + 1
        self.error.show(self.say(f"roster.refused.{result.reason}", seconds=seconds))
        # Nobody is told whether it was the number or the PIN.
        self._number = ""
        self._because(self._reason)

    def left(self) -> None:
        self._gone = True
        self._reason = self._number = ""
        if self._pad is not None:
            self._pad.clear()
