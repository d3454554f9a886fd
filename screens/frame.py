"""The frame around every page: header, stages, the page, what covers it, which touches reach it.

Exactly one page is shown. Only `show` changes it, and it leaves the old page first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kivy.clock import Clock
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout

from screens import theme
from screens.scale import px
from screens.touches import Touches
from screens.widgets.header import Header
from screens.widgets.progress import ProgressStrip

if TYPE_CHECKING:
    from kivy.input import MotionEvent

    from kiosk.terminal import Terminal
    from screens.base import Page
    from screens.widgets.overlay import Cover

#: Mark of a touch that something on the page has taken, in `MotionEvent.ud`.
_COUNTS = "counts"


class Frame(FloatLayout):
    """Knows pages and touches, but no visit. `clock` gives seconds of a monotonic clock."""

    def __init__(self, terminal: Terminal, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.terminal = terminal
        self.clock = clock
        self.page: Page | None = None
        #: What is shown: a prompt's id, "home", "ending", "maintenance" …
        self.shown = ""
        #: What covers the page; only it can be touched then.
        self.cover: Cover | None = None
        #: Counts the pages shown; what was begun for an earlier page is stale.
        self._turn = 0
        self._touches = Touches(px(theme.NEAR))
        hall = terminal.settings.hall.name
        self._header = Header(terminal.words.say, hall, terminal.letterhead().terminal)
        self._strip = ProgressStrip()
        self._slot = BoxLayout()
        column = BoxLayout(orientation="vertical")
        for part in (self._header, self._strip, self._slot):
            column.add_widget(part)
        self.add_widget(column)

    # -- pages -------------------------------------------------------------------------------

    def show(self, name: str, page: Page) -> None:
        """Change the page: the only place that does."""
        self.leave_page()
        assert not self._slot.children, "two pages at once"
        self._slot.add_widget(page)
        self.page, self.shown = page, name
        self._touches.changed(self.clock())

    def show_outside_visit(self, name: str, page: Page) -> None:
        """A page without stages and without a way out."""
        self._strip.clear()
        self._header.at_home()
        self.show(name, page)

    def leave_page(self) -> None:
        """Forget the page, and what covers it."""
        self._turn += 1
        self.uncover()
        if self.page is not None:
            self.page.leave()
            self._slot.remove_widget(self.page)
            self.page = None

    def put_over(self, cover: Cover) -> None:
        """Cover the page until it is uncovered or left."""
        self.uncover()
        self.cover = cover
        self.add_widget(cover)
        self._touches.changed(self.clock())

    def uncover(self) -> None:
        if self.cover is not None:
            self.cover.drop()
            self.remove_widget(self.cover)
            self.cover = None
            self._touches.changed(self.clock())

    # -- touches -----------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether touches count: not in the first moment of a page that came by itself."""
        return self._touches.settled(self.clock())

    def takes(self, x: float, y: float) -> bool:
        """Whether a finger put down here, pixels from the bottom left, would count."""
        return self._touches.take(x, y, self.clock())

    def present(self) -> None:
        """Somebody presses or draws something; a touch on nothing is no presence."""
        if self.page is not None:
            self.page.touched()

    def on_touch_down(self, touch: MotionEvent) -> bool:
        if not self.takes(touch.x, touch.y):
            return True
        taken = bool(super().on_touch_down(touch))
        if touch.grab_list or (self.page is not None and self.page.any_touch_counts):
            touch.ud[_COUNTS] = True
            self.present()
        return taken

    def on_touch_move(self, touch: MotionEvent) -> bool:
        if _COUNTS in touch.ud:
            self.present()
        return bool(super().on_touch_move(touch))

    def on_touch_up(self, touch: MotionEvent) -> bool:
        # The button hears of it after this, and acts; then the next frame begins.
        self._touches.lifted(touch.x, touch.y)
        Clock.schedule_once(lambda _: self._touches.over(), -1)
        return bool(super().on_touch_up(touch))
