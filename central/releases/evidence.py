"""Is the new version worse than the old one? One statistical test, and why this one.

Compared are three rates: crashes and device faults per minute, unfinished visits per visit. Of each
it is asked whether the new version's is higher, by the conditional test of two Poisson rates
(Przyborowski and Wilenski, Biometrika 31, 1940): if both had one rate, each of the n events of both
would be the new version's with the chance p = its share of the exposure, so the new version's k
events are binomial(n, p), and P(X >= k) is exact, also for three terminals and no crash at all of
the old version, where a normal approximation is not. Of visits that are unfinished or not the test
is conservative, because they vary less than Poisson counts.

It is looked again and again, and whoever looks often enough finds something. So a measure is looked
at only each time when its exposure has doubled, and the n-th look may err with the probability
ALPHA / 3 / (n (n + 1)): that adds up to ALPHA for all looks at all three. A release that is as good
as the old one is halted wrongly once in a hundred times at most.

The old version's rates are those of the same terminals before, where they say enough: a hall with
impatient citizens is compared with itself. Otherwise they are the whole fleet's.

Beside the test: a version that was tried and given up (`sync.slots`) at more than one in
`RETURNED_OF` terminals is halted at once; with few of them that is the first one.
"""

from __future__ import annotations

import math
from typing import NamedTuple

#: The chance that a release which is as good as the old one is halted.
ALPHA = 0.01

#: One terminal in so many may have come back from a version.
RETURNED_OF = 20

#: What of a measure is counted, and per what; the first look is at so much exposure.
MEASURES: dict[str, tuple[str, str, int]] = {
    "crashes": ("crashes", "minutes", 30),
    "faults": ("faults", "minutes", 60),
    "unfinished": ("unfinished", "visits", 10),
}

#: The old version's own exposure at the same terminals says enough from here on.
ENOUGH = {"minutes": 24 * 60, "visits": 50}


class Rate(NamedTuple):
    """Events, and the minutes or visits that they happened in."""

    events: int
    exposure: int


def look_at(exposure: int, first: int) -> int:
    """Which look this exposure allows: 0 none yet, 1 from `first` on, 2 from its double, …"""
    return 0 if exposure < first else int(math.log2(exposure / first)) + 1


def is_worse(new: Rate, old: Rate, look: int) -> bool:
    """Whether the new rate is higher, as far as this look may say so. `look`: from 1."""
    if not old.exposure or not new.exposure:
        return False
    allowed = ALPHA / len(MEASURES) / (look * (look + 1))
    return chance(new, old) < allowed


def chance(new: Rate, old: Rate) -> float:
    """That so many of all events or more are the new version's, if both have one rate."""
    total, share = new.events + old.events, new.exposure / (new.exposure + old.exposure)
    if new.events <= total * share:
        return 1.0  # more than a third: not worse, whatever it is exactly
    log_term = (
        math.lgamma(total + 1)
        - math.lgamma(new.events + 1)
        - math.lgamma(old.events + 1)
        + new.events * math.log(share)
        + old.events * math.log1p(-share)
    )
    term = found = math.exp(log_term)
    for events in range(new.events, total):
        term *= (total - events) / (events + 1) * share / (1 - share)
        found += term
        if term < found * 1e-12:
            break
    return min(1.0, found)
