"""What the flows write is kept in memory: nobody cuts their power, and a disk takes seconds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

_MEMORY = Path("/dev/shm")
#: So much has to be free there, bytes: less counts as a disk that is nearly full.
_ROOM = 2_000_000_000


@pytest.fixture(scope="session")
def _in_memory() -> bool:
    return os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, _in_memory: bool) -> Iterator[Path]:
    """As pytest's own, which is used where there is not the memory."""
    if not _in_memory:
        yield request.getfixturevalue("tmp_path")
        return
    with TemporaryDirectory(prefix="kiosk-flows-", dir=_MEMORY) as folder:
        yield Path(folder)
