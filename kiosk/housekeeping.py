"""What the screen process does on the side, about once a second, whether or not anybody is there.

It reads what the centre desires, and writes `health.json`, from which the agent makes its report:
the health table, and which services are open.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from kiosk.clock import beijing_at

if TYPE_CHECKING:
    from hardware.supervision import Health
    from kiosk.terminal import Terminal

log = logging.getLogger(__name__)

_PERIOD_S = 1.0

#: The file is written at least this often, so that its age tells whether the screen lives.
_LONGEST_SILENCE_S = 10.0


class Housekeeping:
    """A thread of its own; nothing here may end it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._written = ""
        self._written_at = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def _run(self) -> None:
        while True:
            try:
                self._terminal.parts.desired.refresh()
                self._write_health()
            except OSError as error:
                log.warning("housekeeping: %s", error.strerror)
            if self._stop.wait(_PERIOD_S):
                return

    def _write_health(self) -> None:
        document = json.dumps(self._document(), sort_keys=True)
        now = time.monotonic()
        if document == self._written and now - self._written_at < _LONGEST_SILENCE_S:
            return
        file = self._terminal.parts.state / "health.json"
        new = file.with_suffix(".new")
        # Not flushed to the disk: it is written again before anybody could miss it.
        new.write_text(document, encoding="utf-8")
        os.replace(new, file)
        self._written, self._written_at = document, now

    def _document(self) -> dict[str, Any]:
        offers = self._terminal.services()
        return {
            "health": [_row(health) for health in self._terminal.health.snapshot()],
            "services": {
                offer.service.id: "open" if offer.open else (offer.reason or "closed")
                for offer in offers
            },
            "versions": {"kiosk": _version(), "policy": self._terminal.parts.policy.version},
        }


def _row(health: Health) -> dict[str, Any]:
    return {
        "device": health.device,
        "state": health.state,
        "since": beijing_at(health.since).isoformat(timespec="seconds"),
        "fault": health.fault or "",
        "detail": health.detail,
        "serial": health.serial,
        "firmware": health.firmware,
        "counters": dict(health.counters),
    }


def _version() -> str:
    from importlib import metadata  # brings the mail parser; home need not wait for it

    try:
        return metadata.version("sscard-kiosk")
    except metadata.PackageNotFoundError:
        return "unpackaged"
