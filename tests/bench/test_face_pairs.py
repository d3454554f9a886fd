"""The bench of the faces counts as it says. Drawn heads: their comparison itself means nothing."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hardware.virtual.portrait import scene
from tests.bench import face_pairs
from tests.bench.face_pairs import Shot, packed, row


def vector(*values: float) -> np.ndarray:
    array = np.zeros(4, np.float32)
    array[: len(values)] = values
    return array / np.linalg.norm(array)


def test_shares_are_those_of_pairs_across_sessions_and_people() -> None:
    shots = [
        Shot("a", "1", Path(), live=vector(1.0), chip=vector(1.0)),
        Shot("a", "2", Path(), live=vector(1.0), chip=vector(0.0, 1.0)),
        Shot("a", "2", Path(), live=vector(0.0, 1.0), chip=None),
        Shot("b", "3", Path(), live=vector(1.0), chip=vector(0.0, 0.0, 1.0)),
        Shot("c", "4", Path(), live=None, chip=vector(0.0, 0.0, 1.0)),
    ]
    live = row("set", "all", "live", shots)
    # a1-a2, a1-a2', and back; never a2-a2', which is one session.
    assert (live["people"], live["genuine"], live["strangers"]) == (3, 4, 6)
    assert live["false_non_match"] == 0.5
    assert live["false_mismatch"] == 0.5
    assert live["false_match"] == pytest.approx(4 / 6, abs=1e-5)
    assert live["not_compared"] == 0.2
    assert row("set", "all", "chip", shots)["genuine"] == 3


def test_a_portrait_keeps_to_the_bytes_of_a_chip() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (126, 102, 3), np.uint8)
    assert packed(np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)).shape == (126, 102, 3)


def test_both_sets_are_read_and_grouped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, name in ((1, "portrait"), (2, "portrait-woman")):
        student = tmp_path / "nuaa" / f"000{number}"
        star = tmp_path / "lfw" / f"Person_{number}"
        for folder in (student, star):
            folder.mkdir(parents=True)
        for session in ("01", "02"):
            scene(name).save(student / f"000{number}_00_00_{session}_0.jpg")
            scene(name).save(star / f"Person_{number}_00{session}.jpg")
    labels = tmp_path / "labels.csv"
    labels.write_text("person,groups\nPerson_1,old\nPerson_2,young\n", encoding="utf-8")
    arguments = ["--nuaa", str(tmp_path / "nuaa"), "--lfw", str(tmp_path / "lfw")]
    assert face_pairs.main([*arguments, "--labels", str(labels)]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    found = {(each["set"], each["group"], each["reference"]): each for each in rows}
    assert set(found) == {
        (name, group, reference)
        for name, groups in (("NUAA", ("all",)), ("LFW", ("all", "old", "young")))
        for group in groups
        for reference in ("live", "chip")
    }
    for each in found.values():
        assert each["false_non_match"] == 0.0
        assert each["not_compared"] == 0.0
    assert found["LFW", "old", "live"]["strangers"] == 0
