"""`kiosk demo --tour DIR`: one complete visit by itself, and what came of it.

A fresh terminal and a fresh centre, a window of the real size on a virtual display, real touches.
`DIR` then holds a picture of every page passed, what the printer printed as picture and text, and
`report.json`. The tour succeeds only if every step came as scripted and every check holds.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from hardware.virtual.loudspeaker import VirtualLoudspeaker
from hardware.virtual.personas import ID_PERSONAS
from kiosk.demo import report, script
from kiosk.demo.display import NoDisplay, open_virtual
from kiosk.demo.hand import Hand
from kiosk.demo.processes import ChildFailed
from kiosk.demo.report import Check
from kiosk.demo.walk import Walker, WentWrong
from kiosk.demo.world import HEARTBEAT_S, Plan, World

PERSON = ID_PERSONAS["zhang"]

#: Names of what is printed in a tour, in its order.
_PRINTED = (
    "receipt",
    "paper-photo-receipt",
    "minor-receipt",
    "progress-copy",
    "loss-receipt",
    "withdrawal-receipt",
    "change-receipt",
    "problem-receipt",
    "activation-receipt",
    "pin-change-receipt",
    "pin-reset-receipt",
    "proxy-receipt",
    "replacement-receipt",
    "taken-back-receipt",
    "loss-waiting-receipt",
    "test-page",
    "unit-receipt",
)

#: What the screen process sees of the machine: no sound, and no graphics card on this display.
_QUIET = {"SDL_AUDIODRIVER": "dummy", "LIBGL_ALWAYS_SOFTWARE": "1"}


@contextmanager
def visited(
    state: Path, size: tuple[int, int], pictures: Path, say: Callable[[str], None], *, pcsc: bool
) -> Iterator[tuple[World, Walker]]:
    """A world on a virtual display of its own and somebody to walk in it. For tours and tests.

    Raises `NoDisplay`, and what `World.start` raises.
    """
    display = open_virtual(size)
    try:
        loudspeaker = VirtualLoudspeaker(state / "loudspeaker")
        screen = {"DISPLAY": display.name, "PATH": loudspeaker.path, **_QUIET}
        world = World(Plan(state, size, pcsc, display=screen), say)
        try:
            world.start()
            yield world, Walker(world, Hand(display.name), pictures, say, loudspeaker)
        finally:
            world.stop()
    finally:
        display.close()


def run_tour(out: Path, size: tuple[int, int], say: Callable[[str], None], *, pcsc: bool) -> int:
    """Make the tour; returns the exit code: 0 if everything was as it should be."""
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("[0-9][0-9]-*.png"), out / "report.json"):
        old.unlink(missing_ok=True)
    state = Path(tempfile.mkdtemp(prefix="kiosk-tour-"))
    tour = Tour(out, say)
    try:
        with visited(state, size, out, say, pcsc=pcsc) as (world, walker):
            tour.make(world, walker)
    except (WentWrong, ChildFailed, NoDisplay, TimeoutError) as wrong:
        tour.note(Check("the tour went as scripted", False, str(wrong)))
    finally:
        ok = tour.conclude()
        if not ok:
            shutil.copytree(state / "logs", out / "logs", dirs_exist_ok=True)
            say(f"what the processes said is in {out / 'logs'}")
        shutil.rmtree(state)
    return 0 if ok else 1


class Tour:
    """Goes through the chapters and gathers the report."""

    def __init__(self, out: Path, say: Callable[[str], None]) -> None:
        self._out = out
        self._say = say
        self._checks: list[Check] = []
        self._walker: Walker | None = None
        self._began = time.monotonic()
        self._report: dict[str, Any] = {
            "ok": False,
            "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        }

    def make(self, world: World, walker: Walker) -> None:
        """All chapters, then all checks."""
        self._walker = walker
        self._report["start_up"] = {
            "everything_s": round(time.monotonic() - world.began, 2),
            "screen_s": round(world.page.first_frame_s() or 0.0, 2),
            "screen_rss_mb": round(world.page.resident_kb() / 1024, 1),
        }
        for chapter, steps in script.CHAPTERS.items():
            self._say(f"— {chapter}")
            walker.go(steps)
        self.note(Check("the tour went as scripted", True))
        if walker.hears():
            self._report["heard"] = walker.heard()
        else:
            self._say("no voice is installed (没有语音): the photo by ear was taken by reading")
        self._compare(world, walker)

    def _compare(self, world: World, walker: Walker) -> None:
        number = shown_number(walker.texts["done"])
        printed = world.bench.do("printed")["printed"]
        report.keep_receipts(printed, self._out, _printed_name)
        self.note(
            Check("every receipt and the test page were printed", len(printed) == len(_PRINTED))
        )
        if printed:
            text = printed[0]["text"]
            for check in report.check_receipt(text, number, "待核实", PERSON):
                self.note(check)
            self.note(Check("the receipt has no telephone number", script.PHONE not in text))
        time.sleep(2 * HEARTBEAT_S)  # what the centre knows of the queue is as old as a heartbeat
        held = world.centre_holds()
        self._report["centre"] = held
        health = report.health_of(world.state)
        self._report["health"] = health
        for check in report.check_application(held, number, PERSON):
            self.note(check)
        for check in report.check_paper(held, ID_PERSONAS["zhao"]):
            self.note(check)
        for check in report.check_journal(world.state):
            self.note(check)
        for check in report.check_terminal(health, held["terminals"][0]):
            self.note(check)
        secrets = (PERSON.name, PERSON.number, script.PHONE, script.ESTATE)
        readable = report.traces(world.state, secrets)
        self.note(Check("the terminal keeps nothing that could be read", not readable, readable))

    def note(self, check: Check) -> None:
        self._checks.append(check)
        found = "" if check.ok or check.found is None else f": {check.found}"
        self._say(f"{'✓' if check.ok else '✗'} {check.what}{found}")

    def conclude(self) -> bool:
        """Write the report; returns whether everything was as it should be."""
        ok = bool(self._checks) and all(check.ok for check in self._checks)
        steps = self._walker.passed if self._walker is not None else []
        self._report |= {
            "ok": ok,
            "seconds": round(time.monotonic() - self._began, 1),
            "steps": [asdict(step) | {"seconds": round(step.seconds, 2)} for step in steps],
            "checks": [asdict(check) for check in self._checks],
        }
        report.write(self._out, self._report)
        failed = sum(not check.ok for check in self._checks)
        self._say(f"report: {self._out / 'report.json'}")
        self._say("everything as it should be" if ok else f"{failed} checks failed")
        return ok


def shown_number(texts: tuple[str, ...]) -> str:
    """The receipt number on a page, without its gaps; "" if there is none."""
    for text in texts:
        digits = text.replace(" ", "")
        if len(digits) == 17 and digits.isdigit():
            return digits
    return ""


def _printed_name(place: int) -> str:
    return _PRINTED[place] if place < len(_PRINTED) else f"printed-{place + 1}"
