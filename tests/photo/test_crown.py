"""The top of the hair: by the mask, and by a plain wall where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kiosk.photo.crown import top_of_hair

COLUMNS, FOREHEAD = 40, 120
WALL, HAIR = (240, 240, 236), (40, 34, 30)


def scene(hair_from: int, mask_from: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Hair from one row on, and a mask that says another one."""
    mask = np.zeros((256, COLUMNS), np.float32)
    mask[mask_from:] = 1.0
    picture = np.full((256, COLUMNS, 3), WALL, np.uint8)
    picture[hair_from:] = HAIR
    return mask, picture


@pytest.mark.parametrize("off", [-7, -3, 0, 3, 7])
def test_before_a_plain_wall_the_hair_ends_where_the_wall_begins(off: int) -> None:
    mask, picture = scene(60, 60 + off)
    assert top_of_hair(mask, picture, FOREHEAD) == pytest.approx(60, abs=0.6)


def test_the_mask_is_believed_where_the_wall_is_not_plain() -> None:
    mask, picture = scene(60, 65)
    picture[:60:2] = (120, 60, 60)
    assert top_of_hair(mask, picture, FOREHEAD) == pytest.approx(65, abs=0.6)


def test_the_mask_is_believed_of_hair_as_white_as_the_wall() -> None:
    mask, picture = scene(60, 65)
    picture[:] = WALL
    assert top_of_hair(mask, picture, FOREHEAD) == pytest.approx(65, abs=0.6)


def test_the_mask_is_believed_where_something_stands_on_the_head() -> None:
    """What is apart from the wall for more than a few rows is no edge of the hair."""
    mask, picture = scene(40, 65)
    picture[:52] = WALL
    picture[40:52] = (90, 80, 200)
    assert top_of_hair(mask, picture, FOREHEAD) == pytest.approx(65, abs=0.6)


@pytest.mark.parametrize("top", [0, 3, 7])
def test_the_mask_is_believed_where_the_picture_ends_above_the_head(top: int) -> None:
    mask, picture = scene(top, top)
    assert top_of_hair(mask, picture, FOREHEAD) == pytest.approx(top, abs=0.6)


def test_a_hair_that_stands_off_is_not_the_top_of_the_head() -> None:
    mask, picture = scene(60, 60)
    picture[50:60, 20:22] = HAIR
    assert top_of_hair(mask, picture, FOREHEAD) == pytest.approx(60, abs=0.6)


def test_no_columns_at_all_are_no_crash() -> None:
    mask, picture = scene(60, 60)
    assert top_of_hair(mask[:, :0], picture[:, :0], FOREHEAD) == FOREHEAD
