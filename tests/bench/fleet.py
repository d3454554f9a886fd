"""Ten thousand terminals come back to a server that was away for an hour.

Each runs the real `sync.courier.Backoff` on simulated time: tries, fails, waits, tries again. What
is counted is how many requests arrive in each second from the moment the server is back until the
last terminal has got through. The peer is the same fleet without jitter, as most programs retry.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable

from sync.courier import Backoff
from tests.bench.numbers import Number, at_most

TERMINALS = 10_000
OUTAGE_S = 3600.0

#: The busiest second of the recovery against the mean of all its seconds.
LIMIT = 3.0

#: The line breaks for all of them within so many seconds: each notices at its next heartbeat.
_NOTICED_WITHIN_S = 60.0


def numbers(runs: int) -> dict[str, Number]:
    """Simulated, so one run is enough; the seed is fixed."""
    chance = random.Random(20261124)
    ours = peak_over_mean(chance, chance.uniform)
    peer = peak_over_mean(chance, lambda _, high: high)
    return {"fleet_recovery_peak_over_mean": at_most(ours, LIMIT, peer)}


def peak_over_mean(chance: random.Random, between: Callable[[float, float], float]) -> float:
    """Busiest second over mean second of the recovery."""
    arrivals = Counter(int(at - OUTAGE_S) for at in recovery(chance, between))
    seconds = max(arrivals) + 1
    return max(arrivals.values()) / (arrivals.total() / seconds)


def recovery(chance: random.Random, between: Callable[[float, float], float]) -> list[float]:
    """When each terminal's first request after the outage arrives, seconds from its beginning."""
    backoffs = [Backoff(between=between) for _ in range(TERMINALS)]
    tries = [(chance.uniform(0.0, _NOTICED_WITHIN_S), number) for number in range(TERMINALS)]
    heapq.heapify(tries)
    arrived = []
    while tries:
        at, number = heapq.heappop(tries)
        if at >= OUTAGE_S:
            arrived.append(at)
        else:
            heapq.heappush(tries, (at + backoffs[number].failed(), number))
    return arrived
