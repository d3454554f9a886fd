"""Starts one of the two versions of the program on this terminal, and goes back from a bad one.

Stands outside both slots and is never updated with them: one file, standard library only, run by
the system's Python. systemd starts it, and it becomes the program (`execv`), so that the program
has the process id that systemd watches.

    launcher.py ROOT run ARGUMENT…     the screen: decides, counts, starts
    launcher.py ROOT agent ARGUMENT…   the agent: starts the version that runs
    launcher.py ROOT ctl ARGUMENT…     kioskctl of the version that runs

ROOT has the folders `a` and `b`, each whole if it is there at all (sync/slots.py sees to that), and
`slots.json`, replaced as a whole:

    {"current": "a",                   the slot that is known to be good
     "trial": "b" | "", "boots": 2,    the slot on trial, and how often it was started
     "versions": {"a": "1.0.0", "b": "1.1.0"},
     "failed": ["0.9.0"]}              versions that were given up, newest last

A trial that is not called good within `BOOTS` starts is given up. What cannot be counted is not
tried: where the file cannot be written, the good version starts. The program is told where it runs:
`KIOSK_SLOTS` is ROOT, `KIOSK_SLOT` its slot. It holds the lock of its slot, `held.a` or `held.b`,
as long as it runs: a slot is not emptied below a program.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SLOTS = ("a", "b")
STATE_FILE = "slots.json"
LOCK_FILE = "slots.lock"
PROGRAM, TECHNICIAN_PROGRAM = "kiosk", "kioskctl"

#: Starts that a version on trial has to prove itself.
BOOTS = 3
#: How many versions that were given up are remembered.
_REMEMBERED = 8
#: Longest wait for a process that is changing the file, seconds.
_PATIENCE_S = 5.0

MISCONFIGURED = 2


@dataclass(frozen=True)
class State:
    """`slots.json`."""

    current: str = "a"
    trial: str = ""
    boots: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def running(self) -> str:
        """The slot that was started last."""
        return self.trial if self.trial and self.boots else self.current

    def good(self) -> State:
        """The trial is over: its slot is the good one."""
        return replace(self, current=self.trial, trial="", boots=0)

    def used_up(self) -> State:
        """The trial has no start left. It still runs, so its slot is not idle yet."""
        return replace(self, boots=max(self.boots, BOOTS))

    def given_up(self) -> State:
        """The trial is over: the slot before it starts again."""
        version = self.versions.get(self.trial, "")
        failed = [other for other in self.failed if other != version]
        if version:
            failed.append(version)
        return replace(self, trial="", boots=0, failed=tuple(failed[-_REMEMBERED:]))


def other(slot: str) -> str:
    return "b" if slot == "a" else "a"


def load(root: Path) -> State:
    """What the file says. A file that is not there or makes no sense: whatever slot is whole."""
    try:
        found = json.loads((root / STATE_FILE).read_bytes())
        state = State(
            current=found["current"],
            trial=found["trial"],
            boots=int(found["boots"]),
            versions={slot: str(held) for slot, held in found["versions"].items() if slot in SLOTS},
            failed=tuple(str(version) for version in found["failed"]),
        )
        if state.current in SLOTS and state.trial in ("", other(state.current)):
            return state
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass
    return State(current=next((slot for slot in SLOTS if (root / slot).is_dir()), "a"))


def save(root: Path, state: State) -> None:
    """Replace the file, durably: a power cut leaves the old one or the new one. Raises `OSError`;
    the old one is then in force."""
    new = root / f"{STATE_FILE}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        data = json.dumps(asdict(state)).encode("ascii")
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(new, root / STATE_FILE)
    folder = os.open(root, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Alone with the file. Raises `OSError`, also where somebody holds it for too long."""
    descriptor = os.open(root / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)  # and with it the lock, as the end of the process would


def decide(root: Path) -> str:
    """The slot to start now; a start of a trial is counted before it happens."""
    try:
        with locked(root):
            state = load(root)
            if state.trial and (state.boots >= BOOTS or not _whole(root, state.trial)):
                state = state.given_up()
                save(root, state)
            elif state.trial:
                state = replace(state, boots=state.boots + 1)
                save(root, state)
            return state.running
    except OSError as error:
        _say(f"{STATE_FILE} cannot be changed, so nothing is tried: {error}")
        return load(root).current


def _whole(root: Path, slot: str) -> bool:
    return os.access(root / slot / PROGRAM, os.X_OK)


def hold(root: Path, slot: str, *, alone: bool) -> int | None:
    """The lock of a slot: the programs that run share it, and who asks whether any does wants it
    `alone`. Returns its descriptor, None while it cannot be had. Raises `OSError`."""
    descriptor = os.open(root / f"held.{slot}", os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_NB | (fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def start(root: Path, slot: str, arguments: Sequence[str]) -> None:
    """Become the program of a slot. Returns if it cannot be started."""
    technician = arguments[0] == "ctl"
    program = str(root / slot / (TECHNICIAN_PROGRAM if technician else PROGRAM))
    arguments = arguments[1:] if technician else arguments
    environment = os.environ | {"KIOSK_SLOTS": str(root), "KIOSK_SLOT": slot}
    with _held(root, slot):
        try:
            os.execve(program, [program, *arguments], environment)
        except OSError as error:
            _say(f"{program}: {error}")


@contextmanager
def _held(root: Path, slot: str) -> Iterator[None]:
    """What this process becomes meanwhile keeps the lock of its slot."""
    held = None
    try:
        held = hold(root, slot, alone=False)
    except OSError as error:
        _say(f"held.{slot} cannot be locked: {error}")
    if held is None:
        yield
        return
    os.set_inheritable(held, True)
    try:
        yield
    finally:
        os.close(held)


def not_started(root: Path, slot: str) -> None:
    """A slot that cannot be started is not tried again, nor called good, if the other one is
    there."""
    try:
        with locked(root):
            state = load(root)
            if slot == state.trial:
                save(root, state.given_up())
            elif slot == state.current and _whole(root, other(slot)):
                save(root, replace(state, current=other(slot), trial="", boots=0))
    except OSError as error:
        _say(f"{STATE_FILE} cannot be changed: {error}")


def main(arguments: Sequence[str]) -> int:
    """Returns only if neither slot can be started."""
    if len(arguments) < 2:
        _say("usage: launcher.py ROOT run|agent|ctl ARGUMENT…")
        return MISCONFIGURED
    root, command = Path(arguments[0]), arguments[1:]
    decides = command[0] == "run"
    slot = decide(root) if decides else load(root).running
    start(root, slot, command)
    if decides:
        not_started(root, slot)
    start(root, other(slot), command)
    return MISCONFIGURED


def _say(what: str) -> None:
    print(f"launcher: {what}", file=sys.stderr, flush=True)  # noqa: T201 - journald keeps it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
