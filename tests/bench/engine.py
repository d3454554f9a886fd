"""How many visits a second the engine runs: twenty prompts and three Backs each.

The peer is the same coroutine driven by hand: the same sends, including those that the three
replays repeat, and nothing else. The ratio is what checking, recording and replaying cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

from kiosk.policy import load_policy
from kiosk.visit.flow import Prompt, Visit
from kiosk.visit.prompts import Choice, Option
from kiosk.visit.service import Context, Service

PROMPTS = 20
#: Back is pressed once at each of these prompts.
BACKS_AT = (5, 10, 15)

_ASKED = tuple(Choice(f"ask.{place}", (Option("yes"), Option("no"))) for place in range(PROMPTS))


class Twenty(Service):
    """Asks twenty questions."""

    id = "twenty"
    group = "card"
    icon = "counter"

    async def serve(self) -> None:
        for prompt in _ASKED:
            await prompt


def visit(context: Context) -> None:
    """One citizen: twenty answers, and three that are given again."""
    one = Visit(lambda: Twenty(context))
    one.start()
    backs = set(BACKS_AT)
    at = 0
    while one.prompt is not None:
        if at in backs:
            backs.remove(at)
            one.back()
            at -= 1
        one.answer("yes")
        at += 1
    assert one.outcome is not None


def by_hand(context: Context) -> None:
    """The sends of `visit`, without the engine."""
    for run in (*BACKS_AT, PROMPTS):
        # A Back at prompt n throws n answers away and sends all but the last again.
        coroutine = Twenty(context).serve()
        prompt: Prompt[str] = coroutine.send(None)
        for _ in range(run):
            try:
                prompt = coroutine.send("yes")
            except StopIteration:
                break
        else:
            coroutine.close()
        assert prompt is not None


def per_second(act: Callable[[Context], None], seconds: float) -> float:
    """How often `act` runs in a second."""
    context = Context(date(2026, 11, 24), load_policy())
    count = 0
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(100):
            act(context)
        count += 100
    return count / spent
