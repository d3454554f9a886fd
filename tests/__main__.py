"""`python -m tests`: everything `./test` runs, side by side, because most tests wait for something.

The tests run in parts, each a pytest of its own; ruff, the types and the layers are checked beside
them. What each of them says is kept and shown whole, one after the other. The last line
sums up the parts' closing lines, as pytest itself would put it. The exit code is 0 only if all
ended with 0.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from kiosk.demo.processes import GRACE_S, leash

ROOT = Path(__file__).resolve().parent.parent

#: A machine has one pcscd: all that use it take turns in one part.
_WITH_PCSCD = (
    "tests/bench",
    "tests/system/test_doctor.py",
    "tests/system/test_tour.py",
    "tests/wire/test_card_transport.py",
)

#: The part of the attacks would be over too early.
_WITH_ATTACKS = (
    "tests/attack",
    "tests/photo",
    "tests/commands",
    "tests/fleet",
    "tests/flows",
    "tests/system/test_nothing_lost.py",
)

_SYSTEM = [
    file
    for file in sorted(glob("tests/system/test_*.py", root_dir=ROOT))
    if file not in (*_WITH_PCSCD, *_WITH_ATTACKS)
]
#: From here on they run in the first part, which would be over too early as well.
_SECOND = "tests/system/test_packing"

#: What each part has; the last one has whatever else is under tests/. They take about as long as
#: one another.
PARTS = (
    (*_WITH_PCSCD, *(file for file in _SYSTEM if file >= _SECOND)),
    tuple(file for file in _SYSTEM if file < _SECOND),
    _WITH_ATTACKS,
)

_BIN = Path(sys.executable).parent
_PYTEST = (sys.executable, "-m", "pytest")

#: Between two looks at what was said, seconds.
_LOOK_S = 0.2

#: pytest's closing line, and what it counts.
_CLOSING = re.compile(r"^=+ (?P<counts>.*) in [\d.]+s(?: \([\d:]+\))? =+$", re.M)
_COUNT = re.compile(r"(\d+) ([a-z]+)")
_PLURAL = {"errors": "error", "warnings": "warning"}
#: In this order, which is pytest's; anything else it counts follows.
_ORDER = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warning", "error")


@dataclass(frozen=True)
class Task:
    """A command, and whether its counts are part of the sum."""

    name: str
    command: Sequence[str | Path]
    counts: bool = False


#: In the order in which they are shown. The types take a processor for a minute and nobody waits
#: for them, so the tests, some of which depend on time, go first.
TASKS = (
    Task("ruff", (_BIN / "ruff", "check", ".")),
    Task("format", (_BIN / "ruff", "format", "--check", ".")),
    Task("layers", (_BIN / "lint-imports",)),
    *(
        Task(f"tests part {number}", (*_PYTEST, *files), counts=True)
        for number, files in enumerate(PARTS, 1)
    ),
    Task(
        f"tests part {len(PARTS) + 1}",
        (*_PYTEST, *(f"--ignore={file}" for files in PARTS for file in files)),
        counts=True,
    ),
    Task("types", ("nice", _BIN / "mypy")),
)


class Running:
    """A task that was started, and what it has said so far."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._said = os.memfd_create(task.name)
        self.process = subprocess.Popen(
            [*leash(), *task.command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )

    def show(self) -> str:
        """Show all it says until it has ended; returns that."""
        print(f"\n== {self.task.name}", flush=True)
        said, ended = b"", False
        while not ended:
            ended = self.process.poll() is not None
            # Reading from a place leaves the file where the child goes on writing.
            while news := os.pread(self._said, 1 << 16, len(said)):
                sys.stdout.buffer.write(news)
                said += news
            sys.stdout.flush()
            if not ended:
                time.sleep(_LOOK_S)
        return said.decode(errors="replace")

    def stop(self) -> None:
        """End it, if we were told to end before it did."""
        self.process.terminate()
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:  # a program with a window takes it for a wish
            self.process.kill()
            self.process.wait()
        os.close(self._said)


def counts_of(said: str) -> Counter[str] | None:
    """What pytest counted at its end; None if it did not come so far."""
    closing = _CLOSING.findall(said)
    if not closing:
        return None
    found = ((int(number), what) for number, what in _COUNT.findall(closing[-1]))
    return Counter({_PLURAL.get(what, what): number for number, what in found})


def in_words(counts: Counter[str], seconds: float) -> str:
    """As pytest closes."""
    kinds = sorted(counts, key=lambda what: (*_ORDER, what).index(what))
    words = ", ".join(f"{counts[what]} {what}" for what in kinds) or "no tests ran"
    minutes, rest = divmod(round(seconds), 60)
    clock = f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    return f" {words} in {seconds:.2f}s ({clock}) ".center(80, "=")


def run(tasks: Sequence[Task]) -> list[str]:
    """Run all at once, show each; returns the names of those that failed."""
    began = time.monotonic()
    started = [Running(task) for task in tasks]
    try:
        return shown_and_summed_up(started, began)
    finally:
        for running in started:
            running.stop()


def shown_and_summed_up(started: Sequence[Running], began: float) -> list[str]:
    sum_of_all: Counter[str] = Counter()
    failed, incomplete = [], []
    for running in started:
        task, said = running.task, running.show()
        if running.process.returncode:
            failed.append(task.name)
        if task.counts and (counts := counts_of(said)) is not None:
            sum_of_all += counts
        elif task.counts:
            incomplete.append(task.name)
    parts = [running.task.name for running in started if running.task.counts]
    print(f"\n== sum of {', '.join(parts)}")
    for name in incomplete:
        print(f"{name} broke off; what it passed is not counted")
    print(in_words(sum_of_all, time.monotonic() - began), flush=True)
    return failed + [name for name in incomplete if name not in failed]


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    failed = run(TASKS)
    if failed:
        print(f"\n./test: failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
