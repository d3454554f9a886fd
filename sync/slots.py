"""The two slots of a terminal: a new version is put into the idle one and tried from there.

    slots = Slots(root)
    slots.put(tar, "1.1.0")      unpack into the idle slot
    slots.try_next("1.1.0")      at its next start the screen runs it, on trial
    slots.mark_good()            it has proved healthy
    slots.give_up()              it has not; at the next start the version before it runs

A slot is whole if its folder is there: a bundle is unpacked beside it and renamed when it is
durable, and an old slot is renamed before it is removed. What is chosen is `slots.json`, which the
launcher outside both slots reads and writes too; sync/launcher.py says what is in it. Any step may
be the last before a power cut.

Standard library only: the installer uses it before there is a slot.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sync.alone import alone
from sync.launcher import State, hold, load, locked, other, save

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sync.bundle import Source

#: Folders beside a slot while it is filled and emptied.
_PART, _GONE = ".part", ".gone"
#: Epoch, numbers, a or b or rc and its number, post, dev.
_VERSION = re.compile(
    r"(?:(\d+)!)?(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?(?:\.post(\d+))?(?:\.dev(\d+))?", re.ASCII
)
#: Who fills a slot has this file's lock.
_PUT_LOCK = "put.lock"


class SlotBusy(Exception):
    """A version is on trial, so that the idle slot is the one to go back to; or a program still
    runs from the idle one."""


@dataclass(frozen=True)
class Slot:
    path: Path
    #: "" if the slot is empty.
    version: str


@dataclass(frozen=True)
class Trial:
    """A version that has to prove itself; `boots`: how often it was started, 0: not yet."""

    version: str
    boots: int


class Slots:
    """One terminal's slots below `root`. Several processes may use it at once; one at a time may
    `put`. Whatever writes raises `OSError`, and has then changed nothing that is in force."""

    def __init__(self, root: Path, mine: str = "") -> None:
        """`mine`: the slot that this process runs from, "" for none."""
        self._root, self._mine = root, mine

    @classmethod
    def ours(cls, environment: Mapping[str, str] = os.environ) -> Slots | None:
        """As the launcher told this process; None if it was not started by the launcher."""
        root = environment.get("KIOSK_SLOTS")
        return cls(Path(root), environment.get("KIOSK_SLOT", "")) if root else None

    def outdated(self) -> bool:
        """Whether the launcher has started another slot than this process runs from, which then
        has to end and be started again."""
        return bool(self._mine) and load(self._root).running != self._mine

    def running(self) -> Slot:
        """The version that was started last."""
        state = load(self._root)
        return self._slot(state, state.running)

    def idle(self) -> Slot:
        """The other one."""
        state = load(self._root)
        return self._slot(state, other(state.running))

    def trial(self) -> Trial | None:
        state = load(self._root)
        if not state.trial:
            return None
        return Trial(state.versions.get(state.trial, ""), state.boots)

    def failed(self) -> tuple[str, ...]:
        """Versions that were tried and given up, newest last; nobody need fetch them again."""
        return load(self._root).failed

    def on_trial(self) -> bool:
        """Whether this process runs the version on trial."""
        state = load(self._root)
        return bool(state.trial and state.boots) and state.trial == self._mine

    def put(self, tar: Source, version: str) -> None:
        """Unpack a bundle into the idle slot, whatever was there. A trial that has not begun is
        called off. Raises `SlotBusy`, `sync.bundle.BadBundle` and `OSError`."""
        from sync.bundle import flush_folder, unpack  # tarfile, which home does without

        with self._alone():
            slot = self._empty_idle()
            part = self._root / f"{slot}{_PART}"
            try:
                unpack(tar, part)
                part.rename(self._root / slot)
                flush_folder(self._root)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
            with locked(self._root):
                state = load(self._root)
                save(self._root, replace(state, versions=state.versions | {slot: version}))

    def try_next(self, version: str) -> None:
        """Ask for the version in the idle slot at the screen's next start.

        Raises `SlotBusy` while another is on trial, `LookupError` if that version is not there.
        """
        with locked(self._root):
            state = load(self._root)
            if state.trial and state.boots:
                raise SlotBusy
            slot = other(state.current)
            if self._slot(state, slot).version != version:
                raise LookupError(f"the idle slot does not hold {version}")
            save(self._root, replace(state, trial=slot, boots=0))

    def call_off(self) -> bool:
        """A trial that has not begun does not begin. Returns whether there was one."""
        with locked(self._root):
            state = load(self._root)
            if not state.trial or state.boots:
                return False
            save(self._root, replace(state, trial=""))
            return True

    def rewrite(self) -> None:
        """Write the file again as it is: whether the launcher could count a start now."""
        with locked(self._root):
            save(self._root, load(self._root))

    def mark_good(self) -> bool:
        """The version on trial, which this process runs, stays. Returns whether it was on trial."""
        with locked(self._root):
            state = load(self._root)
            if not state.trial or state.trial != self._mine or not state.boots:
                return False
            save(self._root, state.good())
            return True

    def give_up(self) -> bool:
        """The version on trial, which this process runs, goes at the next start, for which the
        caller ends. Returns whether it was on trial."""
        with locked(self._root):
            state = load(self._root)
            if not state.trial or state.trial != self._mine:
                return False
            save(self._root, state.used_up())
            return True

    def begin(self, version: str) -> None:
        """Once, at installation: the bundle that was `put` is the good one."""
        with locked(self._root):
            state = load(self._root)
            slot = next(name for name, held in state.versions.items() if held == version)
            save(self._root, State(current=slot, versions=state.versions))

    # -- steps -----------------------------------------------------------------------------------

    def _slot(self, state: State, name: str) -> Slot:
        path = self._root / name
        return Slot(path, state.versions.get(name, "") if path.is_dir() else "")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The agent and the installer do not fill one slot at once. Raises `SlotBusy`."""
        held = alone(self._root / _PUT_LOCK)
        if held is None:
            raise SlotBusy
        try:
            yield
        finally:
            os.close(held)

    def _empty_idle(self) -> str:
        """The idle slot's name, with nothing left of what was in it."""
        with locked(self._root):
            state = load(self._root)
            if state.trial and state.boots:
                raise SlotBusy
            slot = other(state.current)
            held = hold(self._root, slot, alone=True)
            if held is None:
                # After a version was given up its agent ends some moments later.
                raise SlotBusy
            # Only asked: what is saved below keeps the launcher from starting it from now on.
            os.close(held)
            versions = {name: v for name, v in state.versions.items() if name != slot}
            # Before its folder is touched, so that the launcher never finds half a slot chosen.
            save(self._root, replace(state, trial="", boots=0, versions=versions))
        for left in self._root.glob(f"{slot}.*"):
            shutil.rmtree(left)
        if (self._root / slot).is_dir():
            from sync.bundle import flush_folder

            gone = self._root / f"{slot}{_GONE}"
            (self._root / slot).rename(gone)
            flush_folder(self._root)
            shutil.rmtree(gone)
        return slot


def _in_order(version: str) -> tuple[object, ...]:
    """1.9.0 before 1.10.0rc1 before 1.10.0: PEP 440 in its normal spelling. Of what is spelt
    otherwise the first numbers count."""
    found = _VERSION.search(version)
    if found is None:
        return ()
    epoch, release, kind, pre, post, dev = found.groups()
    numbers = re.sub(r"(\.0+)+$", "", release)
    # Without a name of its own, what is in development comes before all that have one.
    stage = (kind, int(pre)) if kind else ("" if dev and not post else "z", 0)
    return (
        int(epoch or 0),
        tuple(map(int, numbers.split("."))),
        stage,
        int(post or -1),
        float(dev or "inf"),
    )


def main(arguments: list[str]) -> int:
    """For the installer: `python3 -m sync.slots ROOT BUNDLE VERSION`. The first version is good at
    once; a later one is tried at the next start. While the slots are in use, or for a version older
    than the one that runs, nothing is changed, and that is no failure of the installation: the
    fleet may be years ahead of a stick, and only the centre takes a terminal back."""
    root, bundle, version = Path(arguments[0]), Path(arguments[1]), arguments[2]
    slots = Slots(root)
    runs = slots.running().version
    first = not runs  # also where the power went in between
    if _in_order(version) < _in_order(runs):
        older = f"older than {runs}, which runs: {version} 比正在运行的 {runs} 旧，不安装"
        print(f"{version} is not put in: it is {older}", file=sys.stderr)  # noqa: T201
        return 0
    try:
        with bundle.open("rb") as tar:
            slots.put(tar, version)
    except SlotBusy:
        later = "the other version is on trial or still runs: install this one again later"
        print(f"{version} is not put in: {later}", file=sys.stderr)  # noqa: T201
        return 0
    if first:
        slots.begin(version)
    else:
        slots.try_next(version)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
