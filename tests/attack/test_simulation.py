"""The fleet of `tests.attack.simulation` keeps its promises, and a seed repeats exactly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.attack.harness import TALLY
from tests.system import postgres

pytestmark = [pytest.mark.timeout(3000), pytest.mark.slow]


def simulated(seed: int, terminal_days: int, *more: str, hash_seed: str) -> dict[str, Any]:
    """In a process of its own: it starts Django and holds every clock."""
    words = [sys.executable, "-m", "tests.attack.simulation", *more]
    words += ["--seed", str(seed), "--terminal-days", str(terminal_days)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@cache
def fleet(seed: int, terminal_days: int, database: str) -> dict[str, Any]:
    """Each database has another seed of the order of Python's sets."""
    if database == "sqlite":
        return simulated(seed, terminal_days, hash_seed="1")
    if not postgres.is_installed():
        pytest.skip("PostgreSQL is not installed")
    return simulated(seed, terminal_days, "--postgresql", hash_seed="2")


@pytest.fixture
def days(pytestconfig: pytest.Config) -> int:
    wanted: int = pytestconfig.getoption("--simulated-days")
    return wanted


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_fleet_keeps_its_promises(seed: int, days: int, database: str) -> None:
    found = fleet(seed, days, database)
    assert not found["broken"], found
    if found["terminal_days"] >= 400:
        assert len(found["faults"]) >= 18, "a fault that never happens proves nothing"
    assert min(found["promises_checked"].values()) > 0
    TALLY["simulation: terminal-days"] += found["terminal_days"]
    TALLY["simulation: receipts"] += found["receipts"]
    TALLY["simulation: faults"] += sum(found["faults"].values())
    TALLY["simulation: promises checked"] += sum(found["promises_checked"].values())


def test_a_seed_repeats_exactly_on_either_database(seed: int, days: int) -> None:
    one, again = (
        {name: value for name, value in fleet(seed, days, database).items() if name != "seconds"}
        for database in ("sqlite", "postgresql")
    )
    assert one == again
    assert simulated(seed + 1, 1, hash_seed="1")["first_day"] != one["first_day"]
