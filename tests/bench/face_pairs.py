"""How often the comparison of faces errs, on people: false match and false non-match, by group.

    python -m tests.bench.face_pairs [--nuaa DIR] [--lfw DIR] [--labels FILE] [--people N]

Prints JSON: for each set and group of people and each kind of reference, the number of people and
pairs and the shares at the bands of `kiosk.photo.faces`:

| name            | share of                                                                      |
|-----------------|-------------------------------------------------------------------------------|
| false_match     | pairs of strangers that are a match                                           |
| false_non_match | pairs of one person that are not a match: a person looks                      |
| false_mismatch  | pairs of one person that are a mismatch: a person looks, and asks             |
| not_compared    | pictures in which no single face was found                                    |

`reference` is "live" (another picture of that set) or "chip": the picture made like the portrait in
an ID card, 102 x 126 pixels in 1,024 bytes. How a card really packs it (WLT) is not public; here it
is WebP with the wall whitened, the best that was found to survive in so few bytes. Strangers are
always of the same group, because a card is stolen by somebody who looks alike.

Sets, both public and neither in any repository of ours:

- NUAA imposter set, raw (`ClientRaw/<person>/<person>_<glasses>_<place>_<session>_<n>.jpg`): 15
  Chinese students in up to three sessions of bad light. Pairs of one person are of two sessions.
- LFW (`<Name>/<Name>_0001.jpg`): people with two pictures or more.

`--labels`: a table with the columns `person` and `groups` (words separated by spaces, such as age
bands), where somebody has one. Without labels people are grouped by the tone of their skin as it is
in their pictures, which light changes as well: ITA, the individual typology angle, of both cheeks.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from kiosk.photo import faces
from kiosk.photo.detect import Detector
from kiosk.photo.faces import MATCH_AT, MISMATCH_BELOW, PORTRAIT, FaceComparer
from kiosk.photo.models import models_dir
from kiosk.photo.silhouette import Segmenter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

#: Bytes of a portrait in the chip.
WLT_BYTES = 1024
#: In such a portrait: pixels between the eyes, and where their middle is.
_EYES, _MIDDLE = 27.0, (51.0, 56.0)
#: Pictures of each session of NUAA, and of each person of LFW.
_EACH, _TWO = 6, 2
#: ITA, degrees, from which on a skin counts as that (Del Bino and Bernerd 2013, fewer classes).
_TONES = ((41.0, "skin light"), (19.0, "skin intermediate"), (-30.0, "skin brown"))
_DARKEST = "skin dark"
#: Points of the mesh in the middle of each cheek.
_CHEEKS = (50, 280)


@dataclass
class Shot:
    """One picture of one person. Two of one `session` are no pair."""

    person: str
    session: str
    file: Path
    groups: frozenset[str] = frozenset()
    live: Any = None
    chip: Any = None
    #: ITA of the cheeks, degrees.
    tone: float | None = None


@dataclass
class Tally:
    """Scores of the pairs of one group."""

    genuine: list[float] = field(default_factory=list)
    strangers: list[float] = field(default_factory=list)


# -- the sets -----------------------------------------------------------------------------------


def nuaa(folder: Path, people: int) -> list[Shot]:
    sessions: dict[str, list[Path]] = defaultdict(list)
    for file in sorted(folder.glob("*/*.jpg")):
        sessions[file.stem.rpartition("_")[0]].append(file)
    shots = [
        Shot(session.partition("_")[0], session, file)
        for session, files in sessions.items()
        for file in random.sample(files, min(_EACH, len(files)))
    ]
    return _few(shots, people)


def lfw(folder: Path, people: int) -> list[Shot]:
    shots = []
    for person in sorted(folder.iterdir()):
        files = sorted(person.glob("*.jpg"))
        if len(files) >= _TWO:
            shots += [Shot(person.name, file.stem, file) for file in random.sample(files, _TWO)]
    return _few(shots, people)


def _few(shots: list[Shot], people: int) -> list[Shot]:
    names = sorted({shot.person for shot in shots})
    kept = set(random.sample(names, min(people, len(names))))
    return [shot for shot in shots if shot.person in kept]


def _labels(file: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """Person -> groups."""
    with file.open(encoding="utf-8", newline="") as opened:
        for line in csv.DictReader(opened):
            yield line["person"], frozenset(line["groups"].split())


# -- pictures and pairs -------------------------------------------------------------------------


class ChipMaker:
    """Makes a picture like a portrait in a chip."""

    def __init__(self) -> None:
        self._detector, self._segmenter = Detector(models_dir()), Segmenter(models_dir())

    def portrait(self, picture: Picture) -> tuple[Picture, float] | None:
        """The portrait and the ITA of the cheeks; None if there is no face."""
        found = self._detector.faces(picture)
        mesh = self._detector.landmarks(picture, found[0]) if found else None
        if mesh is None:
            return None
        left, right = faces._five(mesh)[:2]
        middle, apart = (left + right) / 2, right - left
        eyes, roll = float(np.linalg.norm(apart)), float(np.arctan2(apart[1], apart[0]))
        centre = (float(middle[0]), float(middle[1]))
        outline = self._segmenter.segment(picture, centre, roll, eyes * 5)
        person = outline.over(centre, roll, (picture.shape[1], picture.shape[0]))[..., None]
        clean = np.clip(picture * person + 255.0 * (1.0 - person), 0, 255).astype(np.uint8)
        scale = _EYES / eyes
        if scale < 1.0:
            clean = np.asarray(cv2.GaussianBlur(clean, (0, 0), 0.4 / scale), np.uint8)
        turn = cv2.getRotationMatrix2D(centre, float(np.degrees(roll)), scale)
        turn[:, 2] += np.subtract(_MIDDLE, centre)
        white = (255, 255, 255)
        small = cv2.warpAffine(
            clean, turn, PORTRAIT, borderMode=cv2.BORDER_CONSTANT, borderValue=white
        )
        return packed(np.asarray(small, np.uint8)), ita(picture, mesh, eyes)


def ita(picture: Picture, mesh: Any, eyes: float) -> float:
    """Individual typology angle of both cheeks, degrees: light skin is high."""
    reach = max(round(eyes * 0.08), 1)
    patches = []
    for point in _CHEEKS:
        x, y = (round(float(value)) for value in mesh[point, :2])
        patch = picture[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        patches.append(patch.reshape(-1, 3))
    colour = np.median(np.concatenate(patches), axis=0).astype(np.float32) / 255.0
    light, _, yellow = cv2.cvtColor(colour.reshape(1, 1, 3), cv2.COLOR_RGB2LAB).ravel().tolist()
    return float(np.degrees(np.arctan2(light - 50.0, yellow)))


def packed(portrait: Picture) -> Picture:
    """As little of it as is left of 1,024 bytes."""
    image = Image.fromarray(portrait)
    for quality in range(90, -1, -3):
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= WLT_BYTES:
            break
    return np.asarray(Image.open(buffer).convert("RGB"))


def measure(shots: Sequence[Shot]) -> None:
    """Fill in what the network makes of each picture; None where it is not compared."""
    comparer, chips = FaceComparer(), ChipMaker()
    for number, shot in enumerate(shots, 1):
        with Image.open(shot.file) as image:
            picture = np.asarray(image.convert("RGB"))
        shot.live = comparer.features(picture)
        chip = chips.portrait(picture)
        if chip is not None:
            portrait, shot.tone = chip
            shot.chip = comparer.features(portrait)
        if number % 500 == 0:
            print(f"{number} of {len(shots)} pictures", file=sys.stderr)


def group(shots: Sequence[Shot], labels: dict[str, frozenset[str]]) -> None:
    """Put each person into the groups of their labels, else into that of their skin's tone."""
    tones: dict[str, list[float]] = defaultdict(list)
    for shot in shots:
        if shot.tone is not None:
            tones[shot.person].append(shot.tone)
    for shot in shots:
        shot.groups = labels.get(shot.person, frozenset())
        if not labels and tones[shot.person]:
            mean = float(np.mean(tones[shot.person]))
            tone = next((name for least, name in _TONES if mean >= least), _DARKEST)
            shot.groups = frozenset({tone})


def tally(shots: Sequence[Shot], reference: str) -> Tally:
    """Every picture against every other as reference."""
    left = [shot for shot in shots if shot.live is not None]
    right = [shot for shot in shots if getattr(shot, reference) is not None]
    found = Tally()
    if not left or not right:
        return found
    references = np.array([getattr(shot, reference) for shot in right])
    people = np.array([shot.person for shot in right])
    sessions = np.array([shot.session for shot in right])
    for shot in left:
        scores = references @ shot.live
        same = people == shot.person
        found.genuine += scores[same & (sessions != shot.session)].tolist()
        found.strangers += scores[~same].tolist()
    return found


def row(name: str, some_group: str, reference: str, shots: Sequence[Shot]) -> dict[str, Any]:
    found = tally(shots, reference)
    genuine, strangers = np.array(found.genuine), np.array(found.strangers)

    def share(hits: Any) -> float | None:
        return round(float(np.mean(hits)), 5) if len(hits) else None

    return {
        "set": name,
        "group": some_group,
        "reference": reference,
        "people": len({shot.person for shot in shots}),
        "genuine": len(genuine),
        "strangers": len(strangers),
        "false_match": share(strangers >= MATCH_AT),
        "false_non_match": share(genuine < MATCH_AT),
        "false_mismatch": share(genuine < MISMATCH_BELOW),
        "match_at_for_0.1_percent": round(float(np.quantile(strangers, 0.999)), 3)
        if len(strangers)
        else None,
        "not_compared": share([getattr(shot, reference) is None for shot in shots]),
    }


def report(
    sets: Iterable[tuple[str, list[Shot]]], labels: dict[str, frozenset[str]]
) -> dict[str, Any]:
    rows = []
    for name, shots in sets:
        measure(shots)
        group(shots, labels)
        groups = sorted({group for shot in shots for group in shot.groups})
        for reference in ("live", "chip"):
            rows.append(row(name, "all", reference, shots))
            for one in groups:
                some = [shot for shot in shots if one in shot.groups]
                rows.append(row(name, one, reference, some))
    return {
        "method": FaceComparer.method,
        "match_at": MATCH_AT,
        "mismatch_below": MISMATCH_BELOW,
        "rows": rows,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.face_pairs")
    parser.add_argument("--nuaa", type=Path, help="folder ClientRaw")
    parser.add_argument("--lfw", type=Path, help="folder with one folder for each person")
    parser.add_argument("--labels", type=Path, help="table of people and groups")
    parser.add_argument("--people", type=int, default=10_000, help="at most so many of each set")
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    random.seed(1)
    sets = []
    if chosen.nuaa:
        sets.append(("NUAA", nuaa(chosen.nuaa, chosen.people)))
    if chosen.lfw:
        sets.append(("LFW", lfw(chosen.lfw, chosen.people)))
    if not any(shots for _, shots in sets):
        parser.error("no pictures")
    labels = {} if chosen.labels is None else dict(_labels(chosen.labels))
    print(json.dumps(report(sets, labels), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
