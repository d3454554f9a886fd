"""How well the measures of the photo tell faces apart, and how true the photo's geometry is.

    python -m tests.bench.photo_accuracy DIR [--json FILE]

DIR holds pictures in any folders and `labels.csv` with the columns `file` (relative to DIR),
`person` (pictures of one person stay together when the set is halved; empty: the file itself) and
`tags`, words of `TAGS` separated by spaces. A tag that is missing means that it is not so, but only
for pictures that have any of `frontal`, `neutral` or `turned`; a file that is not listed is not
used. `crowns.csv` with `file` and `y` (the top of the hair marked by hand, as a share of the
picture's height from the top) gives the error of the crown; for other pictures whose wall is
uniform it is the first row where the colour differs from the wall's.

Printed: how many pictures of which source (the first folder, see `SOURCES`); for each rule
(detector, positives, negatives, AUC, miss rate at 5 % false alarm); and the geometry of the photos
made of frontal faces, measured again by our own networks.

Nothing of such a set belongs into the repository. The public sets this was built with are listed
in docs/photo.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from kiosk.photo import Photographer, PhotoRefused
from kiosk.photo.files import file_bytes, read_picture
from kiosk.photo.gauge import Sight
from kiosk.photo.standard import THIRD_GENERATION, Standard
from tests.bench.spoilt_faces import SPOILS, spoilt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

TAGS = {
    "frontal": "the face looks at the camera",
    "turned": "clearly turned to one side",
    "neutral": "mouth closed, at rest",
    "smile": "smiling, with teeth",
    "mouth_open": "open mouth",
    "closed": "both eyes closed",
    "wink": "one eye closed, or too hard to say",
    "gaze": "the eyes look elsewhere",
    "glasses": "clear glasses",
    "sunglasses": "dark glasses",
    "glare": "a reflection on the glasses before an eye",
    "burnt": "cheeks or nose without detail, too much light",
    "dark": "the face lies in the dark",
    "tint": "coloured light",
    "hat": "something on the head",
    "hand": "a hand at the face",
    "covered": "mouth or nose covered",
    "two": "more than one person near the camera",
    "frown": "a frown",
    "tilted": "head leans to a shoulder",
    "photo": "a printed photo held up",
    "ears": "both ears are seen",
    "ears_hidden": "hair or a cap over both ears",
}
#: Folder of DIR -> the public repository its pictures are from; docs/photo.md says where in it.
SOURCES = {
    "ageitgey": "ageitgey/face_recognition",
    "deepface": "serengil/deepface",
    "facenet": "timesler/facenet-pytorch",
    "hivision": "Zeyi-Lin/HivisionIDPhotos",
    "human": "vladmandic/human",
    "nuaa": "imironica/liveness",
    "parsing": "yakhyo/face-parsing",
}
#: Measure -> the network or method behind it.
DETECTORS = {
    "eyes.open": "iris_landmark",
    "eyes.gaze": "iris_landmark",
    "head.yaw": "face_landmark",
    "mouth.smile": "face_landmark",
    "mouth.open": "face_landmark",
    "person.count": "face_detection",
    "glasses.clear": "skin, CIELAB",
    "glasses.glare": "skin, CIELAB",
    "face.covered": "skin, CIELAB",
    "face.hand": "palm_detection",
    "face.forehead": "skin, CIELAB",
    "person.ears": "edges, CIELAB",
    "light.face": "skin, CIELAB",
    "light.burnt": "skin, CIELAB",
    "light.sides": "skin, CIELAB",
    "light.hue": "skin, CIELAB",
    "light.sharpness": "Laplacian",
    "light.contrast": "skin, CIELAB",
    "frame.colour": "thumbnail",
}
#: Pictures are shrunk to this before anything else, longer side in pixels.
_LONGEST = 1600
#: Tags of pictures that are good enough to be spoilt on purpose.
_SPOILS_GOOD = {"frontal"}
_NOT_GOOD = {"sunglasses", "hat", "hand", "covered", "tint", "burnt", "dark", "glare", "two"}
#: Share of false alarms at which misses are counted.
_FALSE_ALARM = 0.05


@dataclass(frozen=True)
class Row:
    """One line of the table: which pictures ought to be told apart by which measure.

    `spoil`: positives are good pictures spoilt so; else those with the tag. `sign`: 1 if larger
    values are worse, -1 if smaller ones are, 0 if the distance from `centre` counts.
    """

    rule: str
    positives: str
    sign: int
    negatives: str = "frontal"
    spoil: bool = True
    centre: float = 0.0


_ROWS = (
    Row("eyes.open", "closed", -1, "any", spoil=False),
    Row("eyes.gaze", "gaze", 1, spoil=False),
    Row("head.yaw", "turned", 0, spoil=False),
    Row("mouth.smile", "smile", 1, "neutral", spoil=False),
    Row("mouth.open", "mouth_open", 1, "neutral", spoil=False),
    Row("person.count", "two", 1, spoil=False),
    Row("glasses.clear", "sunglasses", -1, spoil=False),
    Row("glasses.clear", "lenses 60 % dark", -1),
    Row("glasses.clear", "lenses 40 % dark", -1),
    Row("glasses.glare", "glare", 1, spoil=False),
    Row("glasses.glare", "reflection", 1),
    Row("face.covered", "covered", 1, spoil=False),
    Row("face.covered", "blue mask", 1),
    Row("face.covered", "white mask", 1),
    Row("face.covered", "black mask", 1),
    Row("face.hand", "hand", 1, spoil=False),
    Row("face.forehead", "hat", 1, spoil=False),
    Row("face.forehead", "black fringe", 1),
    Row("face.forehead", "grey fringe", 1),
    Row("face.forehead", "blue cap", 1),
    Row("person.ears", "ears_hidden", 1, "ears", spoil=False),
    Row("light.face", "dark", -1),
    Row("light.burnt", "bright", 1),
    Row("light.burnt", "burnt", 1, spoil=False),
    Row("light.sides", "shadow 40 %", 1),
    Row("light.sides", "shadow 25 %", 1),
    Row("light.hue", "blue light", 0, centre=48.0),
    Row("light.hue", "yellow light", 0, centre=48.0),
    Row("light.hue", "green light", 0, centre=48.0),
    Row("light.sharpness", "blur 1.5 px", -1),
    Row("light.sharpness", "blur 2.5 px", -1),
    Row("light.contrast", "haze, 45 % left", -1),
    Row("light.contrast", "haze, 35 % left", -1),
    Row("frame.colour", "no colour", -1),
)


@dataclass
class Case:
    """One labelled picture and what was measured on it, and on its spoilt copies."""

    file: str
    tags: set[str]
    half: int
    values: dict[str, float | None] = field(default_factory=dict)
    spoilt: dict[str, dict[str, float | None]] = field(default_factory=dict)


# -- reading --------------------------------------------------------------------------------------


def cases(folder: Path) -> Iterator[Case]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            tags = set(row["tags"].split())
            if unknown := tags - TAGS.keys():
                raise ValueError(f"{row['file']}: unknown tags {', '.join(sorted(unknown))}")
            person = row["person"] or row["file"]
            yield Case(row["file"], tags, sha256(person.encode()).digest()[0] % 2)


def picture_of(file: Path) -> Picture | None:
    data = file_bytes(file)
    rgb = None if data is None else read_picture(data).rgb
    if rgb is None or max(rgb.shape) <= _LONGEST:
        return rgb
    share = _LONGEST / max(rgb.shape)
    size = (round(rgb.shape[1] * share), round(rgb.shape[0] * share))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _values(sight: Sight) -> dict[str, float | None]:
    return {name: measure.value for name, measure in sight.measures.items()}


def measure(photographer: Photographer, case: Case, rgb: Picture) -> None:
    """Fill in the case's values, of spoilt copies too if the picture is good enough."""
    sight = photographer.measure(rgb)
    case.values = _values(sight)
    if sight.head is None or not case.tags >= _SPOILS_GOOD or case.tags & _NOT_GOOD:
        return
    detector = photographer._gauge._detector
    mesh = detector.landmarks(rgb, sight.faces[0])
    assert mesh is not None
    for name in SPOILS:
        case.spoilt[name] = _values(photographer.measure(spoilt(name, rgb, mesh, sight.head)))


# -- the table ------------------------------------------------------------------------------------


def table(all_cases: Sequence[Case]) -> list[dict[str, Any]]:
    return [_line(row, all_cases) for row in _ROWS]


def _line(row: Row, all_cases: Sequence[Case]) -> dict[str, Any]:
    """The threshold for 5 % false alarms is taken from one half and tried on the other."""
    worse = _worse(row)
    good = [case for case in all_cases if _is_negative(row, case)]
    if row.spoil:
        bad = [(case.half, case.spoilt.get(row.positives, {})) for case in good if case.spoilt]
    else:
        bad = [(case.half, case.values) for case in all_cases if row.positives in case.tags]
    positives = [(half, worse(values.get(row.rule))) for half, values in bad]
    negatives = [(case.half, worse(case.values.get(row.rule))) for case in good]
    told_p = [(half, value) for half, value in positives if value is not None]
    told_n = [(half, value) for half, value in negatives if value is not None]
    named = {"rule": row.rule, "detector": DETECTORS[row.rule], "against": row.positives}
    if not told_p or not told_n:
        return {**named, "positives": len(positives), "told": 0}
    tuned = [value for half, value in told_n if half == 0]
    threshold = float(np.quantile(tuned, 1 - _FALSE_ALARM)) if tuned else float("nan")
    tried_p = [value for half, value in told_p if half == 1]
    tried_n = [value for half, value in told_n if half == 1]
    return {
        **named,
        "drawn": row.spoil,
        "positives": len(positives),
        "told": len(told_p),
        "negatives": len(told_n),
        "auc": round(auc([v for _, v in told_p], [v for _, v in told_n]), 3),
        "miss_at_5": _share([value <= threshold for value in tried_p]),
        "false_alarm": _share([value > threshold for value in tried_n]),
        "miss_at_limit": _share([not _breaks(row, values) for _, values in bad]),
        "alarm_at_limit": _share([_breaks(row, case.values) for case in good]),
    }


def _is_negative(row: Row, case: Case) -> bool:
    if row.spoil:
        return bool(case.spoilt)
    if row.positives in case.tags or "photo" in case.tags:
        return False
    if row.negatives == "any":
        return not case.tags & {"wink", "sunglasses"}
    return row.negatives in case.tags and not (
        row.rule in ("face.hand", "face.forehead", "glasses.glare", "glasses.clear", "face.covered")
        and case.tags & _NOT_GOOD
    )


def _worse(row: Row) -> Callable[[float | None], float | None]:
    def worse(value: float | None) -> float | None:
        if value is None:
            return None
        return abs(value - row.centre) if row.sign == 0 else row.sign * value

    return worse


def _breaks(row: Row, values: dict[str, float | None]) -> bool:
    """Whether the standard's own limit is broken; what cannot be told breaks nothing."""
    value = values.get(row.rule)
    return value is not None and not THIRD_GENERATION.rule(row.rule).allows(value)


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """How often a positive is worse than a negative; ties count half."""
    p, n = np.asarray(positives)[:, None], np.asarray(negatives)[None]
    return float((p > n).mean() + 0.5 * (p == n).mean())


def _share(answers: Sequence[bool]) -> float | None:
    return round(float(np.mean(answers)), 3) if answers else None


# -- geometry -------------------------------------------------------------------------------------

#: Heads this level, radians, are held against marks; in photos with a face of usual width.
_LEVEL, _USUAL_WIDTH = 0.06, 186.0
_PLACE = ("face.width", "face.crown", "face.eyes_x", "face.eyes_above_bottom")


def place_only() -> Standard:
    """The rules of file and place: here it does not matter how somebody looks."""
    rules = tuple(
        rule
        for rule in THIRD_GENERATION.rules
        if rule.id.startswith("file.") or rule.id in (*_PLACE, "face.height_share")
    )
    return replace(THIRD_GENERATION, rules=rules)


def roomy(rgb: Picture, sight: Sight) -> Picture | None:
    """The picture with room around it and a face of 230 pixels, as a camera in a booth gives it;
    None if its own edge cuts the hair off."""
    head = sight.head
    if head is None or head.crown_y < 0.03 * head.face_width:
        return None
    share = max(230 / head.face_width, 1.0)
    room = round(0.6 * head.face_width)
    wide = cv2.copyMakeBorder(rgb, room, room, room, room, cv2.BORDER_REPLICATE)
    size = (round(wide.shape[1] * share), round(wide.shape[0] * share))
    if share > 1.0:
        wide = cv2.resize(wide, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(wide, np.uint8)


@dataclass
class Geometry:
    """What came of the frontal faces."""

    faces: int = 0
    refused: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    hair_cut: int = 0
    sizes: list[int] = field(default_factory=list)
    crown_marked: list[float] = field(default_factory=list)
    crown_by_colour: list[float] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        sizes = np.asarray(self.sizes) if self.sizes else np.zeros(1)
        made = self.faces - len(self.refused)
        found: dict[str, Any] = {
            "frontal faces": self.faces,
            "refused": self.refused,
            "made": made,
            "hair cut": self.hair_cut,
            "pixel rules met, our networks": _part(made - len(self.broken), made),
            "broken": self.broken,
            "14 to 40 K": _part(int(np.sum((sizes >= 14_000) & (sizes <= 40_960))), len(sizes)),
            "bytes min, median, max": [int(f(sizes)) for f in (np.min, np.median, np.max)],
            "crown off the marks, px of the photo": _spread(np.abs(self.crown_marked)),
            "crown off the marks, signed": _spread(self.crown_marked),
            "crown off the colour's edge, px of the photo": _spread(np.abs(self.crown_by_colour)),
        }
        return found


def _part(some: int, of: int) -> str:
    return f"{some} of {of} ({100 * some / of:.1f} %)" if of else "none"


def _spread(values: Any) -> dict[str, float]:
    if not len(values):
        return {"n": 0}
    array = np.asarray(values, float)
    return {
        "n": len(array),
        "mean": round(float(array.mean()), 2),
        "p5": round(float(np.quantile(array, 0.05)), 2),
        "p95": round(float(np.quantile(array, 0.95)), 2),
    }


def photograph(
    photographer: Photographer,
    geometry: Geometry,
    name: str,
    rgb: Picture,
    marked: float | None,
) -> None:
    """Make the photo of one frontal face and measure it again."""
    sight = photographer.measure(rgb)
    picture = roomy(rgb, sight)
    if picture is None:
        return
    geometry.faces += 1
    head = sight.head
    # Marks are made in the picture as it is, so only a level head can be held against them.
    if marked is not None and head is not None and abs(head.roll) < _LEVEL:
        error = (head.crown_y - marked * rgb.shape[0]) * _USUAL_WIDTH / head.face_width
        geometry.crown_marked.append(error)
    try:
        photo = photographer.make(picture)
    except PhotoRefused as refused:
        geometry.refused.append(f"{name}: {refused.finding.code}")
        return
    geometry.sizes.append(len(photo.jpeg))
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        pixels = np.asarray(image)
    again = photographer.measure(pixels)
    report = photographer.judge(photo.jpeg, again)
    cut = photo.report.line("face.crown").value is None
    geometry.hair_cut += cut
    wrong = [rule for rule in report.broken() if not (cut and rule == "face.crown")]
    if wrong:
        geometry.broken.append(f"{name}: {' '.join(wrong)}")
    if marked is None and not cut and again.head is not None:
        true = crown_by_colour(pixels)
        if true is not None:
            geometry.crown_by_colour.append(again.head.crown_y - true)


def crown_by_colour(photo: Picture) -> float | None:
    """The first row in which the head's colour differs from the wall's, on a uniform wall."""
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB).astype(np.float32)
    corners = np.concatenate([lab[2:60, 2:60].reshape(-1, 3), lab[2:60, -60:-2].reshape(-1, 3)])
    if float(corners.std(axis=0).max()) > 3.0 or float(lab[0:3, 60:-60].std(axis=(0, 1)).max()) > 3:
        return None
    apart = np.linalg.norm(lab - np.median(corners, axis=0), axis=2)
    band = apart[:, 125:233] > 14
    rows = np.flatnonzero(band.sum(axis=1) >= 3)
    return float(rows[0]) if rows.size else None


# -- printing -------------------------------------------------------------------------------------

_COLUMNS = (
    ("rule", 16),
    ("detector", 16),
    ("against", 18),
    ("drawn", 6),
    ("positives", 10),
    ("told", 6),
    ("negatives", 10),
    ("auc", 7),
    ("miss_at_5", 10),
    ("false_alarm", 12),
    ("miss_at_limit", 14),
    ("alarm_at_limit", 15),
)


def sources(all_cases: Sequence[Case]) -> dict[str, int]:
    """Source -> how many of its pictures were measured; a folder nobody knows is its own."""
    folders = Counter(case.file.partition("/")[0] for case in all_cases)
    return {SOURCES.get(folder, folder): count for folder, count in folders.items()}


def show(lines: Sequence[dict[str, Any]], geometry: dict[str, Any]) -> None:
    print("".join(f"{name:<{width}}" for name, width in _COLUMNS))
    for line in lines:
        print("".join(f"{_text(line.get(name)):<{width}}" for name, width in _COLUMNS))
    print(
        "\nmiss_at_5: a threshold that gives 5 % false alarms on one half, tried on the other"
        "\nhalf (false_alarm: what it gives there). *_at_limit: the standard's limit on all"
        "\npictures; limits were set while looking at such pictures, so those two are in-sample."
        "\ntold: where the measure did not say that it cannot tell."
    )
    print(json.dumps(geometry, ensure_ascii=False, indent=1))


def _text(value: object) -> str:
    return (
        "–" if value is None else "yes" if value is True else "" if value is False else str(value)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.photo_accuracy")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write everything there, too")
    parser.add_argument("--no-table", action="store_true", help="only the geometry")
    options = parser.parse_args()
    marks = _marks(options.folder / "crowns.csv")
    photographer, geometry = Photographer(), Geometry()
    maker = Photographer(standard=place_only())
    found = []
    for case in cases(options.folder):
        rgb = picture_of(options.folder / case.file)
        if rgb is None:
            sys.stderr.write(f"{case.file}: no pixels\n")
            continue
        if not options.no_table:
            measure(photographer, case, rgb)
        found.append(case)
        if "frontal" in case.tags and "two" not in case.tags and "photo" not in case.tags:
            photograph(maker, geometry, case.file, rgb, marks.get(case.file))
    lines = [] if options.no_table else table(found)
    for source, count in sources(found).items():
        print(f"{count:5} pictures: {source}")
    show(lines, geometry.document())
    if options.json:
        document = {"pictures": sources(found), "table": lines, "geometry": geometry.document()}
        options.json.write_text(json.dumps(document, ensure_ascii=False, indent=1))
    return 0


def _marks(file: Path) -> dict[str, float]:
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as opened:
        return {row["file"]: float(row["y"]) for row in csv.DictReader(opened)}


if __name__ == "__main__":
    sys.exit(main())
