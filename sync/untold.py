"""The crashes of this terminal's programs that the centre has not heard of (`sync.crashes`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sync.crashes import FOLDER
from sync.wire.crash import AT_ONCE, CrashReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Untold:
    """The reports of all programs, for the heartbeat."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    def some(self) -> list[CrashReport]:
        """The first of them; one that cannot be read is put away."""
        found: list[CrashReport] = []
        for file in sorted(self._folder.glob("*.json"))[: 4 * AT_ONCE]:
            try:
                found.append(CrashReport.model_validate(json.loads(file.read_bytes())))
            except (OSError, ValueError):
                file.unlink(missing_ok=True)
        return found[:AT_ONCE]

    def told(self, reports: Sequence[CrashReport]) -> None:
        """The centre has them."""
        for report in reports:
            (self._folder / f"{report.id}.json").unlink(missing_ok=True)
