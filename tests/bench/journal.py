"""What the journal costs: those who record, and the disk.

`journal_record_p50_us`: what a screen or a device waits for an entry, against a line of the log,
which it writes anyway. `journal_append_p50_ms`: what one entry takes until it is on the disk, on
the thread that writes them, against a bare write of the same bytes with fdatasync.
`journal_check_us`: a whole check, for each entry, against hashing and decoding its line.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from kiosk.upkeep.journaling import Scribe
from sync.journal import Journal, Recorder
from sync.journal.check import check
from sync.journal.lines import files_of
from tests.bench.numbers import Number, against_peer

#: Ours against the line of the log, the bare write, and the bare hashing and decoding.
RECORD_LIMIT, APPEND_LIMIT, CHECK_LIMIT = 1.0, 3.0, 4.0

ENTRIES = 200
FACTS = {"service": "first_application"}


def numbers(runs: int) -> dict[str, Number]:
    """Medians over `runs` turns of each, taken one after the other."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("KIOSK_BENCH_DIR")) as folder:
        return {
            "journal_record_p50_us": _recording(Path(folder), runs),
            "journal_append_p50_ms": _appending(Path(folder), runs),
            "journal_check_us": _checking(Path(folder), runs),
        }


def _each(work: Callable[[], object]) -> list[float]:
    """Seconds of each of the calls of a turn."""
    times = []
    for _ in range(ENTRIES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times


def _p50(turns: list[list[float]]) -> float:
    return median(one for turn in turns for one in turn)


def _recording(folder: Path, runs: int) -> Number:
    scribe = Scribe(Recorder(Journal(folder / "recorded", "screen")))
    log = logging.getLogger("tests.bench.journal")
    handler = logging.FileHandler(folder / "log")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    ours, peer = [], []
    for _ in range(runs):
        ours.append(_each(lambda: scribe.record("visit_begun", **FACTS)))
        peer.append(_each(lambda: log.info("visit %s begun", FACTS["service"])))
    scribe.close()
    log.removeHandler(handler)
    handler.close()
    return against_peer(_p50(ours) * 1e6, _p50(peer) * 1e6, RECORD_LIMIT)


def _appending(folder: Path, runs: int) -> Number:
    journal = Journal(folder / "appended", "screen")
    with (folder / "bare").open("wb", buffering=0) as bare:

        def write() -> None:
            bare.write(b"x" * 260)
            os.fdatasync(bare.fileno())

        ours, peer = [], []
        for _ in range(runs):
            ours.append(_each(lambda: journal.append("visit_begun", FACTS)))
            peer.append(_each(write))
    number = against_peer(_p50(ours) * 1e3, _p50(peer) * 1e3, APPEND_LIMIT)
    number["bytes_an_entry"] = round(_bytes_in(folder / "appended") / (runs * ENTRIES))
    return number


def _checking(folder: Path, runs: int) -> Number:
    where = folder / "appended"
    ours, peer = [], []
    for _ in range(runs):
        began = time.perf_counter()
        entries = check(where).entries
        ours.append((time.perf_counter() - began) / entries)
        began = time.perf_counter()
        for file in files_of(where):
            for line in file.read_bytes().splitlines():
                hashlib.sha256(line).digest()
                json.loads(line[65:])
        peer.append((time.perf_counter() - began) / entries)
    return against_peer(median(ours) * 1e6, median(peer) * 1e6, CHECK_LIMIT)


def _bytes_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in files_of(folder))
