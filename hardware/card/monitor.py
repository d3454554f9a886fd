"""Watches the PC/SC service: readers and cards that come and go, and the service itself.

pyscard has a monitor of its own, whose thread ends for ever, silently, when the service does. This
one is built on `smartcard.scard` alone. One thread asks the service to be told of the next change
and sleeps until there is one, so it costs nothing while nothing happens; when the service is gone
it tries four times a second to reach it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

log = logging.getLogger(__name__)

#: Seconds between two tries to reach a service that is not there.
RETRY_S = 0.25

#: The service is asked again after so long, seconds, even if it told of nothing. pcsc-lite counts
#: the readers anew at each question and tells of a change in their number only while it is asked,
#: so one that was plugged in between listing them and asking is found here.
_ASK_S = 2.0

#: Answers that mean that the service is gone, or that watching was ended.
_GONE = (
    "SCARD_E_NO_SERVICE",
    "SCARD_E_SERVICE_STOPPED",
    "SCARD_E_INVALID_HANDLE",
    "SCARD_F_COMM_ERROR",
    "SCARD_E_CANCELLED",
    "SCARD_E_SYSTEM_CANCELLED",
    "SCARD_P_SHUTDOWN",
)

#: A service that answers so often in a row with anything else is as good as gone.
_MOST_ODD = 5

#: Asks to be told of readers that come and go.
_READERS = "\\\\?PnP?\\Notification"


@dataclass(frozen=True)
class ReaderState:
    """What is in one reader. `mute`: a card is there and does not answer to power. `insertion`:
    another number means that a card was put in anew, though none was seen to go."""

    card: bool = False
    mute: bool = False
    atr: bytes = b""
    insertion: int = field(default=0, compare=False)
    #: The service's own count of the cards that came and went.
    events: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True)
class Seen:
    """All that is known at one moment. `readers` is empty while the service is down. `forbidden`:
    it is there, and the machine's rules (polkit) do not let this program use it."""

    service: bool = False
    readers: Mapping[str, ReaderState] = field(default_factory=dict)
    forbidden: bool = False


def events_of(state: int) -> int:
    """How many cards came and went in a reader, as the service counts them in its state."""
    return state >> 16 & 0xFFFF


def as_bytes(values: list[int]) -> bytes:
    """What pyscard gives for bytes; on some platforms they are signed."""
    try:
        return bytes(values)
    except ValueError:
        return bytes(value & 0xFF for value in values)


class PcscMonitor:
    """See the module's docstring. Any thread may ask what was seen."""

    def __init__(self, scard: Any, told: Callable[[], None]) -> None:
        """`scard`: the module `smartcard.scard`. `told` is called on every change, on the monitor's
        thread."""
        self._scard = scard
        self._told = told
        self._seen = Seen()
        self._looked = False
        self._news = threading.Condition()
        self._ending = threading.Event()
        self._context: Any = None
        self._insertions = 0
        self._thread = threading.Thread(target=self._run, name="pcsc monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End watching, for ever."""
        self._ending.set()
        until = time.monotonic() + 2.0
        while self._thread.is_alive() and time.monotonic() < until:
            # Again and again: it may be about to ask and not yet asking.
            context = self._context
            if context is not None:
                with suppress(SystemError):  # released since we looked
                    self._scard.SCardCancel(context)
            self._thread.join(0.02)

    def seen(self, patience_s: float = 2.0) -> Seen:
        """What is there now; waits for the first look."""
        with self._news:
            self._news.wait_for(lambda: self._looked, patience_s)
            return self._seen

    def wait_for(self, wanted: Callable[[Seen], bool], timeout_s: float) -> Seen:
        """What is there as soon as it is what is wanted, or after the time."""
        with self._news:
            self._news.wait_for(lambda: self._looked and wanted(self._seen), timeout_s)
            return self._seen

    # -- on the monitor's thread -------------------------------------------------------------

    def _run(self) -> None:
        while not self._ending.is_set():
            found = Seen()
            try:
                found = self._watch()
            except Exception as error:  # noqa: BLE001 - a dead monitor would be blind for ever
                # SystemError is pyscard's way to say that a handle is not one any more.
                log.warning("pcsc monitor begins anew: %s", type(error).__name__)
            if self._ending.is_set():
                break
            self._publish(found)
            self._ending.wait(RETRY_S)

    def _watch(self) -> Seen:
        """Watch until the service is gone or watching ends; returns what is left to be seen."""
        scard = self._scard
        code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        if code != scard.SCARD_S_SUCCESS:
            return Seen(forbidden=code == scard.SCARD_W_SECURITY_VIOLATION)
        self._context = context
        odd = 0
        try:
            known: dict[str, int] = {}
            while not self._ending.is_set():
                try:
                    known = self._next(context, known)
                    odd = 0
                except _Odd as answer:
                    # A reader that went between two questions, say. What was seen still holds.
                    odd += 1
                    log.warning("pcsc monitor: odd answer %s", answer)
                    if odd == _MOST_ODD:
                        raise _Gone from None
                    self._ending.wait(RETRY_S)
        except _Gone:
            return Seen()
        finally:
            self._context = None
            scard.SCardReleaseContext(context)
        return Seen()

    def _next(self, context: Any, known: dict[str, int]) -> dict[str, int]:
        """Wait for the next change and publish it; returns the state of every reader after it."""
        scard = self._scard
        readers = self._readers(context)
        gone = known.keys() - readers
        if gone or not readers:
            left = {name: at for name, at in self._seen.readers.items() if name in readers}
            self._publish(Seen(True, left))
        # The state of a reader that is new is told at once.
        asked = [(name, known.get(name, scard.SCARD_STATE_UNAWARE)) for name in readers]
        # The count of readers is in the upper half, for services that compare it.
        everything = [*asked, (_READERS, len(readers) << 16)]
        code, answered = scard.SCardGetStatusChange(context, int(_ASK_S * 1000), everything)
        if code == scard.SCARD_E_TIMEOUT:
            return dict(asked)
        self._must_be_success(code)
        there = [row for row in answered if row[0] != _READERS and not row[1] & self._no_reader()]
        self._publish(Seen(True, {str(name): self._state(*row) for name, *row in there}))
        # The answer's state is the next question's, but for the mark that it has changed.
        return {str(name): at & ~scard.SCARD_STATE_CHANGED for name, at, _ in there}

    def _readers(self, context: Any) -> list[str]:
        code, readers = self._scard.SCardListReaders(context, [])
        if code == self._scard.SCARD_E_NO_READERS_AVAILABLE:
            return []
        self._must_be_success(code)
        return [str(reader) for reader in readers]

    def _must_be_success(self, code: int) -> None:
        if code in [getattr(self._scard, name, None) for name in _GONE]:
            raise _Gone
        if code != self._scard.SCARD_S_SUCCESS:
            raise _Odd(f"{code & 0xFFFFFFFF:08X}")

    def _no_reader(self) -> int:
        """Bits that say of a name that it is no reader any more."""
        unknown: int = self._scard.SCARD_STATE_UNKNOWN | self._scard.SCARD_STATE_UNAVAILABLE
        return unknown

    def _state(self, state: int, atr: list[int]) -> ReaderState:
        card = bool(state & self._scard.SCARD_STATE_PRESENT)
        mute = bool(state & self._scard.SCARD_STATE_MUTE)
        return ReaderState(card, mute, as_bytes(atr) if card else b"", events=events_of(state))

    def _counted(self, name: str, now: ReaderState) -> ReaderState:
        """With the number of the insertion, where a card is."""
        if not now.card:
            return now
        before = self._seen.readers.get(name, ReaderState())
        if before.card and before.events == now.events:
            return replace(now, insertion=before.insertion)
        self._insertions += 1
        return replace(now, insertion=self._insertions)

    def _publish(self, seen: Seen) -> None:
        with self._news:
            counted = {name: self._counted(name, at) for name, at in seen.readers.items()}
            seen = replace(seen, readers=counted)
            changed = not self._looked or _facts(seen) != _facts(self._seen)
            self._seen, self._looked = seen, True
            self._news.notify_all()
        if changed:
            self._told()


def _facts(seen: Seen) -> object:
    """What somebody is told of when it changes."""
    return seen, [state.insertion for state in seen.readers.values()]


class _Odd(Exception):
    """The service answered something that says nothing of itself."""


class _Gone(Exception):
    """The service does not answer any more, or watching was ended."""
