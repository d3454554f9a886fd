"""The bar at the top of every page: where one is, whether the centre is reached, the way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kivy.graphics import Color, Rectangle
from kivy.uix.boxlayout import BoxLayout

from kiosk.clock import beijing_now
from screens import theme
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.coat import Coat
from screens.widgets.status import StatusChip
from screens.widgets.text import Icon, Text


class Header(BoxLayout):
    """Left: emblem, name of the hall or service, terminal and time. Right: 联网/离线, 退出."""

    def __init__(self, say: Callable[..., str], hall: str, terminal: str) -> None:
        """`say` gives words by id; `terminal` is the terminal's number."""
        super().__init__(size_hint_y=None, height=px(theme.HEADER_HEIGHT), spacing=px(theme.GAP))
        self.padding = (px(theme.MARGIN), px(12), px(theme.MARGIN), px(16))
        self._say = say
        self._hall = hall
        self._terminal = say("frame.terminal", number=terminal)
        Coat(self, theme.HEADER, radius=0)
        with self.canvas.before:
            Color(*theme.GOLD)
            self._thread = Rectangle()
        self.bind(pos=self._follow, size=self._follow)
        self.add_widget(Icon("shield-account", 84, theme.ON_DARK_SOFT, pos_hint={"center_y": 0.5}))
        words = BoxLayout(orientation="vertical", pos_hint={"center_y": 0.5}, size_hint_y=None)
        words.bind(minimum_height=words.setter("height"))
        self._name = Text(hall, role="small", colour=theme.ON_DARK)
        self._line = Text("", role="legal", colour=theme.ON_DARK_SOFT)
        words.add_widget(self._name)
        words.add_widget(self._line)
        self.add_widget(words)
        self.net = StatusChip("ok", say("frame.online"), icon="web-check")
        self.net.pos_hint = {"center_y": 0.5}
        self.add_widget(self.net)
        self._leave: BarButton | None = None
        self.tick()

    def tick(self, now: datetime | None = None) -> None:
        """Show the time of day; called about once a second."""
        text = f"{self._terminal}　{now or beijing_now():%H:%M}"
        if text != self._line.words:
            self._line.say(text)

    def show_online(self, online: bool) -> None:
        if online:
            self.net.show("ok", self._say("frame.online"), icon="web-check")
        else:
            self.net.show("waiting", self._say("frame.offline"), icon="web-off")

    def during_visit(self, service: str, leave: Callable[[], None]) -> None:
        """Name the service and give the way out."""
        self._name.say(service)
        self._remove_leave()
        self._leave = BarButton(
            self._say("frame.leave"),
            "leave",
            leave,
            look="header",
            icon="exit-to-app",
            role="small",
            height=88,
            size_hint_x=None,
            width=px(theme.LEAVE_WIDTH),
            pos_hint={"center_y": 0.5},
        )
        self.add_widget(self._leave)

    def allow_leave(self, allowed: bool) -> None:
        """Hide the way out while something takes effect that cannot be stopped."""
        if self._leave is not None:
            self._leave.disabled = not allowed
            self._leave.opacity = 1 if allowed else 0

    def at_home(self) -> None:
        """Name the hall; there is nothing to leave."""
        self._name.say(self._hall)
        self._remove_leave()

    def _remove_leave(self) -> None:
        if self._leave is not None:
            self._leave.disarm()
            self.remove_widget(self._leave)
            self._leave = None

    def _follow(self, *_: object) -> None:
        self._thread.pos = self.pos
        self._thread.size = (self.width, px(4))
