"""请取走您的证件: after a visit, while something still lies in a reader (domain §6).

The terminal looks into the readers (`kiosk.upkeep.left_behind`) and tells the stage, which shows
this page, tells it more, and takes it away. Said in words and by voice; the page itself is the
light: it changes its ground twice a second, which is seen from the door.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kivy.graphics import Color, Rectangle

from screens import theme
from screens.base import Page
from screens.widgets.surface import Column, Gap
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kiosk.upkeep.left_behind import Left
    from kiosk.words import Words

#: It is said again so often, and its ground changes so often, seconds. Slower than three flashes a
#: second, which could harm somebody (WCAG 2.3.1).
_SAY_S, _BLINK_S = 5.0, 0.5

#: Device -> icon.
ICONS = {
    "id_reader": "card-account-details-outline",
    "card_reader": "smart-card-reader-outline",
}


class LeftBehindPage(Page):
    """Nothing can be pressed: it goes when the card is taken, or after half a minute."""

    def __init__(
        self, words: Words, speak: Callable[[str], None], hush: Callable[[], None]
    ) -> None:
        super().__init__(words)
        self._speak, self._hush = speak, hush
        self._shown: frozenset[str] = frozenset()
        self.hide_foot()
        with self.canvas.before:
            self._colour = Color(*theme.GROUND)
            self._ground = Rectangle(pos=self.pos, size=self.size)
        self.bind(pos=self._fit, size=self._fit)
        self._column = Column(gap=36)
        self.body.add_widget(Gap())
        self.body.add_widget(self._column)
        self.body.add_widget(Gap())
        self._bright = False
        self.every(_BLINK_S, lambda _: self._blink())
        self.every(_SAY_S, lambda _: self._say())
        self._say()

    def tell(self, left: Left) -> None:
        """What lies there now."""
        where = frozenset(str(device) for device in left.where)
        if where == self._shown:
            return
        self._shown = where
        self._column.clear_widgets()
        icon = ICONS.get(min(where), "card-bulleted-off-outline")
        ink = theme.STATES["waiting"][0]
        self._column.add_widget(Icon(icon, 280, ink, pos_hint={"center_x": 0.5}))
        self._column.add_widget(Text(self.say("left_behind.title"), role="display", align="center"))
        for device in sorted(where):
            text = self.say(f"left_behind.{device}")
            self._column.add_widget(Text(text, role="heading", align="center"))

    def _fit(self, *_: object) -> None:
        self._ground.pos, self._ground.size = self.pos, self.size

    def _blink(self) -> None:
        self._bright = not self._bright
        self._colour.rgba = theme.STATES["waiting"][1] if self._bright else theme.GROUND

    def _say(self) -> None:
        self._speak("left_behind.title")

    def left(self) -> None:
        self._hush()
