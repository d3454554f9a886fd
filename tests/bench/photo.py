"""What measuring a frame and making a photo cost on one core, and whether the photos measure right.

The measuring runs in a process of its own that is held to one core, as beside the screen. Its floor
is the same networks on the same frame and nothing else; that of making is cutting, resizing and
encoding alone. How well the measures tell faces apart is `tests.bench.photo_accuracy`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench.numbers import Number, at_most

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

#: Issue: 25 frames a second on one core; a photo in 400 ms; 250 MB.
LOOK_MS, MAKE_MS, RSS_MB = 40.0, 400.0, 250.0
#: Looks and photos of each run.
_LOOKS, _PHOTOS = 30, 3
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

    cv2.setNumThreads(1)
    picture = frame("portrait")
    bare_rss = _rss_mb()
    photographer = Photographer()
    head = photographer.measure(picture).head
    assert head is not None
    crop = solve(head, THIRD_GENERATION)
    networks = _networks(photographer, picture)
    turns: dict[str, list[float]] = {"look": [], "networks": [], "make": [], "render": []}
    for _ in range(runs):  # in turns, so that what else the machine does hits both
        # Time of the core, not of the clock: how many looks a core has room for.
        turns["look"] += _times(lambda: photographer.look(picture), _LOOKS, time.process_time)
        turns["networks"] += _times(networks, _LOOKS, time.process_time)
        turns["make"] += _times(lambda: photographer.make(picture), _PHOTOS)
        turns["render"] += _times(
            lambda: encode(cut(picture, head, crop, THIRD_GENERATION), THIRD_GENERATION), _PHOTOS
        )
    found = {f"{name}_ms": median(times) for name, times in turns.items()}
    rss = _rss_mb()
    photos, broken = _measured_again(photographer)
    return {**found, "rss_mb": rss, "bare_rss_mb": bare_rss, "photos": photos, "broken": broken}


def _networks(photographer: Any, picture: Picture) -> Callable[[], None]:
    """The runs of networks that one look makes, with their last inputs and nothing around them."""
    gauge = photographer._gauge
    nets = (
        gauge._detector._detector,
        gauge._detector._mesh,
        gauge._detector._mesh,  # in two passes
        gauge._ruler._segmenter._net,
        gauge._eyes._net,
        gauge._eyes._net,
    )

    def run() -> None:
        for net in nets:
            net._net.invoke()

    photographer.look(picture)
    return run


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
