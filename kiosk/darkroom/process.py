"""One darkroom process, from its start to its end.

Not forked: the screen process has threads, and a fork would take along what they hold. It inherits
one end of a pair of sockets and the memory with the frame, and nothing else.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kiosk.darkroom.memory import FrameMemory
from kiosk.darkroom.wire import ANTISPOOF, Ask, AskComparison, Bug, Channel, Missing, Refused
from kiosk.photo.findings import PhotoRefused
from kiosk.photo.models import ModelsMissing

if TYPE_CHECKING:
    from kiosk.photo.detect import Picture

#: A killed process is gone after so long, seconds; it takes some milliseconds.
_END_S = 1.0
#: The shortest wait; none at all would be one without end.
_INSTANT_S = 0.001


class Lost(Exception):
    """The process has ended, cannot be started, or does not answer. Says which."""


class DarkroomBug(Exception):
    """A bug showed itself in the darkroom: type and place of the exception, nothing else of it."""


@dataclass(frozen=True)
class Patience:
    """Seconds until a process that does not answer counts as lost. On a busy machine a start takes
    some, the first look half a one, making a whole one, comparing the same."""

    start: float = 20.0
    look: float = 4.0
    make: float = 8.0
    compare: float = 8.0


def ourselves(antispoof: str = "") -> list[str]:
    """The command of a darkroom; the bundle has no Python to call, and is called itself.
    `antispoof`: of the settings."""
    options = [f"{ANTISPOOF}{antispoof}"] if antispoof else []
    if getattr(sys, "frozen", False):
        return [sys.executable, "darkroom", *options]
    return [sys.executable, "-m", "kiosk", "darkroom", *options]


class Process:
    """Asked by one thread; any thread may end it, and then the asking one hears `Lost`."""

    def __init__(self, command: Sequence[str], patience: Patience) -> None:
        """Returns at once; it is ready later. Raises `Lost`.

        The thread that makes it must outlive it: with the thread the process would be killed.
        """
        self._patience = patience
        self._must_be_ready_at: float | None = time.monotonic() + patience.start
        self._in_use = threading.Lock()
        self._closed = False
        self._memory = FrameMemory()
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        with theirs:
            inherited = theirs.fileno(), self._memory.fd
            try:
                self._child = subprocess.Popen(
                    [*command, *map(str, inherited)],
                    pass_fds=inherited,
                    stdin=subprocess.DEVNULL,
                    # A library's last words may hold what it was working on.
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                self._let_go()
                raise Lost(f"does not start: {error.strerror}") from error

    @property
    def pid(self) -> int:
        return self._child.pid

    def is_ready(self, patience_s: float) -> bool:
        """Whether it has loaded its networks, or does so within this time.

        Raises `Lost`, `ModelsMissing` and `DarkroomBug`.
        """
        with self._in_use:
            return self._is_ready(patience_s)

    def ask(self, what: Literal["look", "make"], rgb: Picture, excused: bool) -> Any:
        """What a `Photographer` says to a frame. Waits until the process is ready.

        Raises `PhotoRefused`, `Lost`, `ModelsMissing` and `DarkroomBug`.
        """
        with self._in_use:
            self._is_ready(self._patience.start)
            if self._closed:
                raise Lost("closed")
            self._memory.put(rgb)
            patience_s: float = getattr(self._patience, what)
            answer = self._answer(what, patience_s, Ask(what, rgb.shape, excused))
        if isinstance(answer, Refused):
            raise PhotoRefused(answer.finding)
        return answer

    def compare(self, photo_jpeg: bytes, portrait: bytes) -> Any:
        """A `kiosk.photo.faces.Comparison`. Waits and raises as `ask`, but for `PhotoRefused`."""
        with self._in_use:
            self._is_ready(self._patience.start)
            if self._closed:
                raise Lost("closed")
            question = AskComparison(photo_jpeg, portrait)
            return self._answer("comparison", self._patience.compare, question)

    def end(self) -> None:
        """Kill it, see it gone, and overwrite the frame. May be called again."""
        self._child.kill()
        with suppress(subprocess.TimeoutExpired):  # reaped, then, by the next process that starts
            self._child.wait(_END_S)
        with self._in_use:  # who still asks it hears at once that it is gone
            self._let_go()

    def _let_go(self) -> None:
        self._closed = True
        self._memory.close()
        self._channel.close()

    def _is_ready(self, patience_s: float) -> bool:
        if self._must_be_ready_at is None:
            return True
        left = self._must_be_ready_at - time.monotonic()
        try:
            self._hear(max(_INSTANT_S, min(patience_s, left)))
        except TimeoutError:
            if left > patience_s:
                return False
            raise Lost(f"not ready within {self._patience.start:g} s") from None
        self._must_be_ready_at = None
        return True

    def _answer(self, what: str, patience_s: float, question: Ask | AskComparison) -> Any:
        try:
            return self._hear(patience_s, question)
        except TimeoutError:
            raise Lost(f"no {what} within {patience_s:g} s") from None

    def _hear(self, patience_s: float, question: Ask | AskComparison | None = None) -> Any:
        """Its next message, after a question."""
        try:
            if question is not None:
                self._channel.send(question)
            answer = self._channel.receive(patience_s)
        except TimeoutError:
            raise
        except OSError:
            raise Lost(self._how_it_ended()) from None
        if isinstance(answer, Missing):
            raise ModelsMissing(answer.message)
        if isinstance(answer, Bug):
            raise DarkroomBug(answer.where)
        return answer

    def _how_it_ended(self) -> str:
        try:
            return f"ended with {self._child.wait(_END_S)}"
        except subprocess.TimeoutExpired:
            return "hung up"
