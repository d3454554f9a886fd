"""What is said of masked mouths and of bare ones.

    python -m tests.bench.photo_masks MASKED BARE

Two folders of pictures. Printed for each: how many frontal faces were found, and the verdicts on
`face.covered`: "met" and the smile's rule met are what a masked one must not get, "broken" what a
bare one must not. Nothing of such a set belongs into the repository.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from kiosk.photo import Photographer
from kiosk.photo.files import file_bytes, read_picture
from kiosk.photo.measures import Measure
from kiosk.photo.report import verdict
from kiosk.photo.standard import THIRD_GENERATION

#: Degrees from straight ahead that still count as frontal, and the least width of a face, pixels.
_YAW, _PITCH, _ROLL, _WIDTH = 9.0, 16.0, 9.0, 60.0
#: Smaller pictures are enlarged to this, longer side in pixels.
_SMALLEST = 400


def verdicts(photographer: Photographer, folder: Path) -> Counter[str]:
    """Verdict -> frontal faces; "smile met": of those whose mouth was said to be at rest."""
    found: Counter[str] = Counter()
    for measures in frontal(photographer, folder):
        found["frontal"] += 1
        for rule, name in (("face.covered", ""), ("mouth.smile", "smile ")):
            said = verdict(THIRD_GENERATION.rule(rule), measures[rule])
            found[f"{name}{said}"] += 1
    return found


def frontal(photographer: Photographer, folder: Path) -> Iterator[dict[str, Measure]]:
    for file in sorted(folder.rglob("*")):
        data = file_bytes(file)
        rgb = None if data is None else read_picture(data).rgb
        if rgb is None:
            continue
        if (share := _SMALLEST / max(rgb.shape[:2])) > 1:
            rgb = np.asarray(cv2.resize(rgb, None, fx=share, fy=share), np.uint8)
        sight = photographer.measure(rgb)
        turned = [
            abs(sight.measures[f"head.{way}"].value or 0.0) <= most
            for way, most in (("yaw", _YAW), ("pitch", _PITCH), ("roll", _ROLL))
            if sight.head is not None
        ]
        if sight.head is not None and all(turned) and sight.head.face_width >= _WIDTH:
            yield sight.measures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.photo_masks")
    parser.add_argument("masked", type=Path)
    parser.add_argument("bare", type=Path)
    options = parser.parse_args()
    photographer = Photographer()
    for name in ("masked", "bare"):
        print(name, dict(verdicts(photographer, getattr(options, name))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
