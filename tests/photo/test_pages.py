"""A page before the camera: what can be read is taken, what spoils it is named."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from hardware.virtual import portrait
from kiosk.photo.pages import PAGE_LIMIT, PageFinding, PageLook, make_page
from sync.wire import application


def finding(name: str) -> PageFinding:
    """Of the second of two frames that are the same."""
    look = PageLook()
    look.see(portrait.frame(name))
    return look.see(portrait.frame(name))


@pytest.mark.parametrize(
    "name", ["household-first", "household-head", "household-own", "birth-certificate"]
)
def test_a_page_that_fills_the_picture_is_legible(name: str) -> None:
    assert finding(name) is PageFinding.OK


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("page-far", PageFinding.NOT_FILLED),
        ("page-blurred", PageFinding.BLURRED),
        ("page-glare", PageFinding.GLARE),
        ("page-dark", PageFinding.TOO_DARK),
        ("nobody", PageFinding.BLURRED),
        ("portrait", PageFinding.BLURRED),
        ("print", PageFinding.BLURRED),
    ],
)
def test_what_spoils_a_page_is_named(name: str, expected: PageFinding) -> None:
    assert finding(name) is expected


def test_a_page_that_is_moved_is_waited_for() -> None:
    look = PageLook()
    page = portrait.frame("household-own")
    assert look.see(page) is PageFinding.MOVING, "the first frame tells nothing"
    assert look.see(np.roll(page, 40, axis=1)) is PageFinding.MOVING
    assert look.see(np.roll(page, 40, axis=1)) is PageFinding.OK


def test_the_page_that_was_taken_last_is_not_taken_again() -> None:
    first, second = portrait.frame("household-first"), portrait.frame("household-own")
    look = PageLook(make_page(first, True).jpeg)
    assert [look.see(first), look.see(first)] == [PageFinding.SAME] * 2
    assert [look.see(second), look.see(second)] == [PageFinding.MOVING, PageFinding.OK]
    assert [look.see(first), look.see(first)] == [PageFinding.MOVING, PageFinding.OK]


def test_two_pages_of_one_form_are_told_apart_where_the_page_was_turned() -> None:
    """户主页 and 本人页 are the same printed form."""
    head, own = portrait.frame("household-head"), portrait.frame("household-own")
    look = PageLook(make_page(head, True).jpeg)
    assert [look.see(own), look.see(own)] == [PageFinding.MOVING, PageFinding.OK]


@pytest.mark.parametrize("camera", [(1920, 1080), (1280, 720), (640, 480)])
def test_a_page_is_small_enough_for_an_envelope_and_large_enough_to_read(
    camera: tuple[int, int],
) -> None:
    frame = cv2.resize(portrait.frame("household-own"), camera, interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(3).normal(0, 6, frame.shape)
    page = make_page(np.clip(frame + noise, 0, 255).astype(np.uint8), True)
    assert len(page.jpeg) <= PAGE_LIMIT <= application.PAGE_LIMIT
    assert Image.open(io.BytesIO(page.jpeg)).width >= min(camera[0], 960)


def test_what_never_fits_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        make_page(portrait.frame("household-own"), True, limit=1000)
