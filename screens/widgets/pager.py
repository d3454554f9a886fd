"""Turning pages: 上一页, where one is, 下一页. Long lists never get a scroll bar."""

from __future__ import annotations

from collections.abc import Callable

from kivy.uix.boxlayout import BoxLayout

from screens import theme
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.text import Text


class Pager(BoxLayout):
    """One row, tags "less" and "more"."""

    def __init__(
        self,
        say: Callable[..., str],
        page: int,
        pages: int,
        turn: Callable[[int], None],
        *,
        height: float = 100,
    ) -> None:
        """`page` counts from 0; `turn` is called with -1 or 1; `height` in reference pixels."""
        super().__init__(size_hint_y=None, height=px(height), spacing=px(theme.GAP))
        less = BarButton(say("frame.less"), "less", lambda: turn(-1), role="small", height=height)
        more = BarButton(say("frame.more"), "more", lambda: turn(1), role="small", height=height)
        less.disabled = page == 0
        more.disabled = page == pages - 1
        where = say("frame.page", page=page + 1, pages=pages)
        self.add_widget(less)
        middle = {"center_y": 0.5}
        self.add_widget(Text(where, role="legal", align="center", size_hint_x=0.5, pos_hint=middle))
        self.add_widget(more)
