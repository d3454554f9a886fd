"""Start and memory of the screen process, against a bare Kivy window in the same run.

Both are started in turn on one virtual display, several times; medians are compared. A start is
cold when the kernel's page cache was dropped before it, as after switching on: that is the figure
with the limit. Only root may drop it; without, both kinds of start are warm, and `page_cache` says
so. Memory is the proportional set size (PSS) once home has been up for a while, with every device's
driver open against the bench: what the machine really gives to the process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kiosk.demo.display import open_virtual
from kiosk.demo.page import NotThere, Page
from sync.envelope import Opener
from sync.identity import Identity

SIZE = (1080, 1920)

#: Seconds that home, and the bare window, are left alone before their memory is read.
SETTLED_S = 4.0

_START_S = 30.0


def pss_kb(process: int) -> int:
    """Proportional set size of a process, kilobytes."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def drop_page_cache() -> bool:
    """Make the next start read everything from the disk; False if we may not."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
    except OSError:
        return False
    return True


@contextmanager
def running(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def prepare(state: Path) -> None:
    """An enrolled terminal with devices from the bench, and a centre that cannot be reached."""
    sealer = Opener.generate().sealer()
    Identity(
        terminal="130299",
        central_url="http://127.0.0.1:9",
        device_key_id="0" * 16,
        central_public_key=sealer.public_key,
        central_key_id=sealer.key_id,
        algorithm=sealer.algorithm,
    ).save(state)
    ports = json.loads((state / "bench.json").read_text(encoding="utf-8"))
    (state / "settings.toml").write_text(
        'mode = "test"\n[devices]\n'
        + "".join(f'{name} = "{ports[name]}"\n' for name in ("id_reader", "printer", "camera"))
        + f"[screen]\nwidth = {SIZE[0]}\nheight = {SIZE[1]}\nfullscreen = false\n",
        encoding="utf-8",
    )


def bare_start(environment: dict[str, str]) -> tuple[float, int]:
    """(seconds to the first frame, PSS in kilobytes) of the bare window."""
    words = ["-m", "tests.bench.bare", str(SIZE[0]), str(SIZE[1]), str(SETTLED_S + 10)]
    with running(words, environment) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())["first_frame_s"]
        time.sleep(SETTLED_S)
        return first, pss_kb(process.pid)


def kiosk_start(state: Path, environment: dict[str, str]) -> tuple[float, int]:
    """The same of the kiosk, up to home."""
    socket = state / "stage.sock"
    socket.unlink(missing_ok=True)
    page = Page(socket)
    with running(["-m", "kiosk", "run", "--state", str(state)], environment) as process:
        until = time.monotonic() + _START_S
        first = None
        while first is None:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the kiosk does not show its home page")
            try:
                first = page.first_frame_s()
            except NotThere:
                time.sleep(0.05)
        time.sleep(SETTLED_S)
        return first, pss_kb(process.pid)


def compare(folder: Path, rounds: int = 5) -> dict[str, dict[str, Any]]:
    """The figures as value, peer, ratio and limit. `folder` is thrown away by the caller."""
    display = open_virtual(SIZE)
    environment = {**os.environ, "DISPLAY": display.name}
    try:
        with running(
            ["-m", "hardware.virtual", "--state", str(folder), "--card-port", "9"], environment
        ):
            until = time.monotonic() + _START_S
            while not (folder / "bench.json").exists():
                if time.monotonic() > until:
                    raise RuntimeError("the bench does not come up")
                time.sleep(0.05)
            prepare(folder)
            cold_for_sure = drop_page_cache()
            cold = _pairs(folder, environment, rounds, cold=True)
            warm = _pairs(folder, environment, rounds, cold=False)
    finally:
        display.close()
    return {
        "cold_start_s": {
            **_figures(cold, 0, 1, 1.6),
            "page_cache": "dropped" if cold_for_sure else "kept: not root",
        },
        "warm_start_s": _figures(warm, 0, 1, None),
        "memory_at_home_mb": _figures(warm, 1, 1024, 1.6),
    }


#: (seconds to the first frame, PSS in kilobytes) of the kiosk, and of the bare window.
Pair = tuple[tuple[float, int], tuple[float, int]]


def _pairs(folder: Path, environment: dict[str, str], rounds: int, *, cold: bool) -> list[Pair]:
    found = []
    for _ in range(rounds):
        if cold:
            drop_page_cache()
        ours = kiosk_start(folder, environment)
        if cold:
            drop_page_cache()
        found.append((ours, bare_start(environment)))
    return found


def _figures(pairs: list[Pair], column: int, unit: int, limit: float | None) -> dict[str, Any]:
    value = statistics.median(ours[column] for ours, _ in pairs) / unit
    peer = statistics.median(bare[column] for _, bare in pairs) / unit
    return {
        "value": round(value, 3),
        "peer": round(peer, 3),
        "ratio": round(value / peer, 3),
        "limit": limit,
    }
