"""`kioskctl photo`: what is wrong with a file, a card photo of it, the technician's window."""

from __future__ import annotations

import json
import os
import stat
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from hardware.virtual.camera import VirtualCamera
from hardware.virtual.portrait import frame, scene
from kiosk.kioskctl import app, photo_window
from kiosk.photo import CardPhoto, Finding, FindingCode, Look, Measure, Photographer

RUN = CliRunner()


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    file = tmp_path / "portrait.png"
    scene("portrait").save(file, compress_level=1)
    return file


def checked(*files: Path) -> tuple[int, list[dict[str, object]]]:
    done = RUN.invoke(app, ["photo", "check", "--json", *map(str, files)])
    return done.exit_code, json.loads(done.stdout)


def test_a_frame_and_a_finished_photo_are_both_checked(
    portrait: Path, card_photo: CardPhoto, tmp_path: Path
) -> None:
    finished = tmp_path / "finished.jpg"
    finished.write_bytes(card_photo.jpeg)
    code, (frame_result, photo_result) = checked(portrait, finished)
    assert code == 0
    assert (frame_result["finding"], frame_result["report"]) == ("ok", [])
    assert (photo_result["finding"], photo_result["ok"]) == ("ok", True)
    report = photo_result["report"]
    assert isinstance(report, list)
    width = next(line for line in report if line["rule"] == "face.width")
    assert (width["low"], width["high"], width["verdict"]) == (179, 255, "met")


def test_each_file_has_its_own_finding_and_the_worst_decides(
    portrait: Path, card_photo: CardPhoto, tmp_path: Path
) -> None:
    files = {
        "nobody.png": scene("nobody"),
        "two.png": scene("two-people"),
        "grey.png": scene("portrait").convert("L"),
    }
    for name, image in files.items():
        image.save(tmp_path / name, compress_level=1)
    (tmp_path / "text.jpg").write_bytes(b"no picture")
    (tmp_path / "half.jpg").write_bytes(card_photo.jpeg[:9000])
    paths = [portrait, *(tmp_path / name for name in (*files, "text.jpg", "half.jpg"))]
    code, results = checked(*paths)
    assert code == 1
    found = [result["finding"] or result["file_findings"] for result in results]
    assert found == ["ok", "no_face", "many_faces", "grey", ["not_a_picture"], ["truncated"]]


def test_what_cannot_be_read_is_named_and_the_others_are_checked(
    portrait: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    code, results = checked(tmp_path, tmp_path / "pipe.jpg", Path("/dev/zero"), portrait)
    assert code == 1
    assert [result["file_findings"] for result in results] == [["unreadable"]] * 3 + [[]]
    assert results[-1]["ok"] is True


def test_one_bad_file_does_not_end_the_list(
    portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that is not there, nor one that shows a bug of ours."""
    look = Photographer.look_once

    def breaks(self: Photographer, rgb: NDArray[np.uint8], excused: bool = False) -> Look:
        if rgb.shape[0] == 201:
            raise RuntimeError("of that file")
        return look(self, rgb, excused)

    monkeypatch.setattr(Photographer, "look_once", breaks)
    Image.new("RGB", (300, 201)).save(tmp_path / "odd.png")
    code, results = checked(tmp_path / "gone.jpg", tmp_path / "odd.png", portrait)
    assert code == 1
    found = [result["file_findings"] for result in results]
    assert found == [["missing"], ["failed: RuntimeError"], []]
    assert results[-1]["ok"] is True


def test_a_photo_of_the_right_size_in_another_format_is_no_card_photo(
    card_photo: CardPhoto, tmp_path: Path
) -> None:
    jpeg, png = tmp_path / "photo.jpg", tmp_path / "photo.png"
    jpeg.write_bytes(card_photo.jpeg)
    with Image.open(jpeg) as image:
        image.save(png)
    code, (result,) = checked(png)
    assert code == 1
    assert result["file_findings"] == ["not_jpeg"]


def test_making_a_photo_with_its_report(portrait: Path, tmp_path: Path) -> None:
    target, report = tmp_path / "card.jpg", tmp_path / "report.json"
    command = ["photo", "make", str(portrait), str(target), "--report", str(report)]
    assert RUN.invoke(app, command).exit_code == 0
    with Image.open(target) as image:
        assert image.size == (358, 441)
    document = json.loads(report.read_text())
    assert {line["verdict"] for line in document["report"]} <= {"met", "cannot_tell"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_another_region_gets_its_own_size(portrait: Path, tmp_path: Path) -> None:
    target = tmp_path / "card.jpg"
    command = ["photo", "make", str(portrait), str(target), "--profile", "ssc-236x295"]
    assert RUN.invoke(app, command).exit_code == 0
    with Image.open(target) as image:
        assert (image.size, image.info["jfif_density"]) == ((236, 295), (300, 300))


def test_no_photo_of_nobody_and_none_is_left_behind(tmp_path: Path) -> None:
    source, target = tmp_path / "nobody.png", tmp_path / "card.jpg"
    scene("nobody").save(source, compress_level=1)
    done = RUN.invoke(app, ["photo", "make", str(source), str(target)])
    assert done.exit_code == 1
    assert "no_face" in done.stderr
    assert not target.exists()


@pytest.mark.parametrize(
    "command",
    [
        ["photo", "make", "nowhere.jpg", "card.jpg"],
        ["photo", "check", "nowhere.jpg", "--profile", "moon"],
        ["photo", "live"],
    ],
)
def test_what_cannot_be_carried_out_says_so(command: list[str]) -> None:
    done = RUN.invoke(app, command)
    assert done.exit_code == 2
    assert "kioskctl:" in done.stderr


def test_the_live_window_shows_frames_with_findings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only the window itself is not real: a test machine has no screen."""
    shown: list[tuple[int, ...]] = []
    monkeypatch.setattr(photo_window, "must_have_display", lambda: None)
    monkeypatch.setattr(photo_window.cv2, "imshow", lambda _, picture: shown.append(picture.shape))
    monkeypatch.setattr(photo_window.cv2, "waitKey", lambda _: ord("q") if len(shown) == 3 else -1)
    monkeypatch.setattr(photo_window.cv2, "destroyAllWindows", lambda: None)
    with closing(VirtualCamera()) as camera:
        camera.show("portrait")
        done = RUN.invoke(app, ["photo", "live", "--camera", camera.url, "--state", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert shown == [(720, 1280 + 330, 3)] * 3


def test_measures_are_written_beside_the_frame() -> None:
    look = Look(
        Finding(FindingCode.TOO_FAR, (0.4, 0.3, 0.2, 0.4)),
        {"head.yaw": Measure(3.0, "degree"), "eyes.open": Measure(None, "", 0.0, "turned")},
    )
    rgb = frame("nobody")
    canvas = photo_window.annotated(rgb, look)
    assert np.array_equal(canvas[:200, :400], rgb[:200, :400])  # outside of the box: untouched
    assert canvas[round(0.3 * 720), 600].tolist() == [210, 40, 40]
    column = canvas[:, 1280:]
    assert column[:30].max() > 200
    assert column[200:].max() == 24  # nothing is written below the last measure
