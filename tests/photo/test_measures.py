"""What spoils a photo is measured, named, and stops it or not; what is not valid is not claimed.

The composed sitter is spoilt in one way at a time. How well the measures tell real faces apart is
printed by `python -m tests.bench.photo_accuracy`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hardware.virtual.portrait import frame
from kiosk.photo import FindingCode, Measure, Photographer, PhotoRefused, validity
from kiosk.photo.advice import objections
from kiosk.photo.eyes import Eye
from kiosk.photo.forehead import ABOVE, FOREHEAD, hidden
from kiosk.photo.pose import _MODEL, _POINTS, pose
from kiosk.photo.report import Verdict, judge
from kiosk.photo.silhouette import Behind
from kiosk.photo.skin import Skin, skin
from kiosk.photo.standard import THIRD_GENERATION, Severity
from kiosk.photo.tones import Tones
from tests.bench.photo_tones import frames

Picture = NDArray[np.uint8]
Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]

#: Middle of the eyes of the sitter, and half the width of his face, pixels.
EYE_X, EYE_Y, HALF = 640, 312, 116


def spoilt(change: Change, name: str = "portrait") -> Picture:
    return np.clip(change(frame(name).astype(np.float32)), 0, 255).astype(np.uint8)


def times(*factors: float) -> Change:
    return lambda picture: picture * np.asarray(factors, np.float32)


def shadow(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The right half of the face is in the dark."""
    across = np.clip((np.arange(picture.shape[1]) - EYE_X) / 40 + 0.5, 0, 1)
    return np.asarray(picture * (1 - 0.55 * across)[None, :, None], np.float32)


def blurred(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 3.0), np.float32)


def grey(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)


def dark_glasses(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    glass = np.ones(picture.shape[:2], np.float32)
    for side in (-1, 1):
        centre = (round(EYE_X + side * 0.45 * HALF), EYE_Y + 6)
        cv2.ellipse(glass, centre, (42, 32), 0, 0, 360, 0.25, -1)
    return picture * glass[..., None]


def reflection(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    centre = (round(EYE_X - 0.40 * HALF), EYE_Y - 4)
    return np.asarray(cv2.ellipse(picture, centre, (20, 10), 20, 0, 360, (252, 252, 252), -1))


def mask(*colour: int) -> Change:
    corners = [(-0.95, 0.25), (0, 0.18), (0.95, 0.25), (0.85, 1.2), (0, 1.7), (-0.85, 1.2)]
    outline = np.array([(EYE_X + x * HALF, EYE_Y + y * HALF) for x, y in corners], np.int32)
    return lambda picture: np.asarray(cv2.fillPoly(picture.copy(), [outline], colour))


def fringe(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Black hair down to the brows."""
    corners = [(-1.0, -0.28), (-0.85, -0.9), (0, -1.25), (0.85, -0.9), (1.0, -0.28)]
    outline = np.array([(EYE_X + x * HALF, EYE_Y + y * HALF) for x, y in corners], np.int32)
    return np.asarray(cv2.fillPoly(picture.copy(), [outline], (38, 34, 34)))


def long_hair(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Wavy black hair over both ears, down to the shoulders, in strands."""
    strands = np.random.default_rng(7).normal(42, 9, (1, picture.shape[1], 1))
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    y = (down - EYE_Y) / HALF
    x = np.abs(across - EYE_X) / HALF + 0.06 * np.sin(7.0 * y)
    is_hair = (x > 0.88) & (x < 1.35 + 0.1 * np.cos(3.0 * y)) & (y > -0.9) & (y < 2.6)
    return np.asarray(np.where(is_hair[..., None], strands, picture), np.float32)


def haze(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A dirty lens leaves a third of the contrast."""
    return picture * 0.35 + 0.65 * 165.0


BLUE, WHITE, BLACK = mask(160, 195, 215), mask(250, 251, 252), mask(35, 35, 38)


def striped_wall(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    wall = picture.min(axis=2, keepdims=True) > 200
    stripes = (np.arange(picture.shape[1]) // 40 % 2)[None, :, None]
    return np.where(wall & (stripes == 1), picture * 0.5, picture)


def against_the_light(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    wall = picture.min(axis=2, keepdims=True) > 200
    return np.where(wall, picture, picture * 0.25)


#: What spoils the sitter, what he is told, and whether a photo can be made all the same.
SPOILT: dict[str, tuple[Change, FindingCode, bool]] = {
    "dark": (times(0.25), FindingCode.TOO_DARK, True),
    "against the light": (against_the_light, FindingCode.BACK_LIGHT, True),
    "burnt out": (times(1.6), FindingCode.TOO_BRIGHT, True),
    "a camera without colour": (grey, FindingCode.GREY, True),
    "blue mask": (BLUE, FindingCode.FACE_COVERED, True),
    "white mask": (WHITE, FindingCode.FACE_COVERED, True),
    "black mask": (BLACK, FindingCode.FACE_COVERED, True),
    "dark glasses": (dark_glasses, FindingCode.SUNGLASSES, True),
    "fringe": (fringe, FindingCode.FOREHEAD, False),
    "hair over the ears": (long_hair, FindingCode.EARS, False),
    "reflection": (reflection, FindingCode.GLASSES_GLARE, False),
    "shadow": (shadow, FindingCode.UNEVEN_LIGHT, False),
    "blue light": (times(0.75, 0.95, 1.25), FindingCode.COLOUR_TINT, False),
    "yellow light": (times(1.0, 1.0, 0.55), FindingCode.COLOUR_TINT, False),
    "a dirty lens": (haze, FindingCode.HAZY, False),
    "out of focus": (blurred, FindingCode.BLURRED, False),
    "striped wall": (striped_wall, FindingCode.HELD_UP, False),
}


@pytest.mark.parametrize("how", SPOILT)
def test_what_spoils_a_photo_is_named(photographer: Photographer, how: str) -> None:
    change, code, stops = SPOILT[how]
    finding = photographer.look_once(spoilt(change)).finding
    assert (finding.code, finding.stops) == (code, stops)


@pytest.mark.parametrize("how", [how for how, (_, _, stops) in SPOILT.items() if stops])
def test_no_photo_is_made_of_what_stops_it(photographer: Photographer, how: str) -> None:
    change, code, _ = SPOILT[how]
    with pytest.raises(PhotoRefused) as refused:
        photographer.make(spoilt(change))
    assert refused.value.finding.code == code


def test_advice_that_is_not_followed_is_a_warning_in_the_report(
    photographer: Photographer,
) -> None:
    photo = photographer.make(spoilt(striped_wall))
    assert photo.report.met
    assert photo.report.line("background.even").verdict == Verdict.WARNING


def test_closed_eyes_stop_the_photo(photographer: Photographer) -> None:
    finding = photographer.look_once(frame("eyes-closed")).finding
    assert (finding.code, finding.stops) == (FindingCode.EYES_CLOSED, True)


@pytest.mark.parametrize("name", ["portrait", "portrait-woman"])
def test_a_good_sitter_meets_every_rule_that_is_measured(
    photographer: Photographer, name: str
) -> None:
    report = photographer.make(frame(name)).report
    judged = {
        line.rule.id: line.verdict for line in report.lines if line.rule.severity != Severity.STAFF
    }
    # Before a white wall the hue of the skin says nothing of the light.
    assert judged.pop("light.hue") == Verdict.CANNOT_TELL
    assert judged.pop("person.live") == Verdict.CANNOT_TELL  # nobody switched a network on
    assert set(judged.values()) == {Verdict.MET}


# -- what cannot be told --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "measure", "why"),
    [
        (dark_glasses, "eyes.open", "behind dark glass"),
        (dark_glasses, "eyes.gaze", "behind dark glass"),
        (BLUE, "mouth.smile", "the mouth is covered"),
        (WHITE, "light.burnt", "covered"),
        (WHITE, "face.forehead", "covered"),
        (times(1.6), "face.forehead", "burnt out"),
        (times(1.6), "light.hue", "burnt out"),
        (times(1.6), "glasses.glare", "burnt out"),
        (grey, "light.hue", "hardly any colour"),
    ],
)
def test_a_measure_that_is_not_valid_says_so(
    photographer: Photographer, change: Change, measure: str, why: str
) -> None:
    found = photographer.look_once(spoilt(change)).measures[measure]
    assert (found.value, found.cannot_tell, found.decides) == (None, why, False)


def test_a_gaze_is_not_read_from_closed_eyes(photographer: Photographer) -> None:
    found = photographer.look_once(frame("eyes-closed")).measures["eyes.gaze"]
    assert found.cannot_tell == "the eyes are hardly open"


def test_hats_and_frowns_are_left_to_staff(photographer: Photographer) -> None:
    report = photographer.make(frame("portrait")).report
    rules = ("bare_head", "frown", "ornaments", "distortion")
    for rule in (f"person.{name}" for name in rules):
        assert report.line(rule).verdict == Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (-0.01, Verdict.MET),
        (0.01, Verdict.CANNOT_TELL),
        (0.59, Verdict.CANNOT_TELL),
        (0.61, Verdict.WARNING),
    ],
)
def test_between_seen_and_hidden_nobody_claims_to_know_of_ears(
    photographer: Photographer, value: float, verdict: Verdict
) -> None:
    face = dataclasses.replace(usual_skin(photographer), ears=value)
    measures = {"person.ears": validity.ears(face, 0.0)}
    assert judge(THIRD_GENERATION, measures).line("person.ears").verdict is verdict


def test_ears_are_not_judged_where_they_cannot_be_seen(photographer: Photographer) -> None:
    face = usual_skin(photographer)
    whys = {
        validity.ears(face, 12.0).cannot_tell,
        validity.ears(dataclasses.replace(face, ears=None), 0.0).cannot_tell,
        validity.ears(dataclasses.replace(face, covered=3.0), 0.0).cannot_tell,
        validity.ears(dataclasses.replace(face, burnt=0.5), 0.0).cannot_tell,
    }
    assert whys == {"the head is turned", "the picture ends at the ears", "covered", "burnt out"}
    picture = np.ascontiguousarray(frame("portrait")[:, 530:750])  # the cheeks, and no ears
    assert photographer.measure(picture).measures["person.ears"].value is None


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.4])
def test_ears_are_measured_alike_in_every_size_of_picture(
    photographer: Photographer, scale: float
) -> None:
    usual = photographer.measure(frame("portrait")).measures["person.ears"].value
    picture = cv2.resize(frame("portrait"), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = photographer.measure(np.asarray(picture, np.uint8)).measures["person.ears"].value
    assert usual is not None
    assert found is not None
    assert abs(found - usual) < 0.25


def test_an_unsure_measure_decides_nothing() -> None:
    for confidence, verdict in ((0.49, Verdict.CANNOT_TELL), (0.5, Verdict.BROKEN)):
        measure = Measure(0.01, "", confidence)
        line = judge(THIRD_GENERATION, {"eyes.open": measure}).line("eyes.open")
        assert line.verdict == verdict


def test_within_its_tolerance_a_must_is_a_warning() -> None:
    for value, verdict in ((0.15, "met"), (0.149, "warning"), (0.101, "warning"), (0.09, "broken")):
        assert judge(THIRD_GENERATION, {"eyes.open": value}).line("eyes.open").verdict == verdict


def test_what_cannot_be_taken_off_is_left_to_staff(photographer: Photographer) -> None:
    masked = spoilt(BLUE)
    assert not photographer.look_once(masked, excused=True).finding.stops
    report = photographer.make(masked, excused=True).report
    assert report.line("face.covered").verdict == Verdict.REVIEW
    assert report.met


def test_a_fringe_is_a_warning_and_what_cannot_be_taken_off_is_for_staff(
    photographer: Photographer,
) -> None:
    covered = spoilt(fringe)
    for excused, verdict in ((False, Verdict.WARNING), (True, Verdict.REVIEW)):
        report = photographer.make(covered, excused=excused).report
        assert (report.met, report.line("face.forehead").verdict) == (True, verdict)


def forehead_of(cheek: int, forehead: int, a: int = 140) -> float | None:
    """Of a face whose cheeks and forehead have these lightnesses, and the forehead this colour."""
    lab = np.full((260, 260, 3), (cheek, 140, 145), np.uint8)
    lab[:60] = (forehead, a, 145)
    points = np.zeros((468, 2), np.float32)
    for region, x in ((ABOVE[0], 60), (ABOVE[1], 160), (FOREHEAD, 100)):
        for place, point in enumerate(region):
            points[point] = (x + place % 3 * 20, 5 + place // 3 * 8)
    cheeks = Tones.of(lab[100:, :])
    return hidden(lab, points, (cheeks, cheeks))


@pytest.mark.parametrize(
    ("cheek", "forehead", "a", "share"),
    [
        (160, 160, 140, 0.0),
        (160, 40, 140, 1.0),  # black hair
        (160, 118, 140, 0.0),  # a shadow
        (160, 150, 160, 1.0),  # a red cap
        (60, 25, 140, 0.0),  # dark skin, lit from below: a larger share, but few levels
        (60, 15, 140, 1.0),
        (60, 60, 165, 1.0),
    ],
)
def test_a_forehead_is_held_against_the_cheeks_of_every_skin(
    cheek: int, forehead: int, a: int, share: float
) -> None:
    assert forehead_of(cheek, forehead, a) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("light", "share", "decides"),
    [(80.0, 0.0, True), (79.0, 0.0, False), (79.0, 0.5, False), (79.0, 0.51, True)],
)
def test_on_dark_skin_black_hair_is_not_claimed_to_be_absent(
    light: float, share: float, decides: bool, photographer: Photographer
) -> None:
    face = dataclasses.replace(usual_skin(photographer), light=light, forehead=share)
    assert validity.light(face, None, shut=False)["face.forehead"].decides is decides


def test_a_forehead_outside_of_the_picture_is_not_seen() -> None:
    lab = np.zeros((260, 260, 3), np.uint8)
    cheeks = Tones.of(lab)
    assert hidden(lab, np.full((468, 2), -50, np.float32), (cheeks, cheeks)) is None


def test_what_stops_the_photo_is_told_before_advice() -> None:
    measures = {
        "glasses.glare": Measure(0.5),  # advice, and earlier in the order
        "eyes.open": Measure(0.01),
    }
    codes = [each.code for each in objections(THIRD_GENERATION, measures)]
    assert codes == [FindingCode.EYES_CLOSED, FindingCode.GLASSES_GLARE]


# -- heads and mouths -----------------------------------------------------------------------------


def mesh(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> NDArray[np.float32]:
    """The usual head, 200 pixels wide, turned; degrees, in the directions of `Pose`."""
    y, p, r = np.radians((-yaw, pitch, roll))
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = np.zeros((468, 3), np.float32)
    points[_POINTS] = _MODEL @ (about_z @ about_x @ about_y).T * 200 + (640, 300, 0)
    return points


@pytest.mark.parametrize("angle", [-25.0, -8.0, 0.0, 8.0, 25.0])
def test_the_angles_of_a_turned_head(angle: float) -> None:
    level = pose(mesh())
    assert pose(mesh(yaw=angle)).yaw == pytest.approx(angle, abs=0.1)
    assert pose(mesh(pitch=angle)).pitch - level.pitch == pytest.approx(angle, abs=0.1)
    assert pose(mesh(roll=angle)).roll == pytest.approx(angle, abs=0.1)


def test_turned_to_the_right_the_right_cheek_is_farther_away() -> None:
    assert mesh(yaw=20.0)[454, 2] > mesh(yaw=20.0)[234, 2]


def test_with_the_chin_up_the_chin_is_nearer() -> None:
    assert mesh(pitch=20.0)[152, 2] < mesh()[152, 2]


@pytest.mark.parametrize(
    ("rule", "value", "code"),
    [
        ("head.yaw", 20.0, FindingCode.LOOK_STRAIGHT),
        ("head.yaw", -20.0, FindingCode.LOOK_STRAIGHT),
        ("head.pitch", -25.0, FindingCode.CHIN_UP),
        ("head.pitch", 25.0, FindingCode.CHIN_DOWN),
        ("head.roll", 15.0, FindingCode.LEVEL_HEAD),
        ("eyes.gaze", 0.2, FindingCode.LOOK_HERE),
        ("eyes.wink", 0.15, FindingCode.EYES_CLOSED),
        ("mouth.open", 0.2, FindingCode.MOUTH_OPEN),
        ("mouth.smile", 2.0, FindingCode.SMILING),
        ("face.hand", 0.9, FindingCode.FACE_COVERED),
        ("face.forehead", 0.66, FindingCode.FOREHEAD),
        ("person.ears", 0.61, FindingCode.EARS),
        ("light.contrast", 0.35, FindingCode.HAZY),
    ],
)
def test_each_measure_has_its_advice(rule: str, value: float, code: FindingCode) -> None:
    assert [each.code for each in objections(THIRD_GENERATION, {rule: Measure(value)})] == [code]


def eye(open_: float = 0.25, x: float = 0.0, y: float = -0.05) -> Eye:
    return Eye(open_, x, y, 40.0)


@pytest.mark.parametrize(
    ("left", "right", "elsewhere"),
    [
        (eye(x=-0.05), eye(x=0.05), False),
        (eye(x=0.10), eye(x=0.20), True),  # both to one side
        (eye(x=0.15), eye(x=-0.15), True),  # crossed: a mean of both would be 0
        (eye(x=-0.05, y=0.10), eye(x=0.05, y=0.10), True),  # down
        (eye(x=-0.05, y=-0.20), eye(x=0.05, y=-0.20), True),  # up
    ],
)
def test_eyes_that_look_elsewhere_are_told_in_every_direction(
    left: Eye, right: Eye, elsewhere: bool, photographer: Photographer
) -> None:
    found = validity.eyes((left, right), 0.0, usual_skin(photographer))
    told = objections(THIRD_GENERATION, {"eyes.gaze": found["eyes.gaze"]})
    assert [each.code for each in told] == [FindingCode.LOOK_HERE] * elsewhere


@pytest.mark.parametrize(
    ("one", "other", "winks"), [(0.13, 0.27, True), (0.13, 0.16, False), (0.20, 0.32, False)]
)
def test_one_shut_eye_beside_an_open_one_is_a_wink_and_lids_that_lie_low_are_not(
    one: float, other: float, winks: bool, photographer: Photographer
) -> None:
    found = validity.eyes((eye(one), eye(other)), 0.0, usual_skin(photographer))
    told = objections(THIRD_GENERATION, {"eyes.wink": found["eyes.wink"]})
    assert [each.stops for each in told] == [True] * winks


def usual_skin(photographer: Photographer) -> Skin:
    """Of the sitter, as the photographer sees him."""
    rgb, gauge = frame("portrait"), photographer._gauge
    mesh = gauge._detector.landmarks(rgb, gauge._detector.faces(rgb)[0])
    assert mesh is not None
    return skin(rgb, mesh, gauge._ruler.measure(rgb, mesh)[0], gauge._detector.presence)


# -- every skin -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tone", [1, 5, 10])
def test_every_skin_gets_a_photo_and_the_same_words(photographer: Photographer, tone: int) -> None:
    """Tones of the Monk scale; all of them, and what people wear: `tests.bench.photo_tones`."""
    picture = next(frames("man", tone - 1, "bare"))
    look = photographer.look_once(picture)
    assert look.finding.code is FindingCode.OK
    glare = look.measures["glasses.glare"]
    assert glare.value is not None and glare.value < 0.01 and glare.decides
    assert photographer.make(picture).report.met


def test_dark_skin_in_the_dark_is_too_dark_all_the_same(photographer: Photographer) -> None:
    picture = (next(frames("man", 9, "bare")) * 0.3).astype(np.uint8)
    assert photographer.look_once(picture).finding.code is FindingCode.TOO_DARK


def test_dark_skin_with_the_eyes_shut_before_a_lit_wall_is_not_called_dark(
    photographer: Photographer,
) -> None:
    face = dataclasses.replace(usual_skin(photographer), light=30.0, brow_light=32.0, white=34.0)
    wall = Behind(240.0, 3.0, 1.0, Tones(np.ones((3, 256), np.float32)))
    assert not validity.light(face, wall, shut=True)["light.face"].decides
    open_ = validity.light(face, wall, shut=False)["light.face"]
    assert (open_.value, open_.decides) == (34.0, True)


def test_a_gap_between_the_lips_is_an_open_mouth(photographer: Photographer) -> None:
    """The dark gap is painted; nothing is put into the mesh."""
    picture = frame("portrait").copy()
    closed = photographer.look_once(picture).measures["mouth.open"].value
    cv2.ellipse(picture, (EYE_X, EYE_Y + 118), (34, 26), 0, 0, 360, (60, 25, 25), -1)
    opened = photographer.look_once(picture).measures["mouth.open"].value
    assert closed is not None
    assert opened is not None
    assert opened > 0.10 > closed
