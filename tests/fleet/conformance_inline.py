"""A plugin for the TUF conformance suite: the client's commands run in the suite's own process."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import time_machine
from tuf_conformance._internal.client_runner import ClientRunner  # type: ignore[import-not-found]

from tests.fleet.conformance_client import main


def run(self: Any, command: list[str]) -> int:
    """Instead of `ClientRunner._run`; `command` may begin with "faketime" and a time."""
    moment = datetime.fromisoformat(command[1]) if command[0] == "faketime" else None
    words = command[3:] if moment else command[1:]
    codes: list[int] = []

    def client() -> None:
        with time_machine.travel(moment) if moment else nullcontext():
            codes.append(main(words))

    thread = threading.Thread(target=client)
    thread.start()
    self._server.timeout = 0.005
    while thread.is_alive():
        self._server.handle_request()
    return codes[0] if codes else 1


ClientRunner._run = run
