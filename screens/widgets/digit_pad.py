"""A pad for a number: dots or digits above, twelve keys below, or none where they are of metal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from screens import theme
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.coat import Coat
from screens.widgets.surface import Column
from screens.widgets.text import Text

#: The digits in the order of their keys; the last stands between 清除 and 删除.
DIGITS = "1234567890"


class DigitPad(Column):
    """Calls `typed` after every key and keeps what was typed in `digits`, until `clear`."""

    def __init__(
        self,
        say: Callable[[str], str],
        longest: int,
        typed: Callable[[], None],
        *,
        secret: bool,
        keys: str = DIGITS,
        look: str = "key",
    ) -> None:
        """`longest`: so many digits are taken; `secret`: dots instead of digits; `keys`: the ten
        digits in the order in which they stand, "" for no keys; `look`: of `button.LOOKS`."""
        super().__init__(gap=60)
        self.digits = ""
        self.closed = False
        self._longest, self._typed = longest, typed
        self._dots: list[Coat] = []
        self._shown: Text | None = None
        self.add_widget(self._row_of_dots() if secret else self._row_of_digits())
        if keys:
            self.add_widget(self._pad(say, (*keys[:9], "clear", keys[9], "delete"), look))

    def clear(self) -> None:
        self.digits = ""
        self._show()

    def _row_of_dots(self) -> Widget:
        row = BoxLayout(
            size_hint=(None, None),
            size=(px(self._longest * 44 + (self._longest - 1) * 40), px(44)),
            spacing=px(40),
            pos_hint={"center_x": 0.5},
        )
        for _ in range(self._longest):
            dot = Widget(size_hint=(None, None), size=(px(44), px(44)))
            self._dots.append(Coat(dot, theme.GROUND, theme.PRIMARY, radius=22))
            row.add_widget(dot)
        return row

    def _row_of_digits(self) -> Widget:
        self._shown = Text(" ", role="display", align="center")
        return self._shown

    def _pad(self, say: Callable[[str], str], keys: tuple[str, ...], look: str) -> GridLayout:
        grid = GridLayout(
            cols=3, spacing=px(theme.GAP), size_hint=(0.82, None), pos_hint={"center_x": 0.5}
        )
        grid.bind(minimum_height=grid.setter("height"))
        for key in keys:
            name = key if key.isdigit() else say(f"maintenance.{key}")
            grid.add_widget(
                BarButton(
                    name,
                    f"key:{key}",
                    partial(self.press, key),
                    look=look,
                    role="heading" if key.isdigit() else "body",
                    # The same digit twice in a PIN is no trembling hand.
                    debounce_s=0.12,
                )
            )
        return grid

    def press(self, key: str) -> None:
        """A digit, "clear" or "delete"."""
        if self.closed:
            return
        if key == "clear":
            self.digits = ""
        elif key == "delete":
            self.digits = self.digits[:-1]
        elif len(self.digits) < self._longest:
            self.digits += key
        self._show()
        self._typed()

    def _show(self) -> None:
        for place, coat in enumerate(self._dots):
            ground = theme.PRIMARY if place < len(self.digits) else theme.GROUND
            coat.paint(ground, theme.PRIMARY)
        if self._shown is not None:
            self._shown.say(self.digits or " ")
