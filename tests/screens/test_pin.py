"""The PIN of a card on the screen: dots, keys that show nothing, no answer that holds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hardware.card.pin import Pin
from hardware.faults import DeviceFault, FaultCode
from hardware.supervision import DeviceState
from kiosk.settings import Screen, Settings
from kiosk.visit.prompts import EnterPin, ReadCard
from kiosk.visit.service import Service
from kiosk.words import LANGUAGES, Words
from screens.pin import PinScreen
from screens.stage import Stage
from screens.widgets.button import LOOKS, BarButton
from tests.flows.counter import social_card
from tests.screens.checks import faults
from tests.screens.conftest import Hand
from tests.screens.samples import Recorder, StubTerminal

WORDS = Words()
PRESENT = EnterPin("card_pin.present", 1)
NEW = EnterPin("card_pin.new", 1, new=True)


def show(hand: Hand, prompt: EnterPin) -> tuple[PinScreen, Recorder]:
    recorder = Recorder()
    screen = PinScreen(prompt, None, WORDS, recorder)
    hand.show(screen)
    return screen, recorder


def type_in(hand: Hand, digits: str, *, done: bool = True) -> None:
    for digit in digits:
        hand.tap(f"key:{digit}", seconds=0.15)
    if done:
        hand.tap("primary", seconds=0.35)


def test_a_pin_goes_to_the_terminal_and_nowhere_on_the_page(hand: Hand) -> None:
    screen, recorder = show(hand, PRESENT)
    type_in(hand, "13579", done=False)
    assert hand.find("primary").disabled
    type_in(hand, "0", done=False)
    assert not any("135" in text for text in hand.texts())
    hand.tap("primary")
    assert recorder.calls == [("pin", "135790")]
    assert screen._pad.digits == ""
    screen.leave()


def test_no_key_shows_that_it_was_pressed(hand: Hand) -> None:
    screen, _ = show(hand, PRESENT)
    key = hand.find("key:5")
    assert isinstance(key, BarButton) and key.look == "quiet"
    rest, pressed, _ = LOOKS["quiet"]
    assert rest == pressed
    screen.leave()


def test_a_new_pin_is_typed_twice_and_both_have_to_be_the_same(hand: Hand) -> None:
    screen, recorder = show(hand, NEW)
    assert WORDS.say("pin_entry.once") in hand.texts()
    type_in(hand, "864209")
    assert WORDS.say("pin_entry.twice") in hand.texts()
    type_in(hand, "864200")
    assert WORDS.say("pin_entry.differ") in hand.texts()
    assert recorder.calls == []
    type_in(hand, "864209")
    type_in(hand, "864209")
    assert recorder.calls == [("pin", "864209")]
    assert screen._first == ""
    screen.leave()


@pytest.mark.parametrize(
    ("tries", "again", "said"),
    [(6, "", False), (2, "", True), (5, "card_pin.wrong", True), (None, "card_pin.wrong", False)],
)
def test_the_tries_of_the_card_are_said_when_they_matter(
    hand: Hand, tries: int | None, again: str, said: bool
) -> None:
    screen, _ = show(hand, EnterPin("card_pin.present", 1, tries_left=tries, again=again))
    left = WORDS.say("pin_entry.tries", tries=tries or 0)
    assert any(left in text for text in hand.texts()) is said
    assert any(WORDS.say("card_pin.wrong") in text for text in hand.texts()) is bool(again)
    screen.leave()


class Sample(Service):
    """Reads a card, has its PIN typed, and asks for the card if it goes."""

    id, group, icon = "card_check", "card", "card-search-outline"
    stages = ("read",)

    async def serve(self) -> None:
        self.at("read")
        try:
            await EnterPin("card_pin.new", 7, new=True, owner="130299195703160011")
        except DeviceFault as fault:
            assert fault.code is FaultCode.CARD_PULLED
            await ReadCard("card_pin.put_back", back=True)
        await EnterPin("card_pin.present", 8)


@pytest.fixture
def terminal() -> StubTerminal:
    return StubTerminal((Sample,))


@pytest.fixture
def stage(hand: Hand, terminal: StubTerminal) -> Iterator[Stage]:
    stage = Stage(terminal)  # type: ignore[arg-type]
    hand.show(stage)
    stage.begin(Sample)
    hand.pump(seconds=0.2)
    assert stage.shown == "card_pin.new"
    yield stage
    stage.close()


def test_a_card_that_is_pulled_while_its_pin_is_typed_interrupts_the_visit(
    hand: Hand, stage: Stage, terminal: StubTerminal
) -> None:
    """`Visit.interrupt` had no caller: the page went on as if the card were there."""
    type_in(hand, "8642", done=False)
    watch = terminal.running[-1]
    assert watch.prompt.needs_card() == 7
    watch.done(DeviceFault(FaultCode.CARD_PULLED))
    hand.pump()
    assert stage.shown == "card_pin.put_back"
    terminal.running[-1].done(social_card())
    hand.pump()
    assert stage.shown == "card_pin.present"
    assert terminal.running[-1].prompt.needs_card() == 8


def test_the_watch_ends_with_the_page_and_a_late_word_changes_nothing(
    hand: Hand, stage: Stage, terminal: StubTerminal
) -> None:
    watch = terminal.running[-1]
    type_in(hand, "864209")
    type_in(hand, "864209")
    assert stage.shown == "card_pin.present"
    assert watch.cancelled
    watch.done(DeviceFault(FaultCode.CARD_PULLED))
    hand.pump()
    assert stage.shown == "card_pin.present"


def test_what_is_typed_waits_in_the_terminal_and_is_wiped_with_the_visit(
    hand: Hand, stage: Stage, terminal: StubTerminal
) -> None:
    type_in(hand, "864209")
    type_in(hand, "864209")
    kept: Any = stage._visit
    assert [answer for _, answer in kept._said] == [True]
    pin = terminal.pins._held[True]
    assert pin.is_one_of({"864209"})
    hand.tap("leave", seconds=0.4)
    assert stage.shown == "home"
    assert terminal.pins._held == {} and bytes(pin._digits) == bytes(6)


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("777777", "repeated"),
        ("123456", "initial"),
        ("765432", "straight"),
        ("570316", "birth"),
        ("299195", "id_number"),
    ],
)
def test_a_weak_pin_is_refused_with_its_reason(
    hand: Hand, stage: Stage, terminal: StubTerminal, digits: str, why: str
) -> None:
    type_in(hand, digits)
    type_in(hand, digits)
    assert stage.shown == "card_pin.new"
    assert WORDS.say(f"pin_weak.{why}") in hand.texts()
    assert terminal.pins._held == {}


def test_the_keys_may_stand_in_another_order(
    hand: Hand, terminal: StubTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turned(self: object, keys: list[str]) -> None:
        keys.reverse()

    monkeypatch.setattr("random.SystemRandom.shuffle", turned)
    terminal.settings = Settings(mode="test", screen=Screen(shuffled_pin=True))
    stage = Stage(terminal)  # type: ignore[arg-type]
    hand.show(stage)
    stage.begin(Sample)
    hand.pump(seconds=0.2)
    assert hand.find("key:0").x < hand.find("key:9").x < hand.find("key:8").x
    type_in(hand, "864209")
    type_in(hand, "864209")
    assert terminal.pins._held[True].is_one_of({"864209"})
    stage.close()


def test_a_pin_for_a_page_that_is_gone_is_wiped() -> None:
    from screens.actions import VisitActions

    class Gone:
        prompt, outcome = PRESENT, None
        can_go_back = False

    host: Any = StubTerminal()
    host.terminal = host
    visit: Any = Gone()
    actions = VisitActions(host, visit)
    visit.prompt = NEW
    actions.enter_pin("135790")
    assert host.pins._held == {}
    assert Pin("135790").is_one_of({"135790"})


# -- on a PIN pad ----------------------------------------------------------------------------------


@pytest.fixture
def on_pad(hand: Hand, terminal: StubTerminal) -> Iterator[Stage]:
    terminal.health.put("pin_pad", DeviceState.READY)
    stage = Stage(terminal)  # type: ignore[arg-type]
    hand.show(stage)
    stage.begin(Sample)
    hand.pump(seconds=0.2)
    yield stage
    stage.close()


def press(hand: Hand, terminal: StubTerminal, *keys: str) -> None:
    for key in keys:
        terminal.pads[-1].done(key)
        hand.pump()


def test_where_a_pad_is_fitted_the_page_has_dots_and_no_keys(
    hand: Hand, on_pad: Stage, terminal: StubTerminal
) -> None:
    assert not hand.has("key:5")
    assert WORDS.say("pin_entry.on_pad") in hand.texts()
    press(hand, terminal, *"8642", "delete", *"209")
    assert not any("864" in text for text in hand.texts())
    press(hand, terminal, "enter")
    assert WORDS.say("pin_entry.twice") in hand.texts()
    press(hand, terminal, *"99", "clear", *"864209", "enter")
    assert on_pad.shown == "card_pin.present"
    assert terminal.pins._held[True].is_one_of({"864209"})


def test_enter_before_six_digits_does_nothing_and_the_page_ends_the_listening(
    hand: Hand, on_pad: Stage, terminal: StubTerminal
) -> None:
    press(hand, terminal, *"86420", "enter")
    assert on_pad.shown == "card_pin.new" and terminal.pins._held == {}
    listener = terminal.pads[-1]
    hand.tap("leave", seconds=0.4)
    assert listener.cancelled
    listener.done("5")
    hand.pump()
    assert on_pad.shown != "card_pin.new"


def test_the_card_is_still_watched_while_the_pad_is_used(
    hand: Hand, on_pad: Stage, terminal: StubTerminal
) -> None:
    press(hand, terminal, *"8642")
    terminal.running[-1].done(DeviceFault(FaultCode.CARD_PULLED))
    hand.pump()
    assert on_pad.shown == "card_pin.put_back"
    assert terminal.pads[-1].cancelled


def test_a_pad_that_fails_gives_way_to_the_screen(
    hand: Hand, on_pad: Stage, terminal: StubTerminal
) -> None:
    press(hand, terminal, *"864209", "enter", *"86", "")
    assert WORDS.say("pin_entry.pad_gone") in hand.texts()
    press(hand, terminal, "5")
    type_in(hand, "135792")
    assert WORDS.say("pin_entry.twice") in hand.texts(), "from the beginning"
    type_in(hand, "135792")
    assert terminal.pins._held[True].is_one_of({"135792"})
    hand.pump()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("gone", [False, True])
def test_the_page_of_a_pad_keeps_the_rules_of_pages(hand: Hand, language: str, gone: bool) -> None:
    terminal = StubTerminal((Sample,), language)
    terminal.health.put("pin_pad", DeviceState.READY)
    stage = Stage(terminal)  # type: ignore[arg-type]
    hand.show(stage)
    stage.begin(Sample)
    hand.pump(seconds=0.2)
    press(hand, terminal, *(("8", "") if gone else "864"))
    hand.pump(6)
    hand.keep(language, f"pin-on-pad{'-gone' * gone}")
    assert faults(stage) == []
    stage.close()
