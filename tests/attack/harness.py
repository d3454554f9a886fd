"""Starts victims, hears what they promised, and checks that it was kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync.canonical import canonical
from sync.outbox import Outbox
from tests.attack.victim import LIMITS, TERMINAL, body

KILLED = -signal.SIGKILL

#: Most that attacks keep at once, bytes.
_ROOM = 50_000_000

#: What was attacked, over all tests of a run: name -> how often.
TALLY: Counter[str] = Counter()


def in_memory() -> Path | None:
    """A folder that costs no disk, if there is one with room: what is flushed is seen by the shim,
    not by the disk. None: temporary folders as everywhere."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < _ROOM:
        return None
    return memory


def compile_shim(folder: Path) -> Path:
    """The shim of this package, built. Raises `FileNotFoundError` without gcc."""
    shim = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(shim), str(source)]
    subprocess.run([*command, "-ldl"], check=True, timeout=60)
    return shim


@dataclass
class Told:
    """What one victim promised before it ended."""

    #: id -> (seq, receipt number)
    put: dict[str, tuple[int, str]] = field(default_factory=dict)
    #: id -> the last verdict
    answered: dict[str, str] = field(default_factory=dict)
    #: Puts that were refused, by the id their seal saw ("-": none), with the reason.
    refused: list[tuple[str, str]] = field(default_factory=list)
    leased: list[str] = field(default_factory=list)
    #: The last entry of the journal that was on the disk.
    entry: int = 0
    #: Reasons for which nothing could be opened or answered.
    troubles: list[str] = field(default_factory=list)
    calls: int = 0
    status: int = 0

    def hear(self, line: str) -> None:
        word, *rest = line.split()
        if word == "put":
            self.put[rest[0]] = (int(rest[1]), rest[2])
        elif word == "answered":
            self.answered[rest[0]] = rest[1]
        elif word == "refused":
            self.refused.append((rest[0], rest[1]))
        elif word == "leased":
            self.leased.append(rest[0])
        elif word == "entry":
            self.entry = int(rest[0])
        elif word in ("closed", "unanswered"):
            self.troubles.append(rest[0])
        elif word == "calls":
            self.calls = int(rest[0])
        else:
            raise AssertionError(line)


class Victims:
    """A process that forks victims one after the other."""

    def __init__(self, shim: Path | None) -> None:
        environment = {**os.environ, "PYTHONPATH": os.getcwd()}
        if shim is not None:
            environment["LD_PRELOAD"] = str(shim)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    def start(self, scenario: str, folder: Path, seed: int, **attack: Any) -> None:
        order = {"scenario": scenario, "folder": str(folder), "seed": seed, **attack}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def end(self) -> Told:
        told = Told()
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"end "):
                told.status = int(line.split()[1])
                return told
            told.hear(line.decode())
        raise AssertionError("the victims' parent died")

    def run(self, scenario: str, folder: Path, seed: int, **attack: Any) -> Told:
        self.start(scenario, folder, seed, **attack)
        return self.end()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)


def damage_the_indexes(file: Path) -> None:
    """Every row can be read, but the file does not pass its check."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page_size,) = db.execute("PRAGMA page_size").fetchone()
        roots = db.execute("SELECT rootpage FROM sqlite_schema WHERE type = 'index'").fetchall()
    overwrite = bytes(page_size)
    with file.open("r+b") as out:
        for (root,) in roots:
            out.seek((root - 1) * page_size)
            out.write(overwrite)


def opened(folder: Path) -> Outbox:
    return Outbox(folder / "outbox.db", TERMINAL, LIMITS)


def assert_kept(
    folder: Path, told: Told, *, unknown: int = 1, refused: int = 0, damaged: range = range(1)
) -> None:
    """Everything promised is there exactly once and whole, nothing half, and no number comes again.

    `unknown`: most items that may be there although nobody was told; `refused`: most of them of
    which somebody was told that they are not; `damaged`: how many files were set aside.
    """
    box = opened(folder)
    try:
        items = list(box.unfinished())
        there = [item.id for item in items]
        assert len(there) == len(set(there)), "twice"
        for item in items:
            assert item.sealed == body(canonical(item.header), len(item.sealed)), "half"
            assert item.header["id"] == item.id
        lost = [one for one in told.put if one not in there and box.verdict(one) is None]
        assert not lost, f"promised and lost: {lost}"
        assert len(set(there) - set(told.put)) <= unknown, "nobody was told of them"
        for one, verdict in told.answered.items():
            assert_answered(box, one, verdict, one in there)
        not_submitted = {one for one, _ in told.refused} & set(there)
        assert len(not_submitted) <= refused, "the citizen was told that it is not submitted"
        assert box.counts_and_ages().damaged_files in damaged
        stored = box.put("first_application", lambda _: b"", key_id="0" * 16, algorithm="none")
        numbers = {(item.header["seq"], item.header["receipt_no"]) for item in items}
        given = set(told.put.values()) | numbers
        assert stored.seq > max((int(str(seq)) for seq, _ in given), default=0)
        assert stored.receipt_no not in {number for _, number in given}
    finally:
        box.close()


def assert_answered(box: Outbox, item: str, verdict: str, is_there: bool) -> None:
    found = box.verdict(item)
    if verdict == "accepted":
        assert not is_there
        assert found is not None and found.verdict == "accepted"
    elif verdict == "unusable":
        assert is_there, "a dead letter is kept"
        assert found is None


class Budget:
    """Seconds for an attack beyond its first pass, which is always made whole."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds

    def rounds(self, first: int) -> Iterator[int]:
        """Seeds of passes: one, and more while there is time."""
        seed = first
        while seed == first or time.monotonic() < self._until:
            yield seed
            seed += 1
