"""Child processes that live and die with this one.

Each child leads a process group of its own, so that it is stopped with everything it started. If
this process vanishes without a word (kill -9), the kernel sends SIGTERM to its children:
`setpriv --pdeathsig`, where there is one. That signal comes when the *thread* that started the
child ends, so children are started from the main thread only.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

#: Children have so long to end on SIGTERM before they are killed, seconds.
GRACE_S = 5.0

#: A child that ends more often than this within the time is not started again.
RESTARTS, WITHIN_S = 5, 60.0

#: Lines of a child's output shown when it could not go on.
_TAIL = 15


class Fate(Enum):
    """What is done when a child ends by itself."""

    #: It is started again: the others can do without it for a moment.
    RESTART = "restart"
    #: Everything ends: the others cannot do without it, or it was closed on purpose.
    END_ALL = "end all"


class ChildFailed(Exception):
    """A child ended when it should not have. The message says which, how, and its last words."""


@dataclass
class Child:
    """One process of the demo. Its output goes to `log`."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    fate: Fate = Fate.END_ALL
    #: Exit codes after which another start would end the same way.
    hopeless: frozenset[int] = frozenset()
    process: subprocess.Popen[bytes] | None = None
    _ended_at: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS))

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*leash(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environment),
                start_new_session=True,
            )

    @property
    def code(self) -> int | None:
        """How it ended, None while it runs or was never started."""
        return self.process.poll() if self.process is not None else None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all that it started."""
        if self.process is not None:
            # The group may outlive its leader, so it is not asked whether that still runs.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def may_restart(self) -> bool:
        """Whether it is worth starting again after it has ended."""
        now = time.monotonic()
        self._ended_at.append(now)
        often = len(self._ended_at) == RESTARTS and now - self._ended_at[0] < WITHIN_S
        return self.fate is Fate.RESTART and self.code not in self.hopeless and not often

    def failure(self) -> ChildFailed:
        """Why it ended, for whoever has to find out."""
        code = self.code
        how = f"exit code {code}"
        if code is not None and code < 0:
            how = f"signal {signal.Signals(-code).name}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
        said = "".join(f"\n    {line}" for line in lines)
        return ChildFailed(f"{self.name} ended ({how}); see {self.log}{said}")


def leash() -> tuple[str, ...]:
    """What to put before a command so that it does not outlive us; nothing where that is not to
    be had."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()


class Family:
    """Children in the order in which they were started."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._children: list[Child] = []

    def start(self, child: Child) -> Child:
        child.start()
        self._children.append(child)
        return child

    def stop(self, *children: Child) -> None:
        """Stop some children: all are asked, then those that stay are killed."""
        for child in children:
            child.signal(signal.SIGTERM)
        until = time.monotonic() + GRACE_S
        for child in children:
            if child.process is not None:
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, until - time.monotonic()))
            child.kill()
            self._children.remove(child)

    def stop_all(self) -> None:
        self.stop(*self._children)

    def look_after(self) -> Child | None:
        """Start again what ended and may be; returns a child whose end ends everything."""
        for child in self._children:
            if child.code is None:
                continue
            if not child.may_restart():
                return child
            self._say(f"{child.name} ended ({child.code}); starting it again")
            child.kill()  # what it left behind in its group
            child.start()
        return None

    def must_run(self) -> None:
        """Raise `ChildFailed` if one of the children has ended."""
        for child in self._children:
            if child.code is not None:
                raise child.failure()


def wait_for(
    what: str, condition: Callable[[], bool], seconds: float, meanwhile: Callable[[], None]
) -> None:
    """Wait until something is so; `meanwhile` is called over and over and may raise.

    Raises `TimeoutError`, which says what was waited for.
    """
    until = time.monotonic() + seconds
    while not condition():
        meanwhile()
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)
