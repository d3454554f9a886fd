"""kill -9 at every call that changes a file, and at any time."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.attack.harness import (
    KILLED,
    TALLY,
    Budget,
    Told,
    Victims,
    assert_kept,
    damage_the_indexes,
    opened,
)

pytestmark = pytest.mark.timeout(900)

#: Before a call is after the one before.
WHERE = ("within", "after")

#: Kills at any time in one pass.
AT_ANY_TIME = 150


class Attack:
    """One scenario in a fresh copy of a folder, as often as wanted."""

    def __init__(self, victims: Victims, model: Path, scenario: str, before: Told) -> None:
        self._victims, self._model = victims, model
        self._scenario, self._before = scenario, before
        self.folder = model.parent / "attacked"

    def run(self, seed: int, **attack: object) -> Told:
        """What was promised, before the attack and in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._model, self.folder)
        told = self._victims.run(self._scenario, self.folder, seed, **attack)
        told.put = self._before.put | told.put
        return told

    def at_every_call(self, seed: int, damaged: range) -> None:
        whole = self.run(seed, mode="count")
        assert whole.status == 0
        for where in WHERE:
            for at in range(1, whole.calls + 1):
                told = self.run(seed, mode=where, at=at)
                assert told.status == KILLED, f"{where} {at} of {whole.calls}"
                assert_kept(self.folder, told, damaged=damaged)
                TALLY[f"kill -9 at a call: {self._scenario}"] += 1


def made(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    model.mkdir()
    return model


def test_killed_at_every_call_of_put_lease_and_acknowledge(
    victims: Victims, tmp_path: Path, seed: int, budget: Budget
) -> None:
    attack = Attack(victims, made(tmp_path), "life", Told())
    for one in budget.rounds(seed):
        attack.at_every_call(one, damaged=range(1))


def test_killed_at_every_call_of_setting_aside_and_rescuing(
    victims: Victims, tmp_path: Path, seed: int
) -> None:
    model = made(tmp_path)
    box = opened(model)
    box.close()
    before = victims.run("life", model, seed)
    damage_the_indexes(model / "outbox.db")
    # One that died half way may count as damage once more; it is never counted less.
    Attack(victims, model, "opening", before).at_every_call(seed, damaged=range(1, 4))


def test_killed_at_any_time(victims: Victims, tmp_path: Path, seed: int, budget: Budget) -> None:
    for one in budget.rounds(seed):
        chance = random.Random(one)
        for kill in range(AT_ANY_TIME):
            folder = tmp_path / f"{one}-{kill}"
            folder.mkdir()
            told = victims.run("endless", folder, kill, kill_after=chance.uniform(0.0, 0.04))
            assert told.status == KILLED
            assert_kept(folder, told)
            shutil.rmtree(folder)
            TALLY["kill -9 at any time"] += 1
