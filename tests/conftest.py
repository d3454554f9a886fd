"""Under CI (variable CI is set) a test that would be skipped fails instead.

A machine that lacks pcscd, Xvfb or a model would otherwise pass without having tested anything.
`@pytest.mark.optional` excepts tests that need what cannot be shipped, such as photographs.
"""

from __future__ import annotations

import faulthandler
import gc
import os
from collections.abc import Generator

import hypothesis
import pytest

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
