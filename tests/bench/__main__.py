"""`python -m tests.bench [ROUNDS]`: the figures of this project as one JSON object.

Each figure: `value` is ours, `peer` what it is compared with in the same run, `ratio` value / peer,
`limit` what was promised (of the ratio; of the value for `visits_per_s`).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.bench import start, visits


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
        figures = start.compare(Path(folder), rounds)
    print(json.dumps({**figures, "visits_per_s": visits.compare()}, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
