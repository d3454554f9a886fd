"""The signature pad: what a finger draws is what is kept, whatever the size of the screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiosk.visit.prompts import SHORTEST_SIGNATURE, Sign, Strokes
from kiosk.words import Words
from screens.ink import smooth, thousandths
from screens.sign import SHAPE, SignScreen
from tests.screens.conftest import Hand
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


def test_thousandths_do_not_depend_on_the_size() -> None:
    assert thousandths((96.8, 387.2), 968, 387.2) == (100, 0)
    assert thousandths((54, 0), 540, 216) == (100, 1000)
    assert thousandths((-5, 900), 540, 216) == (0, 0)
