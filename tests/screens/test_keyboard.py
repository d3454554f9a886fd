"""The touch keyboard with real taps: characters, layers, pinyin to words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kivy.uix.floatlayout import FloatLayout

from kiosk.keyboard.pinyin import NoDictionary, Pinyin, find_dictionary
from kiosk.keyboard.place_words import QUICK_WORDS
from kiosk.words import Words
from screens.keyboard import layouts
from screens.keyboard.board import Keyboard
from screens.keyboard.composer import LONGEST, Composer
from tests.screens.conftest import SIZE, Hand


class Paper:
    """Something to type on."""

    def __init__(self) -> None:
        self.text = ""

    def insert(self, text: str) -> None:
        self.text += text

    def delete(self) -> None:
        self.text = self.text[:-1]

    def clear(self) -> None:
        self.text = ""


@pytest.fixture(scope="module")
def engine() -> Pinyin:
    try:
        return Pinyin(find_dictionary())
    except NoDictionary as missing:
        pytest.skip(str(missing))


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def keyboard(hand: Hand) -> Iterator[Keyboard]:
    board = Keyboard(Words().say)
    board.width = SIZE[0] - 2 * layouts.EDGE
    frame = FloatLayout()
    frame.add_widget(board)
    hand.show(frame)
    yield board
    board.wipe()


def type_in(hand: Hand, letters: str) -> None:
    for letter in letters:
        hand.tap(f"key:{letter}")


def test_digits(hand: Hand, keyboard: Keyboard, paper: Paper) -> None:
    keyboard.serve("digits", paper)
    hand.pump()
    type_in(hand, "13809")
    assert paper.text == "13809"
    hand.tap("key:delete")
    assert paper.text == "1380"
    hand.tap("key:clear")
    assert paper.text == ""


def test_same_key_twice_at_once_is_a_trembling_hand(
    hand: Hand, keyboard: Keyboard, paper: Paper
) -> None:
    keyboard.serve("digits", paper)
    hand.pump()
    key = hand.find("key:5")
    key.on_release()
    key.on_release()
    assert paper.text == "5"
    hand.pump(seconds=layouts.DEBOUNCE_S)
    hand.tap("key:5")
    assert paper.text == "55"


def test_different_keys_may_follow_as_fast_as_fingers_go(
    hand: Hand, keyboard: Keyboard, paper: Paper
) -> None:
    keyboard.serve("digits", paper)
    hand.pump()
    for digit in "1234567890":
        hand.find(f"key:{digit}").on_release()
    assert paper.text == "1234567890"


def test_pinyin_becomes_characters(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("chinese", paper)
    keyboard.use(engine)
    hand.pump()
    type_in(hand, "tangshan")
    assert "tang'shan" in hand.texts()
    assert keyboard.composing and paper.text == ""
    hand.tap("candidate:0")
    assert paper.text == "唐山"
    assert not keyboard.composing


def test_letters_are_corrected_before_what_is_written(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    paper.text = "市"
    keyboard.serve("chinese", paper)
    keyboard.use(engine)
    hand.pump()
    type_in(hand, "lob")
    hand.tap("key:delete")
    hand.tap("key:u")
    assert "lou" in hand.texts()
    hand.tap("candidate:0")
    assert paper.text == "市楼"
    hand.tap("key:delete", seconds=layouts.DEBOUNCE_S)
    assert paper.text == "市"


def test_choosing_the_first_characters_keeps_the_other_letters(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("chinese", paper)
    keyboard.use(engine)
    hand.pump()
    type_in(hand, "tangshangan")
    shown = [hand.find(f"candidate:{at}") for at in range(8) if hand.has(f"candidate:{at}")]
    hand.tap(next(button for button in shown if button.label.words == "唐山"))
    assert paper.text == "唐山"
    assert "gan" in hand.texts()


def test_candidates_have_pages(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("chinese", paper)
    keyboard.use(engine)
    hand.pump()
    type_in(hand, "shi")
    first = hand.find("candidate:0").label.words
    assert hand.find("candidates:less").disabled
    hand.tap("candidates:more")
    second = hand.find("candidate:0").label.words
    assert second != first
    assert hand.find("candidate:0").right <= hand.find("candidates:more").x
    hand.tap("candidates:less")
    assert hand.find("candidate:0").label.words == first


def test_every_candidate_is_on_exactly_one_page(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("chinese", paper)
    keyboard.use(engine)
    hand.pump()
    type_in(hand, "jianshe")
    everything = [found.text for found in engine.candidates("jianshe", 100_000)]
    assert len(everything) > 64
    seen: list[str] = []
    while True:
        seen += [
            hand.find(f"candidate:{at}").label.words
            for at in range(8)
            if hand.has(f"candidate:{at}")
        ]
        more = hand.find("candidates:more")
        if more.disabled:
            break
        more.on_release()
        hand.pump()
    assert seen == everything


def test_words_of_every_address_take_one_touch(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("chinese", paper)
    keyboard.use(engine)
    hand.pump()
    hand.tap("candidate:0")
    assert paper.text == QUICK_WORDS[0]


def test_layers_of_the_chinese_keyboard(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("chinese", paper)
    keyboard.use(engine)
    hand.pump()
    for layer, key in (("digits", "8"), ("letters", "A"), ("symbols", "·"), ("pinyin", "")):
        hand.tap(f"layer:{layer}")
        if key:
            hand.tap(f"key:{key}")
    assert paper.text == "8A·"
    assert keyboard.layer == "pinyin"


def test_a_number_on_a_door_is_typed_with_its_letters_and_words(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("house", paper)
    keyboard.use(engine)
    hand.pump()
    for key in ("甲", "3", "-", "1", "0", "/", "2", "B", "座", "底商", "平房", "排", "丁"):
        hand.tap(f"key:{key}", seconds=layouts.DEBOUNCE_S)
    assert paper.text == "甲3-10/2B座底商平房排丁"
    hand.tap("key:delete")
    assert paper.text == "甲3-10/2B座底商平房排"


def test_other_letters_and_words_lead_back_to_the_numbers_of_doors(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("house", paper)
    keyboard.use(engine)
    hand.pump()
    hand.tap("layer:letters")
    hand.tap("key:K")
    hand.tap("layer:digits")
    assert keyboard.layer == "house"
    hand.tap("key:7")
    hand.tap("layer:pinyin")
    type_in(hand, "dong")
    hand.tap("candidate:0")
    hand.tap("layer:digits")
    assert keyboard.layer == "house"
    assert paper.text.startswith("K7")
    assert len(paper.text) == 3


def test_before_the_dictionary_is_read_letters_are_kept(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("chinese", paper)
    hand.pump()
    type_in(hand, "lou")
    assert Words().say("keyboard.loading") in hand.texts()
    keyboard.use(engine)
    hand.pump()
    hand.tap("candidate:0")
    assert paper.text == "楼"


def test_without_a_dictionary_it_says_so(hand: Hand, keyboard: Keyboard, paper: Paper) -> None:
    keyboard.serve("chinese", paper)
    keyboard.no_words()
    hand.pump()
    assert Words().say("keyboard.no_words") in hand.texts()
    hand.tap("key:a")
    assert Words().say("keyboard.no_words") in hand.texts()


def test_keys_are_as_large_as_promised(hand: Hand, keyboard: Keyboard, paper: Paper) -> None:
    keyboard.serve("chinese", paper)
    for layer in ("pinyin", "digits", "letters", "symbols", "house"):
        keyboard._show_layer(layer)
        hand.pump()
        keys = [w for w in keyboard.walk(restrict=True) if getattr(w, "tag", "")[:4] == "key:"]
        assert keys
        assert min(key.width for key in keys) >= 90, layer
        assert min(key.height for key in keys) >= 96, layer


def test_nothing_is_left_after_the_page(
    hand: Hand, keyboard: Keyboard, paper: Paper, engine: Pinyin
) -> None:
    keyboard.serve("chinese", paper)
    keyboard.use(engine)
    hand.pump()
    type_in(hand, "lubei")
    keyboard.wipe()
    hand.pump()
    assert not keyboard.composing
    assert "lu'bei" not in hand.texts()


def test_the_rarest_character_of_a_sound_is_some_pages_away(engine: Pinyin) -> None:
    composer = Composer()
    composer.use(engine)
    for letter in "yi":
        composer.type(letter)
    first = composer.words
    assert "弈" not in first or len(first) < 70
    pages = 0
    while composer.more():
        pages += 1
        assert composer.words[: len(first)] == first
    assert pages < 8
    assert {"彝", "翊", "镒", "瘗", "弋"} <= set(composer.words)
    assert composer.choose(composer.words.index("镒")) == "镒"
    assert not composer.more()


def test_letters_have_an_end(engine: Pinyin) -> None:
    composer = Composer()
    composer.use(engine)
    composer.type("'")
    assert composer.letters == ""
    for _ in range(LONGEST + 5):
        composer.type("a")
    assert len(composer.letters) == LONGEST
    while composer.letters:
        before = composer.letters
        composer.choose(0)
        assert len(composer.letters) < len(before)
    assert not composer.delete()
