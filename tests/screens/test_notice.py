"""The page of a notice that reads itself aloud (R-F2)."""

from __future__ import annotations

import pytest

from kiosk.visit.prompts import Notice
from kiosk.words import Words
from screens.notice import NoticeScreen
from tests.screens.conftest import Hand
from tests.screens.samples import Recorder

POINT = Notice("card_replacement.accounts", (("what", "cash"),), True, least_s=5.0, aloud=True)


def shown(hand: Hand, prompt: Notice, actions: Recorder) -> NoticeScreen:
    screen = NoticeScreen(prompt, None, Words(), actions)
    hand.show(screen)
    hand.pump(seconds=0.6)
    return screen


def test_it_is_read_at_once_and_again_for_who_asks(hand: Hand) -> None:
    actions = Recorder()
    screen = shown(hand, POINT, actions)
    assert actions.spoken == ["card_replacement.accounts.aloud"]
    hand.tap("aloud")
    assert actions.spoken[-1] == "card_replacement.accounts.aloud"
    assert len([said for said in actions.spoken if said]) == 2
    screen.leave()
    assert actions.spoken[-1] == "", "nobody hears it on the page behind it"


@pytest.mark.parametrize("why", ["nothing can be heard", "it is not read aloud"])
def test_nobody_is_offered_what_cannot_be_heard(hand: Hand, why: str) -> None:
    actions = Recorder()
    actions.aloud = why != "nothing can be heard"
    silent = Notice(POINT.id, POINT.points, True, aloud=not actions.aloud)
    screen = shown(hand, silent, actions)
    assert not hand.has("aloud")
    assert actions.spoken == []
    screen.leave()
