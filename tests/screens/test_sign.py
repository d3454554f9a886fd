"""The signature pad: what a finger draws is what is kept, whatever the size of the screen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from kiosk.visit.prompts import SHORTEST_SIGNATURE, Sign, Strokes
from kiosk.words import Words
from screens.ink import MOST, PIECE, STEPS, Ink, piece, pieces, smooth, thousandths
from screens.sign import SHAPE, SignScreen
from tests.screens.conftest import EventLoop, Finger, Hand, Window
from tests.screens.samples import Recorder

PROMPT = Sign("signature", "ab" * 32, "张建国")


@pytest.fixture
def actions() -> Recorder:
    return Recorder()


@pytest.fixture
def page(hand: Hand, actions: Recorder) -> Iterator[SignScreen]:
    page = SignScreen(PROMPT, None, Words(), actions)
    hand.show(page)
    yield page
    page.leave()


def draw(hand: Hand, *shares: tuple[float, float]) -> None:
    """A stroke through places given in shares of the pad, origin bottom left."""
    pad = hand.find("pad")
    x, y = pad.to_window(*pad.pos)
    hand.stroke([(x + across * pad.width, y + up * pad.height) for across, up in shares])


def confirmed(hand: Hand, actions: Recorder) -> Strokes:
    hand.tap("primary")
    kind, strokes = actions.calls[-1]
    assert kind == "answer"
    assert isinstance(strokes, Strokes)
    return strokes


def test_strokes_are_kept_in_thousandths_from_the_top_left(
    hand: Hand, page: SignScreen, actions: Recorder
) -> None:
    draw(hand, (0.1, 0.9), (0.5, 0.5), (0.9, 0.1))
    draw(hand, (0.1, 0.1), (0.9, 0.9))
    strokes = confirmed(hand, actions)
    assert len(strokes.lines) == 2
    for got, wanted in zip(strokes.lines[0], ((100, 100), (500, 500), (900, 900)), strict=True):
        assert got == pytest.approx(wanted, abs=2)
    assert strokes.signed_at.tzinfo is not None
    assert PROMPT.check(strokes) is strokes


def test_an_empty_pad_is_refused_in_words(hand: Hand, page: SignScreen, actions: Recorder) -> None:
    strokes = confirmed(hand, actions)
    assert strokes.drawn == 0
    with pytest.raises(Exception, match="empty") as refused:
        PROMPT.check(strokes)
    page.show_error(refused.value)  # type: ignore[arg-type]
    hand.pump()
    said = Words().say("prompt.sign.empty")
    assert said in hand.texts()
    draw(hand, (0.2, 0.5), (0.8, 0.5))
    assert said not in hand.texts()


def test_a_touch_by_accident_is_no_signature(
    hand: Hand, page: SignScreen, actions: Recorder
) -> None:
    draw(hand, (0.5, 0.5))
    strokes = confirmed(hand, actions)
    assert len(strokes.lines) == 1
    assert strokes.drawn < SHORTEST_SIGNATURE


def test_clearing_starts_again(hand: Hand, page: SignScreen, actions: Recorder) -> None:
    draw(hand, (0.1, 0.5), (0.9, 0.5))
    hand.tap("again")
    draw(hand, (0.2, 0.2), (0.4, 0.8))
    assert len(confirmed(hand, actions).lines) == 1


def test_a_stroke_over_the_edge_stays_on_the_pad(
    hand: Hand, page: SignScreen, actions: Recorder
) -> None:
    draw(hand, (0.5, 0.5), (1.5, 2.5), (-0.5, -0.5))
    (line,) = confirmed(hand, actions).lines
    assert all(0 <= part <= 1000 for point in line for part in point)


def test_touches_beside_the_pad_draw_nothing(hand: Hand, page: SignScreen) -> None:
    draw(hand, (0.5, -0.2), (0.5, 0.5))
    assert page.pad.lines() == ()


def test_the_pad_has_the_shape_of_the_picture_that_is_kept(hand: Hand, page: SignScreen) -> None:
    assert page.pad.width / page.pad.height == pytest.approx(SHAPE, rel=0.01)


def test_it_says_whose_signature_it_is(hand: Hand, page: SignScreen) -> None:
    assert Words().say("sign.name", name="张建国") in hand.texts()


def test_leaving_forgets_the_signature(hand: Hand, actions: Recorder) -> None:
    page = SignScreen(PROMPT, None, Words(), actions)
    hand.show(page)
    draw(hand, (0.1, 0.5), (0.9, 0.5))
    pad = page.pad
    page.leave()
    assert pad.lines() == ()
    assert len(pad.canvas.after.children) == 0


def test_the_curve_goes_through_every_point() -> None:
    points = [(0.0, 0.0), (10.0, 40.0), (30.0, 20.0), (31.0, 90.0)]
    curve = smooth(points)
    drawn = list(zip(curve[::2], curve[1::2], strict=True))
    assert set(points) <= set(drawn)
    assert len(drawn) > 3 * len(points)


@pytest.mark.parametrize("length", [1, 2, 3, PIECE, PIECE + 1, PIECE + 2, 3 * PIECE + 7])
def test_pieces_of_a_curve_are_the_curve(length: int) -> None:
    stroke = [(float(at), float(at * at % 37)) for at in range(length)]
    parts = [piece(stroke, number) for number in range(pieces(stroke))]
    assert all(len(part) <= 2 * (PIECE * STEPS + 1) for part in parts)
    for one, other in pairwise(parts):
        assert other[:2] == one[-2:], "a piece begins where the one before it ends"
    whole = [*parts[0], *(number for part in parts[1:] for number in part[2:])]
    assert whole == pytest.approx(smooth(stroke))


def test_however_long_somebody_draws_the_ink_is_bounded() -> None:
    ink = Ink(3.0)
    for stroke in range(3):
        ink.begin((0.0, float(stroke)))
        for at in range(20_000):
            ink.move((float(at % 500) * 10, float(at % 7) * 10))
    assert sum(map(len, ink.strokes)) <= MOST
    assert len(ink.strokes) == 3
    assert [stroke[0] for stroke in ink.strokes] == [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0)]


def test_dots_are_bounded_as_well() -> None:
    ink = Ink(3.0)
    for at in range(MOST + 50):
        ink.begin((float(at), 0.0))
        ink.move((float(at), 90.0))
    assert sum(map(len, ink.strokes)) <= MOST


def test_a_finger_that_scribbles_for_minutes_stops_nothing(
    hand: Hand, page: SignScreen, actions: Recorder
) -> None:
    """8,000 places are two minutes of a finger at 60 a second. A curve in one line ended the
    program at 4,096 points, and cost more with each of them before that."""
    pad = page.pad
    finger = Finger(pad.center_x / Window.width, pad.center_y / Window.height)
    EventLoop.post_dispatch_input("begin", finger)
    for at in range(8_000):
        x = pad.x + pad.width * (0.1 + 0.8 * (at % 90) / 90)
        y = pad.y + pad.height * (0.1 + 0.8 * (at // 90 % 20) / 20)
        finger.move((x / Window.width, y / Window.height))
        EventLoop.post_dispatch_input("update", finger)
        if at % 1000 == 0:
            hand.pump(1)
    EventLoop.post_dispatch_input("end", finger)
    hand.pump(2)
    strokes = confirmed(hand, actions)
    assert 1000 < sum(map(len, strokes.lines)) <= MOST
    assert PROMPT.check(strokes) is strokes


def test_the_heel_of_the_hand_draws_nothing(
    hand: Hand, page: SignScreen, actions: Recorder
) -> None:
    pad = page.pad
    fingers = [
        Finger(pad.center_x / Window.width, y / Window.height) for y in (pad.y + 9, pad.y + 99)
    ]
    for finger in fingers:
        EventLoop.post_dispatch_input("begin", finger)
    for finger in fingers:
        finger.move((0.3, finger.sy))
        EventLoop.post_dispatch_input("update", finger)
    for finger in fingers:
        EventLoop.post_dispatch_input("end", finger)
    assert len(confirmed(hand, actions).lines) == 1


def test_thousandths_do_not_depend_on_the_size() -> None:
    assert thousandths((96.8, 387.2), 968, 387.2) == (100, 0)
    assert thousandths((54, 0), 540, 216) == (100, 1000)
    assert thousandths((-5, 900), 540, 216) == (0, 0)
