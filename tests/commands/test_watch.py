"""A test that hangs ends the run, and those before it have each their own time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

TESTS = """
import time

import pytest


@pytest.mark.parametrize("turn", range(3))
def test_takes_a_while(turn):
    time.sleep(0.5)


def test_hangs():
    time.sleep(60)
"""


def test_a_test_that_hangs_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 1\ntimeout_method = thread\n")
    (tmp_path / "test_some.py").write_text(TESTS)
    words = ("-m", "pytest", "-v", "-p", "tests.conftest", "-p", "no:cacheprovider", str(tmp_path))
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 1
    assert done.stdout.count("PASSED") == 3
    assert "in test_hangs\n" in done.stdout and "+ Timeout +" in done.stdout
