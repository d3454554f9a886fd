"""What a screen may cause: the bridge from one page to the visit it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kiosk.visit.flow import Unacceptable, Visit

if TYPE_CHECKING:
    from screens.stage import Stage


class VisitActions:
    """What one screen may do to its visit. Dead as soon as another screen is shown."""

    def __init__(self, stage: Stage, visit: Visit) -> None:
        self._stage = stage
        self._visit = visit
        self._prompt = visit.prompt
        self.can_go_back = visit.can_go_back

    @property
    def _live(self) -> bool:
        return self._visit.prompt is self._prompt and self._visit.outcome is None

    def answer(self, value: Any) -> None:
        if not self._live:
            return
        try:
            self._visit.answer(value)
        except Unacceptable as error:
            page = self._stage.page
            if page is not None:
                page.show_error(error)
            return
        self._stage.follow()

    def back(self) -> None:
        if self._live:
            self._visit.back()
            self._stage.follow()

    def revise(self, prompt_id: str) -> None:
        if self._live:
            self._visit.revise(prompt_id)
            self._stage.follow()

    def cancel(self) -> None:
        if self._live:
            self._stage.cancel()

    def tell(self, word: str) -> None:
        if self._live:
            self._stage.tell(word)

    def speak(self, message: str) -> None:
        if self._live:
            self._stage.voice.say(message)

    def hush(self) -> None:
        self._stage.voice.hush()

    def touched(self) -> None:
        self._visit.touched(self._stage.clock())
