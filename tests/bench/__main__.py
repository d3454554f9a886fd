"""`python -m tests.bench [--runs N] [--size WxH] [--rest S] [--only GROUP …]`: one JSON object.

The shape of each number stands in `tests.bench.numbers`. A group that fails does not keep the
numbers of the others: `failed` names it, with the last line of its error. Exit code 1: one failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from importlib import import_module
from statistics import median

from tests.bench import engine, waiting, windows
from tests.bench.numbers import Number, against_peer

#: Home against a bare window: how many times as long it may take to start, as after switching on
#: and again, and how many times as much memory it may take.
COLD_LIMIT, WARM_LIMIT, MEMORY_LIMIT = 1.4, 1.5, 1.4
VISITS_LIMIT = 5000


def window_numbers(runs: int, size: str, rest_s: float) -> dict[str, Number]:
    """Starts and memory, each the median of `runs` starts taken in turns. `size`: WIDTHxHEIGHT;
    `rest_s`: a window has so long to come to rest before its memory is read, seconds.

    A start is cold when the machine's page cache was dropped before it, as after switching on; only
    root may do that. A warm start is what a restart after a crash takes. One run is a trial: it
    shows that the group runs, and whoever else uses this machine keeps the page cache.
    """
    trial = runs == 1
    with windows.contest(_pixels(size), rest_s, trial) as contest:
        if not trial:
            contest.bare(), contest.kiosk()  # the first start fills the machine's page cache
        warm = [(contest.kiosk(), contest.bare()) for _ in range(runs)]
        cold = [(contest.kiosk(cold=True), contest.bare(cold=True)) for _ in range(runs)]
    numbers = {
        "cold_start_to_first_frame_s": _compare(cold, "first_frame_s", COLD_LIMIT),
        "warm_start_to_first_frame_s": _compare(warm, "first_frame_s", WARM_LIMIT),
        "memory_at_home_pss_mb": _compare(warm, "pss_mb", MEMORY_LIMIT),
        "memory_at_home_rss_mb": _compare(warm, "rss_mb", MEMORY_LIMIT),
    }
    if trial or not windows.drop_page_cache():
        why = "kept: a trial" if trial else "kept: not root"
        numbers["cold_start_to_first_frame_s"]["page_cache"] = why
    return numbers


def _pixels(size: str) -> tuple[int, int]:
    width, height = map(int, size.split("x"))
    return width, height


def _compare(
    pairs: list[tuple[windows.Sample, windows.Sample]], field: str, limit: float
) -> dict[str, Number]:
    return against_peer(
        median(getattr(ours, field) for ours, _ in pairs),
        median(getattr(bare, field) for _, bare in pairs),
        limit,
    )


def engine_numbers(seconds: float) -> dict[str, Number]:
    """Visits a second, and how many times as fast the same sends are without the engine."""
    turns = 4
    ours, peer = [], []
    for _ in range(turns):
        ours.append(engine.per_second(engine.visit, seconds / turns))
        peer.append(engine.per_second(engine.by_hand, seconds / turns))
    value, other = median(ours), median(peer)
    number = {
        "value": round(value),
        "peer": round(other),
        "ratio": round(other / value, 2),
        "limit": f"value > {VISITS_LIMIT}",
        "holds": value > VISITS_LIMIT,
    }
    return {"visits_per_s": number}


#: Group -> its numbers. `tests.bench.<group>.numbers(runs)` unless named here.
_HERE: dict[str, Callable[[argparse.Namespace], dict[str, Number]]] = {
    "engine": lambda options: engine_numbers(seconds=min(4.0, options.runs)),
    "waiting": lambda options: waiting.numbers(_pixels(options.size), options.runs),
    "window": lambda options: window_numbers(options.runs, options.size, options.rest),
}
_MODULES: tuple[str, ...] = (
    "camera",
    "card",
    "centre",
    "codes",
    "courier",
    "fleet",
    "idle",
    "journal",
    "outbox",
    "page_change",
    "photo",
    "photo_window",
    "receipt",
    "release",
)
GROUPS = (*_HERE, *_MODULES)


def numbers_of(group: str, options: argparse.Namespace) -> dict[str, Number]:
    if group in _HERE:
        return _HERE[group](options)
    found: dict[str, Number] = import_module(f"tests.bench.{group}").numbers(options.runs)
    return found


def gather(
    groups: Iterable[str], measure: Callable[[str], dict[str, Number]]
) -> tuple[dict[str, Number], dict[str, str]]:
    """The numbers of all groups that could be measured, and why the others could not."""
    numbers: dict[str, Number] = {}
    failed: dict[str, str] = {}
    for group in groups:
        try:
            numbers |= measure(group)
        except Exception as error:  # noqa: BLE001 - told below, and by the exit code
            traceback.print_exc()
            failed[group] = traceback.format_exception_only(error)[-1].strip()
    return numbers, failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--runs", type=int, default=7, help="starts of each window [7]")
    parser.add_argument("--size", default="1080x1920", help="of the windows [1080x1920]")
    parser.add_argument("--rest", type=float, default=4.0, help="seconds before memory is read [4]")
    parser.add_argument("--only", choices=GROUPS, nargs="+", default=GROUPS)
    options = parser.parse_args()
    numbers, failed = gather(options.only, lambda group: numbers_of(group, options))
    machine = {"processors": os.cpu_count(), "load": os.getloadavg()[0], "runs": options.runs}
    said = {"machine": machine, **numbers} | ({"failed": failed} if failed else {})
    print(json.dumps(said, indent=2))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
