"""The table of the photo's measures counts what it says it counts."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import pytest

from hardware.virtual.portrait import scene
from kiosk.photo import Photographer
from tests.bench import photo_accuracy, photo_groups
from tests.bench.photo_accuracy import (
    DETECTORS,
    SOURCES,
    Case,
    Geometry,
    Row,
    auc,
    cases,
    measure,
    photograph,
)
from tests.bench.spoilt_faces import SPOILS


def test_the_page_names_where_the_pictures_are_from() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "photo.md").read_text("utf-8")
    listed = [line for line in page.splitlines() if line.startswith("| `") and "/` | " in line]
    assert len(listed) == len(SOURCES)
    for folder, source in SOURCES.items():
        assert any(line.startswith(f"| `{folder}/` | {source}:") for line in listed)
    found = photo_accuracy.sources([Case("nuaa/1.jpg", set(), 0), Case("own/2.jpg", set(), 1)])
    assert found == {"imironica/liveness": 1, "own": 1}


def test_each_line_names_what_it_was_measured_with() -> None:
    assert {row.rule for row in photo_accuracy._ROWS} == DETECTORS.keys()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    scene("portrait").save(folder / "portrait.png")
    rows = [
        ("portrait.png", "man", "frontal neutral"),
        ("woman.png", "woman", "frontal neutral"),
        ("the-same-man.png", "man", "closed"),
    ]
    with (folder / "labels.csv").open("w", newline="") as opened:
        csv.writer(opened).writerows([("file", "person", "tags"), *rows])
    return folder


def test_the_area_under_the_curve_counts_ties_as_half() -> None:
    assert auc([3, 4], [1, 2]) == 1.0
    assert auc([1, 2], [3, 4]) == 0.0
    assert auc([1, 1], [1, 1]) == 0.5
    assert auc([2, 0], [1, 1]) == 0.5


def test_the_threshold_comes_from_one_half_and_is_tried_on_the_other() -> None:
    good = [Case(f"{i}", {"neutral"}, i % 2, {"mouth.open": i / 1000}) for i in range(40)]
    good += [Case("other", {"neutral"}, 1, {"mouth.open": 0.9})]  # tuned away if it were seen
    bad = [
        Case("wide", {"mouth_open"}, 1, {"mouth.open": 0.5}),
        Case("hardly", {"mouth_open"}, 1, {"mouth.open": 0.01}),
        Case("unseen", {"mouth_open"}, 1, {"mouth.open": None}),
    ]
    row = Row("mouth.open", "mouth_open", 1, "neutral", spoil=False)
    line = photo_accuracy._line(row, good + bad)
    assert (line["positives"], line["told"], line["negatives"]) == (3, 2, 41)
    assert line["miss_at_5"] == 0.5
    assert line["false_alarm"] == pytest.approx(3 / 21, abs=0.001)  # 37, 39 and the other
    assert line["miss_at_limit"] == pytest.approx(2 / 3, abs=0.001)


def test_people_stay_in_one_half(folder: Path) -> None:
    halves = {case.file: case.half for case in cases(folder)}
    assert halves["portrait.png"] == halves["the-same-man.png"]


def test_an_unknown_tag_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,person,tags\na.jpg,,frontl\n")
    with pytest.raises(ValueError, match="frontl"):
        list(cases(tmp_path))


def test_a_good_face_is_spoilt_in_every_way_and_photographed(folder: Path) -> None:
    photographer, geometry = Photographer(), Geometry()
    case = next(cases(folder))
    rgb = photo_accuracy.picture_of(folder / case.file)
    assert rgb is not None
    measure(photographer, case, rgb)
    assert case.spoilt.keys() == SPOILS.keys()
    covered = case.spoilt["blue mask"]["face.covered"]
    assert covered is not None
    assert covered > 10 > (case.values["face.covered"] or 0)
    maker = Photographer(standard=photo_accuracy.place_only())
    photograph(maker, geometry, case.file, rgb, None)
    found = geometry.document()
    assert found["pixel rules met, our networks"] == "1 of 1 (100.0 %)"
    assert found["crown off the colour's edge, px of the photo"]["n"] == 1


def test_each_group_of_sitters_has_its_own_table() -> None:
    found = photo_groups.by_group(Photographer(), islice(photo_groups.composed(["man"]), 2))
    assert {group: list(which) for group, which in found.items()} == {
        "tone": ["1-4"],
        "age": ["young"],
        "glasses": ["none"],
        "all": ["all"],
    }
    assert found["tone"]["1-4"]["good"] == 1
    lines = {(line["rule"], line["against"]): line for line in found["age"]["young"]["lines"]}
    assert lines["face.forehead", "black fringe"]["auc"] == 1.0
    assert lines["eyes.open", "closed"]["positives"] == 1


def test_a_tone_has_one_group_and_every_angle_a_name() -> None:
    assert [photo_groups._monk(tone) for tone in (1, 4, 5, 7, 8, 10)] == [
        *("1-4", "1-4", "5-7", "5-7", "8-10", "8-10")
    ]
    assert photo_groups._ANGLES[-1][1] < -90.0
