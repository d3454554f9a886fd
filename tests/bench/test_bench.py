"""The bench runs and says its numbers. How large they are is for people to read, not asserted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kiosk.flow import Context
from tests.bench import engine
from tests.flows.counter import CONTEXT
from tests.system.conftest import environment


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_it_prints_one_json_object_with_every_number() -> None:
    words = [sys.executable, "-m", "tests.bench", "--runs", "1", "--size", "540x960"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=170)
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    del numbers["machine"]
    assert sorted(numbers) == [
        "cold_start_to_first_frame_s",
        "memory_at_home_pss_mb",
        "memory_at_home_rss_mb",
        "visits_per_s",
        "warm_start_to_first_frame_s",
    ]
    for number in numbers.values():
        assert number["value"] > 0
        assert number["peer"] > 0
        assert {"ratio", "limit", "holds"} <= number.keys()


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
