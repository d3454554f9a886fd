"""One prompt's page in the whole window: header, stages and page, without a visit."""

from __future__ import annotations

from typing import Any

from kiosk.services.first_application import ApplyFirst
from kiosk.visit.flow import Prompt
from screens.registry import screen_class
from screens.stage import Stage
from tests.screens.samples import Recorder


class Framed(Stage):
    """A stage that shows what it is given."""

    def put_on(self, prompt: Prompt[Any]) -> None:
        self._service = ApplyFirst
        self._show_stage("details")
        name = self.terminal.words.say("service.first_application.name")
        self._header.during_visit(name, lambda: None)
        actions = Recorder(can_go_back=prompt.asks)
        self.show(prompt.id, screen_class(type(prompt))(prompt, None, self.terminal.words, actions))
