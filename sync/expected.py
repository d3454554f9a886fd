"""What a database must hold, kept beside it: `outbox.db.expected`.

A file that was emptied or deleted looks like a new one, and would give the same receipt numbers
again. That this file exists says that the database had contents, and it holds a ceiling for each
row of numbers: whatever was given is not above it.

    {"seq": 32, "2026-11-24": 16}

A ceiling is raised by a block at a time, so that most numbers cost no write here. Standard library
only.
"""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING

from sync.identity import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

#: Numbers that one write covers; as many may stay unused after a power cut.
BLOCK = 16


class Expected:
    """One such file. Only who has the database's write lock may raise a ceiling."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: As they were last seen; the file's own may be higher.
        self._seen: dict[str, int] = {}

    def exists(self) -> bool:
        return self._path.exists()

    def ceilings(self) -> dict[str, int]:
        """Name -> what its numbers may have reached. None are known of an unreadable file."""
        try:
            found = json.loads(self._path.read_text(encoding="ascii"))
            ceilings = {str(name): int(number) for name, number in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            log.error("%s is unreadable: %s", self._path.name, type(error).__name__)
            return {}
        return ceilings

    def reserve(self, numbers: Mapping[str, int]) -> None:
        """Before these are given; the ceilings are on disk when this returns. Raises `OSError`."""
        if all(number <= self._seen.get(name, 0) for name, number in numbers.items()):
            return
        known = self.ceilings()
        ceilings = {
            name: max(known.get(name, 0), self._seen.get(name, 0)) for name in known | self._seen
        }
        for name, number in numbers.items():
            if number > ceilings.get(name, 0):
                ceilings[name] = number + BLOCK - 1
        if ceilings != known:
            self.write(ceilings)
        self._seen = ceilings

    def write(self, ceilings: Mapping[str, int]) -> None:
        write_whole(self._path, json.dumps(ceilings).encode("ascii"), 0o600)


def flush_folder(folder: Path) -> None:
    """Names made and changed in a folder are on disk when this returns. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
