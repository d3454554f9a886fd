"""The crop of the card photo, in numbers that were worked out by hand, and the pixels it makes."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kiosk.photo.crop import Crop, cut, overhang, solve
from kiosk.photo.report import judge
from tests.photo.test_standard import STANDARD, head, photographed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kiosk.photo.measure import Head

FRAME = (1280, 720)

#: Face, crown to eyes, eyes to chin, cheeks beside the eyes (frame) -> face, crown, eyes from the
#: left, eyes from the top (photo).
BY_HAND = {
    "two thirds of the height": ((300, 195, 180, 0), (235.2, 14, 179, 166.88)),
    "a narrow face is made wide enough": ((220, 195, 180, 0), (186, 14, 179, 178.864)),
    "a wide face is not too wide": ((340, 195, 180, 0), (248, 14, 179, 156.235)),
    "high hair stands as low as it must": ((220, 262, 180, 0), (186, 9.491, 179, 231)),
    "higher hair halves the margins": ((220, 268, 180, 0), (182.5, 10.182, 179, 232.5)),
    "still higher hair takes them": ((220, 276, 180, 0), (179, 9.436, 179, 234)),
    "hair too high is cut": ((220, 290, 180, 0), (182.5, -8.068, 179, 232.5)),
    "cheeks to the right": ((300, 195, 180, 20), (235.2, 14, 171.16, 166.88)),
    "cheeks to the left": ((300, 195, 180, -20), (235.2, 14, 186.84, 166.88)),
    "far to the right": ((300, 195, 180, 60), (235.2, 14, 164, 166.88)),
    "far to the left": ((300, 195, 180, -60), (235.2, 14, 194, 166.88)),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_where_the_head_comes_to_stand(what: str) -> None:
    measures, (face, crown, eyes_x, eyes_y) = BY_HAND[what]
    subject = head(*(float(one) for one in measures))
    crop = solve(subject, STANDARD)
    found = photographed(subject, crop)
    assert found["face.width"] == pytest.approx(face, abs=0.01)
    assert found["face.crown"] == pytest.approx(crown, abs=0.01)
    assert found["face.eyes_x"] == pytest.approx(eyes_x, abs=0.01)
    assert STANDARD.height - found["face.eyes_above_bottom"] == pytest.approx(eyes_y, abs=0.01)
    assert crop.hair_cut is ("is cut" in what)


@pytest.mark.parametrize(
    "wrong",
    [{"face_width": 0.0}, {"face_width": -1.0}, {"crown_y": 320.0}, {"crown_y": 330.0},
     {"chin_y": 125.0}, {"chin_y": 100.0}],
)  # fmt: skip
def test_what_is_no_head_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no head has these measures"):
        solve(dataclasses.replace(head(), **wrong), STANDARD)


# -- the edge of the frame -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "top", "out"),
    [(-5, 10, 5), (10, -7, 7), (1280 - 358 + 3, 10, 3), (10, 720 - 441 + 4, 4), (10, 20, -10),
     (20, 10, -10), (1280 - 358 - 6, 100, -6), (400, 720 - 441 - 8, -8)],
)  # fmt: skip
def test_how_far_a_level_crop_lies_outside(left: float, top: float, out: float) -> None:
    """Below nought: how much is left to the nearest edge."""
    assert overhang(Crop(left, top, 1.0), head(), STANDARD, FRAME) == pytest.approx(out)
    half = Crop(left, top, 2.0)
    assert overhang(half, head(), STANDARD, (1280 - 179, 720)) <= out + 1e-9


@pytest.mark.parametrize(
    ("frame", "out"),
    [((1000, 1000), 336), ((100, 2000), 336), ((2000, 100), 348), ((-300, 5000), 405)],
)
def test_how_far_a_crop_of_a_lying_head_lies_outside(frame: tuple[int, int], out: float) -> None:
    """The right eye is the lower one: what is right in the photo is down in the frame."""
    lying = dataclasses.replace(head(), eye_x=100.0, eye_y=100.0, roll=math.pi / 2)
    assert overhang(Crop(90, 95, 1.0), lying, STANDARD, frame) == pytest.approx(out)


def near(edge: str, roll: float, by: float = 0.0) -> Head:
    """A head whose free crop reaches over one edge of the frame."""
    x, y = {
        "left": (185.0 + by, 400.0),
        "right": (1280 - 185.0 - by, 400.0),
        "top": (640.0, 219.0 + by),
        "bottom": (640.0, 720 - 290.0 - by),
    }[edge]
    usual = head(width=250.0, crown_to_eyes=205.0)
    return dataclasses.replace(
        usual, roll=roll, eye_x=x, face_x=x, eye_y=y, crown_y=y - 205.0, chin_y=y + 180.0
    )


@pytest.mark.parametrize("roll", [0.0, 0.1, -0.1])
@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom"])
def test_before_an_edge_the_crop_keeps_the_rules_and_moves_no_farther_than_it_must(
    edge: str, roll: float
) -> None:
    subject = near(edge, roll, by=20.0 if roll else 0.0)
    free, found = solve(subject, STANDARD), solve(subject, STANDARD, FRAME)
    assert overhang(free, subject, STANDARD, FRAME) > 2.0
    assert overhang(found, subject, STANDARD, FRAME) == pytest.approx(2.0, abs=0.001)
    values = photographed(subject, found)
    assert judge(STANDARD, values).broken() == ()
    # And the margins, all of them.
    assert 186 - 1e-3 <= values["face.width"] <= 248 + 1e-3
    assert 9 - 1e-3 <= values["face.crown"] <= 19 + 1e-3
    assert 164 - 1e-3 <= values["face.eyes_x"] <= 194 + 1e-3
    assert values["face.eyes_above_bottom"] >= 210 - 1e-3


def test_a_frame_with_room_changes_nothing() -> None:
    assert solve(head(), STANDARD, FRAME) == solve(head(), STANDARD)
    # Two pixels over the edge are repeated, and are no reason to move.
    free = solve(head(), STANDARD)
    right = free.left + STANDARD.width / free.scale
    assert solve(head(), STANDARD, (math.ceil(right - 2), 720)) == free


def test_where_the_margins_cannot_be_had_their_half_is() -> None:
    """Eyes 143 pixels from the edge: with all margins the face would have to be too wide."""
    subject = dataclasses.replace(head(), eye_x=143.0, face_x=143.0)
    values = photographed(subject, found := solve(subject, STANDARD, FRAME))
    assert overhang(found, subject, STANDARD, FRAME) <= 2.001
    assert values["face.eyes_x"] >= 163 - 1e-3
    assert 182.5 - 1e-3 <= values["face.width"] <= 251.5 + 1e-3


@pytest.mark.parametrize("at", [(60.0, 320.0), (1220.0, 320.0), (640.0, 120.0), (640.0, 700.0)])
def test_where_no_crop_is_inside_the_best_one_is_given_all_the_same(
    at: tuple[float, float],
) -> None:
    x, y = at
    subject = dataclasses.replace(
        head(), eye_x=x, face_x=x, eye_y=y, crown_y=y - 195.0, chin_y=y + 180.0
    )
    free = solve(subject, STANDARD)
    assert overhang(free, subject, STANDARD, FRAME) > 2.0
    assert solve(subject, STANDARD, FRAME) == free


# -- the pixels ----------------------------------------------------------------------------------


def places(width: int, height: int) -> NDArray[np.uint8]:
    """A frame whose red says how far right, and whose green how far down, in steps of four."""
    across, down = np.meshgrid(np.arange(width) / 4, np.arange(height) / 4)
    return np.stack([across, down, np.full_like(across, 77)], axis=2).astype(np.uint8)


def test_a_level_crop_of_the_size_of_the_photo_is_the_frame_itself() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    photo = np.asarray(cut(noise, head(), Crop(301.0, 52.0, 1.0), STANDARD))
    assert photo.shape == (441, 358, 3)
    assert np.array_equal(photo, noise[52 : 52 + 441, 301 : 301 + 358])


@pytest.mark.parametrize("roll", [0.0, 0.15, -0.15])
@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7])
@pytest.mark.parametrize("part", [0.0, 0.4])
def test_every_pixel_comes_from_its_place(roll: float, scale: float, part: float) -> None:
    """Level about the eyes: what lies to the right of them in the photo lies a little lower in the
    frame of a head whose right eye is the lower one."""
    subject = dataclasses.replace(head(), eye_x=480.0, eye_y=470.0, roll=roll)
    crop = Crop(480 - 179 / scale + part, 470 - 200 / scale + part, scale)
    photo = np.asarray(cut(places(1000, 1000), subject, crop, STANDARD)).astype(float)
    across, down = np.meshgrid(np.arange(358) + 0.5, np.arange(441) + 0.5)
    dx, dy = crop.left + across / scale - 480, crop.top + down / scale - 470
    x = 480 + math.cos(roll) * dx - math.sin(roll) * dy
    y = 470 + math.sin(roll) * dx + math.cos(roll) * dy
    seen = (x > 20) & (x < 980) & (y > 20) & (y < 980)
    assert seen.mean() > 0.9
    assert np.abs(photo[..., 0] - x / 4)[seen].max() < 1.6
    assert np.abs(photo[..., 1] - y / 4)[seen].max() < 1.6
    # No pixel of it lies half a step beside on the whole; a step is four pixels.
    for colour, place in ((0, x), (1, y)):
        beside = (photo[..., colour] - place / 4)[seen].mean() + 0.5
        assert abs(beside) < 0.15, beside
    assert np.abs(photo[..., 2] - 77).max() <= 1


@pytest.mark.parametrize("roll", [0.0, 0.1])
def test_what_lies_over_the_edge_repeats_it(roll: float) -> None:
    white = np.full((720, 1280, 3), 200, np.uint8)
    corner = dataclasses.replace(head(), eye_x=170.0, eye_y=200.0, roll=roll)
    photo = np.asarray(cut(white, corner, Crop(-12.0, -12.0, 1.0), STANDARD))
    assert photo.min() >= 199 and photo.max() <= 201


@pytest.mark.parametrize("roll", [0.0, 0.003])
def test_what_is_finer_than_the_photo_becomes_its_mean(roll: float) -> None:
    """Fine stripes of a shirt make no others."""
    stripes = np.zeros((1400, 1400, 3), np.uint8)
    stripes[:, ::2] = 200
    middle = dataclasses.replace(head(), eye_x=700.0, eye_y=700.0, roll=roll)
    photo = np.asarray(cut(stripes, middle, Crop(100.0, 100.0, 0.36), STANDARD))
    assert np.abs(photo.astype(int) - 100).max() <= (6 if roll == 0 else 25)
    # Also at the rim, where a filter without room around would see less.
    assert abs(photo[:, :2].mean() - 100) < 3 and abs(photo[:, -2:].mean() - 100) < 3
