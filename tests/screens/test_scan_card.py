"""The page of an electronic card: a drawing where a scanner reads it, what the camera sees else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hardware.scanner import ScanStep
from kiosk.operations.scanner import CodeView
from kiosk.services import find_services
from kiosk.visit.prompts import ScanCard
from kiosk.words import LANGUAGES, Words
from screens.cards import ScanCardScreen
from tests.screens.checks import faults
from tests.screens.conftest import Hand
from tests.screens.framed import Framed
from tests.screens.samples import Recorder, StubTerminal

WORDS = Words()
PROMPT = ScanCard("identity.electronic")


def view(level: int = 90) -> CodeView:
    rgb = np.full((720, 1280, 3), level, np.uint8)
    rgb[200:520, 480:800] = 255
    return CodeView(rgb.data.cast("B"), 1280, 720)


def test_the_first_frame_takes_the_place_of_the_drawing(hand: Hand) -> None:
    screen = ScanCardScreen(PROMPT, None, WORDS, Recorder())
    hand.show(screen)
    assert WORDS.say("scan_step.waiting") in hand.texts()
    for _ in range(3):
        screen.reported(view())
        hand.pump(2)
    assert WORDS.say("scan_step.to_camera") in hand.texts()
    screen.reported(ScanStep.REFRESH)
    screen.reported(view())
    hand.pump()
    assert WORDS.say("scan_step.refresh") in hand.texts(), "a frame does not take the word away"
    screen.leave()


@pytest.mark.parametrize("step", [step for step in ScanStep if step is not ScanStep.WAITING])
def test_each_step_has_its_word(hand: Hand, step: ScanStep) -> None:
    screen = ScanCardScreen(PROMPT, None, WORDS, Recorder())
    hand.show(screen)
    screen.reported(step)
    hand.pump()
    assert WORDS.has(f"scan_step.{step}") and WORDS.say(f"scan_step.{step}") in hand.texts()
    screen.leave()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_the_camera_keeps_the_rules_of_pages(hand: Hand, language: str) -> None:
    stage: Any = Framed(StubTerminal(find_services(), language))  # type: ignore[arg-type]
    hand.show(stage)
    stage.put_on(PROMPT)
    stage.page.reported(view())
    hand.pump(6)
    hand.keep(language, "scan-card-camera")
    assert faults(stage) == []
    stage.close()
