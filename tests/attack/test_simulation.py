"""The fleet of `tests.attack.simulation` keeps its promises, and a seed repeats exactly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.attack.harness import TALLY
from tests.system import postgres

pytestmark = [pytest.mark.timeout(3000), pytest.mark.slow]


def simulated(
    seed: int, terminal_days: int, *more: str, hash_seed: str = "random"
) -> dict[str, Any]:
    """In a process of its own: it starts Django and holds every clock."""
    words = [sys.executable, "-m", "tests.attack.simulation", *more]
    words += ["--seed", str(seed), "--terminal-days", str(terminal_days)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_fleet_keeps_its_promises(
    seed: int, database: str, pytestconfig: pytest.Config
) -> None:
    if database == "postgresql" and not postgres.is_installed():
        pytest.skip("PostgreSQL is not installed")
    on = ["--postgresql"] if database == "postgresql" else []
    found = simulated(seed, pytestconfig.getoption("--simulated-days"), *on)
    assert not found["broken"], found
    if found["terminal_days"] >= 400:
        assert len(found["faults"]) >= 18, "a fault that never happens proves nothing"
    assert min(found["promises_checked"].values()) > 0
    TALLY["simulation: terminal-days"] += found["terminal_days"]
    TALLY["simulation: receipts"] += found["receipts"]
    TALLY["simulation: faults"] += sum(found["faults"].values())
    TALLY["simulation: promises checked"] += sum(found["promises_checked"].values())


def test_a_seed_repeats_exactly(seed: int) -> None:
    few = ("--terminals", "8")
    one, again = (simulated(seed, 16, *few, hash_seed=hash_seed) for hash_seed in ("1", "2"))
    for found in (one, again):
        del found["seconds"]
    assert one == again
    assert simulated(seed + 1, 8, *few)["digest"] != one["digest"]
