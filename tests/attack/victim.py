"""A process that is forked again and again, and each child attacked while it uses an outbox.

Forking is what makes thousands of kills affordable: Python has started and imported already.

    parent ── {"scenario": …, "folder": …, "mode": …, "at": …}\\n ──> victim, forks a child
           <── "put ID SEQ RECEIPT\\n", "answered ID VERDICT\\n" … ── child, each after the call
           <── "end STATUS CALLS\\n" ────────────────────────────── victim
"""

from __future__ import annotations

import ctypes
import functools
import gc
import hashlib
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sync import witness
from sync.header import EnvelopeHeader
from sync.journal import Journal
from sync.outbox import Answer, Limits, Outbox, OutboxUnavailable, Standing, Stored

TERMINAL = "020001"
#: The disk of the machine that runs the tests is not what is tested.
LIMITS = Limits(items=100_000, days=100_000, free_bytes=0)
KINDS = ("first_application", "loss_report")
#: Bytes of sealed contents: a question, a form, an application with its photo.
SIZES = (300, 2_000, 30_000)


def on_one_disk(_: int) -> tuple[int, list[str], str]:
    """Stands for `sync.witness.place`: attacks lay out a folder anew and mean the same disk."""
    return 1, ["card"], "system"


def body(header: bytes, size: int) -> bytes:
    """What stands for the sealed contents: follows from the header, so half of it is noticed."""
    return hashlib.shake_256(header).digest(size)


class Victim:
    """One child's life. What it tells has happened for good."""

    def __init__(self, order: dict[str, Any], shim: ctypes.CDLL | None) -> None:
        self._path = Path(order["folder"]) / "outbox.db"
        self._random = random.Random(order["seed"])
        self._shim = shim

    def tell(self, *words: object) -> None:
        line = " ".join(map(str, words))
        os.write(1, line.encode() + b"\n")
        if self._shim is not None:
            self._shim.attack_record(ord("n"), line.encode(), 0, b"", 0)

    def open(self) -> Outbox | None:
        try:
            return Outbox(self._path, TERMINAL, LIMITS)
        except OutboxUnavailable as unavailable:
            self.tell("closed", unavailable.reason.value)
            return None

    def put(self, box: Outbox) -> Stored | None:
        sealed: list[str] = []

        def seal(header: EnvelopeHeader) -> bytes:
            sealed.append(header.id)
            return body(header.canonical(), self._random.choice(SIZES))

        try:
            kind = self._random.choice(KINDS)
            stored = box.put(
                kind, seal, key_id="0" * 16, algorithm="none", urgent=kind == "loss_report"
            )
        except OutboxUnavailable as unavailable:
            self.tell("refused", sealed[0] if sealed else "-", unavailable.reason.value)
            return None
        self.tell("put", stored.id, stored.seq, stored.receipt_no)
        return stored

    def deliver(self, box: Outbox) -> None:
        """Lease three and answer each differently."""
        try:
            leased = box.lease(3, 60)
            verdicts = ("accepted", "later", "unusable")
            answers = [
                Answer(i.id, v, position=3, epoch=1) for i, v in zip(leased, verdicts, strict=False)
            ]
            # Every other time the backup has them, too.
            backed_up = 3 if self._random.random() < 0.5 else 2
            box.acknowledge(answers, Standing(1, backed_up, 1_795_500_000.0))
        except OutboxUnavailable as unavailable:
            self.tell("unanswered", unavailable.reason.value)
            return
        for answer in answers:
            self.tell("answered", answer.id, answer.verdict)

    def life(self) -> None:
        """Opened, filled, partly delivered, filled, closed."""
        box = self.open()
        if box is None:
            return
        for turn in range(3):
            for _ in range(2 + turn):
                self.put(box)
            self.deliver(box)
        self.put(box)
        box.close()

    def endless(self) -> None:
        """Until it is killed."""
        box = Outbox(self._path, TERMINAL, LIMITS)
        while True:
            self.put(box)
            if self._random.random() < 0.3:
                self.deliver(box)

    def opening(self) -> None:
        """Whatever opening finds to do: a damaged file, say."""
        box = self.open()
        if box is not None:
            self.put(box)
            box.close()

    def stubborn(self) -> None:
        """Goes on whatever fails, and dies without closing."""
        box = self.open()
        if box is None:
            return
        for _ in range(4):
            self.put(box)
        self.deliver(box)
        self.put(box)
        os.kill(os.getpid(), signal.SIGKILL)

    def journalling(self) -> None:
        """Writes a journal through several files, of which the oldest go."""
        journal = Journal(self._path.parent, "victim", file_bytes=900, files=3)
        for number in range(12):
            self.tell("entry", journal.append("lost", {"entries": number}).seq)

    def leasing(self) -> None:
        """Leases a few at a time until nothing is due."""
        box = Outbox(self._path, TERMINAL, LIMITS)
        while leased := box.lease(self._random.randint(1, 3), 600):
            for item in leased:
                self.tell("leased", item.id)
        box.close()


class Unflushed(sqlite3.Connection):
    """As many programs use SQLite."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return super().execute(
            sql.replace("synchronous = FULL", "synchronous = NORMAL"), *parameters
        )


MODES = {
    "none": 0,
    "count": 1,
    "before": 2,
    "within": 3,
    "after": 4,
    "fail": 5,
    "fail_flushes": 6,
    "read_only": 7,
}


class Unheard(Victim):
    """Nobody is told what it does."""

    def tell(self, *words: object) -> None: ...


def warm_up(beside: Path) -> None:
    """One life before the attacks: what Python and SQLite do once, no child does again."""
    with tempfile.TemporaryDirectory(prefix="warm-", dir=beside) as folder:
        Unheard({"folder": folder, "seed": 0}, None).life()
    gc.collect()
    gc.freeze()


def run_child(order: dict[str, Any], shim: ctypes.CDLL | None) -> None:
    victim = Victim(order, shim)
    if not order.get("flushed", True):
        sqlite3.connect = functools.partial(sqlite3.connect, factory=Unflushed)  # type: ignore
    if shim is not None:
        record = os.open(order["record"], os.O_WRONLY | os.O_CREAT) if "record" in order else -1
        shim.attack_arm(
            str(order["folder"]).encode(),
            MODES[order.get("mode", "count")],
            order.get("at", 0),
            order.get("until", order.get("at", 0)),
            order.get("errno", 0),
            record,
        )
    scenario: Callable[[], None] = getattr(victim, order["scenario"])
    scenario()
    if shim is not None:
        victim.tell("calls", shim.attack_calls())


def orders() -> Iterator[dict[str, Any]]:
    for line in sys.stdin.buffer:
        yield json.loads(line)


def main() -> None:
    witness.place = on_one_disk
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"]) if "LD_PRELOAD" in os.environ else None
    if shim is not None:
        shim.attack_arm.argtypes = [
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_long,
            ctypes.c_long,
            ctypes.c_int,
            ctypes.c_int,
        ]
        shim.attack_record.argtypes = [
            ctypes.c_char,
            ctypes.c_char_p,
            ctypes.c_int64,
            ctypes.c_char_p,
            ctypes.c_int64,
        ]
        shim.attack_calls.restype = ctypes.c_long
    for number, order in enumerate(orders()):
        if not number:
            warm_up(Path(order["folder"]).parent)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run_child(order, shim)
                status = 0
            finally:
                sys.excepthook(*sys.exc_info()) if status else None  # type: ignore[arg-type]
                os._exit(status)
        if "kill_after" in order:
            time.sleep(order["kill_after"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.write(1, f"end {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
