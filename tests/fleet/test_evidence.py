"""The test that halts a release: exact where it is known, rarely wrong, quick where it counts."""

from __future__ import annotations

import math
import random

from central.releases.evidence import ALPHA, MEASURES, Rate, chance, is_worse, look_at


def test_the_chance_is_the_binomial_tail() -> None:
    """Counted out: of 5 events 4 or more in the half; of 3 all in the tenth."""
    assert math.isclose(chance(Rate(4, 100), Rate(1, 100)), 6 / 32)
    assert math.isclose(chance(Rate(3, 10), Rate(0, 90)), 0.001)
    assert math.isclose(chance(Rate(40, 1000), Rate(0, 1000)), 0.5**40)
    assert chance(Rate(1, 100), Rate(1, 100)) == 1.0
    assert chance(Rate(0, 100), Rate(10, 1)) == 1.0


def test_looks_come_when_the_exposure_doubled() -> None:
    assert [look_at(n, 10) for n in (0, 9, 10, 19, 20, 39, 40, 10240)] == [0, 0, 1, 1, 2, 2, 3, 11]


def visits(rng: random.Random, rate: float, count: int) -> int:
    return sum(rng.random() < rate for _ in range(count))


def halted(rng: random.Random, new: float, old: float, most: int) -> int:
    """After how many visits a version with this rate is halted; 0: never."""
    before, now, seen = Rate(visits(rng, old, 3000), 3000), Rate(0, 0), 0
    while now.exposure < most:
        now = Rate(now.events + visits(rng, new, 5), now.exposure + 5)
        look = look_at(now.exposure, MEASURES["unfinished"][2])
        if look > seen:
            seen = look
            if is_worse(now, before, look):
                return now.exposure
    return 0


def test_a_version_that_is_as_good_is_hardly_ever_halted() -> None:
    rng = random.Random(7)
    wrongly = sum(halted(rng, 0.2, 0.2, 700) > 0 for _ in range(200))
    print(f"as good as before, 200 releases: {wrongly} halted")
    assert wrongly <= 200 * ALPHA


def test_a_version_that_makes_visits_fail_is_halted_soon() -> None:
    """Nine in ten visits fail instead of one in five; and twice as many as before."""
    rng = random.Random(8)
    bad = [halted(rng, 0.9, 0.2, 700) for _ in range(50)]
    twice = [halted(rng, 0.4, 0.2, 700) for _ in range(50)]
    print(f"9 in 10 fail: halted after {max(bad)} visits at most; twice as many: {max(twice)}")
    assert min(bad) > 0
    assert max(bad) <= 40
    assert min(twice) > 0


def test_without_an_old_version_nothing_can_be_worse() -> None:
    assert not is_worse(Rate(50, 50), Rate(0, 0), 1)
    assert not is_worse(Rate(0, 0), Rate(5, 50), 1)


def test_the_first_crashes_of_a_version_where_there_were_none_are_enough() -> None:
    """Three crashes in half an hour, and none in a week of ten terminals before."""
    assert is_worse(Rate(3, 30), Rate(0, 100_800), look_at(30, 30))
    assert not is_worse(Rate(1, 600), Rate(1, 600), 1)
