"""The photo page: frames of any size, what is said is shown and spoken, the count-down, help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.operations.camera import View
from kiosk.photo.guidance import COUNTING, OK, SAYINGS, Guidance, Phase
from kiosk.visit.prompts import ChoosePhoto, TakePhoto
from kiosk.words import LANGUAGES, Words
from screens.choose_photo import ChoosePhotoScreen
from screens.photo import ICONS, TakePhotoScreen
from screens.preview import OVAL_FOLLOWS, cover
from tests.screens.checks import faults
from tests.screens.conftest import Hand
from tests.screens.samples import Recorder, sample_prompts

WORDS = Words()
TOO_FAR = "photo.finding.too_far"


@pytest.fixture
def actions() -> Recorder:
    return Recorder()


@pytest.fixture
def page(hand: Hand, actions: Recorder) -> Iterator[TakePhotoScreen]:
    page = TakePhotoScreen(TakePhoto("photo.take"), None, WORDS, actions)
    hand.show(page)
    yield page
    page.leave()


def view(
    say: str = OK,
    phase: Phase | None = None,
    size: tuple[int, int] = (64, 36),
    face: tuple[float, float, float, float] | None = None,
    count: int = 0,
    offer_staff: bool = False,
) -> View:
    """A frame whose top left quarter is red and whose rest is blue."""
    width, height = size
    red, blue = b"\xc8\x00\x00", b"\x00\x00\xc8"
    upper = (red * (width // 2) + blue * (width - width // 2)) * (height // 2)
    lower = blue * width * (height - height // 2)
    if phase is None:
        phase = Phase.HOLDING if say == OK else Phase.PLACING
    guidance = Guidance(phase, say, count, offer_staff, face)
    # Writable and not `bytes`, as the camera's own memory is.
    return View(memoryview(bytearray(upper + lower)), width, height, guidance)


def counting(count: int) -> View:
    return view(COUNTING, Phase.COUNTING, count=count)


def told(actions: Recorder) -> list[tuple[str, ...]]:
    return [call for call in actions.calls if call[0] != "touched"]


def test_everything_that_may_be_said_has_an_icon_and_words() -> None:
    assert set(ICONS) == {*SAYINGS, "photo.screen.starting", "photo.screen.making"}
    for language in LANGUAGES:
        assert all(Words(language).has(message) for message in ICONS)


def test_nothing_can_be_taken_before_the_first_frame(hand: Hand, page: TakePhotoScreen) -> None:
    assert hand.find("primary").disabled
    page.progress(view())
    assert not hand.find("primary").disabled


@pytest.mark.parametrize("size", [(1280, 720), (641, 481), (480, 640), (33, 57)])
def test_the_picture_is_mirrored_upright_and_fills_its_place(
    hand: Hand, page: TakePhotoScreen, tmp_path: Path, size: tuple[int, int]
) -> None:
    from PIL import Image

    page.progress(view(size=size))
    hand.pump(4)
    shot = Image.open(hand.shot(tmp_path / "photo.png")).convert("RGB")
    shown = page._preview
    left, bottom = shown.to_window(*shown.pos)

    def at(across: float, down: float) -> str:
        x = left + across * shown.width
        y = shot.height - (bottom + (1 - down) * shown.height)
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
    page.progress(view())
    first = page._preview._texture
    for _ in range(5):
        page.progress(view())
    assert page._preview._texture is first


def test_what_is_said_is_shown_and_spoken_once(
    hand: Hand, page: TakePhotoScreen, actions: Recorder
) -> None:
    for say in (TOO_FAR, TOO_FAR, OK, OK):
        page.progress(view(say))
        hand.pump(2)
        assert WORDS.say(say) in hand.texts()
    assert actions.spoken == ["photo.screen.starting", TOO_FAR, OK]


def test_the_count_down_is_shown_and_spoken(
    hand: Hand, page: TakePhotoScreen, actions: Recorder
) -> None:
    for count in (3, 3, 2, 1):
        page.progress(counting(count))
        hand.pump(2)
        assert str(count) in hand.texts()
    assert [said for said in actions.spoken if "count." in said] == [
        "photo.count.3",
        "photo.count.2",
        "photo.count.1",
    ]
    page.progress(view(COUNTING, Phase.CAPTURE))
    hand.pump(2)
    assert not {"1", "2", "3"} & set(hand.texts())
    assert WORDS.say("photo.screen.making") in hand.texts()


def test_a_count_down_that_is_broken_off_disappears(hand: Hand, page: TakePhotoScreen) -> None:
    page.progress(counting(2))
    page.progress(view(TOO_FAR))
    hand.pump(2)
    assert "2" not in hand.texts()


def test_who_holds_still_is_not_asked_whether_they_are_there(
    page: TakePhotoScreen, actions: Recorder
) -> None:
    page.progress(view(TOO_FAR))
    assert ("touched",) not in actions.calls
    page.progress(counting(3))
    assert ("touched",) in actions.calls


def test_the_photo_can_be_taken_as_it_is(
    hand: Hand, page: TakePhotoScreen, actions: Recorder
) -> None:
    page.progress(view("photo.finding.smiling", face=(0.4, 0.3, 0.2, 0.3)))
    hand.tap("primary")
    assert told(actions) == [("tell", "now")]


def test_a_photo_of_nobody_is_not_taken_and_the_reason_is_said(
    hand: Hand, page: TakePhotoScreen, actions: Recorder
) -> None:
    """The button did nothing, and said nothing."""
    page.progress(view("photo.finding.no_face"))
    hand.tap("primary")
    assert told(actions) == []
    assert WORDS.say("photo.screen.nobody") in hand.texts()
    assert actions.spoken[-1] == "photo.screen.nobody"
    page.progress(view("photo.finding.smiling", face=(0.4, 0.3, 0.2, 0.3)))
    hand.pump()
    assert WORDS.say("photo.screen.nobody") not in hand.texts()


def test_the_oval_follows_the_face_up_and_down(hand: Hand, page: TakePhotoScreen) -> None:
    def middle() -> float:
        hand.pump(2)  # Kivy tells the place of a line when it has drawn it
        _, low, _, high = page._preview._oval.ellipse[:4]
        return (low + high / 2 - page._preview.y) / page._preview.height

    def after(face: tuple[float, float, float, float] | None) -> float:
        for _ in range(round(8 / OVAL_FOLLOWS)):
            page.progress(view(face=face))
        return middle()

    usual = after(None)
    low = after((0.4, 0.6, 0.2, 0.35))
    high = after((0.4, 0.02, 0.2, 0.35))
    assert low < usual < high
    for place in (after((0.4, 0.99, 0.2, 0.35)), after((0.4, -0.5, 0.2, 0.35))):
        assert 0.25 < place < 0.75  # never out of the picture
    assert after(None) == pytest.approx(usual, abs=0.01)


def test_help_is_there_at_any_time_and_pauses_the_photo(
    hand: Hand, page: TakePhotoScreen, actions: Recorder
) -> None:
    hand.tap("help", seconds=0.4)
    assert told(actions) == [("tell", "pause")]
    assert any("12333" in text for text in hand.texts())
    assert faults(page) == []
    page.progress(view())  # frames go on behind it
    hand.tap("resume", seconds=0.4)
    assert told(actions)[-1] == ("tell", "resume")
    hand.tap("help", seconds=0.4)
    hand.tap("give-up")
    assert told(actions)[-1] == ("cancel",)


def test_nothing_moves_the_buttons_of_the_help(
    hand: Hand, page: TakePhotoScreen, actions: Recorder
) -> None:
    """✗ They stood below the words, and what the camera said next moved both."""
    page._open_help()
    hand.pump()
    before = [tuple(hand.find(tag).pos) for tag in ("resume", "give-up")]
    page.progress(view(TOO_FAR, offer_staff=True))
    hand.pump()
    assert [tuple(hand.find(tag).pos) for tag in ("resume", "give-up")] == before
    assert min(hand.find(tag).y for tag in ("resume", "give-up")) < page.height / 4
    assert faults(page) == []
    hand.tap("resume", seconds=0.4)
    assert WORDS.say("photo.help.staff") in hand.texts(), "it is said where the camera is"


def test_who_does_not_get_on_is_shown_the_way_to_staff(
    hand: Hand, page: TakePhotoScreen, actions: Recorder
) -> None:
    words = WORDS.say("photo.help.staff")
    page.progress(view(TOO_FAR))
    hand.pump(2)
    assert words not in hand.texts()
    page.progress(view(TOO_FAR, offer_staff=True))
    hand.pump(4)
    assert words in hand.texts()
    assert hand.find("help").look == "primary"
    assert faults(page) == []
    page.progress(view(TOO_FAR, offer_staff=True))
    assert actions.spoken.count("photo.help.staff") == 1


def test_leaving_drops_the_picture_and_the_voice(hand: Hand, actions: Recorder) -> None:
    page = TakePhotoScreen(TakePhoto("photo.take"), None, WORDS, actions)
    hand.show(page)
    page.progress(view())
    picture = page._preview._texture
    page.leave()
    assert page._preview._texture is None
    # Kivy puts a blank one in its place.
    assert page._preview._picture.texture is not picture
    assert actions.spoken[-1] == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_instruction_fits_and_leaves_the_picture_where_it_is(
    hand: Hand, language: str
) -> None:
    page = TakePhotoScreen(TakePhoto("photo.take"), None, Words(language), Recorder())
    hand.show(page)
    heights = set()
    for say in SAYINGS:
        page.progress(view(say))
        hand.pump(3)
        assert faults(page) == [], say
        heights.add(round(page._preview.height))
    assert len(heights) == 1
    page.leave()


def test_a_wide_frame_loses_its_sides_and_a_high_one_its_ends() -> None:
    assert cover((200, 100), (100, 100)) == (50, 0, 150, 100)
    assert cover((100, 200), (100, 100)) == (0, 50, 100, 150)
    assert cover((640, 480), (320, 240)) == (0, 0, 640, 480)
    assert cover((1280, 720), (968, 1158)) == (339, 0, 941, 720)


def test_a_shorter_instruction_is_not_stretched(hand: Hand, page: TakePhotoScreen) -> None:
    """Text that replaces longer text is drawn in its own width."""
    page.progress(view(TOO_FAR))
    hand.pump(4)
    text = page._banner._text
    assert tuple(text._picture.size) == tuple(text.texture.size)


# -- choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [None, 1, 2, 3])
def test_a_touch_chooses_among_the_tries_and_the_newest_is_chosen_first(
    hand: Hand, actions: Recorder, chosen: int | None
) -> None:
    prompt = sample_prompts()["choose-photo-last"]
    assert isinstance(prompt, ChoosePhoto)
    page = ChoosePhotoScreen(prompt, None, WORDS, actions)
    hand.show(page)
    if chosen is not None:
        hand.tap(f"try:{chosen}", seconds=0.2)
    ticks = [one._icon.name == "check-circle" for one in page._tries]
    assert ticks == [number == (chosen or 3) for number in (1, 2, 3)]
    hand.tap("primary")
    assert actions.calls == [("answer", str(chosen or 3))]
    page.leave()
