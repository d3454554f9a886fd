"""The newest report of a worker always arrives, and a slow screen is not flooded."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from screens.mailbox import Mailbox
from tests.patience import PATIENCE_S


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_of_many_only_the_newest_is_delivered_once() -> None:
    calls: list[int] = []
    box = Mailbox(lambda: calls.append(1))
    for event in range(5):
        box.put(event)
    assert (len(calls), box.take()) == (1, 4)
    box.put(5)
    assert (len(calls), box.take()) == (2, 5)


def test_an_event_that_comes_while_another_is_taken_is_not_lost(hurried: None) -> None:
    """It was looked at and cleared in two steps; what came between them was never shown."""
    due = threading.Semaphore(0)
    box = Mailbox(due.release)
    last = 20_000

    def work() -> None:
        for event in range(last + 1):
            box.put(event)

    worker = threading.Thread(target=work)
    worker.start()
    seen = -1
    while seen != last:
        assert due.acquire(timeout=PATIENCE_S), f"nothing came after {seen}"
        seen = box.take()
    worker.join()
