"""A list that is moved with the finger, higher than its place.

Kivy cuts off what does not fit by the stencil buffer, which our window may not have
(`screens.visual`); a rectangle of the screen that may be drawn on does the same.
"""

from __future__ import annotations

from typing import Any

from kivy.graphics import BindTexture, ScissorPop, ScissorPush, StencilPop
from kivy.uix.scrollview import ScrollView

from screens.scale import px


class Scroll(ScrollView):
    """Moves up and down, with a bar that shows where."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            do_scroll_x=False, bar_width=px(12), scroll_type=["bars", "content"], **more
        )
        # All that Kivy's style rule has before the content is the stencil; after it, the end of
        # the stencil and then the bars.
        before, after = self.canvas.before, self.canvas.after
        before.clear()
        with before:
            self._place = ScissorPush()
        ends = next(at for at, it in enumerate(after.children) if isinstance(it, StencilPop))
        for instruction in after.children[: ends + 1]:
            if not isinstance(instruction, BindTexture):  # which goes with its rectangle
                after.remove(instruction)
        after.insert(0, ScissorPop())
        self.bind(pos=self._follow, size=self._follow)
        self._follow()

    def _follow(self, *_: object) -> None:
        self._place.x, self._place.y = round(self.x), round(self.y)
        self._place.width, self._place.height = round(self.width), round(self.height)
