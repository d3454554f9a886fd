"""One try before the camera, from frames to a capture: with the guide, without a camera."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hardware.camera import Frame
from hardware.faults import NotWanted
from kiosk.darkroom import Sitting
from kiosk.operations.camera import Session, View, challenges, take_photo
from kiosk.operations.work import Work
from kiosk.photo import CardPhoto, FindingCode, PhotoRefused
from kiosk.photo.capture import FRAME_LIMIT, Capture, whole_frame
from kiosk.photo.findings import Finding, Look
from kiosk.photo.guidance import COUNTING, OK, Phase
from kiosk.photo.liveness import Answer, Challenge, Liveness
from kiosk.settings import Photo, Settings
from kiosk.visit.prompts import TakePhoto
from tests.photo.looks import RATE, look

CARD_PHOTO = CardPhoto(b"\xff\xd8 not a real photo", "0" * 64, 358, 441)


def frames(count: int, *, stopped: bool = False, start: int = 0) -> Iterator[Frame]:
    """Noise, so that no two are the same; or one picture again and again."""
    random = np.random.default_rng(start)
    still = random.integers(0, 255, (48, 64, 3), np.uint8)
    for number in range(start, start + count):
        rgb = still if stopped else random.integers(0, 255, (48, 64, 3), np.uint8)
        yield Frame(rgb, number, number / RATE)


class Photographer:
    """Sees what the test says; refuses as often as it says."""

    def __init__(self, sees: Look | None = None, refuses: int = 0) -> None:
        self.sees = sees or look()
        self.refuses = refuses
        self.excused: set[bool] = set()
        self.sitting = Sitting()
        self.made: list[Any] = []

    def look(self, rgb: Any, excused: bool = False) -> Look:
        self.excused.add(excused)
        return self.sees

    def make(self, rgb: Any, excused: bool = False) -> CardPhoto:
        if self.refuses:
            self.refuses -= 1
            raise PhotoRefused(Finding(FindingCode.UNCERTAIN))
        self.made.append(rgb)
        return CARD_PHOTO


def run(session: Session, given: Iterable[Frame]) -> tuple[list[View], Capture | None]:
    views = []
    for frame in given:
        views.append(session.see(frame))
        if views[-1].guidance.phase is Phase.CAPTURE:
            taken = session.take(frame)
            if taken is not None:
                return views, taken
    return views, None


def test_who_sits_still_is_photographed_from_the_frame_that_was_shown() -> None:
    photographer = Photographer()
    views, taken = run(Session(photographer, Liveness(()), list), frames(200))
    assert taken is not None
    assert taken.photo is CARD_PHOTO
    (rgb,) = photographer.made
    assert np.shares_memory(np.frombuffer(views[-1].rgb, np.uint8), rgb)
    with Image.open(io.BytesIO(taken.frame.jpeg)) as whole:
        assert whole.size == (64, 48)


def test_a_refused_photo_says_why_and_the_next_one_is_taken() -> None:
    photographer = Photographer(refuses=1)
    views, taken = run(Session(photographer, Liveness(()), list), frames(400))
    assert taken is not None
    assert "photo.finding.uncertain" in [view.guidance.say for view in views]


def test_nothing_is_taken_while_help_is_read() -> None:
    words: list[str] = []

    def told() -> list[str]:
        said, words[:] = words[:], []
        return said

    session = Session(Photographer(), Liveness(()), told)
    words.append("pause")
    _, taken = run(session, frames(300))
    assert taken is None
    words += ["pause", "resume"]
    _, taken = run(session, frames(300, start=300))
    assert taken is not None


def test_now_means_without_more_advice() -> None:
    smiling = look(FindingCode.SMILING, stops=False)
    views, taken = run(Session(Photographer(smiling), Liveness(()), lambda: ["now"]), frames(120))
    assert taken is not None
    assert {view.guidance.say for view in views} <= {OK, COUNTING}


@pytest.mark.parametrize("code", [FindingCode.NO_FACE, FindingCode.EYES_CLOSED])
def test_now_says_so_where_no_photo_can_be_taken(code: FindingCode) -> None:
    said = "photo.screen.not_yet"
    words: list[str] = []

    def told() -> list[str]:
        now, words[:] = words[:], []
        return now

    session = Session(Photographer(look(code)), Liveness(()), told)
    before, _ = run(session, frames(60))
    assert said not in {view.guidance.say for view in before}
    words.append("now")
    after, taken = run(session, frames(100, start=60))
    assert taken is None
    assert after[0].guidance.say == said
    assert after[-1].guidance.say == f"photo.finding.{code}"  # and then what to do, once more


def test_a_camera_that_repeats_itself_is_said_to_have_stopped() -> None:
    views, taken = run(Session(Photographer(), Liveness(()), list), frames(90, stopped=True))
    assert taken is None
    assert views[-1].guidance.say == "photo.finding.frozen"


def test_an_exception_of_the_citizen_reaches_the_measuring() -> None:
    photographer = Photographer()
    run(Session(photographer, Liveness(()), list, excused=True), frames(3))
    assert photographer.excused == {True}


# -- the operation -------------------------------------------------------------------------------


class Camera:
    """Gives so many frames, then nobody wants any more."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.closed = False

    def frames(self, cancelled: Any) -> Iterator[Frame]:
        try:
            yield from frames(self.count)
            raise NotWanted
        finally:
            self.closed = True


def work(liveness: bool, shown: list[Any]) -> Work:
    settings = Settings(mode="test", photo=Photo(liveness=liveness))
    unused: Any = None
    return Work(
        parts=SimpleNamespace(settings=settings),  # type: ignore[arg-type]
        report=shown.append,
        cancelled=lambda: False,
        told=list,
        now=unused,
        online=unused,
        letterhead=unused,
        studio=Photographer(),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("liveness", [True, False])
def test_blink_and_turn_are_asked_before_the_first_photo_only_and_can_be_switched_off(
    liveness: bool,
) -> None:
    """Whatever the prompt counts: after Back it is a first try again, but not a first photo."""
    shown: list[View] = []
    given = work(liveness, shown)
    missed = Answer.NOT_SEEN if liveness else Answer.NOT_ASKED
    for number in (1, 2, 3):
        shown.clear()
        camera: Any = Camera(1200)
        taken = take_photo(TakePhoto("photo.take", 1), camera, given)
        said = {view.guidance.say for view in shown}
        assert any("live" in say for say in said) is (liveness and number == 1)
        assert (taken.liveness.blink, taken.liveness.turn) == (missed, missed)
        assert camera.closed


def test_a_citizen_who_leaves_ends_it() -> None:
    camera: Any = Camera(5)
    with pytest.raises(NotWanted):
        take_photo(TakePhoto("photo.take"), camera, work(False, []))
    assert camera.closed


def test_the_order_of_the_challenges_cannot_be_known_before() -> None:
    drawn = {challenges() for _ in range(200)}
    assert len(drawn) == 4
    assert all(Challenge.BLINK in order and len(order) == 2 for order in drawn)


# -- the frame that goes with the application -----------------------------------------------------


@pytest.mark.parametrize(
    ("size", "noisy"),
    [
        *(((640, 480), False), ((1280, 720), False), ((3840, 2160), False)),
        *(((640, 480), True), ((1920, 1080), True)),
    ],
)
def test_a_frame_of_any_camera_fits_and_says_how_it_was_written(
    size: tuple[int, int], noisy: bool
) -> None:
    shape = (size[1], size[0], 3)
    rgb = np.full(shape, 200, np.uint8)
    if noisy:
        rgb = np.random.default_rng(5).integers(0, 255, shape, np.uint8)
    whole = whole_frame(rgb)
    assert len(whole.jpeg) <= FRAME_LIMIT
    assert whole.camera_width == size[0]
    with Image.open(io.BytesIO(whole.jpeg)) as image:
        assert image.size == (whole.width, whole.height)
        assert image.size == size or noisy


def test_a_frame_that_cannot_fit_is_an_error_and_no_empty_picture() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        whole_frame(np.zeros((720, 1280, 3), np.uint8), 100)


def test_a_frame_does_not_show_in_a_log() -> None:
    assert "xff" not in repr(whole_frame(np.zeros((20, 20, 3), np.uint8)))
