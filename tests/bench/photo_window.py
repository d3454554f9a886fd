"""The photo page at work: frames measured a second and drawn a second, at the same time.

One window of the real size under software GL shows the photo page in its frame and redraws all the
time; beside it the camera's own grabber takes 30 frames of 1280x720 a second off something that
decodes them as a web camera's driver does. Three ways in turns: the frames are only shown; they are
measured in the process that the terminal starts for it (`kiosk.darkroom`); or by a photographer on
a thread here. The first is the floor, the last the peer. Either measures on one thread, so on one
core at a time.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from kiosk.demo.display import open_virtual
from tests.bench.numbers import Number, at_least, at_most

SIZE = (1080, 1920)
#: Frames measured a second; drawn a second under software GL; megabytes.
LOOKS, DRAWN, MEMORY_MB = 25.0, 35.0, 250.0
#: Seconds of each way before it is counted, and while it is; and of a single run, which shows that
#: the group runs.
_WHOLE_S, _TRIAL_S = (1.0, 4.0), (0.2, 0.8)
#: What a web camera gives, frames a second; there is no more to measure.
_CAMERA_RATE = 30
_WAYS = ("bare", "thread", "process")


def numbers(runs: int) -> dict[str, Number]:
    found = _in_a_window(runs)
    return {
        "photo_window_looks_per_s": at_least(found["process_looks"], LOOKS, found["thread_looks"]),
        "photo_window_frames_drawn_per_s": at_least(
            found["process_drawn"], DRAWN, found["bare_drawn"]
        ),
        "photo_window_frames_drawn_beside_a_thread": at_least(
            found["thread_drawn"], DRAWN, found["bare_drawn"]
        ),
        # What the photo adds to the screen process, and all that its darkroom holds.
        "photo_window_memory_of_the_photo_pss_mb": at_most(
            found["photo_pss_mb"], MEMORY_MB, found["bare_pss_mb"]
        ),
        "photo_window_memory_of_the_photo_rss_mb": at_most(
            found["photo_rss_mb"], MEMORY_MB, found["bare_rss_mb"]
        ),
    }


def _in_a_window(runs: int) -> dict[str, float]:
    display = open_virtual(SIZE)
    try:
        variables = {
            "DISPLAY": display.name,
            "SDL_AUDIODRIVER": "dummy",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }
        with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
            _draw(Path(folder))
            words = [sys.executable, "-m", "tests.bench.photo_window", str(max(1, runs)), folder]
            done = subprocess.run(
                words, capture_output=True, text=True, check=True, env={**os.environ, **variables}
            )
    finally:
        display.close()
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _draw(folder: Path) -> None:
    """The camera's pictures, drawn here, because drawing them takes more memory than a photo."""
    from hardware.virtual.camera import _View
    from hardware.virtual.portrait import frame

    view = _View(frame("portrait"))
    for turn in range(4):
        (folder / f"{turn}.jpg").write_bytes(view.jpeg(turn))


# -- in the process with the window --------------------------------------------------------------


def main(runs: int, folder: Path) -> dict[str, float]:
    """Frames measured and drawn a second, each the median of `runs`, and memory."""
    from screens.window import configure

    configure(*SIZE, fullscreen=False, home=Path(tempfile.mkdtemp(prefix="kivy-bench-")))
    from kivy.base import runTouchApp, stopTouchApp
    from kivy.clock import Clock
    from kivy.core.window import Window

    from kiosk.services import find_services
    from kiosk.visit.prompts import TakePhoto
    from screens import fonts, scale, theme
    from tests.screens.framed import Framed
    from tests.screens.samples import StubTerminal

    fonts.register()
    scale.fit(*SIZE)
    Window.clearcolor = theme.GROUND
    stage = Framed(StubTerminal(find_services()))  # type: ignore[arg-type]
    stage.put_on(TakePhoto("photo.take"))
    page = stage.page
    assert page is not None
    drawn = [0]
    Window.bind(on_flip=lambda *_: drawn.__setitem__(0, drawn[0] + 1))
    Clock.schedule_interval(lambda _: stage.canvas.ask_update(), 0)
    found: dict[str, float] = {}

    def deliver_to(box: list[Any]) -> None:
        if box:
            page.progress(box.pop())

    def report(view: Any) -> None:
        box = [view]
        Clock.schedule_once(lambda _: deliver_to(box), 0)

    def measure() -> None:
        try:
            found.update(_ways(runs, folder, report, drawn))
        finally:
            Clock.schedule_once(lambda _: stopTouchApp(), 0)

    threading.Thread(target=measure, daemon=True).start()
    runTouchApp(stage)
    return found


@dataclass(frozen=True)
class _Memory:
    """Megabytes. PSS divides what processes share, RSS counts it for each."""

    pss: float
    rss: float


def _ways(
    runs: int, folder: Path, report: Callable[[Any], None], drawn: list[int]
) -> dict[str, float]:
    """Each way `runs` times, on this thread, which outlives the processes it starts."""
    import cv2

    cv2.setNumThreads(1)
    lasts = _TRIAL_S if runs == 1 else _WHOLE_S
    looks: dict[str, list[float]] = {way: [] for way in _WAYS}
    frames: dict[str, list[float]] = {way: [] for way in _WAYS}
    with ExitStack() as stack:
        grabbed = stack.enter_context(_grabbed(folder))
        steps = {"bare": _bare(grabbed)}
        _run(steps["bare"], report, drawn, lasts)
        bare = _memory("self")
        process, pid = stack.enter_context(_process(grabbed))
        steps["process"] = process
        _run(process, report, drawn, lasts)
        ours, its = _memory("self"), _memory(str(pid))
        steps["thread"] = _thread(grabbed)
        for _ in range(runs):
            for way in _WAYS:
                seen, flips = _run(steps[way], report, drawn, lasts)
                looks[way].append(seen)
                frames[way].append(flips)
    return {
        **{f"{way}_looks": median(values) for way, values in looks.items()},
        **{f"{way}_drawn": median(values) for way, values in frames.items()},
        "bare_pss_mb": bare.pss,
        "bare_rss_mb": bare.rss,
        "photo_pss_mb": ours.pss - bare.pss + its.pss,
        "photo_rss_mb": ours.rss - bare.rss + its.rss,
    }


def _run(
    step: Callable[[], Any],
    report: Callable[[Any], None],
    drawn: list[int],
    lasts: tuple[float, float],
) -> tuple[float, float]:
    """(frames taken, frames drawn) a second while the step is done again and again. `lasts`: so
    many seconds before it is counted, and while it is."""
    warm_s, count_s = lasts

    def repeat(seconds: float) -> int:
        until, count = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            report(step())
            count += 1
        return count

    repeat(warm_s)
    began, flips = time.monotonic(), drawn[0]
    count = repeat(count_s)
    seconds = time.monotonic() - began
    return count / seconds, (drawn[0] - flips) / seconds


class _Film:
    """Stands for an open capture: decodes the pictures in turn, at the camera's rate."""

    def __init__(self, folder: Path) -> None:
        import numpy as np

        files = sorted(folder.glob("*.jpg"))
        self._jpegs = [np.frombuffer(file.read_bytes(), np.uint8) for file in files]
        self._number = 0
        self._due = time.monotonic()

    def read(self, into: Any) -> tuple[bool, Any]:
        import cv2

        now = time.monotonic()
        self._due = max(self._due + 1 / _CAMERA_RATE, now)
        time.sleep(self._due - now)
        self._number += 1
        jpeg = self._jpegs[self._number % len(self._jpegs)]
        return True, cv2.imdecode(jpeg, cv2.IMREAD_COLOR)

    def release(self) -> None:
        """Nothing is held."""


@contextmanager
def _grabbed(folder: Path) -> Iterator[Callable[[], Any]]:
    """The newest frame, once each, as `hardware.camera.Camera.frames` gives them."""
    from hardware.camera import _Grabber

    grabber = _Grabber(_Film(folder))
    seen = [0]

    def newest() -> Any:
        frame = grabber.newer_than(seen[0])
        seen[0] = frame.number
        return frame

    try:
        yield newest
    finally:
        grabber.stop()


def _bare(grabbed: Callable[[], Any]) -> Callable[[], Any]:
    """Shown and not measured."""
    from kiosk.operations.camera import View
    from kiosk.photo.guidance import OK, Guidance, Phase

    guidance = Guidance(Phase.HOLDING, OK)

    def step() -> Any:
        frame = grabbed()
        height, width = frame.rgb.shape[:2]
        return View(frame.pixels, width, height, guidance)

    return step


def _session(photographer: Any, grabbed: Callable[[], Any]) -> Callable[[], Any]:
    from kiosk.operations.camera import Session
    from kiosk.photo.liveness import Liveness

    session = Session(photographer, Liveness(()), list)
    return lambda: session.see(grabbed())


def _thread(grabbed: Callable[[], Any]) -> Callable[[], Any]:
    """Measured here."""
    from kiosk.photo import Photographer

    return _session(Photographer(), grabbed)


@contextmanager
def _process(grabbed: Callable[[], Any]) -> Iterator[tuple[Callable[[], Any], int]]:
    """Measured as the terminal does it, and the number of the process that does."""
    from kiosk.darkroom.room import Darkroom

    with closing(Darkroom()) as darkroom:
        darkroom.look(grabbed().rgb)
        assert darkroom.pid is not None
        yield _session(darkroom, grabbed), darkroom.pid


def _memory(process: str) -> _Memory:
    """Only root may see how a darkroom's memory is shared; for others all of it counts."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    rss = pages * os.sysconf("SC_PAGESIZE") / 1_000_000
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    except PermissionError:
        return _Memory(rss, rss)
    (kilobytes,) = re.findall(r"^Pss: +(\d+) kB$", rollup, re.M)
    return _Memory(int(kilobytes) * 1024 / 1_000_000, rss)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), Path(sys.argv[2]))))
