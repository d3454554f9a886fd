"""1:1: the bands, what is compared and what is not, and that the network is the published one.

Drawn heads are no evidence for the bands: the network takes every drawing in one style for the same
person. How often it errs on people is measured by `tests/bench/face_pairs.py`.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from hardware.virtual.portrait import frame
from kiosk.photo import CardPhoto, models
from kiosk.photo.faces import (
    MATCH_AT,
    MISMATCH_BELOW,
    PORTRAIT,
    Band,
    FaceComparer,
    Why,
    band,
    jpeg_picture,
    portrait_picture,
)
from kiosk.photo.onnx import with_one_input

BLANK = bytes([128]) * (PORTRAIT[0] * PORTRAIT[1] * 3)


@pytest.fixture(scope="module")
def comparer() -> FaceComparer:
    return FaceComparer()


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (1.0, Band.MATCH),
        (MATCH_AT, Band.MATCH),
        (MATCH_AT - 0.001, Band.UNSURE),
        (MISMATCH_BELOW, Band.UNSURE),
        (MISMATCH_BELOW - 0.001, Band.MISMATCH),
        (-1.0, Band.MISMATCH),
    ],
)
def test_three_bands(score: float, expected: Band) -> None:
    assert band(score) is expected


def test_the_same_head_matches_its_own_portrait_in_a_chip(
    comparer: FaceComparer, card_photo: CardPhoto
) -> None:
    with Image.open(io.BytesIO(card_photo.jpeg)) as image:
        small = np.asarray(image.convert("RGB").resize(PORTRAIT, Image.Resampling.LANCZOS))
    photo = jpeg_picture(card_photo.jpeg)
    assert photo is not None
    found = comparer.compare(photo, small)
    assert found.band is Band.MATCH
    assert found.score is not None and found.score > 0.8
    assert (found.method, found.why) == ("sface-2021dec-int8bq", None)


def test_a_head_is_the_same_turned_or_far_away(comparer: FaceComparer) -> None:
    """Eyes, nose and mouth are brought to the same places before anything is compared."""
    picture = frame("portrait")
    middle = (640.0, 312.0)
    turned = cv2.warpAffine(
        picture, cv2.getRotationMatrix2D(middle, 15.0, 1.0), picture.shape[1::-1]
    )
    found = comparer.compare(np.asarray(picture), np.asarray(turned, np.uint8))
    assert found.score is not None and found.score > 0.9


def test_what_holds_no_single_face_is_not_compared(comparer: FaceComparer) -> None:
    person = frame("portrait")
    for other in (frame("nobody"), frame("two-people"), np.zeros((126, 102, 3), np.uint8)):
        for one, two in ((person, other), (other, person)):
            found = comparer.compare(one, two)
            assert (found.band, found.score, found.why) == (Band.CANNOT_TELL, None, Why.NO_FACE)


def test_a_face_of_a_few_pixels_is_not_compared(comparer: FaceComparer) -> None:
    tiny = np.asarray(cv2.resize(frame("portrait"), (96, 54), interpolation=cv2.INTER_AREA))
    assert comparer.compare(frame("portrait"), tiny).why is Why.NO_FACE


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2000, 3), (3000, 2, 3)])
def test_odd_pictures_are_no_faces(comparer: FaceComparer, shape: tuple[int, ...]) -> None:
    assert comparer.features(np.zeros(shape, np.uint8)) is None


def test_a_portrait_has_one_length() -> None:
    picture = portrait_picture(BLANK)
    assert picture is not None and picture.shape == (126, 102, 3)
    assert portrait_picture(BLANK[:-1]) is None
    assert portrait_picture(b"") is None


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\xff\xd8\xff broken"])
def test_what_is_no_picture_is_none(data: bytes) -> None:
    assert jpeg_picture(data) is None
    out = io.BytesIO()
    Image.new("RGB", (10, 10)).save(out, "PNG")
    assert jpeg_picture(out.getvalue()) is None


# -- the network as it is published ----------------------------------------------------------------


def test_only_the_picture_is_left_as_an_input() -> None:
    """As published, OpenCV 5 has to be given 174 weights with each picture."""
    published = models.load(models.FACE_COMPARISON, models.models_dir())
    stripped = with_one_input(published, "data")
    assert len(published) - len(stripped) > 174 * 10
    net = cv2.dnn.readNetFromONNX(np.frombuffer(stripped, np.uint8))
    net.setInput(np.zeros((1, 3, 112, 112), np.float32))
    assert net.forward().shape == (1, 128)
    assert with_one_input(stripped, "data") == stripped


@pytest.mark.parametrize("cut", [0, 1, 50, 5000])
def test_what_is_no_network_is_refused(cut: int) -> None:
    published = models.load(models.FACE_COMPARISON, models.models_dir())
    with pytest.raises(ValueError, match=r"graph|message|number|wire"):
        with_one_input(published[:cut], "data")
    with pytest.raises(ValueError, match="no input"):
        with_one_input(published, "picture")


def test_without_the_network_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(models.ModelsMissing, match="--fetch"):
        FaceComparer(tmp_path)
