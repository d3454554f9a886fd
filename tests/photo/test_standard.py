"""Each limit of the standard, from both sides, and what the solver makes of heads of all shapes."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kiosk.photo.crop import Crop, overhang, solve
from kiosk.photo.measure import Head
from kiosk.photo.report import Report, Verdict, judge
from kiosk.photo.standard import PROFILES, THIRD_GENERATION, Severity

STANDARD = THIRD_GENERATION


def head(
    width: float = 220.0,
    crown_to_eyes: float = 195.0,
    eyes_to_chin: float = 180.0,
    shift: float = 0.0,
) -> Head:
    """A level head whose eyes are at (640, 320); `shift` moves the cheeks against the eyes."""
    return Head(
        roll=0.0,
        eye_x=640.0,
        eye_y=320.0,
        face_x=640.0 + shift,
        face_width=width,
        crown_y=320.0 - crown_to_eyes,
        chin_y=320.0 + eyes_to_chin,
    )


def photographed(subject: Head, crop: Crop) -> dict[str, float]:
    """What a perfect ruler measures on the photo that a crop makes of a head."""
    exact = {
        "face.width": subject.face_width * crop.scale,
        "face.crown": (subject.crown_y - crop.top) * crop.scale,
        "face.eyes_x": (subject.eye_x - crop.left) * crop.scale,
        "face.eyes_above_bottom": STANDARD.height - (subject.eye_y - crop.top) * crop.scale,
        "face.height_share": subject.height * crop.scale / STANDARD.height,
    }
    # At a limit itself, binary fractions may fall a billionth of a pixel short.
    return {rule: round(value, 6) for rule, value in exact.items()}


@pytest.mark.parametrize(
    ("rule", "outside_low", "low", "high", "outside_high"),
    [
        ("face.width", 178, 179, 255, 256),
        ("face.crown", 6, 7, 21, 22),
        ("face.eyes_x", 161, 162, 196, 197),
    ],
)
def test_both_limits_of_a_rule_are_allowed_and_one_pixel_more_is_not(
    rule: str, outside_low: int, low: int, high: int, outside_high: int
) -> None:
    for value in (outside_low, outside_high):
        assert judge(STANDARD, {rule: value}).line(rule).verdict == Verdict.BROKEN
    for value in (low, high):
        assert judge(STANDARD, {rule: value}).line(rule).verdict == Verdict.MET


def test_eyes_206_above_the_bottom_are_too_low_and_207_are_not() -> None:
    rule = "face.eyes_above_bottom"
    assert judge(STANDARD, {rule: 206}).broken() == (rule,)
    assert judge(STANDARD, {rule: 207}).met


def test_an_unusual_file_size_is_a_warning_and_no_more() -> None:
    report = judge(STANDARD, {"file.size": 13_000})
    assert report.line("file.size").verdict == Verdict.WARNING
    assert report.met


def test_what_nothing_here_can_judge_is_left_to_a_person() -> None:
    report = judge(STANDARD, {})
    assert {line.verdict for line in report.lines} == {Verdict.CANNOT_TELL}
    assert any(rule.severity == Severity.STAFF for rule in STANDARD.rules)


def test_an_empty_report_and_an_unknown_rule_are_not_taken_for_good() -> None:
    assert not Report().met
    with pytest.raises(KeyError):
        judge(STANDARD, {"face.nose": 1.0})


def test_every_limit_allows_something() -> None:
    for rule in STANDARD.rules:
        if rule.low is not None and rule.high is not None:
            assert rule.low <= rule.high, rule.id


@given(
    width=st.floats(120, 700),
    crown_to_eyes=st.floats(0.6, 1.268),
    eyes_to_chin=st.floats(0.6, 1.0),
    shift=st.floats(-0.1, 0.1),
)
def test_every_head_that_can_meet_the_pixel_rules_does(
    width: float, crown_to_eyes: float, eyes_to_chin: float, shift: float
) -> None:
    subject = head(width, crown_to_eyes * width, eyes_to_chin * width, shift * width)
    crop = solve(subject, STANDARD)
    assume(not crop.hair_cut)
    assert judge(STANDARD, photographed(subject, crop)).broken() == ()


def test_hair_is_not_cut_while_all_rules_can_be_met() -> None:
    assert not solve(head(179.0, crown_to_eyes=226.9), STANDARD).hair_cut


def test_hair_too_high_for_both_rules_is_cut_and_the_eyes_stay_where_they_must() -> None:
    subject = head(179.0, crown_to_eyes=230.0)
    crop = solve(subject, STANDARD)
    assert crop.hair_cut
    assert judge(STANDARD, photographed(subject, crop)).broken() == ("face.crown",)


def test_a_usual_head_keeps_away_from_the_limits() -> None:
    subject = head()
    values = photographed(subject, solve(subject, STANDARD))
    assert values["face.width"] >= 186
    assert 9 <= values["face.crown"] <= 19
    assert values["face.eyes_above_bottom"] >= 210


def test_a_head_without_width_is_refused() -> None:
    with pytest.raises(ValueError, match="no head"):
        solve(head(width=0.0), STANDARD)


def test_a_crop_over_the_edge_is_noticed_also_when_turned() -> None:
    subject = head()
    crop = solve(subject, STANDARD)
    assert overhang(crop, subject, STANDARD, (1280, 720)) <= 0
    assert overhang(crop, subject, STANDARD, (700, 720)) > 0
    turned = dataclasses.replace(subject, roll=0.2)
    assert overhang(crop, turned, STANDARD, (1280, 720)) > overhang(
        crop, subject, STANDARD, (1280, 720)
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    place=st.tuples(st.floats(140, 1140), st.floats(150, 560)),
    width=st.floats(170, 400),
    crown_to_eyes=st.floats(0.7, 1.2),
    roll=st.floats(-0.2, 0.2),
    wish=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_where_any_crop_inside_the_frame_meets_the_rules_one_is_found(
    place: tuple[float, float],
    width: float,
    crown_to_eyes: float,
    roll: float,
    wish: tuple[float, float, float],
) -> None:
    """`wish`: some crop that meets the rules, anywhere between their limits."""
    x, y = place
    above = crown_to_eyes * width
    subject = Head(roll, x, y, x + 3.0, width, y - above, y + 0.8 * width)
    scale = (179 + 76 * wish[0]) / width
    left = x - (162 + 34 * wish[1]) / scale
    top = y - above - (7 + 14 * wish[2]) / scale
    some = Crop(left, top, scale)
    assume(judge(STANDARD, photographed(subject, some)).broken() == ())
    assume(overhang(some, subject, STANDARD, (1280, 720)) <= 1.0)
    found = solve(subject, STANDARD, (1280, 720))
    assert judge(STANDARD, photographed(subject, found)).broken() == ()
    assert overhang(found, subject, STANDARD, (1280, 720)) <= 2.001


def test_before_an_edge_the_crop_moves_no_farther_than_it_must() -> None:
    subject = dataclasses.replace(head(), eye_x=190.0, face_x=190.0)
    free, found = solve(subject, STANDARD), solve(subject, STANDARD, (1280, 720))
    assert overhang(free, subject, STANDARD, (1280, 720)) > 2.0
    values = photographed(subject, found)
    assert values["face.eyes_x"] >= 162 + 2
    assert found.left == pytest.approx(-2.0, abs=0.01)
    assert values["face.width"] >= 186


def test_hair_that_is_cut_is_cut_inside_the_frame_too() -> None:
    subject = dataclasses.replace(head(220.0, crown_to_eyes=290.0), eye_x=205.0, face_x=205.0)
    free, found = solve(subject, STANDARD), solve(subject, STANDARD, (1280, 720))
    assert free.hair_cut and found.hair_cut
    assert overhang(free, subject, STANDARD, (1280, 720)) > 2.0
    assert overhang(found, subject, STANDARD, (1280, 720)) <= 2.001
    assert judge(STANDARD, photographed(subject, found)).broken() == ("face.crown",)


def test_what_is_no_number_is_not_taken_for_one() -> None:
    line = judge(STANDARD, {"face.width": float("nan")}).line("face.width")
    assert (line.value, line.verdict) == (None, Verdict.CANNOT_TELL)


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = (
        "import sys, kiosk.photo as photo; photo.Report, photo.CardPhoto;"
        "print([n for n in ('numpy', 'PIL', 'cv2', 'ai_edge_litert') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_has_every_rule_and_limits_that_allow_something(name: str) -> None:
    profile = PROFILES[name]
    assert profile.id == name
    assert [rule.id for rule in profile.rules] == [rule.id for rule in STANDARD.rules]
    subject = head()
    crop = solve(subject, profile)
    middle = (subject.eye_x - crop.left) * crop.scale
    assert profile.rule("face.eyes_x").allows(middle)
    assert profile.rule("face.width").allows(subject.face_width * crop.scale)
    assert profile.rule("face.crown").allows((subject.crown_y - crop.top) * crop.scale)


def test_a_smaller_profile_keeps_the_composition() -> None:
    small = PROFILES["ssc-236x295"]
    assert (small.width, small.height, small.density) == (236, 295, 300)
    width = small.rule("face.width")
    assert (width.low, width.high) == (119.7, 170.6)
    eyes = small.rule("face.eyes_x")
    assert eyes.low is not None
    assert eyes.high is not None
    assert (eyes.low + eyes.high) / 2 == small.width / 2
    assert (small.rule("file.size").low, small.rule("file.size").high) == (9_000, 20_480)
