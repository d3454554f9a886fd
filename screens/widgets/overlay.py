"""What covers a page until it is answered: 您还在吗？, and 退出 when something was entered.

It covers the page opaquely: the next person at a screen that was left must not read the page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kivy.graphics import Color, Rectangle
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout

from screens import theme
from screens.scale import px
from screens.widgets.button import BarButton, Press
from screens.widgets.surface import Panel
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kivy.input import MotionEvent

    from kiosk.visit.flow import Visit


class Cover(FloatLayout):
    """A panel in the middle of the covered screen. No touch goes through."""

    def __init__(self, icon: str, title: str) -> None:
        super().__init__()
        with self.canvas.before:
            Color(*theme.HEADER)
            self._ground = Rectangle()
        self.bind(pos=self._follow, size=self._follow)
        self.panel = Panel(pad=56, size_hint_x=0.88, pos_hint={"center_x": 0.5, "center_y": 0.5})
        self.panel.add_widget(Icon(icon, 120, pos_hint={"center_x": 0.5}))
        self.panel.add_widget(Text(title, role="title", align="center"))
        self.add_widget(self.panel)

    def buttons(self, less: BarButton, more: BarButton) -> None:
        """The two answers, the one that keeps everything at the right."""
        row = BoxLayout(size_hint_y=None, height=px(theme.BUTTON), spacing=px(theme.GAP))
        less.size_hint_x = 0.8
        row.add_widget(less)
        row.add_widget(more)
        self.panel.add_widget(row)

    def drop(self) -> None:
        """A touch under way does nothing any more."""
        for widget in self.walk(restrict=True):
            if isinstance(widget, Press):
                widget.disarm()

    def on_touch_down(self, touch: MotionEvent) -> bool:
        super().on_touch_down(touch)
        return True

    def _follow(self, *_: object) -> None:
        self._ground.pos, self._ground.size = self.pos, self.size


class IdleWarning(Cover):
    """The seconds left, and the way back to the page."""

    def __init__(
        self,
        say: Callable[..., str],
        visit: Visit,
        stay: Callable[[], None],
        end: Callable[[], None],
    ) -> None:
        """`visit`: what was submitted the words must not deny, and who entered nothing loses
        nothing."""
        super().__init__("account-question-outline", say("idle.title"))
        self._say = say
        loses = "idle.text" if visit.entered else "idle.text_nothing"
        self._text_id = "idle.text_committed" if visit.committed else loses
        self._count = Text("", role="display", colour=theme.PRIMARY, align="center")
        self._text = Text("", align="center", colour=theme.INK_SOFT)
        self.panel.add_widget(self._count)
        self.panel.add_widget(self._text)
        self.buttons(
            BarButton(say("idle.end" if visit.entered else "idle.end_home"), "idle:end", end),
            BarButton(say("idle.stay"), "idle:stay", stay, look="primary"),
        )

    def show(self, seconds: int) -> None:
        """Seconds left until the visit is given up."""
        self._count.say(str(seconds))
        self._text.say(self._say(self._text_id, seconds=seconds))


class LeaveQuestion(Cover):
    """退出 was pressed after something was entered: the first touch may have been a mistake."""

    def __init__(
        self,
        say: Callable[..., str],
        stay: Callable[[], None],
        leave: Callable[[], None],
        keep: Callable[[], None] | None,
    ) -> None:
        """`keep`: leaves the answers for another day; None where that cannot be."""
        super().__init__("exit-to-app", say("leave.title"))
        self.panel.add_widget(Text(say("leave.text"), align="center", colour=theme.INK_SOFT))
        if keep is not None:
            self.panel.add_widget(BarButton(say("leave.keep"), "leave:keep", keep))
        self.buttons(
            BarButton(say("leave.leave"), "leave:leave", leave),
            BarButton(say("leave.stay"), "leave:stay", stay, look="primary"),
        )
