"""How often a citizen touches the screen, counted on the tour's script.

The script is what the tour does with a real finger, so a page that wants another touch makes the
tour fail, and a longer script makes this test fail.
"""

from __future__ import annotations

from collections.abc import Iterable

from kiosk.demo.acts import Keys, Pinyin, Step, Touch, sign
from kiosk.demo.script import LOSS, PROGRESS, REPLACEMENT, SIGNED, short_application

#: A first application with the address of the ID card and a telephone number typed, from home to
#: the receipt; a loss report; where one's card is, with the ID card and without printing anything.
MOST, MOST_OF_LOSS, MOST_OF_PROGRESS = 28, 5, 3
#: A lost card that is replaced, besides photo and signature.
MOST_OF_REPLACEMENT = 14
#: Pages of the photo, of the comparison and of the signature.
_PICTURED = ("photo.", "comparison.", "signature")

#: Strokes of the signature in `kiosk.demo.acts.sign`.
STROKES = 3


def touches(steps: Iterable[Step]) -> int:
    count = 0
    for step in steps:
        for act in step.then:
            assert not isinstance(act, Pinyin), "nothing Chinese is typed on the short way"
            if isinstance(act, Touch):
                count += 1
            elif isinstance(act, Keys):
                count += len(act.keys)
            elif act is sign:
                count += STROKES
    return count


def test_a_first_application_takes_few_touches() -> None:
    assert touches((*short_application("zhang"), *SIGNED)) <= MOST


def test_where_a_card_is_is_seen_with_few_touches() -> None:
    printed = [step for step in PROGRESS if Touch("entry:0") in step.then]
    assert touches(PROGRESS) - touches(printed) <= MOST_OF_PROGRESS


def test_a_lost_card_is_replaced_with_few_touches() -> None:
    others = [step for step in REPLACEMENT if not step.screen.startswith(_PICTURED)]
    assert touches(others) <= MOST_OF_REPLACEMENT


def test_a_lost_card_is_blocked_with_few_touches() -> None:
    assert touches(LOSS) <= MOST_OF_LOSS
