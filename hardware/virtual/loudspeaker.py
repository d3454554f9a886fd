"""The far end of the loudspeaker: a program that stands where `aplay` does, and takes as long as a
clip lasts. What was heard to its end is written down; a clip that was cut short was not heard."""

from __future__ import annotations

import os
from pathlib import Path

#: Bytes of a second of the clips' sound: 22,050 numbers of two bytes, one channel.
_SECOND = 44_100

_PROGRAM = """#!/bin/sh
# aplay [-q] [-D DEVICE] FILE
for file; do :; done
bytes=$(wc -c < "$file") || exit 1
sleep "$((bytes / {second})).$(printf '%03d' $((bytes % {second} * 1000 / {second})))" || exit 1
basename "$file" .wav >> '{heard}'
"""


class VirtualLoudspeaker:
    """Somebody listens."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of its own, the first of the PATH of whoever is listened to."""
        self.folder = folder
        self._heard = folder / "heard"
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / "aplay"
        program.write_text(_PROGRAM.format(second=_SECOND, heard=self._heard), encoding="utf-8")
        program.chmod(0o755)

    @property
    def path(self) -> str:
        """The PATH with it."""
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    def heard(self) -> list[str]:
        """Names of the clips that were heard to their end, the oldest first."""
        if not self._heard.exists():
            return []
        return self._heard.read_text(encoding="utf-8").split()
