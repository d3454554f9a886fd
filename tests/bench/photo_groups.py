"""The table of detectors by skin tone, age band and glasses, as JSON.

    python -m tests.bench.photo_groups [--faces DIR] [--most N]

Without DIR the sitters are composed: the ten Monk tones x three ages x with and without glasses,
man and woman. With DIR its frontal faces are used, in any folders: no table of labels is needed,
because the groups are told from the picture and its name. The tone is the individual typology angle
of the cheeks (Chardon 1991: above 41 light, 28 to 41 intermediate, below 28 tan to dark), which the
lamps move too; glasses are told by the name of a file of the NUAA set (its second field; 01: worn).

Each group holds the lines of `tests.bench.photo_accuracy`: every good picture is spoilt in each
way, and how well a rule tells the spoilt ones (positives) from the good ones (negatives) is
counted, with the misses and false alarms at the limits of the standard. The spoils are drawn.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardware.virtual import portrait
from kiosk.photo import Photographer
from kiosk.photo.skin import skin
from tests.bench.photo_accuracy import Case, measure, picture_of, table
from tests.bench.photo_tones import MONK, sitter

if TYPE_CHECKING:
    from kiosk.photo.gauge import Sight

Picture = NDArray[np.uint8]
#: A picture, its tags (`photo_accuracy.TAGS`), and group -> which of it.
Sample = tuple[Picture, set[str], dict[str, str]]

#: First and last of the Monk tones of a group, from 1; age band -> depth of the lines of age.
_TONES = {"1-4": (1, 4), "5-7": (5, 7), "8-10": (8, 10)}
_AGES = {"young": 0.1, "middle": 0.5, "old": 1.0}
_GLASSES = ("none", "clear")
#: What a good sitter does to be told of: tag -> changes.
_ACTS: dict[str, dict[str, Any]] = {
    "closed": {"eyes_open": 0.0},
    "gaze": {"gaze": 1.0},
    "mouth_open": {"mouth_open": 1.0},
}
#: Individual typology angle, degrees, above which a skin is of a group.
_ANGLES = (("light", 41.0), ("intermediate", 28.0), ("tan to dark", -91.0))
#: Degrees from straight ahead that still count as frontal, and the least width of a face, pixels.
_YAW, _PITCH, _WIDTH = 9.0, 16.0, 60.0


def composed(people: Iterable[str], every: int = 1) -> Iterator[Sample]:
    """`every`: only each so many-th of the Monk tones."""
    for person in people:
        for tone in range(0, len(MONK), every):
            for age, lines in _AGES.items():
                for glasses in _GLASSES:
                    given = replace(sitter(person, tone, "bare"), age=lines, glasses=glasses)
                    groups = {"tone": _monk(tone + 1), "age": age, "glasses": glasses}
                    yield _seated(given), {"frontal", "neutral"}, groups
                    for tag, changes in _ACTS.items():
                        yield _seated(replace(given, **changes)), {tag}, groups


def _monk(tone: int) -> str:
    return next(name for name, (first, last) in _TONES.items() if first <= tone <= last)


def _seated(given: Any) -> Picture:
    picture = portrait._wall()
    portrait._seat(picture, given)
    grain = np.random.default_rng(7).standard_normal(picture.shape, np.float32)
    return np.clip(picture + 1.2 * grain, 0, 255).astype(np.uint8)


def photographed(photographer: Photographer, folder: Path, at_most: int) -> Iterator[Sample]:
    """The frontal faces of a folder; pictures that stand between two of them are passed over."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    for file in files[:: max(len(files) // at_most, 1)]:
        rgb = picture_of(file)
        if rgb is None:
            continue
        sight = photographer.measure(rgb)
        if sight.head is None or sight.head.face_width < _WIDTH or not _frontal(sight):
            continue
        groups = {"tone": _tone(photographer, rgb, sight)}
        if (name := file.stem.split("_")) and len(name) > 2 and name[1] in ("00", "01"):
            groups["glasses"] = "clear" if name[1] == "01" else "none"
        yield rgb, {"frontal"}, groups


def _frontal(sight: Sight) -> bool:
    turned = {way: sight.measures[f"head.{way}"].value or 0.0 for way in ("yaw", "pitch")}
    return abs(turned["yaw"]) <= _YAW and abs(turned["pitch"]) <= _PITCH


def _tone(photographer: Photographer, rgb: Picture, sight: Sight) -> str:
    detector = photographer._gauge._detector
    mesh = detector.landmarks(rgb, sight.faces[0])
    if mesh is None or sight.head is None:
        return "unknown"
    face = skin(rgb, mesh, sight.head, detector.presence)
    yellow = face.chroma * math.sin(math.radians(face.hue))
    angle = math.degrees(math.atan2(face.light / 2.55 - 50.0, yellow))
    return next(name for name, above in _ANGLES if angle > above)


def by_group(photographer: Photographer, samples: Iterable[Sample]) -> Mapping[str, Any]:
    """Group -> which of it -> how many good pictures, and the table's lines of them."""
    of: dict[str, dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for place, (rgb, tags, groups) in enumerate(samples):
        case = Case(str(place), tags, place % 2)
        measure(photographer, case, rgb)
        for group, which in (groups | {"all": "all"}).items():
            of[group][which].append(case)
    return {
        group: {
            which: {"good": sum(bool(case.spoilt) for case in cases), "lines": table(cases)}
            for which, cases in sorted(found.items())
        }
        for group, found in of.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.photo_groups")
    parser.add_argument("--faces", type=Path, help="pictures of faces, instead of composed ones")
    parser.add_argument("--most", type=int, default=300, help="pictures of these at most [300]")
    parser.add_argument("--people", nargs="+", default=["man", "woman"], help="who is composed")
    parser.add_argument("--every", type=int, default=1, help="only each so many-th Monk tone")
    options = parser.parse_args()
    photographer = Photographer()
    samples = (
        composed(options.people, options.every)
        if options.faces is None
        else photographed(photographer, options.faces, options.most)
    )
    print(json.dumps(by_group(photographer, samples), ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
