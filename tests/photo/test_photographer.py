"""Frames to findings and photos, with composed people; no photograph of anybody."""

from __future__ import annotations

import io
import os
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from hardware.virtual.portrait import SCENES, frame, scene
from kiosk.photo import (
    CardPhoto,
    FindingCode,
    Photographer,
    PhotoRefused,
    inspect_jpeg,
)
from kiosk.photo.report import judge
from kiosk.photo.standard import THIRD_GENERATION
from kiosk.words import LANGUAGES, Words

Picture = NDArray[np.uint8]
PIXEL_RULES = ("face.width", "face.crown", "face.eyes_x", "face.eyes_above_bottom")


def moved(picture: Picture, scale: float = 1.0, right: float = 0.0, turn: float = 0.0) -> Picture:
    """The scene with the camera moved: scaled and turned (degrees) about the eyes, shifted."""
    matrix = cv2.getRotationMatrix2D((640, 312), turn, scale)
    matrix[0, 2] += right
    height, width = picture.shape[:2]
    border = cv2.BORDER_REPLICATE
    out = cv2.warpAffine(picture, matrix, (width, height), borderMode=border)
    return np.asarray(out, np.uint8)


def measured(photographer: Photographer, photo: CardPhoto) -> dict[str, float]:
    """The pixel rules measured on the bytes of a finished photo."""
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        head = photographer.measure(np.asarray(image)).head
    assert head is not None
    return {
        "face.width": head.face_width,
        "face.crown": head.crown_y,
        "face.eyes_x": head.eye_x,
        "face.eyes_above_bottom": THIRD_GENERATION.height - head.eye_y,
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("portrait", FindingCode.OK),
        ("portrait-woman", FindingCode.OK),
        ("nobody", FindingCode.NO_FACE),
        ("two-people", FindingCode.MANY_FACES),
        ("dark", FindingCode.TOO_DARK),
        ("covered", FindingCode.COVERED),
    ],
)
def test_each_scene_has_its_finding(
    photographer: Photographer, name: str, code: FindingCode
) -> None:
    assert photographer.look_once(frame(name)).finding.code == code


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (moved(frame("portrait"), 0.6), FindingCode.TOO_FAR),
        (moved(frame("portrait"), 2.0), FindingCode.TOO_NEAR),
        (moved(frame("portrait"), 1.0, right=-540.0), FindingCode.OFF_CENTRE),
        (moved(frame("portrait"), 1.0, turn=20.0), FindingCode.LEVEL_HEAD),
    ],
    ids=["too far", "too near", "off centre", "turned"],
)
def test_a_citizen_in_the_wrong_place_is_told_where_to_go(
    photographer: Photographer, picture: Picture, code: FindingCode
) -> None:
    finding = photographer.look_once(picture).finding
    assert finding.code == code
    assert finding.face is not None
    with pytest.raises(PhotoRefused) as refused:
        photographer.make(picture)
    assert refused.value.finding.code == code


def test_the_face_box_lies_over_the_face(photographer: Photographer) -> None:
    face = photographer.look_once(frame("portrait")).finding.face
    assert face is not None
    x, y, width, height = face
    assert x < 640 / 1280 < x + width
    assert y < 350 / 720 < y + height


@pytest.mark.parametrize("name", ["portrait", "portrait-woman"])
@pytest.mark.parametrize(("scale", "right", "turn"), [(1, 0, 0), (0.9, 40, 4), (1.1, -60, -6)])
def test_a_made_photo_meets_every_pixel_rule_when_its_bytes_are_measured(
    photographer: Photographer, name: str, scale: float, right: float, turn: float
) -> None:
    photo = photographer.make(moved(frame(name), scale, right, turn))
    assert judge(THIRD_GENERATION, measured(photographer, photo)).broken() == ()
    assert photo.report.met
    assert all(photo.report.line(rule).verdict == "met" for rule in PIXEL_RULES)


def test_the_file_is_what_the_standard_asks(card_photo: CardPhoto) -> None:
    with Image.open(io.BytesIO(card_photo.jpeg)) as image:
        assert image.format == "JPEG"
        assert image.size == (358, 441) == (card_photo.width, card_photo.height)
        assert image.mode == "RGB"
        assert image.info["jfif_unit"] == 1
        assert image.info["jfif_density"] == (350, 350)
    assert inspect_jpeg(card_photo.jpeg).findings == ()
    assert card_photo.sha256 == sha256(card_photo.jpeg).hexdigest()


def test_the_same_frame_gives_the_same_photo(
    photographer: Photographer, card_photo: CardPhoto
) -> None:
    assert photographer.make(frame("portrait")).sha256 == card_photo.sha256


def test_the_crown_is_where_it_was_drawn(photographer: Photographer) -> None:
    """The hair is highest in the first row where the wall is not seen any more."""
    picture = frame("portrait")
    column = picture[:, 600:680].astype(int).sum(axis=2).min(axis=1)
    drawn = int(np.flatnonzero(column < 400)[0])
    head = photographer.measure(picture).head
    assert head is not None
    assert abs(head.crown_y - drawn) <= 5  # pixels of the frame; the rule leaves 9 to each side


def test_a_poster_above_the_head_is_not_taken_for_hair(photographer: Photographer) -> None:
    picture = frame("portrait").copy()
    picture[20:90, 590:690] = (40, 30, 30)
    clean = photographer.measure(frame("portrait")).head
    with_poster = photographer.measure(picture).head
    assert clean is not None
    assert with_poster is not None
    assert abs(with_poster.crown_y - clean.crown_y) <= 5


@pytest.mark.parametrize("size", [(640, 480), (1920, 1080), (3840, 2160)])
def test_cameras_of_other_sizes(photographer: Photographer, size: tuple[int, int]) -> None:
    image = ImageOps.fit(scene("portrait"), size, Image.Resampling.LANCZOS, centering=(0.5, 0.3))
    if size[0] == 640:  # the face would have 150 pixels: somebody who sits nearer
        image = scene("portrait").crop((276, 90, 1004, 636)).resize(size)
    photo = photographer.make(np.asarray(image))
    assert judge(THIRD_GENERATION, measured(photographer, photo)).broken() == ()


@pytest.mark.parametrize("shape", [(1, 1, 3), (720, 1, 3), (2, 4000, 3)])
def test_a_frame_of_absurd_shape_has_no_face(
    photographer: Photographer, shape: tuple[int, int, int]
) -> None:
    finding = photographer.look_once(np.full(shape, 200, np.uint8)).finding
    assert finding.code == FindingCode.NO_FACE


def test_noise_and_a_white_frame_have_no_face(photographer: Photographer) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (720, 1280, 3), np.uint8)
    for picture in (noise, np.full((720, 1280, 3), 255, np.uint8)):
        assert photographer.look_once(picture).finding.code == FindingCode.NO_FACE


def test_the_photo_does_not_show_in_a_log(card_photo: CardPhoto) -> None:
    assert "xff" not in repr(card_photo)
    assert len(repr(card_photo)) < 200


def test_every_finding_has_words_in_both_languages() -> None:
    for language in LANGUAGES:
        words = Words(language)
        for code in FindingCode:
            assert words.has(f"photo.finding.{code}"), (language, code)


def test_the_scenes_are_frames_of_the_camera() -> None:
    assert {scene(name).size for name in SCENES} == {(1280, 720)}
    assert {scene(name).mode for name in SCENES} == {"RGB"}


# -- portraits that are not part of the product ---------------------------------------------------

_FOLDER = os.environ.get("KIOSK_PORTRAITS", "")


@pytest.mark.optional
@pytest.mark.skipif(not _FOLDER, reason="KIOSK_PORTRAITS names no folder of portraits")
def test_portraits_of_a_folder_become_photos(photographer: Photographer) -> None:
    files = sorted(Path(_FOLDER).glob("*.jpg"))
    assert files
    for file in files:
        with Image.open(file) as image:
            # Room above the head and enough pixels, as a camera in a booth would have given.
            roomy = ImageOps.expand(image.convert("RGB"), border=80, fill=(235, 235, 235))
            picture = np.asarray(ImageOps.scale(roomy, 1.3, Image.Resampling.LANCZOS))
        photo = photographer.make(picture)
        values = measured(photographer, photo)
        if photo.report.line("face.crown").value is None:  # a bun so high that it had to be cut
            del values["face.crown"]
        assert judge(THIRD_GENERATION, values).broken() == (), file.name
        assert photo.report.met, (file.name, photo.report.broken())
