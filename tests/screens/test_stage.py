"""The stage drives real visits in a real window: answers, back, faults, time, and what is left."""

from __future__ import annotations

import gc
import json
import socket
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kivy.clock import Clock
from kivy.lang import Builder

from hardware.faults import DeviceFault, FaultCode
from kiosk.visit.prompts import Choice, Done, Notice, Option, PlaceIdCard, Print, Submit
from kiosk.visit.service import Service
from screens import theme
from screens.inspector import Inspector, NotInProduction
from screens.stage import Stage
from tests.flows.counter import SUBMITTED
from tests.screens.conftest import Hand
from tests.screens.samples import StubTerminal


class Sample(Service):
    """Asks, reads a card, submits, prints, shows the result."""

    id = "card_check"
    group = "card"
    icon = "card-search-outline"
    stages = ("read", "result")

    async def serve(self) -> None:
        await Notice("apply.notice", points=(("fee", "cash-remove"),))
        self.at("read")
        await Choice("apply.who", (Option("self"), Option("unit")))
        await PlaceIdCard("identity.id_card")
        await Submit("filing.submit", None)  # type: ignore[arg-type]
        not_printed = ""
        try:
            await Print("filing.print", (), "1")
        except DeviceFault as fault:
            not_printed = f"fault.{fault.code}.citizen"
        self.at("result")
        number = "13000126112400174"
        await Done("card_check.third", "ok", number=number, not_printed=not_printed)


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def terminal() -> StubTerminal:
    return StubTerminal((Sample,))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def stage(hand: Hand, terminal: StubTerminal, time: Time) -> Iterator[Stage]:
    stage = Stage(terminal, time)  # type: ignore[arg-type]
    hand.show(stage)
    yield stage
    stage.close()


def tap(hand: Hand, stage: Stage, time: Time, tag: str) -> None:
    """A deliberate touch: after the page has stood a moment."""
    time.now += theme.DEBOUNCE_S + 0.01
    hand.tap(tag)


def to_card(hand: Hand, stage: Stage, time: Time) -> None:
    for tag in ("service:card_check", "primary", "option:self"):
        tap(hand, stage, time, tag)
    assert stage.shown == "identity.id_card"


def test_a_visit_from_home_to_home(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    assert stage.shown == "home"
    to_card(hand, stage, time)
    for answer in ("card", SUBMITTED, None):
        terminal.running[-1].done(answer)
        hand.pump()
    assert [running.prompt.id for running in terminal.running] == [
        "identity.id_card",
        "filing.submit",
        "filing.print",
    ]
    assert stage.shown == "card_check.third"
    assert "130001 261124 00174" in hand.texts()
    tap(hand, stage, time, "primary")
    assert stage.shown == "home"
    assert terminal.wiped == 1


def test_back_shows_the_last_question(hand: Hand, stage: Stage, time: Time) -> None:
    to_card(hand, stage, time)
    operation = stage._operation
    tap(hand, stage, time, "back")
    assert stage.shown == "apply.who"
    assert operation is not None and operation.cancelled  # type: ignore[attr-defined]


def test_leave_goes_home_and_wipes(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    tap(hand, stage, time, "leave")
    assert (stage.shown, terminal.wiped, stage._visit) == ("home", 1, None)


def test_a_second_touch_of_a_trembling_hand_presses_nothing(
    hand: Hand, stage: Stage, time: Time
) -> None:
    tap(hand, stage, time, "service:card_check")
    hand.tap("primary")  # the page has only just appeared
    assert stage.shown == "apply.notice"


def test_progress_reaches_the_page_and_only_the_newest_counts(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    for step in ("waiting", "seen", "lift_and_replace"):
        threading.Thread(target=terminal.running[-1].report, args=(step,)).run()
    hand.pump()
    assert terminal.words.say("id_step.lift_and_replace") in hand.texts()


def test_late_answer_of_an_earlier_page_is_dropped(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    stale = terminal.running[-1]
    tap(hand, stage, time, "back")
    stale.report("seen")
    stale.done("card")
    hand.pump()
    assert stage.shown == "apply.who"


def test_device_fault_ends_with_words_and_nothing_kept(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    terminal.running[-1].done(DeviceFault(FaultCode.ID_READER_OFFLINE))
    hand.pump()
    assert stage.shown == "ending"
    assert terminal.words.say("ending.not_kept") in hand.texts()
    assert terminal.wiped == 1
    tap(hand, stage, time, "primary")
    assert stage.shown == "home"


def test_receipt_not_printed_is_told_and_the_visit_goes_on(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    terminal.running[-1].done("card")
    hand.pump()
    terminal.running[-1].done(SUBMITTED)
    hand.pump()
    terminal.running[-1].done(DeviceFault(FaultCode.PRINTER_PAPER_OUT))
    hand.pump()
    assert stage.shown == "card_check.third"
    assert terminal.words.say("receipt.not_printed") in hand.texts()


def test_bug_in_an_operation_after_submit_says_that_it_is_kept(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    terminal.running[-1].done("card")
    hand.pump()
    terminal.running[-1].done(SUBMITTED)
    hand.pump()
    terminal.running[-1].done(ZeroDivisionError("x"))
    hand.pump()
    assert stage.shown == "ending"
    assert terminal.words.say("ending.kept") in hand.texts()


def test_bug_in_a_callback_ends_the_visit_not_the_program(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    assert stage.broke(ZeroDivisionError("x"))
    hand.pump()
    assert (stage.shown, stage._visit) == ("ending", None)
    stage.go_home()
    assert not stage.broke(ZeroDivisionError("x")), "at home there is nothing to end"


def test_idle_warning_can_be_extended(hand: Hand, stage: Stage, time: Time) -> None:
    tap(hand, stage, time, "service:card_check")
    time.now += 91
    stage._tick(0)
    assert stage.warned
    hand.pump()
    tap(hand, stage, time, "idle:stay")
    assert not stage.warned
    time.now += 60
    stage._tick(0)
    assert (stage.warned, stage.shown) == (False, "apply.notice")


def test_touch_beside_the_warning_does_not_resume(hand: Hand, stage: Stage, time: Time) -> None:
    tap(hand, stage, time, "service:card_check")
    time.now += 91
    stage._tick(0)
    time.now += 1
    hand.stroke([(30.0, 30.0)])
    assert stage.warned


def test_idle_visit_ends_and_is_wiped(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    time.now += 61
    stage._tick(0)
    assert stage.warned
    time.now += 31
    stage._tick(0)
    assert (stage.shown, stage.warned, stage._visit) == ("ending", False, None)
    assert (terminal.wiped, terminal.running[-1].cancelled) == (1, True)


def test_who_walks_away_from_the_result_is_done(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    for answer in ("card", SUBMITTED, None):
        terminal.running[-1].done(answer)
        hand.pump()
    time.now += 61
    stage._tick(0)
    assert stage.shown == "home"


def test_corners_open_the_maintenance_page(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    corners = [(20, 1900), (1060, 1900), (1060, 20), (20, 20)]
    for place in reversed(corners):
        time.now += 0.5
        hand.stroke([place])
    assert stage.shown == "home"
    for place in corners:
        time.now += 0.5
        hand.stroke([place])
    assert stage.shown == "maintenance.pin"
    for digit in "135791":
        tap(hand, stage, time, f"key:{digit}")
        hand.pump(seconds=0.13)
    hand.pump(seconds=0.2)
    assert terminal.words.say("roster.refused.wrong") in hand.texts()
    for digit in "246810":
        tap(hand, stage, time, f"key:{digit}")
        hand.pump(seconds=0.13)
    hand.pump(seconds=0.2)
    assert stage.shown == "maintenance"
    terminal.maintenance.fault = FaultCode.PRINTER_PAPER_OUT
    tap(hand, stage, time, "primary")
    hand.pump(seconds=0.2)
    assert hand.has("test_page:trouble")
    terminal.maintenance.fault = None
    hand.pump(seconds=0.3)
    tap(hand, stage, time, "primary")
    hand.pump(seconds=0.2)
    assert hand.has("test_page:ok")
    tap(hand, stage, time, "back")
    assert stage.shown == "home"


def test_a_screen_that_was_left_is_forgotten(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    tap(hand, stage, time, "service:card_check")
    page = weakref.ref(stage.page)
    tap(hand, stage, time, "leave")
    hand.pump(seconds=0.1)
    gc.collect()
    assert page() is None


def test_many_visits_leave_nothing_behind(hand: Hand, stage: Stage, time: Time) -> None:
    def visit() -> None:
        to_card(hand, stage, time)
        tap(hand, stage, time, "leave")

    visit()
    rules, events = len(Builder.rules), len(Clock.get_events())
    for _ in range(5):
        visit()
    hand.pump(5)
    assert len(Builder.rules) == rules
    assert len(Clock.get_events()) <= events + 1


def ask(path: Path, verb: str, hand: Hand) -> dict[str, Any]:
    """One question to the inspector, from another thread while the window lives on."""
    answer: list[bytes] = []

    def talk() -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(path))
            line.sendall(json.dumps({"verb": verb}).encode() + b"\n")
            answer.append(line.makefile("rb").readline())

    thread = threading.Thread(target=talk)
    thread.start()
    while thread.is_alive():
        hand.pump(1)
    found: dict[str, Any] = json.loads(answer[0])
    return found


def test_inspector_says_what_can_be_touched(
    hand: Hand, stage: Stage, time: Time, tmp_path: Path
) -> None:
    inspector = Inspector(stage, tmp_path / "s.sock", "test", lambda: 0.5)
    try:
        seen = ask(tmp_path / "s.sock", "screen", hand)
        assert (seen["ok"], seen["screen"], seen["settled"]) == (True, "home", False)
        time.now += 1
        (tile,) = [
            t
            for t in ask(tmp_path / "s.sock", "targets", hand)["targets"]
            if t["tag"] == "service:card_check"
        ]
        assert tile["enabled"] and tile["w"] > 900
        # Where it says, a touch works: window pixels from the top left.
        hand.stroke([(tile["x"] + tile["w"] / 2, 1920 - tile["y"] - tile["h"] / 2)])
        assert stage.shown == "apply.notice"
        assert ask(tmp_path / "s.sock", "stats", hand)["first_frame_s"] == 0.5
        assert not ask(tmp_path / "s.sock", "press", hand)["ok"]
    finally:
        inspector.close()


def test_inspector_is_refused_in_production(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(NotInProduction):
        Inspector(stage, tmp_path / "s.sock", "production", lambda: None)
