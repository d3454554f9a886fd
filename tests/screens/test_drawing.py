"""How things are drawn: the window's visual, coats with round corners, a list that is cut off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kivy.graphics.opengl import GL_DEPTH_BITS, GL_STENCIL_BITS, glGetIntegerv
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget
from PIL import Image

from screens import theme, visual
from screens.scale import text_px
from screens.widgets.coat import Coat
from screens.widgets.number import NumberPanel
from screens.widgets.scroll import Scroll
from screens.widgets.surface import Column
from screens.widgets.text import Text
from tests.screens.conftest import Hand

RED, BLUE = theme.rgb("#C80000"), theme.rgb("#0000C8")


def boxed(fill: theme.Colour, border: theme.Colour | None = None, **more: float) -> FloatLayout:
    """A widget of 200 x 100 px at (100.4, 100.4) with a coat."""
    root = FloatLayout()
    box = Widget(size_hint=(None, None), size=(200, 100), pos=(100.4, 100.4))
    Coat(box, fill, border, **more)
    root.add_widget(box)
    return root


def shot(hand: Hand, folder: Path, widget: Widget) -> Image.Image:
    hand.show(widget)
    hand.pump(4)
    return Image.open(hand.shot(folder / "shot.png")).convert("RGB")


def colour(picture: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    """Of a pixel, counted from the bottom left as Kivy does."""
    red, green, blue = picture.getpixel((x, picture.height - 1 - y))  # type: ignore[misc]
    return (int(red), int(green), int(blue))


# -- the visual ----------------------------------------------------------------------------------


def test_the_window_has_neither_depth_nor_stencil() -> None:
    assert os.environ[visual.VARIABLE].isdigit()
    assert glGetIntegerv(GL_DEPTH_BITS)[0] == 0
    assert glGetIntegerv(GL_STENCIL_BITS)[0] == 0


def test_with_a_graphics_card_everything_is_as_kivy_has_it(tmp_path: Path) -> None:
    (tmp_path / "dri").mkdir()
    assert visual.is_software({}, tmp_path)
    (tmp_path / "dri/renderD128").touch()
    assert not visual.is_software({}, tmp_path)
    assert visual.is_software({"LIBGL_ALWAYS_SOFTWARE": "1"}, tmp_path)


def test_this_window_draws_without_holes() -> None:
    assert visual.draws_whole()


def test_a_hole_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_a_hole(_x: int, _y: int, width: int, height: int, *_: object) -> bytes:
        hole = 4 * 64
        return (
            b"\xff" * (width * 64 * 4) + bytes(hole) + b"\xff" * (width * (height - 64) * 4 - hole)
        )

    monkeypatch.setattr("kivy.graphics.opengl.glReadPixels", with_a_hole)
    assert not visual.draws_whole()


OPEN = """
from pathlib import Path
from screens import visual
from screens.window import configure
configure(64, 48, fullscreen=False, home=Path({home!r}))
if visual.os.environ[visual.VARIABLE] and {holes}:
    visual.draws_whole = lambda: False
from kivy.core.window import Window
visual.must_open(Window)
visual.must_draw()
print(repr(visual.os.environ[visual.VARIABLE]), tuple(Window.size))
"""


@pytest.mark.parametrize("chosen", ["", "0x9999", "holes"])
def test_a_visual_that_cannot_be_used_is_not_insisted_on(tmp_path: Path, chosen: str) -> None:
    own = os.environ[visual.VARIABLE]
    code = OPEN.format(home=str(tmp_path), holes=chosen == "holes")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, visual.VARIABLE: own if chosen == "holes" else chosen},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split("\n")[0] == "'' (64, 48)", done.stderr


def test_without_a_display_there_is_no_visual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":9999")
    monkeypatch.delenv(visual.VARIABLE)
    visual.choose()
    assert visual.VARIABLE not in os.environ


# -- coats ---------------------------------------------------------------------------------------


def test_a_coat_lies_on_whole_pixels_and_its_border_inside(hand: Hand, tmp_path: Path) -> None:
    picture = shot(hand, tmp_path, boxed(RED, BLUE, radius=0, width=4))
    assert [colour(picture, x, 150) for x in (100, 103, 104, 295, 296, 299)] == [
        *[(0, 0, 200)] * 2,
        *[(200, 0, 0)] * 2,
        *[(0, 0, 200)] * 2,
    ]
    assert colour(picture, 99, 150) == colour(picture, 300, 150) != (0, 0, 200)
    assert colour(picture, 200, 99) == colour(picture, 200, 200) != (0, 0, 200)


def test_a_coat_has_round_smooth_corners(hand: Hand, tmp_path: Path) -> None:
    picture = shot(hand, tmp_path, boxed(RED, radius=40))
    ground = colour(picture, 50, 50)
    for x, y in ((101, 101), (298, 101), (101, 198), (298, 198)):
        assert colour(picture, x, y) == ground
    # Half way round the corner the edge is 40 * (1 - cos 45 degrees) = 11.7 from both sides.
    assert colour(picture, 110, 110) == ground
    assert colour(picture, 114, 114) == (200, 0, 0)
    row = {colour(picture, x, 102) for x in range(100, 160)}
    assert len(row - {ground, (200, 0, 0)}) >= 2, "the edge is not smoothed"


def test_corners_are_no_larger_than_the_box(hand: Hand, tmp_path: Path) -> None:
    picture = shot(hand, tmp_path, boxed(RED, radius=400))
    assert colour(picture, 200, 150) == (200, 0, 0)
    assert colour(picture, 102, 102) == colour(picture, 50, 50)


# -- a list --------------------------------------------------------------------------------------


def test_a_list_shows_nothing_outside_of_its_place(hand: Hand, tmp_path: Path) -> None:
    root = FloatLayout()
    rows = Column(gap=0)
    for _ in range(10):
        row = Widget(size_hint_y=None, height=60)
        Coat(row, RED, radius=0)
        rows.add_widget(row)
    root.add_widget(Scroll(size_hint=(None, None), size=(300, 200), pos=(100, 100)))
    root.children[0].add_widget(rows)
    picture = shot(hand, tmp_path, root)
    assert colour(picture, 200, 101) == colour(picture, 200, 298) == (200, 0, 0)
    assert colour(picture, 200, 98) == colour(picture, 200, 301) == colour(picture, 50, 50)


# -- the receipt number ----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1000, 760, 520])
def test_a_receipt_number_stands_on_one_line_in_every_room(hand: Hand, width: int) -> None:
    panel = NumberPanel("回执编号", "13029926112400015")
    panel.size_hint_x, panel.width = None, width
    hand.show(panel)
    hand.pump(4)
    number = panel.children[0]
    assert number.text == "130299 261124 00015"
    assert number.texture_size[0] <= number.width
    assert number.font_size <= text_px("display")
    assert width < 1000 or number.font_size == text_px("display")


def test_words_are_broken_for_the_width_that_they_get_and_not_before() -> None:
    """A parent that is not laid out yet gives no width: broken for that, a sentence has a line for
    each character, and the page is laid out around it once more."""
    text = Text("请将居民身份证平放在感应区，读取期间请不要拿开。")
    text.width = 0
    assert text.text == ""
    text.width = 300
    assert text.text.replace("\n", "") == text.words != text.text
    text.width = 0
    text.say("")
    assert text.text == "", "what a page that is left has said is forgotten at any width"
