"""The benches run and print what they promise; their times are read by people, not asserted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_figures_are_printed_as_one_json_object() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "1"], capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    print(done.stdout)
    for name in ("cold_start_s", "warm_start_s", "memory_at_home_mb", "visits_per_s"):
        assert {"value", "peer", "ratio", "limit"} <= figures[name].keys()
        assert figures[name]["value"] > 0
