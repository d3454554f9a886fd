"""What a durable put costs, against a bare SQLite commit of the same bytes plus their sealing.

Beside it stand a raw write with fdatasync, and queues that others would take for this. Those are
not dependencies of anything here; to see them:

    pip install --target DIR persist-queue litequeue huey && PYTHONPATH=DIR python -m tests.bench
        --only outbox

`lost_to_kill` and `lost_to_power_cut` say how many items a process was told are stored are not
there after a kill -9, and after a power cut in the same moment (`tests.attack.power`).
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from sync.envelope import Opener, Sealer
from sync.header import EnvelopeHeader
from sync.ids import uuid7
from sync.outbox import Limits, Outbox
from sync.receipt_number import receipt_number
from tests.attack.harness import compile_shim
from tests.attack.power import Call, Disk, recorded
from tests.bench import queues
from tests.bench.numbers import Number, against_peer

#: Ours against the bare commit and sealing.
LIMIT = 1.5

#: Bytes of contents: a form, and an application with its photo.
SIZES = {"2kb": 2 * 1024, "30kb": 30 * 1024}
#: Puts of each in one run.
PUTS = 40
#: How long a queue is filled before it is killed, seconds.
FILLED_S = 0.4
#: Power cuts that are played from the record of one filling.
POWER_CUTS = 12

Put = Callable[[], object]


def numbers(runs: int) -> dict[str, Number]:
    """Medians of `PUTS` puts a run, each of ours beside one of the others."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("KIOSK_BENCH_DIR")) as folder:
        found = {
            f"outbox_put_{name}_p50_ms": _compared(Path(folder) / name, size, runs)
            for name, size in SIZES.items()
        }
        largest = found["outbox_put_30kb_p50_ms"]
        largest["side_by_side"] = _side_by_side(Path(folder), runs)
    return found


def _compared(folder: Path, size: int, runs: int) -> Number:
    folder.mkdir()
    sealer = Opener.generate().sealer()
    contents = {"photo": "A" * size}
    with (
        _outbox(folder, sealer, contents) as ours,
        _bare(folder, sealer, contents) as bare,
        _raw(folder, size) as raw,
    ):
        # One put of each in turn: a busy machine is equally busy for all three.
        turns = [(_time(ours), _time(bare), _time(raw)) for _ in range(runs * PUTS)]
    times = [list(column) for column in zip(*turns, strict=True)]
    number = against_peer(median(times[0]), median(times[1]), LIMIT)
    number["p99"] = round(quantiles(times[0], n=100)[98], 4)
    number["raw_write_fdatasync_p50_ms"] = round(median(times[2]), 4)
    return number


def _time(put: Put) -> float:
    """Milliseconds of a put."""
    began = time.perf_counter()
    put()
    return (time.perf_counter() - began) * 1000


@contextmanager
def _outbox(folder: Path, sealer: Sealer, contents: dict[str, Any]) -> Iterator[Put]:
    limits = Limits(items=1_000_000, free_bytes=0)
    with closing(Outbox(folder / "outbox.db", "130299", limits)) as box:
        yield lambda: box.put(
            "first_application",
            lambda header: sealer.seal(header, contents),
            key_id=sealer.key_id,
            algorithm=sealer.algorithm,
        )


@contextmanager
def _bare(folder: Path, sealer: Sealer, contents: dict[str, Any]) -> Iterator[Put]:
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE item (seq INTEGER PRIMARY KEY, sealed BLOB)")
        header = EnvelopeHeader(
            id=str(uuid7()),
            terminal="130299",
            seq=1,
            receipt_no=receipt_number("130299", queues.DAY, 1),
            kind="first_application",
            created="2026-11-24T09:30:00.000+08:00",
            urgent=False,
            key_id=sealer.key_id,
            algorithm=sealer.algorithm,
        )
        yield lambda: db.execute(
            "INSERT INTO item (sealed) VALUES (?)", (sealer.seal(header, contents),)
        )


@contextmanager
def _raw(folder: Path, size: int) -> Iterator[Put]:
    data = bytes(size)
    with (folder / "raw").open("wb", buffering=0) as file:

        def put() -> None:
            file.write(data)
            os.fdatasync(file.fileno())

        yield put


# -- others ---------------------------------------------------------------------------------------


def _side_by_side(folder: Path, runs: int) -> dict[str, Any]:
    """Queue -> what a put of 30 KB takes and what it loses, or why it is not here."""
    table: dict[str, Any] = {}
    for name, made in queues.QUEUES.items():
        try:
            table[name] = _of_one(name, made, folder / name.split()[0], runs)
        except ModuleNotFoundError as missing:
            table[name] = f"skipped: {missing.name} is not installed"
    return table


def _of_one(name: str, made: queues.Made, folder: Path, runs: int) -> dict[str, Any]:
    folder.mkdir()
    queue = made(folder)
    times = [_time(queue.put) for _ in range(runs * PUTS)]
    queue.close()
    row: dict[str, Any] = {
        "p50_ms": round(median(times), 4),
        "p99_ms": round(quantiles(times, n=100)[98], 4),
    }
    try:
        return row | _losses(name, made, folder)
    except FileNotFoundError:
        return row | {"lost": "not measured: needs gcc"}


def _losses(name: str, made: queues.Made, folder: Path) -> dict[str, int]:
    """Fill a queue in a process, kill it, and count; then count as if the power had gone too."""
    shim = compile_shim(folder)
    killed, cut, record = folder / "killed", folder / "cut", folder / "record"
    killed.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.queues", name, str(killed), str(record)],
        stdout=subprocess.PIPE,
        env={**os.environ, "LD_PRELOAD": str(shim)},
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(FILLED_S)
    process.send_signal(signal.SIGKILL)
    told = 1 + sum(line.endswith(b"\n") for line in process.stdout)
    process.wait()

    with closing(made(killed)) as queue:
        lost = max(0, told - queue.count())
    return {
        "told": told,
        "lost_to_kill": lost,
        "lost_to_power_cut": _lost_to_power_cuts(made, recorded(record), str(killed), cut),
    }


def _lost_to_power_cuts(made: queues.Made, calls: list[Call], filled: str, cut: Path) -> int:
    """The most that any of some power cuts, spread over the record, loses of what was told."""
    disk, told, worst = Disk(filled), 0, 0
    points = {len(calls) * part // POWER_CUTS for part in range(1, POWER_CUTS + 1)}
    for number, call in enumerate(calls, start=1):
        if call.operation == "n":
            told += 1
        else:
            disk.call(call)
        if number in points:
            worst = max(worst, told - _left(made, disk, cut))
    return worst


def _left(made: queues.Made, disk: Disk, cut: Path) -> int:
    """How many items are found on a disk on which nothing is that was not flushed."""
    cut.mkdir()
    try:
        for file, contents in disk.after_power_cut(None).items():
            if not file.endswith("-shm"):
                (cut / file).write_bytes(contents)
        with closing(made(cut)) as queue:
            return queue.count()
    finally:
        shutil.rmtree(cut)
