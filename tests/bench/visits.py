"""The engine alone: a service of twenty prompts, walked with three Backs.

The peer is a bare coroutine of the same twenty prompts, sent the same answers with nothing kept:
what Python itself takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kiosk.flow import Context, Ending, Service, Visit
from kiosk.policy import load_policy
from kiosk.prompts import Choice, Option

PROMPTS = 20
BACKS = (5, 10, 15)

_OPTIONS = (Option("yes"), Option("no"))
_SECONDS = 1.0


class Twenty(Service):
    """Asks twenty things."""

    id = "twenty"
    icon = "counter"

    async def serve(self) -> None:
        for number in range(PROMPTS):
            await Choice(f"prompt.{number}", _OPTIONS)


def visit(context: Context) -> None:
    """One visit to its end."""
    walk = Visit(lambda: Twenty(context))
    walk.start()
    for number in range(PROMPTS):
        walk.answer("yes")
        if number in BACKS:
            walk.back()
            walk.answer("yes")
    if walk.outcome is None or walk.outcome.ending is not Ending.DONE:
        raise RuntimeError("the visit did not end")


def bare(context: Context) -> None:
    """The same prompts from a coroutine, answered once, nothing kept."""
    coroutine = Twenty(context).serve()
    try:
        coroutine.send(None)
        while True:
            coroutine.send("yes")  # type: ignore[arg-type]  # what a prompt answers
    except StopIteration:
        return


def rate(run: Callable[[Context], None], context: Context) -> float:
    """How often a second it can be done."""
    began, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < _SECONDS:
        run(context)
        count += 1
    return count / passed


def compare() -> dict[str, float]:
    from datetime import date

    context = Context(date(2026, 11, 24), "130299", load_policy())
    value, peer = rate(visit, context), rate(bare, context)
    return {
        "value": round(value),
        "peer": round(peer),
        "ratio": round(value / peer, 3),
        "limit": 5000,
    }
