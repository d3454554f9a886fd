"""The bench's window: every button has words, does what the bench knows, and fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.virtual.personas import CARD_PERSONAS, ID_PERSONAS
from hardware.virtual.portrait import SCENES
from kiosk.words import LANGUAGES, Words
from screens import bench_window
from screens.widgets.text import Text
from tests.screens.conftest import Hand

VERBS = [verb for _, _, verbs in bench_window.DEVICES for verb in verbs]
#: First words of a verb -> what may stand after them.
NAMES = {"id put": ID_PERSONAS, "card insert": CARD_PERSONAS, "camera scene": SCENES}


@pytest.mark.parametrize("verb", VERBS)
def test_every_button_names_something_there_is(verb: str) -> None:
    what, _, name = verb.rpartition(" ")
    if what in NAMES:
        assert name in NAMES[what]
    for language in LANGUAGES:
        assert Words(language).has(bench_window.key(verb))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_fits_its_button(hand: Hand, language: str) -> None:
    hand.show(bench_window.make_page(Path("/nowhere"), Words(language)))
    hand.pump()
    for verb in VERBS:
        button = hand.find(f"bench:{verb}")
        for text in button.walk(restrict=True):
            if isinstance(text, Text):
                assert text.texture_size[0] <= button.width, verb
    hand.keep(language, "bench-window")


def test_without_a_bench_the_window_says_so(hand: Hand, tmp_path: Path) -> None:
    hand.show(bench_window.make_page(tmp_path, Words()))
    hand.tap("bench:id lift", seconds=0.5)
    assert any("the bench does not answer" in text for text in hand.texts())
