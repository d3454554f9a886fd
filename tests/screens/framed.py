"""One prompt's page in the whole window: header, stages and page, without a visit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from kiosk.services.first_application import ApplyFirst
from kiosk.visit.flow import Prompt
from screens.registry import screen_class
from screens.stage import Stage
from tests.screens.samples import Recorder


class Framed(Stage):
    """A stage that shows what it is given. It begins without home, which takes longer to build than
    most pages."""

    def go_home(self) -> None:
        self._touched_at = self.clock()

    def put_on(self, prompt: Prompt[Any]) -> None:
        self._service, self._named = ApplyFirst, ""
        service = SimpleNamespace(id=ApplyFirst.id, stages=ApplyFirst.stages, stage="details")
        self._show_stage(SimpleNamespace(under_way=service))  # type: ignore[arg-type]
        actions = Recorder(can_go_back=prompt.asks)
        self.show(prompt.id, screen_class(type(prompt))(prompt, None, self.terminal.words, actions))
