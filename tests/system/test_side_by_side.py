"""The parts that `./test` runs at once are shown whole and summed up, and no failure is missed."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from tests.__main__ import PARTS, ROOT, TASKS, Task, counts_of, in_words, run


def part(name: str, program: str) -> Task:
    return Task(name, (sys.executable, "-c", program), counts=True)


def closing(words: str, code: int = 0) -> str:
    return f"print('===== {words} in 61.50s (0:01:01) ====='); raise SystemExit({code})"


def test_all_parts_are_shown_in_order_and_summed_up(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    later = f"import time; time.sleep(0.3); {closing('2 passed, 1 skipped')}"
    assert run([part("slow", later), part("quick", closing("3 passed, 1 warning"))]) == []
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line for line in lines if line.startswith("== ")] == [
        "== slow",
        "== quick",
        "== sum of slow, quick",
    ]
    assert lines[lines.index("== slow") + 1].startswith("===== 2 passed")
    assert " 5 passed, 1 skipped, 1 warning in " in lines[-1]


@pytest.mark.parametrize("words", ["1 failed, 2 passed", "2 passed, 1 error"])
def test_the_failure_of_one_part_is_named(
    capfdbinary: pytest.CaptureFixture[bytes], words: str
) -> None:
    assert run([part("bad", closing(words, 1)), part("good", closing("3 passed"))]) == ["bad"]
    last = capfdbinary.readouterr().out.decode().splitlines()[-1]
    assert "5 passed" in last
    assert "1 failed" in last or "1 error" in last


def test_a_part_that_broke_off_is_a_failure(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run([part("broken", "print('....')"), part("good", closing("3 passed"))]) == ["broken"]
    assert b"broken broke off" in capfdbinary.readouterr().out


def test_what_only_checks_counts_nothing(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    false = Task("check", (sys.executable, "-c", "raise SystemExit(1)"))
    assert run([false, part("good", closing("3 passed"))]) == ["check"]
    assert b" 3 passed in " in capfdbinary.readouterr().out


def test_closing_lines_of_pytest_are_read() -> None:
    said = (
        "== 1 passed in 1s ==\n==== 1 failed, 2581 passed, 3 skipped in 1301.31s (0:21:41) ====\n"
    )
    assert counts_of(said) == Counter(failed=1, passed=2581, skipped=3)
    assert counts_of("==== 2 warnings, 1 error in 0.30s ====\n") == Counter(warning=2, error=1)
    assert counts_of("==== no tests ran in 0.01s ====\n") == Counter()
    assert counts_of("tests/flows/test_flow.py ....") is None


def test_the_sum_reads_like_pytest_s_own_line() -> None:
    said = in_words(Counter(passed=3, failed=1), 754.2)
    assert said.strip("= ") == "1 failed, 3 passed in 754.20s (0:12:34)"
    assert counts_of(f"{said}\n") == Counter(passed=3, failed=1)


def test_the_parts_are_all_tests() -> None:
    """What one takes the others leave out; nothing is taken that is not there."""
    *parts, rest = (list(map(str, task.command))[3:] for task in TASKS if task.counts)
    taken = [path for part in parts for path in part]
    assert parts == [list(part) for part in PARTS]
    assert rest == [f"--ignore={path}" for path in taken]
    assert len(taken) == len(set(taken))
    assert all((ROOT / path).exists() for path in taken)
