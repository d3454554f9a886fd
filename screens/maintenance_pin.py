"""The door to the maintenance page: a pad for the technician's PIN.

The PIN is shown as dots, is never kept longer than the page, and is checked off the Kivy thread
because its hash is slow on purpose (`kiosk.maintenance.roster`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from kiosk.maintenance.pins import DIGITS as PIN_DIGITS
from kiosk.maintenance.roster import Person, StaffRefused
from screens import theme
from screens.background import in_background
from screens.base import Page
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.coat import Coat
from screens.widgets.surface import Gap

if TYPE_CHECKING:
    from kiosk.terminal import Terminal

IDLE_S = 60.0
#: Tags of the pad's keys in reading order.
KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "clear", "0", "delete")


class PinPage(Page):
    """Goes on by itself when the last digit is typed and right; home after a minute unused."""

    def __init__(
        self, terminal: Terminal, enter: Callable[[], None], leave: Callable[[], None]
    ) -> None:
        super().__init__(terminal.words, leave)
        self._terminal = terminal
        self._enter = enter
        self._pin = ""
        self._checking = False
        self._gone = False
        self.title(self.say("maintenance.pin"))
        self.body.add_widget(Gap())
        self._dots = [self._dot() for _ in range(PIN_DIGITS)]
        row = BoxLayout(
            size_hint=(None, None),
            size=(px(PIN_DIGITS * 44 + (PIN_DIGITS - 1) * 40), px(44)),
            spacing=px(40),
            pos_hint={"center_x": 0.5},
        )
        for dot, _ in self._dots:
            row.add_widget(dot)
        self.body.add_widget(row)
        self.body.add_widget(Gap(60))
        self.body.add_widget(self._pad())
        self.body.add_widget(Gap())
        self._leave = leave
        self._idle = self.after(IDLE_S, self._give_up)

    @staticmethod
    def _dot() -> tuple[Widget, Coat]:
        dot = Widget(size_hint=(None, None), size=(px(44), px(44)))
        return dot, Coat(dot, theme.GROUND, theme.PRIMARY, radius=22)

    def _pad(self) -> GridLayout:
        grid = GridLayout(
            cols=3, spacing=px(theme.GAP), size_hint=(0.82, None), pos_hint={"center_x": 0.5}
        )
        grid.bind(minimum_height=grid.setter("height"))
        for key in KEYS:
            name = key if key.isdigit() else self.say(f"maintenance.{key}")
            grid.add_widget(
                BarButton(
                    name,
                    f"key:{key}",
                    partial(self._type, key),
                    look="key",
                    role="heading" if key.isdigit() else "body",
                    # The same digit twice in a PIN is no trembling hand.
                    debounce_s=0.12,
                )
            )
        return grid

    def _type(self, key: str) -> None:
        if self._checking:
            return
        self._idle.cancel()
        self._idle = self.after(IDLE_S, self._give_up)
        self.error.clear()
        if key == "clear":
            self._pin = ""
        elif key == "delete":
            self._pin = self._pin[:-1]
        else:
            self._pin += key
        self._show_dots()
        if len(self._pin) == PIN_DIGITS:
            self._check()

    def _give_up(self, _: float) -> None:
        self._leave()

    def _show_dots(self) -> None:
        for place, (_, coat) in enumerate(self._dots):
            ground = theme.PRIMARY if place < len(self._pin) else theme.GROUND
            coat.paint(ground, theme.PRIMARY)

    def _check(self) -> None:
        pin = self._pin
        self._checking = True
        in_background(lambda: self._terminal.maintenance.admit(pin), self._checked)

    def _checked(self, result: Any) -> None:
        if self._gone:
            return
        self._checking = False
        self._pin = ""
        self._show_dots()
        if isinstance(result, Person):
            self._enter()
        elif isinstance(result, StaffRefused):
            seconds = int(result.locked_s) + 1
            self.error.show(self.say(f"roster.refused.{result.reason}", seconds=seconds))
        else:
            raise result

    def left(self) -> None:
        self._gone = True
        self._pin = ""
