"""What a profile may do to the wall, and that nobody in front of it is touched."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hardware.virtual.portrait import frame
from kiosk.photo import CardPhoto, Photographer
from kiosk.photo.background import treat
from kiosk.photo.standard import PROFILES, Background

Picture = NDArray[np.uint8]


def dim_wall() -> Picture:
    """The sitter before a wall that is darker and falls off to the right."""
    picture = frame("portrait").astype(np.float32)
    wall = picture.min(axis=2, keepdims=True) > 205
    across = np.linspace(1.0, 0.75, picture.shape[1])[None, :, None] * 0.85
    return np.where(wall, picture * across, picture).astype(np.uint8)


def made(policy: str) -> Picture:
    photo = Photographer(standard=PROFILES[f"ssc3-358x441{policy}"]).make(dim_wall())
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def photos() -> dict[str, Picture]:
    return {policy: made(policy) for policy in ("", "-flat", "-white")}


def corners(picture: Picture) -> tuple[float, float]:
    """Mean of the wall in the upper corners, left and right."""
    return float(picture[4:60, 4:50].mean()), float(picture[4:60, -50:-4].mean())


def test_as_it_is(photos: dict[str, Picture]) -> None:
    left, right = corners(photos[""])
    assert left - right > 5
    assert left < 215


def test_the_wall_is_evened_out(photos: dict[str, Picture]) -> None:
    left, right = corners(photos["-flat"])
    assert abs(left - right) < 3
    assert min(left, right) > 240


def test_the_wall_is_white(photos: dict[str, Picture]) -> None:
    assert min(corners(photos["-white"])) > 253


@pytest.mark.parametrize("policy", ["-flat", "-white"])
def test_the_face_keeps_its_pixels(photos: dict[str, Picture], policy: str) -> None:
    face = (slice(120, 290), slice(115, 240))
    before, after = photos[""][face].astype(int), photos[policy][face].astype(int)
    assert np.abs(before - after).max() <= 2  # but for the JPEG's blocks at the edge


@pytest.mark.parametrize("policy", Background)
def test_where_the_mask_is_sure_of_the_person_no_byte_changes(policy: Background) -> None:
    rgb = np.random.default_rng(5).integers(0, 255, (441, 358, 3)).astype(np.uint8)
    assert np.array_equal(treat(rgb, np.ones((441, 358), np.float32), policy), rgb)


def test_a_picture_without_wall_is_not_lightened() -> None:
    rgb = np.full((441, 358, 3), 120, np.uint8)
    person = np.ones((441, 358), np.float32)
    person[0, 0] = 0.0
    assert np.abs(treat(rgb, person, Background.FLAT_FIELD).astype(int) - 120).max() == 0


def test_the_profile_stands_in_the_report(card_photo: CardPhoto) -> None:
    assert card_photo.report.standard == "ssc3-358x441"
