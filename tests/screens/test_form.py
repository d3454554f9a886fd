"""The form page: filling, correcting, each thing that can be wrong, and what a visit sees of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from kiosk.keyboard.pinyin import NoDictionary, find_dictionary
from kiosk.visit.flow import Unacceptable
from kiosk.visit.prompts import Field, Form
from kiosk.words import LANGUAGES, Words
from screens.base import Page
from screens.entry import EntryBox, grouped
from screens.form import FormScreen
from screens.keyboard import layouts
from screens.scale import px
from tests.screens.checks import faults
from tests.screens.conftest import Hand
from tests.screens.samples import Recorder

WORDS = Words()
PHONE = Form("telephone.number", (Field("phone", rule="mobile", keyboard="digits", longest=13),))
URBAN = Form(
    "address.urban",
    (
        Field("estate", rule="place", keyboard="chinese", longest=30),
        Field("building", rule="house", keyboard="digits", longest=8),
        Field("entrance", rule="house", keyboard="digits", longest=8, optional=True),
        Field("room", rule="house", keyboard="digits", longest=8),
    ),
    facts={"area": "路北区"},
)
FILLED = {"estate": "张北小区", "building": "19", "entrance": "", "room": "401"}

Show = Callable[..., FormScreen]


class Checked(Recorder):
    """Actions that check an answer as a visit does and bring a refusal back to the page."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        self.page: Page | None = None

    def answer(self, value: Mapping[str, str]) -> None:
        try:
            super().answer(dict(self.form.check(value)))
        except Unacceptable as error:
            assert self.page is not None
            self.page.show_error(error)

    @property
    def answers(self) -> list[dict[str, str]]:
        return [call[1] for call in self.calls if call[0] == "answer"]


@pytest.fixture
def show(hand: Hand) -> Iterator[Show]:
    pages: list[FormScreen] = []

    def build(
        form: Form, suggestion: Mapping[str, str] | None = None, language: str = "zh_CN"
    ) -> FormScreen:
        actions = Checked(form)
        page = FormScreen(form, suggestion, Words(language), actions)
        actions.page = page
        pages.append(page)
        hand.show(page)
        hand.pump(3)
        return page

    yield build
    for page in pages:
        page.leave()


def enter(hand: Hand, characters: str) -> None:
    for character in characters:
        hand.tap(f"key:{character}", seconds=layouts.DEBOUNCE_S + 0.02)


def press_next(hand: Hand) -> None:
    # The button takes one touch in 300 ms.
    hand.pump(seconds=0.32)
    hand.tap("primary")


def box(hand: Hand, name: str) -> EntryBox:
    found = hand.find(f"field:{name}")
    assert isinstance(found, EntryBox)
    return found


def answers(page: FormScreen) -> list[dict[str, str]]:
    assert isinstance(page.actions, Checked)
    return page.actions.answers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("138", "138"),
        ("1380", "138 0"),
        ("13800000000", "138 0000 0000"),
        ("138000000001", "138 0000 00001"),
    ],
)
def test_a_phone_number_is_shown_in_groups(text: str, shown: str) -> None:
    assert grouped(text, (3, 4, 4)) == shown


def test_phone_number(hand: Hand, show: Show) -> None:
    page = show(PHONE)
    enter(hand, "13800000000")
    assert "138 0000 0000" in hand.texts()
    press_next(hand)
    assert answers(page) == [{"phone": "13800000000"}]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "field.empty"),
        ("138", "rule.phone.length"),
        ("12800000000", "rule.phone.start"),
        ("138000000000", "rule.phone.length"),
    ],
)
def test_a_wrong_phone_number_says_why_in_its_box(
    hand: Hand, show: Show, typed: str, message: str
) -> None:
    page = show(PHONE)
    for digit in typed:
        box(hand, "phone").insert(digit)
    press_next(hand)
    assert answers(page) == []
    assert box(hand, "phone").error == WORDS.say(message)
    assert box(hand, "phone").value == typed
    assert WORDS.say(message) in hand.texts()


def test_correcting_takes_the_complaint_away(hand: Hand, show: Show) -> None:
    page = show(PHONE)
    box(hand, "phone").insert("138000000009")
    press_next(hand)
    assert box(hand, "phone").error
    hand.tap("key:delete")
    assert not box(hand, "phone").error
    press_next(hand)
    assert answers(page) == [{"phone": "13800000000"}]


def test_next_leads_through_the_boxes_and_answers_at_the_last(hand: Hand, show: Show) -> None:
    page = show(URBAN)
    box(hand, "estate").insert("张北小区")
    press_next(hand)
    enter(hand, "19")
    press_next(hand)
    press_next(hand)  # no entrance
    enter(hand, "401")
    assert answers(page) == []
    press_next(hand)
    assert answers(page) == [FILLED]


def test_address_by_pinyin_and_touch(hand: Hand, show: Show) -> None:
    try:
        find_dictionary()
    except NoDictionary as missing:
        pytest.skip(str(missing))
    page = show(URBAN)
    hand.pump(seconds=0.6)  # the dictionary is read on a worker
    enter(hand, "tangshan")
    hand.tap("candidate:0")
    enter(hand, "xiaoqu")
    hand.tap("candidate:0")
    assert box(hand, "estate").value == "唐山小区"
    hand.tap("field:room")
    enter(hand, "401")
    hand.tap("field:building")
    enter(hand, "19")
    press_next(hand)
    assert answers(page) == [{**FILLED, "estate": "唐山小区"}]


def test_letters_not_yet_a_word_are_not_lost(hand: Hand, show: Show) -> None:
    page = show(URBAN, FILLED)
    hand.pump(seconds=0.5)
    enter(hand, "lou")
    hand.tap("field:room")
    assert page._keyboard.composing
    assert box(hand, "estate").error == WORDS.say("keyboard.choose_first")
    press_next(hand)
    assert answers(page) == []


def test_one_wrong_box_loses_nothing_and_is_gone_to(hand: Hand, show: Show) -> None:
    page = show(URBAN, {**FILLED, "estate": "abc", "room": ""})
    page._furthest = 3
    hand.tap("field:building")
    press_next(hand)
    assert answers(page) == []
    assert box(hand, "estate").error == WORDS.say("rule.place.chinese")
    assert box(hand, "estate").mark == "wrong active"
    assert box(hand, "room").error == WORDS.say("field.empty")
    assert box(hand, "building").value == "19"
    assert box(hand, "building").mark == "right"


def test_a_box_left_empty_is_not_complained_of_before_the_end(hand: Hand, show: Show) -> None:
    show(URBAN)
    hand.tap("field:building")
    assert box(hand, "estate").mark == "rest"
    assert box(hand, "building").mark == "active"


def test_what_was_entered_before_is_shown_and_one_touch_goes_on(hand: Hand, show: Show) -> None:
    page = show(URBAN, FILLED)
    assert "张北小区" in hand.texts()
    press_next(hand)
    assert answers(page) == [FILLED]


def test_a_box_takes_no_more_than_its_longest(hand: Hand, show: Show) -> None:
    show(URBAN)
    box(hand, "building").insert("123456789012")
    assert box(hand, "building").value == "12345678"


def test_leaving_forgets_what_was_typed(hand: Hand, show: Show) -> None:
    page = show(URBAN, FILLED)
    boxes = list(page._boxes)
    page.leave()
    assert [each.value for each in boxes] == ["", "", "", ""]
    assert "张北小区" not in hand.texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fullest_and_most_wrong_form_still_fits(hand: Hand, show: Show, language: str) -> None:
    page = show(URBAN, {"estate": "x" * 30, "building": "?", "entrance": "?", "room": ""}, language)
    page._furthest = 3
    press_next(hand)
    hand.pump(4)
    page._boxes[0].value = "中" * 30
    page._finish()
    hand.pump(4)
    assert len([each for each in page._boxes if each.error]) == 3
    assert faults(page) == []
    assert page._keyboard.top <= page._boxes[-1].y - px(12)
