"""What can stand before a live camera: a named finding each, no photo where one cannot be made.

A photo of a photo is found out by nobody here: it is measured like a face, and no more than the
missing blink tells of it (`kiosk.photo.liveness`).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hardware.virtual import papers
from hardware.virtual.camera import _fitted, _scene
from hardware.virtual.portrait import _MAN, _WOMAN, FILMS, SCENES, _seat, _wall, frame
from kiosk.photo import FindingCode, Photographer, PhotoRefused
from kiosk.photo.guidance import value
from kiosk.photo.liveness import Answer, Challenge, Liveness
from kiosk.photo.report import Verdict

Picture = NDArray[np.uint8]
C = FindingCode

#: Scene -> (finding, whether it stops the photo).
FOUND = {
    "portrait": (C.OK, False),
    "portrait-woman": (C.OK, False),
    "glasses": (C.OK, False),
    "nobody": (C.NO_FACE, True),
    "far": (C.TOO_FAR, True),
    "near": (C.TOO_NEAR, True),
    "aside": (C.OFF_CENTRE, True),
    "far-aside": (C.TOO_FAR, True),
    "low": (C.OFF_CENTRE, True),
    "two-people": (C.MANY_FACES, True),
    "eyes-closed": (C.EYES_CLOSED, True),
    "look-away": (C.LOOK_HERE, False),
    "dark-glasses": (C.SUNGLASSES, True),
    "glare": (C.GLASSES_GLARE, False),
    "mask": (C.FACE_COVERED, True),
    "dark": (C.TOO_DARK, True),
    "back-light": (C.BACK_LIGHT, True),
    "covered": (C.COVERED, True),
    "print": (C.HELD_UP, False),
    "phone": (C.HELD_UP, False),
}
SIZE = (1280, 720)
#: Not frontal: the width of such a face says nothing about the distance.
TURNED = {"turned-left": 1.0, "turned-right": -1.0}


def test_every_scene_of_the_bench_is_looked_at() -> None:
    assert set(SCENES) - set(papers.SCENES) == {*FOUND, *TURNED}


@pytest.mark.parametrize("scene", FOUND)
def test_each_scene_has_its_finding(photographer: Photographer, scene: str) -> None:
    code, stops = FOUND[scene]
    finding = photographer.look_once(frame(scene)).finding
    assert (finding.code, finding.stops) == (code, stops)
    if stops:
        with pytest.raises(PhotoRefused):
            photographer.make(frame(scene))


@pytest.mark.parametrize("scene", TURNED)
def test_a_turned_head_is_measured_as_turned_and_not_photographed(
    photographer: Photographer, scene: str
) -> None:
    look = photographer.look_once(frame(scene))
    assert look.finding.code is C.LOOK_STRAIGHT
    assert look.finding.stops
    yaw = value(look, "head.yaw")
    assert yaw is not None
    assert yaw * TURNED[scene] > 15.0


def test_a_camera_without_colour_is_named(photographer: Photographer) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(frame("portrait"), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert photographer.look_once(np.asarray(grey, np.uint8)).finding.code is C.GREY


@pytest.mark.parametrize("scene", ["portrait", "portrait-woman", "eyes-closed", "print"])
def test_a_camera_on_its_head_is_named_and_no_photo_is_made(
    photographer: Photographer, scene: str
) -> None:
    """The mesh draws an upright face on such a one, so nothing else would tell."""
    turned = np.ascontiguousarray(frame(scene)[::-1, ::-1])
    assert photographer.look_once(turned).finding.code is C.UPSIDE_DOWN
    with pytest.raises(PhotoRefused):
        photographer.make(turned)


@pytest.mark.parametrize(("aside", "degrees"), [(240, 85), (-240, -85), (260, 70)])
def test_somebody_beside_is_noticed_also_in_profile(
    photographer: Photographer, aside: int, degrees: int
) -> None:
    picture = frame("nobody").astype(np.float32)
    _seat(picture, _WOMAN, (640 + aside, 330), 210.0, turned=degrees)
    _seat(picture, _MAN)
    look = photographer.look_once(np.clip(picture, 0, 255).astype(np.uint8))
    assert look.finding.code is C.MANY_FACES


@pytest.mark.parametrize(
    ("colour", "told"),
    [((240, 240, 238), True), ((225, 226, 228), True), ((120, 130, 150), False)],
)
def test_a_top_as_white_as_the_wall_is_told_of_and_the_photo_is_made_all_the_same(
    photographer: Photographer, colour: tuple[int, int, int], told: bool
) -> None:
    """A white shirt in a dark jacket, as the other scenes have it, is no such top."""
    picture = _wall().copy()
    _seat(picture, replace(_MAN, jacket=colour))
    rgb = np.clip(picture, 0, 255).astype(np.uint8)
    finding = photographer.look_once(rgb).finding
    assert (finding.code, finding.stops) == (C.WHITE_TOP if told else C.OK, False)
    line = photographer.make(rgb).report.line("clothes.apart")
    assert line.verdict is (Verdict.WARNING if told else Verdict.MET)


def test_whose_shoulders_are_not_in_the_picture_is_told_nothing_of_the_top(
    photographer: Photographer,
) -> None:
    rgb = np.ascontiguousarray(frame("portrait")[:480])
    measure = photographer.measure(rgb).measures["clothes.apart"]
    assert (measure.value, measure.decides) == (None, False)


@pytest.mark.parametrize("size", [(640, 480), (1920, 1080), (3840, 2160)])
@pytest.mark.parametrize("scene", ["portrait", "nobody", "two-people", "covered"])
def test_cameras_of_any_size_see_the_same_or_ask_to_come_closer(
    photographer: Photographer, scene: str, size: tuple[int, int]
) -> None:
    """640 pixels hold a face of the standard's width only of somebody who sits nearer."""
    finding = photographer.look_once(_fitted(frame(scene), size)).finding
    expected = {FOUND[scene][0]}
    if size == (640, 480):
        expected |= {C.TOO_FAR}
    assert finding.code in expected


@pytest.mark.parametrize(
    ("film", "challenge"),
    [
        ("blink", Challenge.BLINK),
        ("turn-left", Challenge.TURN_LEFT),
        ("turn-right", Challenge.TURN_RIGHT),
    ],
)
def test_who_does_as_asked_is_seen_to_by_the_real_networks(
    photographer: Photographer, film: str, challenge: Challenge
) -> None:
    liveness = Liveness((challenge,))
    liveness.begin(0.0)
    looks = {scene: photographer.look_once(frame(scene)) for scene, _ in FILMS[film]}
    at = 0.0
    for scene, seconds in (("portrait", 1.0), *FILMS[film], ("portrait", 0.6)):
        for _ in range(max(round(seconds * 15), 1)):
            liveness.see(at, looks[scene])
            at += 1 / 15
    liveness.end()
    seen = liveness.hint.blink if challenge is Challenge.BLINK else liveness.hint.turn
    assert seen is Answer.SEEN


@pytest.mark.parametrize("scene", ["print", "phone"])
def test_a_photo_held_up_gets_no_hint_of_life_and_no_refusal(
    photographer: Photographer, scene: str
) -> None:
    liveness = Liveness((Challenge.BLINK,))
    liveness.begin(0.0)
    pictures = [
        cv2.warpAffine(frame(scene), np.float32([[1, 0, 2 * right], [0, 1, 1.5 * down]]), SIZE)
        for right in range(3)
        for down in range(2)
    ]
    for number in range(30):  # the hand that holds it trembles
        look = photographer.look(np.asarray(pictures[number % 6], np.uint8))
        assert not look.finding.stops
        liveness.see(number / 15, look)
    liveness.end()
    assert liveness.hint.blink is Answer.NOT_SEEN


def test_the_bench_shows_scenes_as_another_camera_would() -> None:
    assert _scene("portrait", (640, 480)).shape == (480, 640, 3)
    assert _scene("portrait", None, True).shape == (720, 1280)
