"""Home: what can be done here now, what cannot and why, and where else to get help."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.stacklayout import StackLayout

from kiosk.visit.service import Service
from screens import theme
from screens.base import Page
from screens.scale import px
from screens.widgets.button import Press
from screens.widgets.coat import Coat
from screens.widgets.status import StatusChip
from screens.widgets.surface import Column, Gap, Panel
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kiosk.offers import Offer
    from kiosk.terminal import Terminal
    from kiosk.words import Words

#: Least height of a service's tile, reference px.
TILE = 256
#: Device states that a citizen is told of on the home page.
_TELL = ("fault",)


class ServiceTile(Press):
    """A service: its picture on a disc, its name, a line on it. Closed: greyed, and why."""

    def __init__(self, offer: Offer, words: Words, act: Callable[[], None]) -> None:
        service = offer.service
        super().__init__(
            f"service:{service.id}",
            act,
            look="option",
            size_hint_y=None,
            padding=(px(40), px(36)),
            spacing=px(40),
        )
        self.disabled = not offer.open
        ink = theme.ON_DARK if offer.open else theme.INK_SOFT
        disc = FloatLayout(
            size_hint=(None, None), size=(px(144), px(144)), pos_hint={"center_y": 0.5}
        )
        Coat(disc, theme.PRIMARY if offer.open else theme.LINE, radius=72)
        disc.add_widget(Icon(service.icon, 84, ink, pos_hint={"center_x": 0.5, "center_y": 0.5}))
        self.add_widget(disc)
        lines = Column(gap=8, pos_hint={"center_y": 0.5})
        lines.add_widget(
            Text(
                words.say(f"service.{service.id}.name"),
                role="heading",
                colour=theme.INK if offer.open else theme.INK_SOFT,
            )
        )
        detail = words.say(f"service.{service.id}.detail") if offer.open else offer.reason
        if not offer.open:
            lines.add_widget(StatusChip("off", words.say("home.closed")))
        if offer.open or detail != words.say("home.closed"):
            lines.add_widget(Text(detail, colour=theme.INK_SOFT))
        self.add_widget(lines)
        if offer.open:
            self.add_widget(Icon("chevron-right", 64, pos_hint={"center_y": 0.5}))
        lines.bind(height=lambda _, height: setattr(self, "height", max(px(TILE), height + px(72))))
        self.height = max(px(TILE), lines.height + px(72))

    def colour_content(self, ink: theme.Colour) -> None:
        """The words keep the ink they were made with."""


class HomePage(Page):
    """Redraws itself when an offer or a device changes; otherwise nothing moves."""

    def __init__(self, terminal: Terminal, choose: Callable[[type[Service]], None]) -> None:
        super().__init__(terminal.words)
        self._terminal = terminal
        self._choose = choose
        self._drawn: object = None
        self.hide_foot()
        self.refresh()
        self.every(1.0, lambda _: self.refresh())

    def refresh(self) -> None:
        """Look at the terminal again."""
        offers = self._terminal.services()
        broken = tuple(
            health.device
            for health in self._terminal.health.snapshot()
            if str(health.state) in _TELL
        )
        state = (tuple((o.service.id, o.open, o.reason) for o in offers), broken)
        if state == self._drawn:
            return
        self._drawn = state
        self.head.clear_widgets()
        self.body.clear_widgets()
        self._draw(offers, broken)

    def _draw(self, offers: tuple[Offer, ...], broken: tuple[str, ...]) -> None:
        any_open = any(offer.open for offer in offers)
        self.head.add_widget(Gap(24))
        if any_open:
            self.title(self.say("home.greeting"), self.say("home.touch"))
        else:
            self.title(self.say("home.nothing"), self.say("home.nothing_text"))
        self.head.add_widget(Gap(16))
        for offer in sorted(offers, key=lambda offer: not offer.open):
            service = offer.service
            self.body.add_widget(ServiceTile(offer, self.words, partial(self._choose, service)))
        self.body.add_widget(Gap())
        if broken:
            self.body.add_widget(self._broken(broken))
        self.body.add_widget(self._help(any_open))

    def _broken(self, devices: tuple[str, ...]) -> Column:
        row = Column(gap=16)
        row.add_widget(Text(self.say("home.partly"), role="small", colour=theme.INK_SOFT))
        chips = StackLayout(size_hint_y=None, spacing=px(16))
        chips.bind(minimum_height=chips.setter("height"))
        for device in devices:
            chips.add_widget(StatusChip("off", self.say(f"device.{device}")))
        row.add_widget(chips)
        return row

    def _help(self, any_open: bool) -> Panel:
        """What to have ready, and who helps. Stands clear of the corners."""
        panel = Panel(fill=theme.PRIMARY_TINT, border=None, spacing=px(20))
        lines = [("face-agent", self.say("frame.help"))]
        if any_open:
            lines = [
                ("card-account-details-outline", self.say("home.prepare")),
                *lines,
            ]
        for icon, text in lines:
            row = BoxLayout(size_hint_y=None, spacing=px(24))
            row.add_widget(Icon(icon, 52, pos_hint={"center_y": 0.5}))
            line = Text(text, role="small", pos_hint={"center_y": 0.5})
            line.bind(height=lambda _, h, row=row: setattr(row, "height", max(px(56), h)))
            row.height = max(px(56), line.height)
            row.add_widget(line)
            panel.add_widget(row)
        return panel
