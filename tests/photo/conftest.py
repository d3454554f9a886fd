"""Composed people in front of the camera, and one photographer for all tests of this folder."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hardware.virtual.portrait import frame
from kiosk.photo import CardPhoto, Photographer


@pytest.fixture(scope="session")
def photographer() -> Photographer:
    """Fails, naming the command that fetches them, where the models are missing."""
    return Photographer()


@pytest.fixture(scope="session")
def card_photo(photographer: Photographer) -> CardPhoto:
    return photographer.make(frame("portrait"))


@pytest.fixture
def jpeg_of() -> Callable[..., bytes]:
    """A file of the right kind, but for what is given: mode, size and Pillow's save options."""

    def make(mode: str = "RGB", size: tuple[int, int] = (358, 441), **options: Any) -> bytes:
        rgb = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
        buffer = io.BytesIO()
        saved = {"quality": 70, "subsampling": 0, "dpi": (350, 350)} | options
        Image.fromarray(rgb).convert(mode).save(buffer, "JPEG", **saved)
        return buffer.getvalue()

    return make
