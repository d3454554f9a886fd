"""docs/licences.md names all that ships, and nothing ships whose licence nobody has read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_licences_page_is_what_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, "docs/make_licences.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
