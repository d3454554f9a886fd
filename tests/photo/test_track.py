"""Live, one frame tells about the next: most networks rest, and nothing else is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hardware.virtual.camera import _fitted
from hardware.virtual.portrait import SCENES, frame
from kiosk.photo import FindingCode, Look, Photographer, track
from kiosk.photo.guidance import Guide, Phase, value
from kiosk.photo.hands import HandFinder
from kiosk.photo.liveness import Answer, Challenge, Liveness
from kiosk.photo.track import EVERY, Part, Track

#: Measure -> how far a followed face may be from one that was looked for, in the measure's unit.
MAY_DIFFER = {
    "face.pixels": 2.0,
    "head.yaw": 1.0,
    "head.pitch": 1.0,
    "head.roll": 0.5,
    "eyes.open": 0.02,
    "light.face": 2.0,
    "background.light": 2.0,
}
#: Unit -> the same for a face that does not move.
STILL_MAY_DIFFER = {"px": 2.0, "degree": 1.0, "level": 2.5, "": 0.035, "side": 0.0}
#: Measures that follow the finest shift of the mesh: they may differ by more.
RESTLESS = {
    "light.sharpness": 25.0,
    "light.sides": 5.0,
    "background.even": 7.0,
    "mouth.smile": 0.1,
    "face.hand": 0.2,
    "face.covered": 1.0,
    "person.ears": 0.35,
}
#: A stretch in which all was measured anew, but for a picture held up: nothing of it is moved on.
CYCLE = EVERY[Part.FACES] + 1
#: At 25 looks a second.
RATE = 25


def _shifted(pixels: int) -> np.ndarray:
    return np.roll(frame("portrait"), pixels, axis=1)


@pytest.fixture
def one_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    """No frame differs so much that a look begins anew: a change is met where it comes."""
    monkeypatch.setattr(track, "_ANOTHER_SCENE", 256.0)


# -- the same is told ----------------------------------------------------------------------------


def test_a_face_that_moves_is_measured_as_if_each_frame_were_the_first(
    photographer: Photographer,
) -> None:
    photographer.look(frame("nobody"))
    for pixels in range(0, 3 * CYCLE, 3):
        picture = _shifted(pixels)
        live = photographer.look(picture)
        alone = photographer.measure(picture)
        assert live.finding.code is FindingCode.OK
        for name, most in MAY_DIFFER.items():
            followed, looked_for = live.measures[name].value, alone.measures[name].value
            assert followed is not None
            assert looked_for is not None
            assert abs(followed - looked_for) <= most, (pixels, name)
        assert live.finding.face is not None
        face = alone.faces[0]
        assert abs(live.finding.face[0] - face.x / picture.shape[1]) < 0.02


@pytest.mark.parametrize("scene", SCENES)
def test_what_stands_still_is_measured_live_as_in_a_single_picture(
    photographer: Photographer, scene: str
) -> None:
    picture = frame(scene)
    for _ in range(CYCLE):
        live = photographer.look(picture)
    alone = photographer.look_once(picture)
    assert (live.finding.code, live.finding.stops) == (alone.finding.code, alone.finding.stops)
    assert live.measures.keys() == alone.measures.keys()
    for name, there in alone.measures.items():
        here = live.measures[name]
        assert (here.cannot_tell, here.decides) == (there.cannot_tell, there.decides), name
        if there.value is not None and here.value is not None:
            most = RESTLESS.get(name, STILL_MAY_DIFFER[there.unit])
            assert abs(here.value - there.value) <= most, (name, here, there)


def test_a_single_picture_owes_nothing_to_the_frames_before_it(photographer: Photographer) -> None:
    before = photographer.look_once(frame("portrait"))
    photographer.look(frame("mask"))
    for _ in range(3):
        photographer.look(frame("portrait"))
    assert photographer.look_once(frame("portrait")) == before
    assert before.measures["face.hand"].value is not None


def test_a_camera_that_changes_its_size_is_looked_at_all_the_same(
    photographer: Photographer,
) -> None:
    sizes = ((1280, 720), (1920, 1080), (1, 1), (1280, 720))
    found = [photographer.look(_fitted(frame("portrait"), size)).finding.code for size in sizes]
    assert found == [FindingCode.OK, FindingCode.OK, FindingCode.NO_FACE, FindingCode.OK]


# -- a change is told ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "code"),
    [
        ("two-people", FindingCode.MANY_FACES),
        ("nobody", FindingCode.NO_FACE),
        ("covered", FindingCode.COVERED),
        ("eyes-closed", FindingCode.EYES_CLOSED),
        ("mask", FindingCode.FACE_COVERED),
    ],
)
def test_what_changes_between_two_frames_is_told_at_once(
    photographer: Photographer, scene: str, code: FindingCode
) -> None:
    for _ in range(3):
        assert photographer.look(frame("portrait")).finding.code is FindingCode.OK
    assert photographer.look(frame(scene)).finding.code is code


@pytest.mark.usefixtures("one_scene")
@pytest.mark.parametrize("frames_before", [1, 6, 13])
@pytest.mark.parametrize(
    ("scene", "code", "within"),
    [
        ("nobody", FindingCode.NO_FACE, 1),
        ("covered", FindingCode.COVERED, 1),
        ("eyes-closed", FindingCode.EYES_CLOSED, 1),
        ("turned-left", FindingCode.LOOK_STRAIGHT, 1),
        ("look-away", FindingCode.LOOK_HERE, 2),
        ("mask", FindingCode.FACE_COVERED, 12),
        ("dark-glasses", FindingCode.SUNGLASSES, 12),
        ("two-people", FindingCode.MANY_FACES, 12),
    ],
)
def test_a_change_that_no_thumbnail_shows_is_told_within_its_turn(
    photographer: Photographer, scene: str, code: FindingCode, within: int, frames_before: int
) -> None:
    photographer.look(frame("nobody"))
    for _ in range(frames_before):
        photographer.look(frame("portrait"))
    found = [photographer.look(frame(scene)).finding.code for _ in range(within)]
    assert found[-1] is code


@pytest.mark.usefixtures("one_scene")
def test_another_person_in_the_same_place_is_measured_anew(photographer: Photographer) -> None:
    photographer.look(frame("nobody"))
    for _ in range(CYCLE):
        photographer.look(frame("portrait"))
    for _ in range(6):
        live = photographer.look(frame("portrait-woman"))
    alone = photographer.look_once(frame("portrait-woman"))
    for name, most in MAY_DIFFER.items():
        assert abs((value(live, name) or 0) - (value(alone, name) or 0)) <= most, name


@pytest.mark.parametrize("frames_before", [1, 2, 7, 12, 13])
def test_a_hand_is_told_within_twelve_frames(
    photographer: Photographer, monkeypatch: pytest.MonkeyPatch, frames_before: int
) -> None:
    likeness = [0.1]
    monkeypatch.setattr(HandFinder, "likeness", lambda *_: likeness[0])
    photographer.look(frame("nobody"))
    for _ in range(frames_before):
        look = photographer.look(frame("portrait"))
    assert look.finding.code is FindingCode.OK
    for up, expected in ((0.95, FindingCode.FACE_COVERED), (0.1, FindingCode.OK)):
        likeness[0] = up
        found = [photographer.look(frame("portrait")).finding.code for _ in range(12)]
        assert found[-1] is expected


def test_until_it_was_looked_for_nobody_knows_of_a_hand(photographer: Photographer) -> None:
    photographer.look(frame("nobody"))
    first, second = (photographer.look(frame("portrait")).measures["face.hand"] for _ in range(2))
    assert (first.value, first.cannot_tell) == (None, "not looked for yet")
    assert second.value is not None


# -- blinks --------------------------------------------------------------------------------------


def _film(
    photographer: Photographer, closed: int, blinks: int, opening: int = RATE, apart: int = 17
) -> list[Look]:
    """Blinks of `closed` frames, each on another frame of the turns."""
    between = apart - closed  # a number that shares no measure with the cycle of 12
    scenes = ["portrait"] * opening
    scenes += (["eyes-closed"] * closed + ["portrait"] * between) * blinks
    photographer.look(frame("nobody"))
    return [photographer.look(frame(scene)) for scene in scenes]


@pytest.mark.usefixtures("one_scene")
@pytest.mark.parametrize("closed", [1, 2])
def test_every_blink_closes_both_eyes_on_the_frames_where_it_does(
    photographer: Photographer, closed: int
) -> None:
    """100 ms are two or three frames of 25 a second, 40 ms one."""
    looks = _film(photographer, closed, blinks=12, opening=2, apart=5)
    opened = value(looks[0], "eyes.open")
    assert opened is not None
    shut = []
    for look in looks:
        left, right = (value(look, f"eye.{side}_open") for side in ("left", "right"))
        assert left is not None
        assert right is not None
        shut.append(max(left, right) < 0.6 * opened)
        assert shut[-1] or min(left, right) > 0.8 * opened, "one eye was left closed"
    ends = [place for place, (a, b) in enumerate(pairwise(shut), 1) if a != b]
    lengths = [b - a for a, b in zip(ends[::2], ends[1::2], strict=True)]
    assert lengths == [closed] * 12


@pytest.mark.parametrize("closed", [2, 3])
def test_a_blink_of_a_tenth_of_a_second_is_a_sign_of_life(
    photographer: Photographer, closed: int
) -> None:
    liveness = Liveness((Challenge.BLINK,))
    liveness.begin(0.0)
    for number, look in enumerate(_film(photographer, closed, blinks=1)):
        liveness.see(number / RATE, look)
    assert liveness.hint.blink is Answer.SEEN


def test_the_countdown_outlasts_blinks_and_not_closed_eyes(photographer: Photographer) -> None:
    guide = Guide()
    looks = _film(photographer, 3, blinks=2)
    until = len(looks)
    looks += [photographer.look(frame("eyes-closed")) for _ in range(RATE)]
    phases = [guide.see(number / RATE, look).phase for number, look in enumerate(looks)]
    assert set(phases[RATE + 4 : until]) == {Phase.COUNTING}
    assert phases[-1] is Phase.PLACING


# -- what it costs -------------------------------------------------------------------------------


@pytest.fixture
def runs(photographer: Photographer, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each dear part was measured, by this photographer and nobody else."""
    counted: Counter[str] = Counter()

    def count(owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def run(*args: Any, **named: Any) -> Any:
            counted[name] += 1
            return original(*args, **named)

        monkeypatch.setattr(owner, name, run)

    gauge = photographer._gauge
    count(gauge._detector, "faces_and_upright")
    count(gauge._ruler._segmenter, "segment")
    count(gauge._hands, "likeness")
    return counted


def test_most_networks_rest_while_nothing_changes(
    photographer: Photographer, runs: Counter[str]
) -> None:
    photographer.look(frame("nobody"))
    runs.clear()
    for number in range(25):
        before = runs.total()
        photographer.look(frame("portrait"))
        assert runs.total() - before <= (2 if number == 0 else 1)
        assert runs["likeness"] == (number + 11) // 12, "first on the frame after the first"
    assert runs == {"faces_and_upright": 3, "segment": 6, "likeness": 2}
    runs.clear()
    photographer.make(frame("portrait"))  # is never made of what was followed, nor not looked at
    assert runs == {"faces_and_upright": 2, "segment": 2, "likeness": 2}


def test_a_face_that_comes_and_goes_is_searched_for_hands_too(
    photographer: Photographer, runs: Counter[str]
) -> None:
    for number in range(12):
        photographer.look(frame("nobody" if number % 3 == 0 else "portrait"))
    assert runs["likeness"] == 4


def test_nothing_waits_long_for_its_turn() -> None:
    most = {Part.HAND: 12, Part.FACES: 12, Part.HELD_UP: 40, Part.SILHOUETTE: 6, Part.SKIN: 12}
    thumbnail = np.zeros((36, 64, 3), np.uint8)
    stretch = Track(thumbnail, live=True)
    stretch.mesh = np.zeros((468, 3), np.float32)
    measured = dict.fromkeys(Part, 0)
    for number in range(1, 500):
        assert stretch.goes_on(thumbnail)
        assert len(stretch.turn) <= 1
        for part in stretch.turn:
            measured[part] = number
        for part, frames in most.items():
            assert number - measured[part] < frames or number < 2
