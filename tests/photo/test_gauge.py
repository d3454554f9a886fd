"""What is made of what the networks say, and which of them are asked on which frame.

The networks are not here: each of them says what a test has it say, and notes that it was asked.
What they are worth on faces is the matter of `test_measures` and `test_track`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pytest

from kiosk.photo import gauge
from kiosk.photo.detect import Face
from kiosk.photo.eyes import Eye
from kiosk.photo.gauge import Gauge, Sight
from kiosk.photo.measure import Head
from kiosk.photo.measures import Measure
from kiosk.photo.mouth import Mouth
from kiosk.photo.pose import Pose
from kiosk.photo.silhouette import Behind
from kiosk.photo.skin import Skin
from kiosk.photo.tones import Tones

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

FACE = Face(500, 200, 200, 200, (550, 260), (650, 260), 0.9)
HEAD = Head(0.1, 600.0, 260.0, 605.0, 210.0, 120.0, 420.0)
SKIN = Skin(150.0, 4.0, 0.0, 50.0, 20.0, 300.0, 0.8, 0.9, 0.02, 200.0, -1.0, 160.0, 0.1, -0.5)
MASKED = dataclasses.replace(SKIN, covered=2.0)
EYE = Eye(0.25, 0.0, 0.0, 40.0)
WALL = Tones(np.ones((3, 256), np.float32))
BEHIND = Behind(220.0, 3.0, 2.0, WALL)
FOLDER = Path("models")


def mesh_at(x: float, y: float = 260.0, size: float = 200.0) -> NDArray[np.float32]:
    points = np.zeros((468, 3), np.float32)
    points[:, 0], points[:, 1] = x, y
    points[1, :2] = x + size, y + size
    return points


class Silhouette:
    """What stands out; it notes what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def beside(self, chin_y: float, face_width: float) -> float:
        self.asked.append(("beside", chin_y, face_width))
        return 0.25

    def behind(self, chin_y: float) -> Behind:
        self.asked.append(("behind", chin_y))
        return BEHIND

    def clothes(self, chin_y: float, face_width: float, below: float, wall: Tones) -> float:
        assert wall is WALL
        self.clothed = (chin_y, face_width, below)
        return 90.0

    def over(self, eyes: Any, roll: float, size: Any) -> Any:
        return (eyes, roll, size)


class Networks:
    """All of them: what they say, and how often they were asked."""

    presence = 21.0

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.folders: list[Path] = []
        self.found: list[Face] = [FACE]
        self.up = 3.0
        self.mesh: NDArray[np.float32] | None = mesh_at(500)
        self.followed: NDArray[np.float32] | None = mesh_at(510)
        self.head = HEAD
        self.skin = SKIN
        self.hand = 0.3
        self.straight: int | None = 2
        self.turn = Pose(5.0, -3.0, 99.0)
        self.eyes = (EYE, EYE)
        self.seen: dict[str, Any] = {}

    def look(self, rgb: Any, mesh: Any = None) -> None:
        """Each is given the frame itself, and a mesh."""
        assert rgb.ndim == 3
        assert mesh is None or mesh.shape == (468, 3)

    def of_mesh(self, mesh: Any, told: T) -> T:
        assert mesh is self.mesh or mesh is self.followed
        assert mesh is not None
        return told

    def at(self, folder: Path) -> Networks:
        self.folders.append(folder)
        return self

    # The detector.
    def faces(self, rgb: Any) -> list[Face]:
        self.look(rgb)
        self.asked["faces"] += 1
        return self.found

    def faces_and_upright(self, rgb: Any) -> tuple[list[Face], float]:
        return self.faces(rgb), self.up

    def landmarks(self, rgb: Any, face: Face) -> Any:
        self.look(rgb)
        self.seen["landmarks"] = face
        return self.mesh

    def follow(self, rgb: Any, before: Any) -> Any:
        self.look(rgb, before)
        self.asked["follow"] += 1
        self.seen["before"] = before
        return self.followed

    # The ruler.
    def measure(self, rgb: Any, mesh: Any, earlier: Any = None) -> Any:
        self.look(rgb)
        assert mesh is self.mesh or mesh is self.followed
        self.seen["mesh"] = mesh
        if earlier is None:
            self.asked["silhouette"] += 1
            self.silhouette = Silhouette()
            return self.head, self.silhouette
        return self.head, earlier


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> Networks:
    made = Networks()

    class Eyes:
        def read(self, rgb: Any, mesh: Any) -> Any:
            made.look(rgb, mesh)
            assert mesh is not None
            made.asked["both eyes"] += 1
            return made.eyes

        def follow(self, rgb: Any, mesh: Any, before: Any, side: int) -> Any:
            made.look(rgb, mesh)
            assert before == made.eyes and mesh is not None
            made.asked[f"eye {side}"] += 1
            return made.eyes

    class Hands:
        def likeness(self, rgb: Any, face: Face) -> float:
            made.look(rgb)
            made.asked["hand"] += 1
            made.seen["hand"] = face
            return made.hand

    def skin(rgb: Any, mesh: Any, head: Head, presence: float) -> Skin:
        made.look(rgb, mesh)
        assert mesh is not None
        made.asked["skin"] += 1
        made.seen["skin"] = (head, presence)
        return made.skin

    def sides(rgb: Any, head: Head) -> int | None:
        made.look(rgb)
        made.asked["held up"] += 1
        made.seen["held up"] = head
        return made.straight

    monkeypatch.setattr(gauge, "Detector", made.at)
    monkeypatch.setattr(gauge, "Ruler", made.at)
    monkeypatch.setattr(gauge, "EyeReader", lambda folder: made.at(folder) and Eyes())
    monkeypatch.setattr(gauge, "HandFinder", lambda folder: made.at(folder) and Hands())
    monkeypatch.setattr(gauge, "skin", skin)
    monkeypatch.setattr(gauge, "sides", sides)
    monkeypatch.setattr(gauge, "pose", lambda mesh: made.of_mesh(mesh, made.turn))
    monkeypatch.setattr(gauge, "mouth", lambda mesh: made.of_mesh(mesh, Mouth(0.02, 0.1)))
    return made


def grey(level: int = 100, size: tuple[int, int] = (720, 1280)) -> NDArray[np.uint8]:
    return np.full((*size, 3), level, np.uint8)


def look(networks: Networks) -> Sight:
    return Gauge(FOLDER).measure(grey())


def test_all_networks_are_those_of_the_folder(networks: Networks) -> None:
    look(networks)
    assert networks.folders == [FOLDER] * 4


# -- the frame -----------------------------------------------------------------------------------


def test_the_brightness_of_a_frame(networks: Networks) -> None:
    halves = grey(40)
    halves[:, 640:] = 200
    sight = Gauge(FOLDER).measure(halves)
    assert sight.light == pytest.approx(120, abs=1)
    assert sight.contrast == pytest.approx(80, abs=1)
    assert sight.measures["frame.light"] == Measure(sight.light, "level")


@pytest.mark.parametrize(
    ("colour", "distance"), [((10, 50, 90), 80), ((90, 10, 50), 80), ((50, 90, 20), 70)]
)
def test_the_colour_of_a_frame_is_how_far_its_channels_are_apart(
    networks: Networks, colour: tuple[int, int, int], distance: int
) -> None:
    frame = grey()
    frame[:] = colour
    sight = Gauge(FOLDER).measure(frame)
    assert sight.measures["frame.colour"] == Measure(distance, "level")
    red, green, blue = colour
    assert sight.light == pytest.approx(0.299 * red + 0.587 * green + 0.114 * blue, abs=1)


def test_a_grey_camera_has_no_colour(networks: Networks) -> None:
    assert look(networks).measures["frame.colour"].value == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (36, 64), (179, 300), (2000, 1), (1080, 1920)])
def test_a_frame_of_any_size_is_measured(networks: Networks, size: tuple[int, int]) -> None:
    sight = Gauge(FOLDER).measure(grey(77, size))
    assert sight.light == pytest.approx(77, abs=0.5)


def test_the_noise_of_a_sensor_is_no_contrast(networks: Networks) -> None:
    """And of a large frame only every so many pixels are looked at."""
    noise = np.random.default_rng(1).integers(60, 140, (720, 1280, 1), np.uint8).repeat(3, axis=2)
    sight = Gauge(FOLDER).measure(noise)
    assert sight.light == pytest.approx(100, abs=2)
    assert 2 < sight.contrast < 9, "5 x 5 samples of 23 levels' noise are averaged for each"


# -- whose face ----------------------------------------------------------------------------------


def test_where_nobody_is_nothing_of_a_face_is_said(networks: Networks) -> None:
    networks.found, networks.mesh = [], None
    sight = look(networks)
    assert (sight.faces, sight.head) == ((), None)
    assert (sight.light, sight.contrast) == (100.0, 0.0)
    assert set(sight.measures) == {"frame.light", "frame.colour", "person.count", "frame.upright"}
    assert sight.measures["person.count"] == Measure(0.0)
    assert "landmarks" not in networks.seen


@pytest.mark.parametrize(("width", "count"), [(60.0, 2), (59.9, 1), (200.0, 2)])
def test_who_is_far_behind_is_not_counted(networks: Networks, width: float, count: int) -> None:
    networks.found = [FACE, dataclasses.replace(FACE, width=width)]
    sight = look(networks)
    assert sight.measures["person.count"] == Measure(float(count))
    assert sight.faces == tuple(networks.found)
    assert networks.seen["landmarks"] == FACE, "the first is the largest"


def test_a_face_without_a_mesh_is_no_head(networks: Networks) -> None:
    networks.mesh = None
    sight = look(networks)
    assert (sight.faces, sight.head) == ((FACE,), None)
    assert (sight.light, sight.contrast) == (100.0, 0.0)
    assert sight.measures["person.count"].value == 1
    assert not networks.asked["silhouette"]


@pytest.mark.parametrize(
    "wrong", [{"face_width": 0.0}, {"chin_y": 120.0}, {"crown_y": 260.0}, {"face_width": -3.0}]
)
def test_a_head_seen_from_behind_has_no_measures(
    networks: Networks, wrong: dict[str, float]
) -> None:
    networks.head = dataclasses.replace(HEAD, **wrong)
    sight = look(networks)
    assert sight.head is None and sight.faces == (FACE,)
    assert "face.pixels" not in sight.measures
    assert (sight.light, sight.contrast) == (100.0, 0.0)


def test_after_a_head_from_behind_everything_is_looked_at_anew(networks: Networks) -> None:
    measuring = Gauge(FOLDER)
    networks.head = dataclasses.replace(HEAD, face_width=0.0)
    measuring.measure(grey(), live=True)
    networks.head = HEAD
    assert measuring.measure(grey(), live=True).head == HEAD
    assert (networks.asked["faces"], networks.asked["follow"]) == (2, 0)


# -- its measures --------------------------------------------------------------------------------


def test_what_is_measured_on_a_face(networks: Networks) -> None:
    sight = look(networks)
    found = sight.measures
    assert (sight.head, sight.faces) == (HEAD, (FACE,))
    assert found["face.pixels"] == Measure(210.0, "px")
    assert found["head.yaw"] == Measure(5.0, "degree")
    assert found["head.pitch"] == Measure(-3.0, "degree", 0.7)
    assert found["head.roll"].value == pytest.approx(5.7296, abs=1e-3)
    assert found["head.roll"] == dataclasses.replace(found["head.roll"], unit="degree")
    assert found["head.roll"].confidence == 1.0
    assert found["frame.upright"] == Measure(3.0)
    assert found["person.beside"] == Measure(0.25, "", 0.7)
    assert found["face.hand"] == Measure(0.3, "", 0.6)
    assert found["person.held_up"] == Measure(2.0, "side", 0.6)
    assert found["light.face"].value == 150.0
    assert found["light.behind"].value == 70.0
    assert found["background.light"].value == 220.0
    assert found["clothes.apart"] == Measure(90.0, "level", 0.6)
    assert found["face.forehead"] == Measure(0.1, "", 0.6)
    assert found["light.contrast"] == Measure(0.8, "", 0.7)
    assert found["person.ears"] == Measure(-0.5, "", 0.6)
    assert found["eyes.open"].value == 0.25
    assert found["eyes.gaze"].value is not None
    assert found["glasses.clear"].value == 0.9
    assert found["mouth.open"].value == 0.02
    # Each of the networks was asked about this head.
    assert networks.silhouette.asked == [("behind", 160.0), ("beside", 160.0, 210.0)]
    assert networks.silhouette.clothed == (160.0, 210.0, 460.0)
    assert networks.seen["skin"] == (HEAD, 21.0)
    assert networks.seen["held up"] == HEAD and networks.seen["hand"] == FACE


def test_every_measure_of_a_face_is_one_of_the_list(networks: Networks) -> None:
    from kiosk.photo import measures

    assert measures.__doc__ is not None
    listed = {
        line.split("|")[1].strip()
        for line in measures.__doc__.splitlines()
        if line.startswith("| ") and "." in line.split("|")[1]
    }
    asked_of_the_operator = {"person.live"}  # of a photo only, see `kiosk.photo.antispoof`
    assert set(look(networks).measures) == listed - asked_of_the_operator


@pytest.mark.parametrize("yaw", [30.0, -30.0])
def test_a_head_turned_to_either_side_has_no_gaze_and_one_ear(
    networks: Networks, yaw: float
) -> None:
    networks.turn = Pose(yaw, 0.0, 0.0)
    found = look(networks).measures
    for name in ("eyes.gaze", "person.ears"):
        assert found[name].cannot_tell == "the head is turned"


def test_a_dark_face_with_shut_eyes_is_not_told_from_dark_skin(networks: Networks) -> None:
    networks.skin = dataclasses.replace(SKIN, light=60.0, white=60.0, brow_light=75.0)
    networks.eyes = (dataclasses.replace(EYE, open=0.05),) * 2
    assert not look(networks).measures["light.face"].decides
    networks.eyes = (EYE, EYE)
    assert look(networks).measures["light.face"].decides


@pytest.mark.parametrize(
    ("face", "up", "is_sure"),
    [(SKIN, 3.0, True), (SKIN, -3.0, True), (MASKED, 3.0, False), (MASKED, 0.0, False),
     (MASKED, -0.11, True), (MASKED, -0.09, False), (MASKED, -0.1, True)],
)  # fmt: skip
def test_half_a_face_is_not_taken_for_a_camera_on_its_head(
    networks: Networks, face: Skin, up: float, is_sure: bool
) -> None:
    networks.skin, networks.up = face, up
    found = look(networks).measures["frame.upright"]
    assert (found.value, found.unit, found.decides) == (up, "", is_sure)
    assert found.confidence == (1.0 if is_sure else 0.4)


def test_a_picture_that_ends_beside_the_head_tells_nothing_of_one_held_up(
    networks: Networks,
) -> None:
    networks.straight = None
    found = look(networks).measures["person.held_up"]
    assert (found.value, found.unit) == (None, "side")
    assert found.cannot_tell == "the picture ends beside the head"


# -- one frame after another ---------------------------------------------------------------------

#: Looked for by the frames after the one that begins anew -> the measure that says so.
LATER = {"hand": "face.hand", "held up": "person.held_up"}
ALL = {"faces": 1, "silhouette": 1, "skin": 1, "both eyes": 1}


def test_single_pictures_are_measured_whole_and_owe_nothing_to_each_other(
    networks: Networks,
) -> None:
    measuring = Gauge(FOLDER)
    for _ in range(3):
        measuring.measure(grey())
    assert networks.asked == dict.fromkeys((*ALL, *LATER), 3)


def test_the_first_live_frame_leaves_out_what_can_wait_and_says_so(networks: Networks) -> None:
    measuring = Gauge(FOLDER)
    first, second, third = (measuring.measure(grey(), live=True).measures for _ in range(3))
    assert {first[name].cannot_tell for name in LATER.values()} == {"not looked for yet"}
    assert (first["face.hand"].unit, first["person.held_up"].unit) == ("", "side")
    assert second["face.hand"] == Measure(0.3, "", 0.6)
    assert second["person.held_up"].cannot_tell == "not looked for yet"
    assert third["person.held_up"] == Measure(2.0, "side", 0.6)


def test_the_first_live_frame_asks_for_all_else(networks: Networks) -> None:
    Gauge(FOLDER).measure(grey(), live=True)
    assert networks.asked == ALL


def test_in_a_second_of_the_same_scene_each_is_asked_as_often_as_it_must(
    networks: Networks,
) -> None:
    measuring = Gauge(FOLDER)
    sights = [measuring.measure(grey(), live=True) for _ in range(26)]
    assert networks.asked["faces"] == networks.asked["hand"] == 3
    assert 1 <= networks.asked["held up"] <= 2
    assert 4 <= networks.asked["silhouette"] <= 7
    assert 3 <= networks.asked["skin"] <= 4
    assert networks.asked["both eyes"] == 1
    assert networks.asked["eye 0"] + networks.asked["eye 1"] == 25
    assert abs(networks.asked["eye 0"] - networks.asked["eye 1"]) <= 1
    assert networks.asked["follow"] == 23
    # What was not asked again is still known.
    assert {frozenset(sight.measures) for sight in sights} == {frozenset(sights[0].measures)}
    assert sights[7].measures["person.beside"] == Measure(0.25, "", 0.7)
    assert sights[7].measures["background.light"].value == 220.0
    assert sights[7].measures["person.held_up"] == Measure(2.0, "side", 0.6)


def test_a_face_that_moves_is_taken_along_by_its_mesh(networks: Networks) -> None:
    networks.found = [FACE, dataclasses.replace(FACE, x=0.0)]
    measuring = Gauge(FOLDER)
    measuring.measure(grey(), live=True)
    sight = measuring.measure(grey(), live=True)
    assert [face.x for face in sight.faces] == [510.0, 0.0]
    assert networks.seen["mesh"] is networks.followed
    measuring.measure(grey(), live=True)
    assert networks.seen["before"] is networks.followed


def test_a_face_that_is_lost_is_looked_for_at_once(networks: Networks) -> None:
    measuring = Gauge(FOLDER)
    measuring.measure(grey(), live=True)
    networks.followed = None
    networks.found = [dataclasses.replace(FACE, x=100.0)]
    networks.mesh = mesh_at(100)
    networks.straight = 3
    sight = measuring.measure(grey(), live=True)
    assert sight.faces == tuple(networks.found)
    assert networks.asked["faces"] == networks.asked["both eyes"] == networks.asked["skin"] == 2
    assert networks.asked["silhouette"] == 2
    for _ in range(2):
        assert sight.measures["person.held_up"].cannot_tell == "not looked for yet"
        networks.followed = networks.mesh
        sight = measuring.measure(grey(), live=True)
    assert sight.measures["person.held_up"].value == 3
    assert networks.seen["mesh"] is networks.mesh


def test_another_scene_is_begun_anew(networks: Networks) -> None:
    measuring = Gauge(FOLDER)
    measuring.measure(grey(100), live=True)
    measuring.measure(grey(101), live=True)
    assert networks.asked["faces"] == 1, "a level is no other scene"
    measuring.measure(grey(120), live=True)
    assert (networks.asked["faces"], networks.asked["both eyes"]) == (2, 2)
    # And it is the one that the next frames follow.
    measuring.measure(grey(120), live=True)
    assert networks.asked["faces"] == 2


# -- where the person is -------------------------------------------------------------------------


def test_where_the_person_is(networks: Networks) -> None:
    found: Any = Gauge(FOLDER).person(grey())
    assert found == ((600.0, 260.0), 0.1, (1280, 720))
    assert networks.seen["landmarks"] == FACE


@pytest.mark.parametrize("what", ["found", "mesh"])
def test_without_a_face_there_is_no_person(networks: Networks, what: str) -> None:
    setattr(networks, what, [] if what == "found" else None)
    assert Gauge(FOLDER).person(grey()) is None


def test_what_is_one_picture_stays_one(networks: Networks) -> None:
    """A picture between two live frames changes nothing for the second."""
    measuring = Gauge(FOLDER)
    measuring.measure(grey(), live=True)
    measuring.measure(grey(200))
    measuring.measure(grey(), live=True)
    assert networks.asked["faces"] == 2
    assert networks.asked["follow"] == 1
