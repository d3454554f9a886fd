"""How fast the first page is there and what it takes, against a bare Kivy window.

The kiosk is measured as it runs on a terminal: enrolled, with all four devices (virtual far ends),
a home that holds twenty services (`tests.bench.crowded`), after a first start. Memory is read when
the devices are up and everything that is loaded ahead is loaded.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kiosk.demo.display import open_virtual
from kiosk.demo.processes import Child, Fate, wait_for
from kiosk.demo.world import ROOT, START_S, Plan, World

_FIRST_FRAME = re.compile(r"first frame after ([\d.]+) s")


@dataclass(frozen=True)
class Sample:
    """One start of one of the two. PSS divides what processes share, RSS counts it for each."""

    first_frame_s: float
    rss_mb: float
    pss_mb: float


class _Crowded(World):
    """Its screen has many services."""

    def start_screen(self) -> None:
        words = [sys.executable, "-m", "tests.bench.crowded", "run", "--state", str(self.state)]
        self._run("run", words, Fate.RESTART, on_display=True)


class Contest:
    """Starts the two in turns."""

    def __init__(
        self,
        world: World,
        size: tuple[int, int],
        rest_s: float,
        display: dict[str, str],
        trial: bool,
    ) -> None:
        self._world = world
        self._rest_s = rest_s
        self._trial = trial
        self._size = size
        self._environment = {**os.environ, **display, "PYTHONPATH": str(ROOT)}

    def bare(self, *, cold: bool = False) -> Sample:
        """One start of the bare window."""
        if cold and not self._trial:
            drop_page_cache()
        words = [sys.executable, "-m", "tests.bench.bare_window", *map(str, self._size)]
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, env=self._environment, cwd=ROOT
        )
        try:
            assert process.stdout is not None
            with process.stdout as answer:
                return _at_rest(process.pid, float(answer.readline()), self._rest_s)
        finally:
            process.kill()
            process.wait()

    def kiosk(self, *, cold: bool = False) -> Sample:
        """One start of `kiosk run`; its log says when, so that nobody need disturb it."""
        if cold and not self._trial:
            drop_page_cache()
        log = self._world.state / "logs" / "run.log"
        told = log.stat().st_size
        self._world.start_screen()
        child: Child = self._world.child["run"]
        try:
            seconds: list[float] = []

            def is_up() -> bool:
                with log.open(encoding="utf-8") as lines:
                    lines.seek(told)
                    seconds.extend(map(float, _FIRST_FRAME.findall(lines.read())))
                return bool(seconds)

            wait_for("the first frame", is_up, START_S, self._world.family.must_run)
            assert child.process is not None
            return _at_rest(child.process.pid, seconds[0], self._rest_s)
        finally:
            self._world.take_away("run")


def drop_page_cache() -> bool:
    """Make the next start read everything from the disk; False if we may not."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
    except OSError:
        return False
    return True


def _at_rest(pid: int, first_frame_s: float, rest_s: float) -> Sample:
    time.sleep(rest_s)
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    rss, pss = (
        int(found.group(1)) / 1024
        for found in (re.search(rf"^{kind}: +(\d+) kB", rollup, re.M) for kind in ("Rss", "Pss"))
        if found is not None
    )
    return Sample(first_frame_s, rss, pss)


@contextmanager
def contest(size: tuple[int, int], rest_s: float, trial: bool) -> Iterator[Contest]:
    """A terminal that has been started once, on a display of its own, with its screen closed.
    `trial`: nothing is compiled anew, and no cache of the machine is dropped."""
    display = open_virtual(size)
    try:
        with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
            variables = {
                "DISPLAY": display.name,
                "SDL_AUDIODRIVER": "dummy",
                "LIBGL_ALWAYS_SOFTWARE": "1",
            }
            if not trial:
                # Compiled once, as what is installed is, whatever this shell says about it.
                variables["PYTHONDONTWRITEBYTECODE"] = ""
                variables["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
            plan = Plan(Path(folder), size, pcsc=False, display=variables)
            world = _Crowded(plan, lambda text: None)
            try:
                world.start()
                # Only the far ends of the wires stay: whoever else runs would be measured too.
                for name in ("run", "agent", "central"):
                    world.take_away(name)
                yield Contest(world, size, rest_s, variables, trial)
            finally:
                world.stop()
    finally:
        display.close()
