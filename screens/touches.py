"""Which touches count: a second touch of a trembling hand is told from a new one. No Kivy here.

A page can be used as soon as it is there. Two kinds of touch are not meant for it and do nothing:

- one at the place where the finger was lifted that brought the page, within `theme.DEBOUNCE_S`:
  the hand trembled, and what has just appeared there must not be pressed (domain §4);
- any touch within `theme.UNASKED_S` of a page that came by itself (a card was read, the warning
  appeared): people do not react that fast, so the finger was aimed at the page before.
"""

from __future__ import annotations

from math import hypot

from screens import theme


class Touches:
    """Is told of lifted fingers and of new pages. Places are pixels, times seconds."""

    def __init__(self, near: float) -> None:
        """Two places nearer than this, pixels, are the same place."""
        self._near = near
        self._lifted_at = (0.0, 0.0)
        self._lifting = False
        self._changed_at = float("-inf")
        self._brought = False

    def lifted(self, x: float, y: float) -> None:
        """A finger was lifted; a page that is shown before `over` was brought by it."""
        self._lifted_at = (x, y)
        self._lifting = True

    def over(self) -> None:
        """All that the lifted finger caused has happened."""
        self._lifting = False

    def changed(self, now: float) -> None:
        """Another page is shown, or something covers it."""
        self._changed_at = now
        self._brought = self._lifting

    def settled(self, now: float) -> bool:
        """Whether a touch somewhere on the page counts."""
        return self._brought or now - self._changed_at >= theme.UNASKED_S

    def take(self, x: float, y: float, now: float) -> bool:
        """Whether a finger put down here counts."""
        if not self.settled(now):
            return False
        if not self._brought or now - self._changed_at >= theme.DEBOUNCE_S:
            return True
        return hypot(x - self._lifted_at[0], y - self._lifted_at[1]) > self._near
