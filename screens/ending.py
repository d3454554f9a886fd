"""How a visit ended, when it did not end as the citizen wanted.

Says what happened, whether anything is lost, and what to do now. Once something was committed it
shows the receipt number, and stays long enough to write it down. It goes home by itself, but not
before it can be read (domain §2.5: an error stays at least 15 s).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kiosk.visit.flow import Ending, Outcome
from screens import theme
from screens.base import Page
from screens.left_behind import ICONS
from screens.widgets.button import BarButton
from screens.widgets.number import NumberPanel
from screens.widgets.status import Banner
from screens.widgets.surface import Column, Gap
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kiosk.upkeep.left_behind import Left
    from kiosk.words import Words

#: Seconds it stays: usually, and with a receipt number.
STAYS_S, WITH_NUMBER_S = 20, 180

#: Ending -> (state, icon). Endings that are not here go straight home.
LOOKS = {
    Ending.CANCELLED: ("ok", "content-save-check-outline"),
    Ending.IDLE: ("waiting", "timer-off-outline"),
    Ending.FAULT: ("trouble", "alert-circle-outline"),
    Ending.CRASHED: ("trouble", "alert-circle-outline"),
}


class EndingPage(Page):
    """Shown for some time or until a touch on 返回首页."""

    def __init__(self, outcome: Outcome, words: Words, home: Callable[[], None]) -> None:
        super().__init__(words)
        state, icon = LOOKS[outcome.ending]
        ink = theme.STATES[state][0]
        column = Column(gap=36)
        column.add_widget(Icon(icon, 200, ink, pos_hint={"center_x": 0.5}))
        key = f"ending.{outcome.ending}"
        column.add_widget(Text(self.say(f"{key}.title"), role="title", align="center"))
        column.add_widget(Text(self._what(outcome, key), colour=theme.INK_SOFT, align="center"))
        if outcome.committed:
            column.add_widget(Banner("ok", self.say("ending.kept")))
        else:
            column.add_widget(Banner("info", self.say("ending.not_kept")))
        if outcome.number:
            column.add_widget(NumberPanel(self.say("ending.number"), outcome.number))
        column.add_widget(
            Text(self.say("ending.ask" if outcome.committed else "ending.help"), align="center")
        )
        self._left_behind = Column(gap=24)
        self.body.add_widget(self._left_behind)
        self.body.add_widget(Gap())
        self.body.add_widget(column)
        self.body.add_widget(Gap())
        self._count = Text("", role="small", colour=theme.INK_SOFT, align="center")
        self.body.add_widget(self._count)
        self._home = home
        self._again: BarButton | None = None
        self._is_open: Callable[[], bool] = lambda: False
        self.stays_s = WITH_NUMBER_S if outcome.number else STAYS_S
        self._where: frozenset[str] = frozenset()
        self._seconds = self.stays_s + 1
        self.primary(self.say("ending.home"), home, icon="home-outline")
        self.every(1.0, self._tick)
        self._tick(0.0)

    def tell(self, left: Left) -> bool:
        """Show what lies in a reader; returns whether something lies there of which it had not
        told yet."""
        where = frozenset(str(device) for device in left.where)
        news = bool(where - self._where)
        if where != self._where:
            self._where = where
            self._left_behind.clear_widgets()
            for device in sorted(where):
                text = self.say(f"left_behind.{device}")
                self._left_behind.add_widget(Banner("waiting", text, icon=ICONS[device]))
        return news

    def offer_again(self, is_open: Callable[[], bool], again: Callable[[], None]) -> None:
        """Show 再试一次, which can be pressed while the service is open."""
        self._is_open = is_open
        self._again = self.secondary(self.say("ending.again"), "again", again, icon="refresh")
        self._again.disabled = not is_open()

    def _what(self, outcome: Outcome, key: str) -> str:
        """The fault's own words for the citizen, if it has any."""
        if outcome.fault is not None and self.words.has(f"fault.{outcome.fault}.citizen"):
            return self.say(f"fault.{outcome.fault}.citizen")
        return self.say(f"{key}.text")

    def _tick(self, _: float) -> None:
        self._seconds -= 1
        self._count.say(self.say("ending.auto", seconds=self._seconds))
        if self._again is not None:
            self._again.disabled = not self._is_open()
        if self._seconds <= 0:
            self._home()
