"""The stage drives real visits in a real window: answers, back, faults, time, and what is left."""

from __future__ import annotations

import gc
import json
import socket
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kivy.clock import Clock
from kivy.lang import Builder
from PIL import Image

from hardware.faults import Device, DeviceFault, FaultCode
from kiosk.offers import Offer
from kiosk.visit.flow import Ending, Outcome, Visit
from kiosk.visit.prompts import (
    Choice,
    Done,
    Notice,
    Option,
    PlaceIdCard,
    Print,
    PutBack,
    Submit,
)
from kiosk.visit.service import GoOn, Service
from kiosk.words import Words
from screens import theme
from screens.ending import EndingPage
from screens.home import HomePage
from screens.inspector import Inspector, NotInProduction
from screens.maintenance import MaintenancePage
from screens.stage import Stage
from screens.widgets import button
from screens.widgets.status import Banner
from sync.receipt_number import grouped
from tests.flows.counter import SUBMITTED
from tests.screens.checks import faults
from tests.screens.conftest import EventLoop, Finger, Hand, Window, tick
from tests.screens.samples import CENTRES_RULES, StubTerminal


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


class Spoken:
    """A voice that writes down what it says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def speaks(self, message: str) -> bool:
        return True

    def say(self, message: str) -> None:
        self.said.append(message)

    def hush(self) -> None:
        """Nothing is heard."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def terminal() -> StubTerminal:
    return StubTerminal((Sample,))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def stage(
    hand: Hand, terminal: StubTerminal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    # A button forgives a trembling hand by the same clock, or two taps of a quick test are one.
    monkeypatch.setattr(button, "monotonic", time)
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
    """下一步 stands where 下一步 stood: touched again at once, it would skip a page."""
    tap(hand, stage, time, "service:card_check")
    tap(hand, stage, time, "primary")
    tap(hand, stage, time, "back")
    place = hand.find("primary")
    tap(hand, stage, time, "primary")
    time.now += 0.2
    hand.stroke([place.to_window(place.center_x + 30, place.center_y - 20)])
    assert stage.shown == "apply.who"


def test_a_page_can_be_used_as_soon_as_it_is_there(hand: Hand, stage: Stage, time: Time) -> None:
    tap(hand, stage, time, "service:card_check")
    time.now += 0.01
    hand.tap("primary")  # far from the tile
    assert stage.shown == "apply.who"


def test_a_touch_on_its_way_to_a_page_that_went_by_itself_presses_nothing(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    time.now += 10
    for answer in ("card", SUBMITTED, None):
        terminal.running[-1].done(answer)
        hand.pump()
    time.now += 0.1
    hand.tap("primary")
    assert stage.shown == "card_check.third"
    time.now += 0.06
    hand.tap("primary")
    assert stage.shown == "home"


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
    (banner,) = [w for w in stage.walk() if isinstance(w, Banner)]
    assert banner.words == terminal.words.say("fault.printer_paper_out.citizen")
    tap(hand, stage, time, "reprint")
    assert stage._visit is None or stage.shown != "card_check.third"


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


def test_what_ends_after_submitting_gives_the_number(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    for answer in ("card", SUBMITTED):
        terminal.running[-1].done(answer)
        hand.pump()
    terminal.running[-1].done(ZeroDivisionError("x"))
    hand.pump()
    assert stage.shown == "ending"
    assert grouped(SUBMITTED.receipt_no) in hand.texts()


@pytest.mark.parametrize("ending", [Ending.CANCELLED, Ending.IDLE, Ending.FAULT, Ending.CRASHED])
def test_every_ending_shows_the_number_if_there_is_one(hand: Hand, ending: Ending) -> None:
    outcome = Outcome(ending, committed=True, number="13000126112400174")
    page = EndingPage(outcome, Words(), lambda: None)
    hand.show(page)
    assert "130001 261124 00174" in hand.texts()
    assert faults(page) == []
    page.leave()


def test_after_a_fault_it_can_be_tried_again_when_the_device_is_back(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    terminal.offers = (Offer(Sample, False, "x"),)
    terminal.running[-1].done(DeviceFault(FaultCode.ID_READER_OFFLINE))
    hand.pump()
    assert hand.find("again").disabled
    terminal.offers = (Offer(Sample, True),)
    hand.pump(seconds=1.1)
    tap(hand, stage, time, "again")
    assert stage.shown == "apply.notice"


@pytest.mark.parametrize("online", [True, False])
def test_while_nothing_changes_nothing_is_drawn(
    hand: Hand, stage: Stage, terminal: StubTerminal, online: bool
) -> None:
    """The whole window was drawn twice a second, day and night, for the chip of the network."""
    terminal.online = online
    stage._tick(0.0)
    hand.pump(6)
    assert not Window.canvas.needs_redraw
    stage._tick(0.0)
    assert isinstance(stage.page, HomePage)
    stage.page.refresh()
    tick()
    assert not Window.canvas.needs_redraw


# -- what is left behind -------------------------------------------------------------------------


def left(hand: Hand, stage: Stage, time: Time) -> None:
    """A visit has ended, and the readers are looked into."""
    to_card(hand, stage, time)
    tap(hand, stage, time, "leave")
    assert (stage.shown, stage._visit) == ("home", None)


def test_a_card_that_lies_there_after_the_visit_is_asked_for_until_it_is_taken(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    left(hand, stage, time)
    terminal.left_behind.tell(Device.ID_READER)
    hand.pump()
    assert stage.shown == "left_behind"
    assert terminal.words.say("left_behind.id_reader") in hand.texts()
    terminal.left_behind.tell(Device.ID_READER, Device.CARD_READER)
    hand.pump()
    assert terminal.words.say("left_behind.card_reader") in hand.texts()
    terminal.left_behind.tell()
    hand.pump()
    assert stage.shown == "home"


def test_home_tells_the_next_citizen_of_a_card_that_nobody_took(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    left(hand, stage, time)
    terminal.left_behind.tell(Device.CARD_READER)
    hand.pump()
    terminal.left_behind.tell(Device.CARD_READER, seconds=0)
    hand.pump()
    assert stage.shown == "home"
    said = terminal.words.say("home.left_behind")
    assert said in hand.texts()
    terminal.left_behind.tell()
    hand.pump(seconds=1.1)
    assert said not in hand.texts()


def test_how_a_visit_ended_is_read_and_the_card_is_asked_for_beside_it(
    hand: Hand, terminal: StubTerminal, time: Time
) -> None:
    """✗ Idle, fault and 退出 after the submission are where cards are forgotten, and just there
    nobody was asked: that page stays longer than a card was waited for."""
    spoken = Spoken()
    stage = Stage(terminal, time, voice=spoken)  # type: ignore[arg-type]
    hand.show(stage)
    to_card(hand, stage, time)
    terminal.running[-1].done(DeviceFault(FaultCode.ID_READER_OFFLINE))
    hand.pump()
    assert stage.shown == "ending"
    asked = terminal.words.say("left_behind.id_reader")
    for _ in range(3):
        terminal.left_behind.tell(Device.ID_READER)
        hand.pump()
    assert stage.shown == "ending"
    assert asked in hand.texts()
    assert spoken.said.count("left_behind.title") == 1
    terminal.left_behind.tell()
    hand.pump()
    assert asked not in hand.texts()
    tap(hand, stage, time, "primary")
    assert stage.shown == "home"
    terminal.left_behind.tell(Device.ID_READER)
    hand.pump()
    assert stage.shown == "left_behind", "it is looked for anew, for as long as after any visit"
    stage.close()


def test_who_plugs_a_headset_in_hears_at_home_that_it_is_there(
    hand: Hand, terminal: StubTerminal, time: Time
) -> None:
    spoken = Spoken()
    stage = Stage(terminal, time, voice=spoken)  # type: ignore[arg-type]
    hand.show(stage)
    hand.pump(seconds=1.1)
    assert spoken.said == []
    terminal.output = "plughw:CARD=Pad"
    hand.pump(seconds=1.1)
    hand.pump(seconds=1.1)
    assert spoken.said == ["headset.plugged"], "once"
    terminal.output = ""
    hand.pump(seconds=1.1)
    to_card(hand, stage, time)
    terminal.output = "plughw:CARD=Pad"
    hand.pump(seconds=1.1)
    assert spoken.said == ["headset.plugged"], "in a visit it would end what the page says"
    stage.close()


def test_that_a_card_is_left_is_said_again_and_again(
    hand: Hand, terminal: StubTerminal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.left_behind._SAY_S", 0.1)
    spoken = Spoken()
    stage = Stage(terminal, time, voice=spoken)  # type: ignore[arg-type]
    hand.show(stage)
    left(hand, stage, time)
    terminal.left_behind.tell(Device.CARD_READER)
    hand.pump(seconds=1.0)
    assert spoken.said[:3] == ["left_behind.title"] * 3
    stage.close()


def test_what_was_saved_before_the_power_failed_is_told_for_a_while(
    hand: Hand, terminal: StubTerminal, time: Time
) -> None:
    terminal.saved = ("13000126112400174",)
    stage = Stage(terminal, time)  # type: ignore[arg-type]
    hand.show(stage)
    numbers = "130001 261124 00174"
    assert any(numbers in text for text in hand.texts())
    time.now += 600
    stage.go_home()
    hand.pump()
    assert any(numbers in text for text in hand.texts())
    time.now += 301
    stage.go_home()
    hand.pump()
    assert not any(numbers in text for text in hand.texts())
    stage.close()


def test_a_card_taken_too_early_is_asked_back_on_the_same_page(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    said = terminal.words.say("put_back.text", seconds=9)
    reading = terminal.words.say("id_step.seen")
    for _ in range(2):  # as often as it is taken
        terminal.running[-1].report("seen")
        hand.pump()
        assert reading in hand.texts() and said not in hand.texts()
        terminal.running[-1].report(PutBack(9))
        hand.pump()
        assert said in hand.texts()
        assert reading not in hand.texts(), "✗ two banners said the opposite of each other"
    assert stage.shown == "identity.id_card"


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


def test_the_program_ends_for_another_version_only_between_visits_and_when_nobody_is_there(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[float] = []
    monkeypatch.setattr("screens.stage.stopTouchApp", lambda: ended.append(time.now))
    time.now += 1000
    stage._tick(0)
    assert not ended, "no version waits"
    terminal.restart_due = True
    tap(hand, stage, time, "service:card_check")
    time.now += 59
    stage._tick(0)
    stage.cancel()
    assert stage.shown == "home"
    time.now += 59
    stage._tick(0)
    hand.stroke([(540.0, 300.0)])
    time.now += 59
    stage._tick(0)
    assert not ended
    time.now += 1
    stage._tick(0)
    assert ended == [time.now]


def test_touches_on_nothing_are_no_presence(hand: Hand, stage: Stage, time: Time) -> None:
    """A bag that lies on the screen, or a child who pats it, must not keep a page open."""
    tap(hand, stage, time, "service:card_check")
    for _ in range(12):
        time.now += 8
        hand.stroke([(540.0, 300.0)])
        stage._tick(0)
    assert stage.warned


def test_a_finger_that_draws_without_being_lifted_is_there(
    hand: Hand, stage: Stage, time: Time
) -> None:
    tap(hand, stage, time, "service:card_check")
    button = hand.find("primary")
    finger = Finger(button.center_x / Window.width, button.center_y / Window.height)
    EventLoop.post_dispatch_input("begin", finger)
    for step in range(24):  # longer than the idle time, shorter than a page may stay
        time.now += 8
        finger.move((0.5, 0.3 + step / 100))
        EventLoop.post_dispatch_input("update", finger)
        stage._tick(0)
        assert not stage.warned
    EventLoop.post_dispatch_input("end", finger)
    time.now += 91
    stage._tick(0)
    assert stage.warned


def test_a_finger_that_began_on_nothing_is_no_presence(
    hand: Hand, stage: Stage, time: Time
) -> None:
    tap(hand, stage, time, "service:card_check")
    finger = Finger(0.5, 0.16)
    EventLoop.post_dispatch_input("begin", finger)
    for step in range(12):
        time.now += 8
        finger.move((0.5, 0.16 + step / 100))
        EventLoop.post_dispatch_input("update", finger)
        stage._tick(0)
    EventLoop.post_dispatch_input("end", finger)
    assert stage.warned


def test_the_warning_hides_the_page(hand: Hand, stage: Stage, time: Time, tmp_path: Path) -> None:
    """Whoever comes to a screen that was left must not read what lies below."""
    tap(hand, stage, time, "service:card_check")
    time.now += 91
    stage._tick(0)
    hand.pump()
    with Image.open(hand.shot(tmp_path / "warned.png")) as picture:
        for box in ((0, 0, 1080, 500), (0, 1500, 1080, 1920)):
            assert picture.crop(box).getcolors(), "one colour, or few"
            assert len(picture.crop(box).getcolors() or ()) == 1


def test_leaving_asks_once_when_something_was_entered(
    hand: Hand, stage: Stage, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Visit, "entered", True)
    to_card(hand, stage, time)
    tap(hand, stage, time, "leave")
    assert stage.shown == "identity.id_card"
    tap(hand, stage, time, "leave:stay")
    assert (stage.shown, stage.cover) == ("identity.id_card", None)
    tap(hand, stage, time, "leave")
    tap(hand, stage, time, "leave:leave")
    assert (stage.shown, stage._visit) == ("home", None)


@pytest.mark.parametrize("online", [True, False])
def test_who_leaves_may_go_on_another_day_while_the_centre_can_take_it(
    hand: Hand, stage: Stage, time: Time, online: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Visit, "entered", True)
    monkeypatch.setattr(Service, "resumable", True)
    stage.terminal.online = online  # type: ignore[misc]
    kept: list[str] = []
    monkeypatch.setattr(Visit, "keep", lambda visit: kept.append(visit.prompt.id))
    to_card(hand, stage, time)
    tap(hand, stage, time, "leave")
    assert hand.has("leave:keep") == online
    if online:
        tap(hand, stage, time, "leave:keep")
        assert kept == ["identity.id_card"]


def test_what_is_asked_before_leaving_gives_way_to_the_idle_warning(
    hand: Hand, stage: Stage, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Visit, "entered", True)
    tap(hand, stage, time, "service:card_check")
    tap(hand, stage, time, "leave")
    time.now += 91
    stage._tick(0)
    assert stage.warned and not hand.has("leave:leave")
    time.now += 31
    stage._tick(0)
    assert (stage.shown, stage.cover) == ("ending", None)


def test_nobody_leaves_while_something_takes_effect(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time
) -> None:
    to_card(hand, stage, time)
    terminal.running[-1].done("card")
    hand.pump()
    assert stage.shown == "filing.submit"
    leave = hand.find("leave")
    assert (leave.opacity, leave.disabled) == (0, True)
    tap(hand, stage, time, "leave")
    assert stage.shown == "filing.submit"
    terminal.running[-1].done(SUBMITTED)
    hand.pump()
    assert hand.find("leave").disabled, "printing is an effect, too"
    terminal.running[-1].done(None)
    hand.pump()
    assert not hand.find("leave").disabled


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


def test_a_technician_at_work_is_not_thrown_out(
    hand: Hand, stage: Stage, terminal: StubTerminal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.maintenance.IDLE_S", 4.0)
    page = MaintenancePage(terminal, stage.go_home)  # type: ignore[arg-type]
    stage.show("maintenance", page)
    for _ in range(3):
        time.now += 1
        panel = page._devices
        finger = Finger(0.5, panel.to_window(*panel.center)[1] / Window.height)
        EventLoop.post_dispatch_input("begin", finger)
        EventLoop.post_dispatch_input("end", finger)
        hand.pump(seconds=2.0)
        assert stage.shown == "maintenance"
    hand.pump(seconds=4.1)
    assert stage.shown == "home"


def test_the_technician_sees_whose_rules_are_in_force_and_which_come(
    hand: Hand, stage: Stage, terminal: StubTerminal
) -> None:
    page = MaintenancePage(terminal, stage.go_home)  # type: ignore[arg-type]
    stage.show("maintenance", page)
    hand.pump()
    assert "演示数据" in hand.texts()
    assert "版本 2026-11-29，2026-11-01起执行" in hand.texts()
    terminal.rules = replace(terminal.rules, **CENTRES_RULES)
    page.refresh()
    hand.pump()
    assert {"中心下发", "下一版 2026-12-15，2027-01-01起执行"} < set(hand.texts())
    assert "演示数据" not in hand.texts()


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


class LedTo(Service):
    """What one goes on in."""

    id = "loss_report"
    group = "card"
    icon = "card-off-outline"
    stages = ("identity", "receipt")

    async def take_up(self, *known: Any) -> None:
        self.at("receipt")
        await Choice("apply.unit", (Option("self"), Option("leave")))


class Leads(Service):
    id = "card_check"
    group = "card"
    icon = "card-search"
    stages = ("read", "result")

    async def serve(self) -> None:
        self.at("read")
        await Choice("apply.who", (Option("self"), Option("child")))
        raise GoOn(LedTo, "somebody")


def test_whoever_goes_on_in_another_service_sees_its_name_and_its_steps(
    hand: Hand, time: Time
) -> None:
    stage = Stage(StubTerminal((Leads,)), time)  # type: ignore[arg-type]
    hand.show(stage)
    try:
        tap(hand, stage, time, "service:card_check")
        first = stage.terminal.words.say("service.card_check.name")
        other = stage.terminal.words.say("service.loss_report.name")
        assert first in hand.texts() and other not in hand.texts()
        tap(hand, stage, time, "option:self")
        assert stage.shown == "apply.unit"
        assert other in hand.texts() and first not in hand.texts()
        assert stage.terminal.words.say("stage.loss_report.receipt") in hand.texts()
        tap(hand, stage, time, "back")
        assert stage.shown == "apply.who"
        assert first in hand.texts() and other not in hand.texts()
    finally:
        stage.close()
