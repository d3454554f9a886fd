"""The photo page: frames of any size, one instruction at a time, the count-down, a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.operations import Look
from kiosk.photo.findings import FindingCode
from kiosk.prompts import TakePhoto
from kiosk.words import LANGUAGES, Words
from screens import photo
from screens.photo import ICONS, TakePhotoScreen
from screens.preview import cover, mirrored
from tests.screens.checks import faults
from tests.screens.conftest import Hand
from tests.screens.samples import Recorder

WORDS = Words()


@pytest.fixture
def actions() -> Recorder:
    return Recorder()


@pytest.fixture
def page(hand: Hand, actions: Recorder) -> Iterator[TakePhotoScreen]:
    page = TakePhotoScreen(TakePhoto("apply.photo"), None, WORDS, actions)
    hand.show(page)
    yield page
    page.leave()


def look(finding: str = "ok", width: int = 64, height: int = 36) -> Look:
    """A frame whose top left quarter is red and whose rest is blue."""
    red, blue = b"\xc8\x00\x00", b"\x00\x00\xc8"
    upper = (red * (width // 2) + blue * (width - width // 2)) * (height // 2)
    lower = blue * width * (height - height // 2)
    # Writable and not `bytes`, as the camera's own memory is.
    return Look(memoryview(bytearray(upper + lower)), width, height, finding)


def said(finding: str) -> str:
    return WORDS.say(f"photo.finding.{finding}")


def told(actions: Recorder) -> list[tuple[str, ...]]:
    return [call for call in actions.calls if call[0] != "touched"]


def test_every_finding_has_an_icon_and_words() -> None:
    assert set(ICONS) == set(FindingCode)
    for language in LANGUAGES:
        assert all(Words(language).has(f"photo.finding.{code}") for code in FindingCode)


def test_nothing_can_be_taken_before_the_first_frame(hand: Hand, page: TakePhotoScreen) -> None:
    assert hand.find("primary").disabled
    page.progress(look())
    assert not hand.find("primary").disabled


@pytest.mark.parametrize("size", [(1280, 720), (641, 481), (480, 640), (33, 57)])
def test_the_picture_is_mirrored_upright_and_fills_its_place(
    hand: Hand, page: TakePhotoScreen, tmp_path: Path, size: tuple[int, int]
) -> None:
    from PIL import Image

    page.progress(look("ok", *size))
    hand.pump(4)
    shot = Image.open(hand.shot(tmp_path / "photo.png")).convert("RGB")
    view = page._preview
    left, bottom = view.to_window(*view.pos)

    def at(across: float, down: float) -> str:
        x = left + across * view.width
        y = shot.height - (bottom + (1 - down) * view.height)
        red, _, blue = shot.getpixel((int(x), int(y)))  # type: ignore[misc]
        return "red" if red > blue else "blue"

    # Red is at the left of the frame, so at the right of the mirror.
    assert (at(0.92, 0.05), at(0.08, 0.05), at(0.92, 0.95), at(0.08, 0.95)) == (
        "red",
        "blue",
        "blue",
        "blue",
    )


def test_one_texture_serves_all_frames_of_a_size(page: TakePhotoScreen) -> None:
    page.progress(look())
    first = page._preview._texture
    for _ in range(5):
        page.progress(look())
    assert page._preview._texture is first


def test_an_instruction_stays_long_enough_to_be_read(hand: Hand, page: TakePhotoScreen) -> None:
    page.progress(look("too_far"))
    page.progress(look("off_centre"))
    hand.pump()
    assert said("too_far") in hand.texts()
    hand.pump(seconds=photo.SAID_S)
    page.progress(look("off_centre"))
    hand.pump()
    assert said("off_centre") in hand.texts()
    assert said("too_far") not in hand.texts()


def test_count_down_then_capture(
    hand: Hand, page: TakePhotoScreen, actions: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.progress(look())
    hand.tap("primary")
    assert hand.find("primary").disabled
    assert "3" in hand.texts()
    assert WORDS.say("photo.screen.counting") in hand.texts()
    page.progress(look("look_straight"))  # nobody is told off while they hold still
    assert WORDS.say("photo.screen.counting") in hand.texts()
    assert told(actions) == []
    hand.pump(seconds=photo.COUNT_DOWN + 0.2)
    assert told(actions) == [("tell", "capture")]
    assert WORDS.say("photo.screen.making") in hand.texts()
    assert not {"1", "2", "3"} & set(hand.texts())


def capture(hand: Hand, page: TakePhotoScreen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press 拍照 and wait until the operation has been told."""
    monkeypatch.setattr(photo, "COUNT_DOWN", 1)
    page.progress(look())
    hand.tap("primary")
    hand.pump(seconds=1.1)


def test_a_refused_photo_says_why_and_can_be_taken_again(
    hand: Hand, page: TakePhotoScreen, actions: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(hand, page, monkeypatch)
    assert hand.find("primary").disabled
    page.progress(look())  # was on its way before
    assert hand.find("primary").disabled
    hand.pump(seconds=photo.ON_THE_WAY_S)
    page.progress(look("uncertain"))
    assert not hand.find("primary").disabled
    # It stays, though the next frames are fine.
    hand.pump(seconds=photo.SAID_S)
    page.progress(look())
    assert said("uncertain") in hand.texts()
    hand.tap("primary", seconds=1.1)
    assert told(actions) == [("tell", "capture")] * 2


def test_leaving_drops_the_picture_and_the_count_down(hand: Hand, actions: Recorder) -> None:
    page = TakePhotoScreen(TakePhoto("apply.photo"), None, WORDS, actions)
    hand.show(page)
    page.progress(look())
    picture = page._preview._texture
    hand.tap("primary")
    page.leave()
    hand.pump(seconds=photo.COUNT_DOWN + 0.2)
    assert told(actions) == []
    assert page._preview._texture is None
    # Kivy puts a blank one in its place.
    assert page._preview._picture.texture is not picture


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("finding", FindingCode)
def test_every_instruction_fits(hand: Hand, finding: str, language: str) -> None:
    page = TakePhotoScreen(TakePhoto("apply.photo"), None, Words(language), Recorder())
    hand.show(page)
    page.progress(look(finding))
    hand.pump(4)
    assert faults(page) == []
    page.leave()


def test_a_wide_frame_loses_its_sides_and_a_high_one_its_ends() -> None:
    assert cover((200, 100), (100, 100)) == (0.25, 0.0, 0.75, 1.0)
    assert cover((100, 200), (100, 100)) == (0.0, 0.25, 1.0, 0.75)
    assert cover((640, 480), (320, 240)) == (0.0, 0.0, 1.0, 1.0)
    assert mirrored((0.0, 0.0, 1.0, 1.0)) == (1, 1, 0, 1, 0, 0, 1, 0)


def test_a_shorter_instruction_is_not_stretched(hand: Hand, page: TakePhotoScreen) -> None:
    """Text that replaces longer text is drawn in its own width."""
    page.progress(look("too_far"))
    hand.pump(4)
    text = page._banner._text
    assert tuple(text._picture.size) == tuple(text.texture.size)
