"""kill -9 and power cuts at each call of filling a slot, switch, first start, mark-good, return.

After each one the launcher has to find a whole version, the versions have to be what they are
called, and the next release has to get through. `--attack-seconds` gives more seeds.
"""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sync import launcher
from sync.bundle import pack
from sync.launcher import BOOTS, load
from sync.slots import Slots
from sync.slots import main as install
from tests.attack.harness import TALLY, Budget
from tests.attack.tree_disk import Killed, Record, watched

#: Ways in which each power cut is played.
CHANCES = 2

VERSIONS = ("1.0", "1.1", "1.2", "1.3")


def bundle_of(folder: Path, version: str, chance: random.Random) -> bytes:
    (folder / "lib").mkdir(parents=True)
    (folder / "kiosk").write_text(f"#!/bin/sh\n# {version}\n")
    (folder / "kiosk").chmod(0o755)
    (folder / "lib" / f"only-{version}").write_bytes(chance.randbytes(chance.randint(1, 3000)))
    (folder / "lib" / "same").symlink_to("../kiosk")
    out = io.BytesIO()
    pack(folder, out)
    return out.getvalue()


@pytest.fixture
def bundles(tmp_path: Path, seed: int) -> dict[str, bytes]:
    chance = random.Random(seed)
    return {version: bundle_of(tmp_path / version, version, chance) for version in VERSIONS}


def running(root: Path) -> Slots:
    return Slots(root, load(root).running)


@dataclass(frozen=True)
class Step:
    do: Callable[[], object]
    #: The version that is good after it, and the one on trial.
    good: str
    trial: str = ""


def life(root: Path, bundles: dict[str, bytes]) -> Iterator[Step]:
    """A release that proves good; one that never does; the same again, which gives itself up."""

    def put(version: str) -> Callable[[], object]:
        return lambda: running(root).put(io.BytesIO(bundles[version]), version)

    def boot() -> object:
        return launcher.decide(root)

    bundle = root.with_suffix(".tar")
    bundle.write_bytes(bundles["1.0"])
    yield Step(lambda: install([str(root), str(bundle), "1.0"]), "1.0")
    yield Step(put("1.1"), "1.0")
    yield Step(lambda: running(root).try_next("1.1"), "1.0", "1.1")
    yield Step(boot, "1.0", "1.1")
    yield Step(lambda: running(root).mark_good(), "1.1")
    yield Step(put("1.2"), "1.1")
    yield Step(lambda: running(root).try_next("1.2"), "1.1", "1.2")
    yield from [Step(boot, "1.1", "1.2")] * BOOTS
    yield Step(boot, "1.1")
    yield Step(put("1.2"), "1.1")
    yield Step(lambda: running(root).try_next("1.2"), "1.1", "1.2")
    yield Step(boot, "1.1", "1.2")
    yield Step(lambda: running(root).give_up(), "1.1", "1.2")
    yield Step(boot, "1.1")


def version_in(folder: Path, bundles: dict[str, bytes]) -> str:
    """Which version a folder is, every byte of it; "" for none."""
    out = io.BytesIO()
    pack(folder, out)
    return next((name for name, data in bundles.items() if data == out.getvalue()), "")


def started(root: Path, bundles: dict[str, bytes]) -> str:
    """The version that the launcher would start now, which has to be whole."""
    version = version_in(root / launcher.decide(root), bundles)
    assert version, "half a version would be started"
    return version


def survives(root: Path, bundles: dict[str, bytes], before: Step, during: Step) -> None:
    """After a cut in a step the terminal is as before it or as after it, and goes on."""
    state = load(root)
    for slot, version in state.versions.items():
        assert not (root / slot).is_dir() or version_in(root / slot, bundles) == version
    good = {before.good, during.good}
    assert started(root, bundles) in good | {before.trial, during.trial}
    for _ in range(BOOTS):
        now = started(root, bundles)
    assert now in good
    running(root).put(io.BytesIO(bundles["1.3"]), "1.3")
    running(root).try_next("1.3")
    assert started(root, bundles) == "1.3"
    assert running(root).mark_good()
    assert started(root, bundles) == "1.3"


@dataclass
class Life:
    """What was done, and for each call the step before it and the one it belongs to."""

    record: Record
    under_way: list[tuple[Step, Step]] = field(default_factory=list)

    def cuts(self) -> range:
        """Every call but the installer's, which is run again if it was cut."""
        first = next(at for at, (before, _) in enumerate(self.under_way) if before.good)
        return range(first, len(self.under_way))


def lived(root: Path, bundles: dict[str, bytes], kill_at: int = -1) -> Life:
    """A whole life, or its beginning."""
    root.mkdir()
    found = Life(Record(root, kill_at))
    before = Step(lambda: None, "")
    with watched(found.record):
        for step in life(root, bundles):
            try:
                step.do()
            except Killed:
                found.under_way += [(before, step)] * (
                    found.record.calls - len(found.under_way) + 1
                )
                break
            new = found.record.calls - len(found.under_way)
            found.under_way += [(before, step)] * new
            before = step
    return found


def test_killed_before_every_call(bundles: dict[str, bytes], tmp_path: Path) -> None:
    whole = lived(tmp_path / "whole", bundles)
    assert whole.record.outside == []  # settings and outbox are elsewhere
    for at in whole.cuts():
        root = tmp_path / f"killed-{at}"
        survives(root, bundles, *lived(root, bundles, at).under_way[at])
        TALLY["slots: killed"] += 1


def cut_everywhere(folder: Path, bundles: dict[str, bytes], seed: int) -> None:
    folder.mkdir()
    whole = lived(folder / "whole", bundles)
    for at in whole.cuts():
        for way in range(CHANCES):
            root = folder / f"cut-{at}-{way}"
            whole.record.after_power_cut(at, random.Random(f"{seed} {at} {way}"), root)
            survives(root, bundles, *whole.under_way[at])
            TALLY["slots: power cut"] += 1


def test_power_cut_before_every_call(
    bundles: dict[str, bytes], tmp_path: Path, seed: int, budget: Budget
) -> None:
    for one in budget.rounds(seed):
        cut_everywhere(tmp_path / str(one), bundles, one)
    assert TALLY["slots: power cut"] >= 300


@pytest.mark.parametrize("careless", ["sync.bundle", "sync.launcher"])
def test_slots_that_do_not_flush_are_caught(
    bundles: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, careless: str
) -> None:
    """Else the cuts would prove nothing."""
    monkeypatch.setattr(f"{careless}.os", NeverFlushing())
    with pytest.raises(AssertionError):
        for seed in range(3):
            cut_everywhere(tmp_path / str(seed), bundles, seed)


class NeverFlushing:
    """`os` as a careless author would use it."""

    def __getattr__(self, name: str) -> Any:
        return (lambda descriptor: None) if name == "fsync" else getattr(os, name)
