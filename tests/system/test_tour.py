"""`kiosk demo --tour DIR`, as `./run --tour DIR` starts it: the whole thing, and what it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hardware.virtual.personas import ID_PERSONAS
from kiosk.demo import acts, script
from kiosk.records.masking import mask_name
from tests.system.conftest import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(960)]

PERSON = ID_PERSONAS["zhang"]

#: A quarter of the pixels of a terminal: nobody looks at these pictures, and each pixel is drawn by
#: this machine's processor.
SIZE = (540, 960)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a successful tour left."""
    folder = tmp_path_factory.mktemp("tour")
    size = "x".join(map(str, SIZE))
    words = [sys.executable, "-m", "kiosk", "demo", "--tour", str(folder), "--size", size]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def report(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return found


def application(report: dict[str, Any]) -> dict[str, Any]:
    """The one first application of the tour's person that the centre holds."""
    name = mask_name(PERSON.name)
    cases = report["centre"]["cases"]
    (one,) = [case for case in cases if (case["kind"], case["name"]) == ("first_application", name)]
    found: dict[str, Any] = one
    return found


def test_every_step_of_every_chapter_was_passed_in_order(report: dict[str, Any]) -> None:
    passed = [(step["name"], step["screen"]) for step in report["steps"]]
    wanted = [(step.name, step.screen) for steps in script.CHAPTERS.values() for step in steps]
    scripted = iter(passed)
    missing = [step for step in wanted if step not in scripted]
    assert missing == []
    assert report["ok"]
    assert all(check["ok"] for check in report["checks"])


def test_the_pictures_show_the_guidance_from_too_far_to_taken(report: dict[str, Any]) -> None:
    """Each thing said before the camera has its picture, in the order in which it was said."""
    names = [step["name"] for step in report["steps"]]
    told = names[names.index("photo") : names.index("photo-chosen")]
    wanted = ["finding-too_far", "screen-counting"]
    assert [name for name in told if name in wanted] == wanted


def test_every_page_has_a_picture_with_something_on_it(out: Path, report: dict[str, Any]) -> None:
    for step in report["steps"]:
        with Image.open(out / step["picture"]) as picture:
            assert picture.size == SIZE
            colours = picture.convert("L").getcolors() or []
            assert len(colours) > 20, f"{step['picture']} is blank"


def test_the_centre_holds_the_application_once(report: dict[str, Any]) -> None:
    one = application(report)
    assert one["pictures"]["photo"] == [358, 441]
    assert one["document_ok"]
    assert one["signature_ok"]


def test_each_matter_of_the_tour_stands_where_its_citizen_was_told(
    report: dict[str, Any],
) -> None:
    states = [
        (case["kind"], case["state"])
        for case in report["centre"]["cases"]
        if case["kind"] != "first_application"
    ]
    assert states == [
        ("minor_application", "to_review"),
        ("loss_report", "withdrawn"),
        ("loss_withdrawal", "in_force"),
        ("info_change", "in_force"),
        ("problem_report", "accepted"),
        ("card_activation", "in_force"),
        ("pin_change", "finished"),
        # What was asked for, and what came of it.
        ("pin_reset", "finished"),
        ("pin_reset", "finished"),
        # A friend's.
        ("loss_report", "to_review"),
        ("card_replacement", "withdrawn"),
        ("case_withdrawal", "in_force"),
        ("loss_report", "in_force"),
        ("unit_collection", "to_review"),
    ]


def test_the_receipt_says_what_it_must_and_hides_what_it_must(
    out: Path, report: dict[str, Any]
) -> None:
    text = (out / "receipt.txt").read_text(encoding="utf-8")
    one = application(report)
    assert one["receipt_no"] in text.replace(" ", "")
    assert "待核实" in text
    assert PERSON.number[:3] + "*" * 11 + PERSON.number[-4:] in text
    for secret in (PERSON.number, PERSON.name, script.PHONE):
        assert secret not in text
    with Image.open(out / "receipt.png") as picture:
        assert picture.width > 300
        assert len(picture.convert("L").getcolors() or []) > 1


def test_the_report_names_nobody(out: Path) -> None:
    text = (out / "report.json").read_text(encoding="utf-8")
    for secret in (PERSON.number, PERSON.name, script.PHONE, script.ESTATE):
        assert secret not in text


def test_one_photo_is_taken_by_what_is_heard_alone(out: Path, report: dict[str, Any]) -> None:
    """Somebody who does not see the preview is found, led nearer, led to the middle and taken."""
    told = ["photo.finding.no_face", "photo.finding.too_far", "photo.move.left"]
    if "heard" in report:  # no voice is installed: words on the page led instead
        first = report["heard"].index(told[0])
        # Each is told again while it holds.
        assert list(dict.fromkeys(report["heard"][first:]))[: len(told)] == told
    names = [step["name"] for step in report["steps"]]
    first, last = names.index("finding-no_face"), names.index("move-left")
    for step in report["steps"][first : last + 1]:
        with Image.open(out / step["picture"]) as picture:
            left, top, right, bottom = acts.PREVIEW
            covered = (SIZE[0] * left, SIZE[1] * top, SIZE[0] * right, SIZE[1] * bottom)
            seen = picture.convert("RGB").crop(tuple(map(round, covered)))
            assert len(seen.getcolors() or []) == 1, f"{step['picture']} shows the preview"
