"""What the centre wants of this terminal, as the agent last fetched it.

The agent writes `desired.json` after every heartbeat that was answered; this process reads it when
the file changes. A terminal that was never reached by the centre offers everything.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sync.marks import EVERYTHING

log = logging.getLogger(__name__)

#: After this many missed heartbeats the terminal counts as offline (domain §2.5).
MISSED = 3


class Desired:
    """The desired state in a file. `refresh` is cheap and is called about once a second."""

    def __init__(
        self, file: Path, heartbeat_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._file = file
        self._good_for_s = heartbeat_s * MISSED + 1.0
        self._clock = clock
        self._written_at = 0.0
        self._said: tuple[Any, ...] = ()
        self._closed: dict[str, str] = {}
        #: Chinese, English and last day of each; the last two may be "".
        self._announcements: list[tuple[str, str, str]] = []
        #: Whether the centre sends 短信 to citizens.
        self.notices = False
        #: Whether it can be asked about codes of electronic cards (电子社保卡).
        self.electronic_cards = False

    def refresh(self) -> bool:
        """Read the file if it was written anew. Returns whether what it says has changed."""
        try:
            written_at = self._file.stat().st_mtime
            if written_at == self._written_at:
                return False
            document = json.loads(self._file.read_text(encoding="utf-8"))
            closed = {str(key): str(why) for key, why in document["closed_services"].items()}
            notices = document.get("notices") is True
            codes = document.get("electronic_cards") is True
            shown = [_announcement(one) for one in document.get("announcements", [])]
        except FileNotFoundError:
            return False
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            # A file that cannot be read changes nothing; the agent writes it again.
            log.warning("desired state unreadable: %s", type(error).__name__)
            return False
        self._written_at = written_at
        said = (closed, notices, codes, shown)
        changed = said != (self._said or ({}, False, False, []))
        self._said = said
        self._closed, self.notices, self.electronic_cards, self._announcements = said
        return changed

    @property
    def closed_services(self) -> Mapping[str, str]:
        """Every service that the centre closed, with the reason; `EVERYTHING` stands for all."""
        return dict(self._closed)

    def closed(self, service: str) -> str | None:
        """Why the centre closed a service ("" if it gave no reason); None if it is open."""
        return self._closed.get(service, self._closed.get(EVERYTHING))

    def announcements(self, language: str, today: date) -> tuple[str, ...]:
        """What home shows today (公告); in Chinese where there is no English."""
        return tuple(
            (english if language == "en" else "") or chinese
            for chinese, english, until in self._announcements
            if not until or today.isoformat() <= until
        )

    def fresh(self) -> bool:
        """Whether the centre answered lately."""
        return self._clock() - self._written_at < self._good_for_s


def _announcement(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(one["zh"]), str(one.get("en", "")), str(one.get("until", ""))
