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
from tests.attack.power import Disk, recorded
from tests.bench import queues
from tests.bench.numbers import Number, against_peer

#: Ours against the bare commit and sealing.
LIMIT = 1.5

#: Bytes of contents: a form, and an application with its photo.
SIZES = {"2kb": 2 * 1024, "30kb": 30 * 1024}
#: Puts of each in one turn.
PUTS = 40
#: How long a queue is filled before it is killed, seconds.
FILLED_S = 0.4

Put = Callable[[], object]


def numbers(runs: int) -> dict[str, Number]:
    """Medians over `runs` turns, taken one after the other by each."""
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
        turns = [(_times(ours), _times(bare), _times(raw)) for _ in range(runs)]
    times = [[one for turn in turns for one in turn[column]] for column in range(3)]
    number = against_peer(median(times[0]), median(times[1]), LIMIT)
    number["p99"] = round(quantiles(times[0], n=100)[98], 4)
    number["raw_write_fdatasync_p50_ms"] = round(median(times[2]), 4)
    return number


def _times(put: Put) -> list[float]:
    """Milliseconds of each put of a turn."""
    times = []
    for _ in range(PUTS):
        began = time.perf_counter()
        put()
        times.append((time.perf_counter() - began) * 1000)
    return times


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
    times = [one for _ in range(runs) for one in _times(queue.put)]
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

    disk = Disk(str(killed))
    for call in recorded(record):
        if call.operation != "n":
            disk.call(call)
    cut.mkdir()
    for file, contents in disk.after_power_cut(None).items():
        if not file.endswith("-shm"):
            (cut / file).write_bytes(contents)
    found = {}
    for what, where in (("lost_to_kill", killed), ("lost_to_power_cut", cut)):
        with closing(made(where)) as queue:
            found[what] = max(0, told - queue.count())
        shutil.rmtree(where)
    return {"told": told, **found}
