"""Heads that were composed once are not composed again, and a damaged file costs only time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hardware.virtual.drawings import kept

if TYPE_CHECKING:
    from hardware.virtual.drawings import Layers

SOLID = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
ALPHA = np.full((2, 4), 200, np.uint8)


def _drawn() -> Layers:
    return SOLID, ALPHA


def _must_not_draw() -> Layers:
    raise AssertionError("drawn again")


def _same(layers: Layers) -> bool:
    return np.array_equal(layers[0], SOLID) and np.array_equal(layers[1], ALPHA)


def test_a_drawing_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "drawings"
    assert _same(kept("somebody", _drawn, folder))
    assert _same(kept("somebody", _must_not_draw, folder))
    with pytest.raises(AssertionError, match="drawn again"):
        kept("somebody else", _must_not_draw, folder)


@pytest.mark.parametrize("content", [b"", b"no drawing", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_drawn_anew(tmp_path: Path, content: bytes) -> None:
    kept("somebody", _drawn, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert _same(kept("somebody", _drawn, tmp_path))
    assert _same(kept("somebody", _must_not_draw, tmp_path))


def test_where_nothing_can_be_written_it_is_drawn_all_the_same(tmp_path: Path) -> None:
    occupied = tmp_path / "a file"
    occupied.touch()
    assert _same(kept("somebody", _drawn, occupied))
