"""The door to the maintenance page: a pad for the technician's PIN.

The PIN is shown as dots, is never kept longer than the page, and is checked off the Kivy thread
because its hash is slow on purpose (`kiosk.maintenance.roster`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kiosk.maintenance.roster import Person, StaffRefused
from screens.background import in_background
from screens.base import Page
from screens.widgets.digit_pad import DigitPad
from screens.widgets.surface import Gap
from sync.pins import DIGITS as PIN_DIGITS

if TYPE_CHECKING:
    from kiosk.terminal import Terminal

IDLE_S = 60.0


class PinPage(Page):
    """Goes on by itself when the last digit is typed and right; home after a minute unused."""

    def __init__(
        self, terminal: Terminal, enter: Callable[[], None], leave: Callable[[], None]
    ) -> None:
        super().__init__(terminal.words, leave)
        self._terminal = terminal
        self._enter = enter
        self._leave = leave
        self._gone = False
        self.title(self.say("maintenance.pin"))
        self._pad = DigitPad(self.say, PIN_DIGITS, self._typed, secret=True)
        self.body.add_widget(Gap())
        self.body.add_widget(self._pad)
        self.body.add_widget(Gap())
        self._idle = self.after(IDLE_S, self._give_up)

    def _typed(self) -> None:
        self._idle.cancel()
        self._idle = self.after(IDLE_S, self._give_up)
        self.error.clear()
        if len(self._pad.digits) == PIN_DIGITS:
            pin = self._pad.digits
            self._pad.closed = True
            in_background(lambda: self._terminal.maintenance.admit(pin), self._checked)

    def _give_up(self, _: float) -> None:
        self._leave()

    def _checked(self, result: Any) -> None:
        if self._gone:
            return
        self._pad.closed = False
        self._pad.clear()
        if isinstance(result, Person):
            self._enter()
        elif isinstance(result, StaffRefused):
            seconds = int(result.locked_s) + 1
            self.error.show(self.say(f"roster.refused.{result.reason}", seconds=seconds))
        else:
            raise result

    def left(self) -> None:
        self._gone = True
        self._pad.clear()
