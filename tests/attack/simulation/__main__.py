"""`python -m tests.attack.simulation`: one run, one JSON object; exits 1 if a promise broke."""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from contextlib import closing, nullcontext
from pathlib import Path

from tests.attack.harness import in_memory
from tests.attack.simulation.virtual import Clock
from tests.attack.simulation.world import Broken, World
from tests.system.postgres import Cluster


def run(
    seed: int, terminal_days: int, terminals: int, cluster: Cluster | None
) -> dict[str, object]:
    logging.disable(logging.CRITICAL)
    begun, broken, first_day = time.perf_counter(), "", ""
    with (
        tempfile.TemporaryDirectory(prefix="simulation-", dir=in_memory()) as root,
        Clock() as clock,
    ):
        world = World(Path(root), seed, terminals, clock, cluster)
        try:
            while world.terminal_days < terminal_days:
                world.day()
                first_day = first_day or world.digest()
            world.calm()
        except Broken as promise:
            broken = str(promise)
        finally:
            world.close()
    return {
        "seed": seed,
        "terminal_days": world.terminal_days,
        "receipts": len(world.told),
        "faults": dict(sorted(world.faults.items())),
        "promises_checked": dict(sorted(world.checked.items())),
        "broken": broken,
        "first_day": first_day,
        "digest": world.digest(),
        "seconds": round(time.perf_counter() - begun, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack.simulation")
    drawn = random.SystemRandom().randrange(1_000_000)
    parser.add_argument("--seed", type=int, default=drawn)
    parser.add_argument("--terminal-days", type=int, default=1000)
    parser.add_argument("--terminals", type=int, default=16)
    parser.add_argument("--postgresql", action="store_true", help="what the centre is on")
    options = parser.parse_args()
    with closing(Cluster()) if options.postgresql else nullcontext() as cluster:
        found = run(options.seed, options.terminal_days, options.terminals, cluster)
    print(json.dumps(found, indent=2))
    return bool(found["broken"])


if __name__ == "__main__":
    sys.exit(main())
