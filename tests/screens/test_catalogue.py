"""Every page in both languages: the rules of domain §4 hold.

For people to see, a picture of each goes to the folder that KIOSK_CATALOGUE names, if it does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hardware.faults import Device, FaultCode
from hardware.supervision import DeviceState
from kiosk.services import find_services
from kiosk.terminal import Offer, QueueState
from kiosk.upkeep.left_behind import Left
from kiosk.visit.flow import Ending, Outcome
from kiosk.visit.prompts import PROMPTS
from kiosk.words import LANGUAGES
from screens.ending import EndingPage
from screens.registry import SCREENS
from screens.stage import Stage
from screens.widgets.overlay import LeaveQuestion
from tests.screens.checks import faults
from tests.screens.conftest import Hand
from tests.screens.framed import Framed
from tests.screens.samples import CENTRES_RULES, StubTerminal, sample_prompts

PROMPT_SAMPLES = sample_prompts()


def test_every_prompt_has_a_screen_and_a_sample() -> None:
    assert set(SCREENS) == set(PROMPTS)
    assert {type(prompt) for prompt in PROMPT_SAMPLES.values()} == set(PROMPTS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PROMPT_SAMPLES)
def test_prompt_page(hand: Hand, name: str, language: str) -> None:
    stage = Framed(StubTerminal(find_services(), language))  # type: ignore[arg-type]
    try:
        hand.show(stage)
        stage.put_on(PROMPT_SAMPLES[name])
        hand.pump(6)
        hand.keep(language, name)
        assert faults(stage) == []
    finally:
        stage.close()


def _home(terminal: StubTerminal, stage: Stage) -> None:
    pass


def _home_closed(terminal: StubTerminal, stage: Stage) -> None:
    first, second = find_services()[:2]
    reason = terminal.words.say("home.needs.camera")
    terminal.offers = (Offer(first, False, reason), Offer(second, True))
    terminal.health.put("camera", DeviceState.FAULT, FaultCode.CAMERA_ABSENT)
    terminal.online = False


def _home_nothing(terminal: StubTerminal, stage: Stage) -> None:
    words = terminal.words
    terminal.offers = tuple(Offer(s, False, words.say("home.closed")) for s in find_services())
    for device in ("camera", "printer", "id_reader", "card_reader"):
        terminal.health.put(device, DeviceState.FAULT, FaultCode.CAMERA_ABSENT)


def _idle(terminal: StubTerminal, stage: Stage) -> None:
    stage._ticking.cancel()
    stage.begin(find_services()[0])
    stage._warn(stage._visit, 27)  # type: ignore[arg-type]


def _leaving(terminal: StubTerminal, stage: Stage) -> None:
    stage.begin(find_services()[0])
    stage.put_over(LeaveQuestion(terminal.words.say, stage.uncover, stage.cancel, stage.cancel))


def _left_behind(terminal: StubTerminal, stage: Stage) -> None:
    stage._remains(Left(frozenset({Device.ID_READER, Device.CARD_READER}), 20))


def _again(terminal: StubTerminal, stage: Stage) -> None:
    _ending(Outcome(Ending.FAULT, FaultCode.ID_READER_OFFLINE))(terminal, stage)
    assert isinstance(stage.page, EndingPage)
    stage.page.offer_again(lambda: True, lambda: None)


def _numbered(ending: Ending) -> Any:
    return _ending(Outcome(ending, committed=True, number="13029926112400015"))


def _ending_left(terminal: StubTerminal, stage: Stage) -> None:
    _numbered(Ending.FAULT)(terminal, stage)
    _left_behind(terminal, stage)


def _ending(outcome: Outcome) -> Any:
    def show(terminal: StubTerminal, stage: Stage) -> None:
        stage.show("ending", EndingPage(outcome, terminal.words, stage.go_home))

    return show


def _pin(terminal: StubTerminal, stage: Stage) -> None:
    stage.open_maintenance()
    stage.page.error.show(terminal.words.say("roster.refused.wrong"))  # type: ignore[union-attr]


def _maintenance(terminal: StubTerminal, stage: Stage) -> None:
    from screens.maintenance import MaintenancePage

    terminal.health.put("camera", DeviceState.FAULT, FaultCode.CAMERA_ABSENT)
    counters = {"receipts": 812, "cuts": 830, "paper_mm": 146_300}
    near_end = FaultCode.PRINTER_PAPER_NEAR_END
    terminal.health.put("printer", DeviceState.WARNING, near_end, counters=counters)
    terminal.health.put("disk", DeviceState.WARNING, FaultCode.DISK_LOW)
    terminal.health.put("centre", DeviceState.WARNING, FaultCode.TERMINAL_TOO_OLD)
    terminal.health.put("journal", DeviceState.WARNING, FaultCode.JOURNAL_ALTERED)
    terminal.waiting = QueueState(3, 7300, 1)
    stage.open_maintenance()
    page = MaintenancePage(terminal, stage.go_home)  # type: ignore[arg-type]
    stage.show("maintenance", page)
    page._say_result("ok", "maintenance.printed")


def _maintenance_well(terminal: StubTerminal, stage: Stage) -> None:
    """Nothing is wrong, the rules in force are the centre's, and others come."""
    from screens.maintenance import MaintenancePage

    terminal.rules = replace(terminal.rules, **CENTRES_RULES)
    page = MaintenancePage(terminal, stage.go_home)  # type: ignore[arg-type]
    stage.show("maintenance", page)


PAGES = {
    "home": _home,
    "home-closed": _home_closed,
    "home-nothing": _home_nothing,
    "idle": _idle,
    "leaving": _leaving,
    "left-behind": _left_behind,
    "ending-idle": _ending(Outcome(Ending.IDLE)),
    "ending-again": _again,
    "ending-cancelled-committed": _numbered(Ending.CANCELLED),
    "ending-fault-committed": _numbered(Ending.FAULT),
    "ending-left": _ending_left,
    "ending-fault": _ending(Outcome(Ending.FAULT, FaultCode.ID_READER_OFFLINE)),
    "ending-crashed-committed": _ending(Outcome(Ending.CRASHED, committed=True)),
    "maintenance-pin": _pin,
    "maintenance": _maintenance,
    "maintenance-well": _maintenance_well,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_other_page(hand: Hand, name: str, language: str) -> None:
    terminal = StubTerminal(find_services(), language)
    stage = Stage(terminal)  # type: ignore[arg-type]
    try:
        hand.show(stage)
        PAGES[name](terminal, stage)
        if stage.shown == "home":
            stage.page.refresh()  # type: ignore[union-attr]
        stage._tick(0.0) if name != "idle" else None
        hand.pump(6)
        hand.keep(language, name)
        # What the warning covers may lie under its buttons.
        root = stage.cover if stage.cover is not None else stage
        assert faults(root) == []
    finally:
        stage.close()
        stage.parent.remove_widget(stage)
