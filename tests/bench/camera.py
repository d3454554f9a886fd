"""What a camera frame costs on its way: bytes copied, and how late it is against a bare loop.

The far end is the virtual camera, so the wire and the decoding are the same for both; the peer is
OpenCV's VideoCapture read in a loop, which does nothing with its pictures.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from statistics import median
from typing import Any

import cv2
import numpy as np

from hardware.camera import Camera, Frame, to_rgb
from hardware.virtual.camera import VirtualCamera
from tests.bench.numbers import Number, against_peer

#: Bytes that may be taken for a frame besides its own; share of them.
COPIES_LIMIT = 1.01
#: How much later a change may be seen than by a bare loop. Chance decides when in the fifteenth of
#: a second between two pictures it happens.
LATENCY_LIMIT = 1.5
#: Changes seen for each run.
_CHANGES = 4


def numbers(runs: int) -> dict[str, Number]:
    with closing(VirtualCamera()) as far_end:
        for scene in ("portrait", "dark"):  # drawn now, not while somebody measures
            far_end.show(scene)
        late: dict[str, list[float]] = {"ours": [], "bare": []}
        for _ in range(max(1, runs)):
            with _ours(far_end.url) as look:
                late["ours"] += _changes(far_end, look)
            with _bare(far_end.url) as look:
                late["bare"] += _changes(far_end, look)
    return {
        "camera_bytes_copied_per_frame": _copied(),
        "camera_scene_change_seen_s": against_peer(
            median(late["ours"]), median(late["bare"]), LATENCY_LIMIT
        ),
    }


@contextmanager
def _ours(url: str) -> Iterator[Callable[[], Any]]:
    with closing(Camera(url).frames(lambda: False)) as frames:
        next(frames)
        yield lambda: next(frames).rgb


@contextmanager
def _bare(url: str) -> Iterator[Callable[[], Any]]:
    """With the options for low delay that the driver has set for the whole process."""
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG)
    capture.read()
    yield lambda: capture.read()[1]
    capture.release()


def _copied() -> Number:
    """Memory taken between the decoder's picture and what the preview is given."""
    decoded = np.zeros((720, 1280, 3), np.uint8)
    to_rgb(decoded)
    tracemalloc.start()
    shown = Frame(to_rgb(decoded), 1, 0.0).pixels
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return against_peer(most, shown.nbytes, COPIES_LIMIT)


def _changes(far_end: VirtualCamera, look: Callable[[], Any]) -> list[float]:
    """Seconds from each change of the scene to the first picture of it."""
    seen = []
    for number in range(_CHANGES):
        dark = number % 2 == 0
        far_end.show("dark" if dark else "portrait")
        began = time.monotonic()
        while (float(look()[::16, ::16].mean()) < 100.0) is not dark:
            if time.monotonic() - began > 5.0:
                raise TimeoutError("no change was seen")
        seen.append(time.monotonic() - began)
        time.sleep(0.011 * number)  # not in step with the camera
    return seen
