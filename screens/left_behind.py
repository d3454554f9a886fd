"""请取走您的证件: at the end of a visit, until what lies in a reader is taken (domain §6).

Shown and spoken for at most `STAYS_S` seconds. Then home follows, which tells whoever comes next to
hand the card to the staff; the centre hears of it from the terminal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from screens import remains, theme
from screens.base import Page
from screens.widgets.surface import Column, Gap
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kiosk.terminal import Terminal
    from screens.voice import Mute, Voice

STAYS_S = 30.0
#: It is said again so often, seconds.
_SAY_S = 5.0
_LOOK_S = 0.3

#: Device -> icon. Others are called `left_behind.other`.
ICONS = {
    "id_reader": "card-account-details-outline",
    "card_reader": "smart-card-reader-outline",
}


class LeftBehindPage(Page):
    """Goes by itself when the readers are empty. Nothing can be pressed."""

    def __init__(
        self,
        terminal: Terminal,
        left: tuple[str, ...],
        voice: Voice | Mute,
        home: Callable[[], None],
    ) -> None:
        super().__init__(terminal.words)
        self._terminal = terminal
        self._voice = voice
        self._home = home
        self._shown: tuple[str, ...] = ()
        self.hide_foot()
        self._column = Column(gap=36)
        self.body.add_widget(Gap())
        self.body.add_widget(self._column)
        self.body.add_widget(Gap())
        self._show(left)
        self._light(True)
        self.every(_LOOK_S, lambda _: self._look())
        self.every(_SAY_S, lambda _: self._say())
        self.after(STAYS_S, lambda _: home())
        self._say()

    def _show(self, left: tuple[str, ...]) -> None:
        self._shown = left
        self._column.clear_widgets()
        icon = ICONS.get(left[0], "card-bulleted-off-outline")
        ink = theme.STATES["waiting"][0]
        self._column.add_widget(Icon(icon, 280, ink, pos_hint={"center_x": 0.5}))
        self._column.add_widget(Text(self.say("left_behind.title"), role="display", align="center"))
        for device in left:
            known = device if device in ICONS else "other"
            text = self.say(f"left_behind.{known}")
            self._column.add_widget(Text(text, role="heading", align="center"))

    def _look(self) -> None:
        left = remains.left_behind(self._terminal)
        if not left:
            self._home()
        elif left != self._shown:
            self._show(left)

    def _say(self) -> None:
        self._voice.say("left_behind.title")

    def _light(self, on: bool) -> None:
        """Let the terminal blink where it has a light at its readers."""
        light = getattr(self._terminal, "light", None)
        if light is not None:
            light(on)

    def left(self) -> None:
        self._voice.hush()
        self._light(False)
