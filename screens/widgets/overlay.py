"""您还在吗？ The warning before a visit is given up, over whatever page is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kivy.graphics import Color, Rectangle
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout

from screens import theme
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.surface import Panel
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kivy.input import MotionEvent


class IdleWarning(FloatLayout):
    """Covers the page, so that the next person's touch cannot press what lies below."""

    def __init__(
        self,
        say: Callable[..., str],
        committed: bool,
        stay: Callable[[], None],
        end: Callable[[], None],
    ) -> None:
        """`committed`: whether something was submitted, which the words must not deny."""
        super().__init__()
        self._say = say
        self._text_id = "idle.text_committed" if committed else "idle.text"
        with self.canvas.before:
            Color(*theme.faded(theme.HEADER, 0.82))
            self._scrim = Rectangle()
        self.bind(pos=self._follow, size=self._follow)
        panel = Panel(pad=56, size_hint_x=0.88, pos_hint={"center_x": 0.5, "center_y": 0.5})
        panel.add_widget(Icon("account-question-outline", 120, pos_hint={"center_x": 0.5}))
        panel.add_widget(Text(say("idle.title"), role="title", align="center"))
        self._count = Text("", role="display", colour=theme.PRIMARY, align="center")
        panel.add_widget(self._count)
        self._text = Text("", align="center", colour=theme.INK_SOFT)
        panel.add_widget(self._text)
        buttons = BoxLayout(size_hint_y=None, height=px(theme.BUTTON), spacing=px(theme.GAP))
        buttons.add_widget(BarButton(say("idle.end"), "idle:end", end, size_hint_x=0.8))
        buttons.add_widget(BarButton(say("idle.stay"), "idle:stay", stay, look="primary"))
        panel.add_widget(buttons)
        self.add_widget(panel)

    def show(self, seconds: int) -> None:
        """Seconds left until the visit is given up."""
        self._count.say(str(seconds))
        self._text.say(self._say(self._text_id, seconds=seconds))

    def on_touch_down(self, touch: MotionEvent) -> bool:
        super().on_touch_down(touch)
        return True

    def _follow(self, *_: object) -> None:
        self._scrim.pos, self._scrim.size = self.pos, self.size
