"""Whether the screen program is to end, so that it is started anew; it does so between visits.

Either the centre asked for it (`sync.effects`: a file `wanted/ID.restart`), or it wants other
settings than those that this program read at its start.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.settings import wanted_settings
from sync.marks import WANTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Restarting:
    """`begun` once at the start, off the screen's thread; `look` about once a second."""

    def __init__(self, state: Path, settings: Mapping[str, Any] | None = None) -> None:
        """`settings`: what the centre wanted when this program read its settings."""
        self._state = state
        self._settings = _wanted(state) if settings is None else settings
        #: What was asked before this program began. Where the disk takes no other names the files
        #: stay as they are, and must not end this program too.
        self._before = frozenset(self._asked())
        self.due = False

    def begun(self) -> None:
        """What was asked for is done by this start. Raises `OSError`."""
        for asked in self._before:
            asked.replace(asked.with_suffix(".done"))

    def look(self) -> None:
        asked = any(_still(file) for file in self._asked() if file not in self._before)
        self.due = asked or _wanted(self._state) != self._settings

    def _asked(self) -> Iterator[Path]:
        return (self._state / WANTED).glob("*.restart")


def _wanted(state: Path) -> Mapping[str, Any]:
    """What does not fit was told of when the settings were loaded, and is not each second."""
    return wanted_settings(state, tell=False)


def _still(asked: Path) -> bool:
    """Whether it is not too late for what was asked. One that cannot be read asks for nothing."""
    try:
        return time.time() < float(asked.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False
