"""What measuring a frame and making a photo cost on one core, and whether the photos measure right.

The measuring runs in a process of its own that is held to one core, as beside the screen. Its floor
is the same runs of networks and nothing else, over whole cycles of the live look's turns; that of
making is cutting, resizing and encoding alone. How well the measures tell faces apart is
`tests.bench.photo_accuracy`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.bench.numbers import Number, at_most

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

#: Asked for: 25 frames a second on one core; a photo in 400 ms; 250 MB.
LOOK_MS, MAKE_MS, RSS_MB = 40.0, 400.0, 250.0
#: No look may cost more, for the preview stands still so long; nor one that begins anew.
WORST_LOOK_MS, ANEW_MS = 45.0, 50.0
#: Cycles of looks, and photos, of each run.
_CYCLES, _PHOTOS = 3, 3
#: How the camera is moved for the photos that are measured again: scale, right, down, degrees.
_MOVES = (
    (1.0, 0.0, 0.0, 0.0),
    (0.88, 40.0, 20.0, 5.0),
    (1.12, -60.0, 10.0, -6.0),
    (0.95, 90.0, -15.0, 3.0),
)
_PEOPLE = ("portrait", "portrait-woman")


def numbers(runs: int) -> dict[str, Number]:
    found = _in_one_core(runs)
    return {
        "photo_look_ms": at_most(found["look_ms"], LOOK_MS, found["networks_ms"]),
        "photo_look_worst_ms": at_most(found["worst_ms"], WORST_LOOK_MS, found["dearest_ms"]),
        "photo_look_anew_ms": at_most(found["anew_ms"], ANEW_MS, found["dearest_ms"]),
        "photo_make_ms": at_most(found["make_ms"], MAKE_MS, found["render_ms"]),
        "photo_rss_mb": at_most(found["rss_mb"], RSS_MB, found["bare_rss_mb"]),
        "photo_pixel_rules_broken": at_most(found["broken"], 0.0, found["photos"]),
    }


def _in_one_core(runs: int) -> dict[str, float]:
    words = [sys.executable, "-m", "tests.bench.photo", str(max(1, runs))]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ})
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(runs: int) -> dict[str, float]:
    """In the child: what was measured, times in ms, memory in MB."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import cv2

    from hardware.virtual.portrait import frame
    from kiosk.photo import Photographer
    from kiosk.photo.crop import cut, solve
    from kiosk.photo.encode import encode
    from kiosk.photo.standard import THIRD_GENERATION
    from kiosk.photo.track import EVERY

    cv2.setNumThreads(1)
    picture = frame("portrait")
    bare_rss = _rss_mb()
    photographer = Photographer()
    head = photographer.measure(picture).head
    assert head is not None
    crop = solve(head, THIRD_GENERATION)
    nobody, cycle = frame("nobody"), max(EVERY.values())
    networks = _networks(photographer, picture, cycle)
    names = ("look", "worst", "anew", "networks", "dearest", "make", "render")
    turns: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(runs * _CYCLES):  # in turns, so that what else the machine does hits both
        # Time of the core, not of the clock: how many looks a core has room for.
        looks = _times(lambda: photographer.look(picture), cycle, time.process_time)
        alone = [_times(net, 1, time.process_time)[0] for net in networks]
        turns["look"].append(mean(looks))
        turns["worst"].append(max(looks))
        turns["networks"].append(sum(alone) / cycle)
        turns["dearest"].append(max(alone))
    for _ in range(runs):
        photographer.look(nobody)
        turns["anew"] += _times(lambda: photographer.look(picture), 1, time.process_time)
        turns["make"] += _times(lambda: photographer.make(picture), _PHOTOS)
        turns["render"] += _times(
            lambda: encode(cut(picture, head, crop, THIRD_GENERATION), THIRD_GENERATION), _PHOTOS
        )
    found = {f"{name}_ms": median(times) for name, times in turns.items()}
    rss = _rss_mb()
    photos, broken = _measured_again(photographer)
    return {**found, "rss_mb": rss, "bare_rss_mb": bare_rss, "photos": photos, "broken": broken}


def _networks(photographer: Any, picture: Picture, cycle: int) -> list[Callable[[], None]]:
    """The runs of networks that a cycle of looks makes: with their last inputs, nothing around."""
    from kiosk.photo.detect import Net

    ran: list[Callable[[], None]] = []
    run = Net.run

    def noted(net: Any, given: Any) -> Any:
        ran.append(net._net.invoke)
        return run(net, given)

    for _ in range(cycle):  # the first ones begin anew
        photographer.look(picture)
    with patch.object(Net, "run", noted):
        for _ in range(cycle):
            photographer.look(picture)
    return ran


def _times(
    do: Callable[[], object], count: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Milliseconds of each of `count` calls."""
    times = []
    for _ in range(count):
        began = clock()
        do()
        times.append((clock() - began) * 1000)
    return times


def _measured_again(photographer: Any) -> tuple[float, float]:
    """Photos made of moved cameras, and those of which a pixel rule is broken when read back."""
    import io

    import cv2
    import numpy as np
    from PIL import Image

    from hardware.virtual.portrait import frame

    broken, photos = 0, 0
    for name in _PEOPLE:
        for scale, right, down, turn in _MOVES:
            picture = frame(name)
            matrix = cv2.getRotationMatrix2D((640, 312), turn, scale)
            matrix[:, 2] += (right, down)
            moved = cv2.warpAffine(picture, matrix, (1280, 720), borderMode=cv2.BORDER_REPLICATE)
            data = photographer.make(moved).jpeg
            with Image.open(io.BytesIO(data)) as image:
                report = photographer.judge(data, photographer.measure(np.asarray(image)))
            photos += 1
            broken += any(rule.startswith("face.") for rule in report.broken())
    return float(photos), float(broken)


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
