"""`python -m tests.bench.mutation [--only KERNEL …]`: how many mutants of the kernels die.

A kernel is code where a wrong sign loses somebody's application. mutmut changes it in one small
way at a time and runs the tests that reach it; a mutant that no test notices shows a test that
cannot fail. The mutants are made in a copy of the tree, which goes afterwards. One JSON object is
printed: per kernel the score, and each mutant that lived. Why those may live stands in
docs/mutation.md. It takes long (a second or two a mutant) and is no part of ./test.

    pip install mutmut   # in the group "dev" of setup.cfg
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]

#: Every kernel is held to this share of mutants killed.
LIMIT = 0.85

_COPIED = ("central", "docs", "hardware", "kiosk", "screens", "sync", "tests")

_SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE|AND|PRAGMA)\b")

_MUTMUT = ("nice", sys.executable, "-m", "mutmut")

#: The same sample each time.
_SEED = 20_261_128

#: Of so many mutants some change nothing; if all die, the tests fail in a forked process anyway.
_SOME_LIVE = 50

#: Exit codes that mutmut keeps per mutant; 0: every test passed.
_LIVED, _NO_TESTS, _NOT_RUN = 0, 33, None


@dataclass(frozen=True)
class Kernel:
    """`tests` are what must notice; the quick ones, in one process."""

    files: tuple[str, ...]
    tests: tuple[str, ...]
    #: Arguments for pytest, e.g. what is deselected.
    more: tuple[str, ...] = ()


#: What a mutant breaks, it breaks on either database.
_ONE_DATABASE = ("-k", "not postgresql")

KERNELS = {
    "engine": Kernel(("kiosk/visit/flow.py",), ("tests/flows/test_flow.py",)),
    "outbox": Kernel(
        ("sync/outbox.py", "sync/tables.py", "sync/witness.py"),
        (
            "tests/system/test_outbox.py",
            "tests/system/test_rescue.py",
            "tests/system/test_witness.py",
        ),
    ),
    "courier": Kernel(("sync/courier.py", "sync/verified.py"), ("tests/system/test_courier.py",)),
    "records": Kernel(
        ("kiosk/records/id_number.py", "kiosk/records/masking.py"),
        ("tests/flows/test_records.py",),
    ),
    "steps": Kernel(
        (
            "kiosk/steps/filing.py",
            "kiosk/steps/identity.py",
            "kiosk/steps/proof.py",
            "kiosk/steps/signing.py",
        ),
        (
            "tests/flows/test_application_ways.py",
            "tests/flows/test_first_application.py",
            "tests/flows/test_loss.py",
            "tests/flows/test_steps.py",
        ),
    ),
    "cards": Kernel(
        (
            "hardware/card/apdu.py",
            "hardware/card/contents.py",
            "hardware/card/files.py",
        ),
        ("tests/wire/test_card_files.py", "tests/wire/test_card_tally.py"),
        # A hundred generated cards a mutant take minutes, and what they promise is no crash.
        ("-k", "not test_any and not answers_anything"),
    ),
    "escpos": Kernel(("hardware/escpos.py",), ("tests/wire/test_escpos.py",)),
    "printer": Kernel(("hardware/printer.py",), ("tests/wire/test_printer_clock.py",)),
    "crop": Kernel(
        ("kiosk/photo/crop.py",), ("tests/photo/test_crop.py", "tests/photo/test_standard.py")
    ),
    "gauge": Kernel(("kiosk/photo/gauge.py",), ("tests/photo/test_gauge.py",)),
    "intake": Kernel(
        ("central/intake.py", "central/decisions.py", "central/cases.py"),
        ("tests/system/test_intake.py", "tests/system/test_batches.py"),
        _ONE_DATABASE,
    ),
    "machine": Kernel(("central/machine.py",), ("tests/system/test_machine.py",), _ONE_DATABASE),
    "whole": Kernel(("central/whole.py",), ("tests/system/test_whole.py",), _ONE_DATABASE),
    "signatures": Kernel(
        ("central/signatures.py",), ("tests/system/test_signatures.py",), _ONE_DATABASE
    ),
}


def missing(names: Iterable[str]) -> list[str]:
    """Files of these kernels that are not there: a kernel without its tests would show nothing."""
    of = [KERNELS[name] for name in names]
    files = [file for kernel in of for file in (*kernel.files, *kernel.tests)]
    return [file for file in files if not (ROOT / file).exists()]


def numbers_of(name: str, children: int, sample: int) -> dict[str, Any]:
    """The score of one kernel, or why it has none. `sample`: so many of its mutants; 0: all."""
    kernel = KERNELS[name]
    with tempfile.TemporaryDirectory(prefix=f"mutants-{name}-") as folder:
        tree = Path(folder)
        for part in _COPIED:
            shutil.copytree(
                ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__", "pictures")
            )
        for file in ("pyproject.toml", "constraints.txt", "README.md"):
            shutil.copy2(ROOT / file, tree / file)
        (tree / "setup.cfg").write_text(_settings(kernel), encoding="utf-8")
        chosen: list[str] = []
        if sample:
            _mutmut(tree, children, ["none"])  # makes them, and runs none
            made = sorted(_results(tree, kernel))
            chosen = sorted(random.Random(_SEED).sample(made, min(sample, len(made))))
        said = _mutmut(tree, children, chosen)
        found = _results(tree, kernel)
        if all(code is _NOT_RUN for code in found.values()):
            return {"failed": said[-2000:]}
        return _score(found, tree)


def _mutmut(tree: Path, children: int, names: list[str]) -> str:
    words = [*_MUTMUT, "run", "--max-children", str(children), *names]
    # A test that asks for the folder of the sources finds the copy.
    environment = {**os.environ, "PYTHONPATH": ".", "PYTEST_DEBUG_TEMPROOT": str(tree)}
    done = subprocess.run(
        words, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def _settings(kernel: Kernel) -> str:
    rooms = sorted({file.split("/")[0] for file in kernel.files})
    also = [part for part in _COPIED if part not in rooms]

    def listed(values: tuple[str, ...] | list[str]) -> str:
        return "".join(f"\n    {value}" for value in values)

    return (
        "[mutmut]\n"
        f"source_paths ={listed(rooms)}\n"
        f"only_mutate ={listed(kernel.files)}\n"
        f"also_copy ={listed(also)}\n"
        f"pytest_add_cli_args_test_selection ={listed([*kernel.tests, *kernel.more])}\n"
        # What is written into a log is read by people; no test looks at its words.
        "do_not_mutate_patterns =\n    ^\\s*log\\.(debug|info|warning|error)\\(\n"
        "use_git_change_detection = false\n"
        # A busy machine is no infinite loop, which would count as killed.
        "timeout_constant = 60\n"
        "[tool:pytest]\n"
        "addopts = -p no:cacheprovider\n"
        # The files of the process that all others are forked off stay where they are.
        "tmp_path_retention_count = 1000000\n"
        "markers =\n    slow: x\n    optional: x\n"
    )


def _results(tree: Path, kernel: Kernel) -> dict[str, int | None]:
    """Mutant -> exit code of the tests."""
    results: dict[str, int | None] = {}
    for file in kernel.files:
        meta = tree / "mutants" / f"{file}.meta"
        if meta.exists():
            results |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return results


def _score(found: dict[str, int | None], tree: Path) -> dict[str, Any]:
    differences = {
        name: _difference(name, tree)
        for name, code in sorted(found.items())
        if code in (_LIVED, _NO_TESTS)
    }
    lived = {name: lines for name, lines in differences.items() if not _is_the_same_sql(lines)}
    same = len(differences) - len(lived)
    run = sum(code is not _NOT_RUN for code in found.values()) - same
    killed = run - len(lived)
    score = killed / run if run else 0.0
    return {
        "mutants": run,
        "sampled": run + same < len(found),
        "same_sql": same,
        "killed": killed,
        "score": round(score, 3),
        "limit": f"score >= {LIMIT}, and one of many lives",
        "holds": score >= LIMIT and bool(lived or run < _SOME_LIVE),
        "not_run": len(found) - run - same,
        "lived": lived,
    }


def _is_the_same_sql(difference: list[str]) -> bool:
    """Only large and small letters of a statement differ, which SQL does not tell apart."""
    if len(difference) != 2:
        return False
    before, after = (line[1:] for line in difference)
    return before.lower() == after.lower() and _SQL.search(before) is not None


def _difference(mutant: str, tree: Path) -> list[str]:
    """The lines that differ."""
    words = [*_MUTMUT, "show", mutant]
    done = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=False)
    return [
        line
        for line in done.stdout.splitlines()
        if line[:1] in "+-" and not line.startswith(("+++", "---"))
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mutation")
    parser.add_argument("--only", choices=KERNELS, nargs="+", default=list(KERNELS))
    parser.add_argument("--children", type=int, default=2, help="mutants at once [2]")
    parser.add_argument("--sample", type=int, default=0, help="mutants of each kernel [0: all]")
    options = parser.parse_args()
    if gone := missing(options.only):
        parser.error(f"not there: {', '.join(gone)}")
    found = {name: numbers_of(name, options.children, options.sample) for name in options.only}
    print(json.dumps(found, indent=2))
    return 0 if all(numbers.get("holds") for numbers in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
