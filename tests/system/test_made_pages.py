"""The pages that are made by a program are what that program makes today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.conftest import environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "program", ["make_licences.py", "make_faults.py", "make_photo.py", "make_wire.py"]
)
def test_the_page_is_up_to_date(program: str) -> None:
    done = subprocess.run(
        [sys.executable, f"docs/{program}", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
