"""Under CI (variable CI is set) a test that would be skipped fails instead.

A machine that lacks pcscd, Xvfb or a model would otherwise pass without having tested anything.
`@pytest.mark.optional` excepts tests that need what cannot be shipped, such as photographs.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import threading
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest
import pytest_timeout

#: Of a property that says no number of its own; more where somebody has the time.
EXAMPLES = int(os.environ.get("KIOSK_EXAMPLES", "40"))

#: A busy machine takes long for an example now and then; how fast ours are the bench says.
hypothesis.settings.register_profile("unhurried", deadline=None, max_examples=EXAMPLES)
hypothesis.settings.load_profile("unhurried")

#: After how many new objects the collector looks at them, and how often at older ones.
GARBAGE = (20_000, 10, 10)

#: pytest-timeout lets a test go once it has failed, for whoever debugs it. Its teardown may then
#: stand for ever; so long it may take, seconds.
AFTER_FAILURE_S = 180
_STDERR = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_STDERR] = os.dup(2)


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    if not node.config.getoption("usepdb"):
        stderr = node.config.stash[_STDERR]
        faulthandler.dump_traceback_later(AFTER_FAILURE_S, file=stderr, exit=True)


def pytest_runtest_logfinish() -> None:
    faulthandler.cancel_dump_traceback_later()


class Watch:
    """Ends the run at a test that takes too long, as pytest-timeout does. That starts a thread for
    each test, a twentieth of what the tests of flows compute; this is one for all."""

    def __init__(self) -> None:
        #: Seconds left to the test that runs, the test, its settings; [] between two tests.
        self._watched: list[Any] = []
        self._thread: threading.Thread | None = None

    def begin(self, item: pytest.Item, settings: Any) -> None:
        self._watched = [settings.timeout + 1, item, settings]  # the first second is a part of one
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
            self._thread.start()

    def end(self) -> None:
        self._watched = []

    def _look(self) -> None:
        second = threading.Event()  # its clock is nobody's to change, as some tests do with ours
        while not second.wait(1):
            if watched := self._watched:
                watched[0] -= 1
                if watched[0] <= 0 and watched is self._watched:
                    pytest_timeout.timeout_timer(*watched[1:])


_WATCH = Watch()


def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    if settings.method != "thread":
        return None
    _WATCH.begin(item, settings)
    return True


def pytest_timeout_cancel_timer(item: pytest.Item) -> bool | None:
    _WATCH.end()
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Of tests/attack; here, because pytest asks for options before it goes into folders."""
    seconds = float(os.environ.get("KIOSK_ATTACK_SECONDS", "20"))
    seed = os.environ.get("KIOSK_ATTACK_SEED")
    words = f"how long the outbox is attacked [{seconds}]"
    parser.addoption("--attack-seconds", type=float, default=seconds, help=words)
    days = int(os.environ.get("KIOSK_SIMULATED_DAYS", "500"))
    parser.addoption(
        "--simulated-days",
        type=int,
        default=days,
        help=f"terminal-days of the fleet, on each database [{days}]",
    )
    parser.addoption(
        "--attack-seed", type=int, default=int(seed) if seed else None, help="to repeat a run"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported by now stays, and the collector need not look through it again and again:
    that was a tenth of what tests of screens compute. The program does the same (`screens.app`)."""
    gc.collect()
    gc.freeze()
    # Tests make much that lives as long as they do; looked at every 700 objects, most is looked at
    # in vain.
    gc.set_threshold(*GARBAGE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    excepted = item.get_closest_marker("optional") or hasattr(report, "wasxfail")
    if report.skipped and os.environ.get("CI") and not excepted:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
