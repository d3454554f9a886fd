"""What one application costs the centre in processor time, and what of it no centre can leave out.

Time of the processors and not of the clock: it says the same on a busy machine. The parts are
measured here, alone, on the very bytes that the workers are sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from kiosk.photo import inspect_jpeg
from sync.canonical import sha256_hex
from sync.envelope import Opener
from sync.wire.contents import Contents
from sync.wire.envelopes import Batch

#: Ticks a second of /proc/PID/stat (Linux, every architecture).
_TICKS = 100


def cpu_s(pid: int) -> float:
    """User and system time of a process and of those it has begun, also if they ended."""
    return sum(_times(pid)) / _TICKS + sum(cpu_s(child) for child in _children(pid))


def own_cpu_s(pid: int) -> float:
    return sum(_times(pid)[:2]) / _TICKS


def _times(pid: int) -> list[int]:
    return [int(field) for field in _stat(pid)[11:15]]


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20  # it has just ended


def _children(pid: int) -> list[int]:
    return [
        int(child)
        for tasks in Path(f"/proc/{pid}/task").glob("*/children")
        for child in tasks.read_text(encoding="ascii").split()
    ]


def unavoidable_ms(body: bytes, opener: Opener, times: int) -> dict[str, float]:
    """Processor time for one application, part by part, of what the contract asks of any centre."""
    batch = Batch.model_validate_json(body)
    each = len(batch.envelopes)
    one = batch.envelopes[0]
    plain = opener.open(one.header, one.sealed)
    contents = Contents.model_validate(plain)
    photo = contents.attachments["photo"]
    parts: dict[str, tuple[int, Callable[[], object]]] = {
        "digest of the request": (each, lambda: sha256_hex(body)),
        "read the request": (each, lambda: Batch.model_validate_json(body)),
        "hash of what was sealed": (1, lambda: sha256_hex(one.sealed)),
        "open": (1, lambda: opener.open(one.header, one.sealed)),
        "read the contents": (1, lambda: Contents.model_validate(plain)),
        "hashes of the attachments": (
            1,
            lambda: [sha256_hex(data) for data in contents.attachments.values()],
        ),
        "is the photo whole": (1, lambda: inspect_jpeg(photo)),
    }
    return {name: round(_ms(do, times) / many, 2) for name, (many, do) in parts.items()}


def _ms(do: Callable[[], object], times: int) -> float:
    do()  # the first time loads what it needs
    began = time.process_time()
    for _ in range(times):
        do()
    return (time.process_time() - began) / times * 1000
