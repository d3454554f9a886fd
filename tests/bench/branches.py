"""Which lines and branches of `kiosk/services` and `kiosk/steps` no flow test comes to, as JSON:

    python -m tests.bench.branches

All of tests/flows runs under it (without what speaks: that depends on clips), which takes minutes;
so it is a command, not a part of ./test. Ends with 1 if anything is missed or a test fails.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("kiosk/services", "kiosk/steps")


def measured() -> tuple[int, dict[str, Any]]:
    """How pytest ended, and coverage's own report."""
    cover = coverage.Coverage(
        data_file=None, branch=True, config_file=False, source=[str(ROOT / room) for room in ROOMS]
    )
    cover.exclude("if TYPE_CHECKING:")
    cover.exclude("raise NotImplementedError")
    cover.start()
    flows = str(ROOT / "tests/flows")
    ended = pytest.main(["-q", "--no-header", f"--ignore={flows}/test_voice.py", flows])
    cover.stop()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        cover.json_report(outfile=str(report))
        return int(ended), json.loads(report.read_text(encoding="utf-8"))


def main() -> int:
    ended, report = measured()
    missed = {
        str(Path(name).relative_to(ROOT) if Path(name).is_absolute() else name): {
            "lines": file["missing_lines"],
            "branches": file["missing_branches"],
        }
        for name, file in report["files"].items()
        if file["missing_lines"] or file["missing_branches"]
    }
    totals = report["totals"]
    told = {
        "tests": "passed" if ended == 0 else f"failed ({ended})",
        "statements": totals["num_statements"],
        "branches": totals["num_branches"],
        "missed": missed,
    }
    print(json.dumps(told, indent=2))
    return 1 if ended or missed else 0


if __name__ == "__main__":
    sys.exit(main())
