"""The bench runs and says its numbers. How large they are is for people to read, not asserted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kiosk.visit.service import Context
from tests.bench import engine, mutation
from tests.bench.__main__ import GROUPS, gather
from tests.flows.counter import CONTEXT
from tests.system.conftest import environment

#: Group -> its numbers. A group that is not here may have any.
EXPECTED = {
    "engine": ["visits_per_s"],
    "idle": ["idle_cpu_of_all_devices"],
    "window": [
        "cold_start_to_first_frame_s",
        "memory_at_home_pss_mb",
        "memory_at_home_rss_mb",
        "warm_start_to_first_frame_s",
    ],
}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("group", GROUPS)
def test_a_group_prints_one_json_object_with_every_number(group: str) -> None:
    words = [sys.executable, "-m", "tests.bench", "--runs", "1", "--size", "540x960", "--rest", "1"]
    done = subprocess.run(
        [*words, "--only", group], capture_output=True, text=True, env=environment(), timeout=230
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    del numbers["machine"]
    assert sorted(numbers) == EXPECTED.get(group, sorted(numbers))
    for number in numbers.values():
        assert number["value"] >= 0
        assert number["peer"] >= 0
        assert {"ratio", "limit", "holds"} <= number.keys()


def test_a_group_that_fails_does_not_keep_the_numbers_of_the_others() -> None:
    def measure(group: str) -> dict[str, dict[str, int]]:
        if group == "idle":
            raise TimeoutError("the devices are not ready")
        return {f"{group}_s": {"value": 1}}

    numbers, failed = gather(("engine", "idle", "window"), measure)
    assert sorted(numbers) == ["engine_s", "window_s"]
    assert failed == {"idle": "TimeoutError: the devices are not ready"}


def test_peer_and_engine_do_the_same_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the ratio would compare different things."""
    served: list[int] = []

    class Counting(engine.Twenty):
        def __init__(self, context: Context) -> None:
            super().__init__(context)
            served.append(0)

        async def serve(self) -> None:
            for prompt in engine._ASKED:
                await prompt
                served[-1] += 1

    monkeypatch.setattr(engine, "Twenty", Counting)
    engine.visit(CONTEXT)
    by_engine = sorted(served)
    served.clear()
    engine.by_hand(CONTEXT)
    assert sorted(served) == by_engine
    assert sum(by_engine) > engine.PROMPTS


def test_every_kernel_of_the_mutants_has_its_files_and_its_tests() -> None:
    assert mutation.missing(mutation.KERNELS) == []
