"""`TakePage`: a page of paper before the camera, as the camera sees it, and one thing to do.

The operation decides when it can be read and takes it; whoever cannot get it right has it taken as
it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.photo.pages import PageFinding
from kiosk.visit.prompts import TakePage
from screens.base import PromptScreen
from screens.preview import PLAIN, Picture
from screens.widgets.status import Banner

if TYPE_CHECKING:
    from kiosk.operations.pages import PageView

#: What is said -> icon. The words are `page.finding.<code>`.
ICONS = {
    PageFinding.TOO_DARK: "lightbulb-on-outline",
    PageFinding.SAME: "book-open-page-variant-outline",
    PageFinding.NOT_FILLED: "arrow-expand-all",
    PageFinding.GLARE: "brightness-7",
    PageFinding.BLURRED: "blur",
    PageFinding.MOVING: "hand-back-right-outline",
    PageFinding.OK: "check-circle",
}


class TakePageScreen(PromptScreen[TakePage]):
    """Does not answer: the operation does."""

    def build(self) -> None:
        self.title()
        self._preview = Picture(PLAIN)
        self.body.add_widget(self._preview)
        self._banner = Banner(
            "info",
            self.say("page.finding.starting"),
            icon="camera-outline",
            role="title",
            least=240,
        )
        self.body.add_widget(self._banner)
        self._now = self.primary(
            self.say("page.take"), lambda: self.actions.tell("now"), icon="camera"
        )
        self._now.disabled = True
        self._said: PageFinding | None = None

    def progress(self, event: PageView) -> None:
        """A frame of the camera."""
        self._preview.show(event)
        self._now.disabled = False
        if event.finding is self._said:
            return
        self._said = event.finding
        message = f"page.finding.{event.finding}"
        state = "ok" if event.finding is PageFinding.OK else "waiting"
        self._banner.show(state, self.say(message), icon=ICONS[event.finding])
        self.actions.speak(message)
        # Who moves the paper as they are told is there, though they touch nothing.
        self.actions.touched()

    def left(self) -> None:
        self._preview.drop()
        self.actions.hush()
