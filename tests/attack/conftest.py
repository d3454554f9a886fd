"""The victims, the seed and the time of the attacks, and their counts at the end of the run."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.harness import TALLY, Budget, Victims, compile_shim, in_memory
from tests.attack.victim import on_one_disk

#: Attacks that repeat themselves while there is time, and so share it.
_SHARES = 5


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return compile_shim(tmp_path_factory.mktemp("shim"))
    except FileNotFoundError:
        pytest.skip("needs gcc")


@pytest.fixture(scope="session")
def victims(shim: Path) -> Iterator[Victims]:
    victims = Victims(shim)
    yield victims
    victims.close()


@pytest.fixture(autouse=True)
def one_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.witness.place", on_one_disk)


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where that can be; else where pytest has its temporary folders."""
    folder = in_memory() or tmp_path_factory.mktemp("attack")
    with tempfile.TemporaryDirectory(prefix="outbox-attack-", dir=folder) as made:
        yield Path(made)


def _seed_of(config: pytest.Config) -> int:
    """Drawn once a run unless it was given."""
    seed: int | None = config.getoption("--attack-seed")
    if seed is None:
        seed = config.stash.setdefault(_DRAWN, random.SystemRandom().randrange(1_000_000))
    return seed


_DRAWN: pytest.StashKey[int] = pytest.StashKey()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return _seed_of(request.config)


@pytest.fixture
def budget(request: pytest.FixtureRequest) -> Budget:
    """What is left for this test after the first pass of every attack."""
    return Budget(max(0.0, request.config.getoption("--attack-seconds") / _SHARES))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if TALLY:
        terminalreporter.section(f"attacks on outbox and slots, --attack-seed {_seed_of(config)}")
        for name, number in sorted(TALLY.items()):
            terminalreporter.line(f"{number:8d}  {name}")
