"""社会保障卡读写器: waits for a card, works with it, and lets it forget.

A card is reached in one of two ways: `hardware.card.pcsc` goes through the PC/SC service, as every
real reader does; `hardware.card.direct` stands in for it where no such service can run.

A command to a card has no time-out: a reader may keep the caller for ever. So whatever is done with
a card runs on a thread of its own. When one command takes longer than any card may, that thread is
left behind with its connection, and the reader counts as stuck until that command has returned, as
it does when the service is started again or the reader is unplugged. So at most one thread is left
behind. What it still hears is heard by nobody: it ends at its next command.

After each use the card is powered down on purpose: whatever was unlocked on it is locked again
before anybody else stands here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from hardware.card.files import SocialCard, read_social_card
from hardware.card.session import CardSession, Interface
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.supervision import Condition

T = TypeVar("T")
A = TypeVar("A")

#: Seconds between two looks for a card; a PC/SC reader tells of one at once.
POLL_S = 0.25

#: Longest a card may take over one command, seconds. Slow ones take a fifth of a second; making a
#: key on the chip takes some.
ANSWER_S = 10.0


class CardStep(StrEnum):
    """What the citizen should know meanwhile."""

    WAITING = "waiting"
    SEEN = "seen"


class Connection(Protocol):
    """A card that was powered up for us alone."""

    @property
    def atr(self) -> bytes: ...

    def transmit(self, command: bytes) -> bytes:
        """One command APDU, one response with its status word. Raises `DeviceFault`."""

    def close(self) -> None:
        """Let go of the card and make it forget; never raises."""


class Slot(Protocol):
    """A place for a card: a reader, and how it reaches cards."""

    @property
    def reader(self) -> str: ...
    @property
    def interface(self) -> Interface: ...

    def connect(self) -> Connection:
        """Take hold of the card alone. Raises `DeviceFault`: CARD_PULLED, CARD_MUTE …"""


@dataclass(frozen=True)
class Readers:
    """Which readers there are, for people: names, serial numbers, versions of their firmware."""

    names: str
    serial: str = ""
    firmware: str = ""


class Line(Protocol):
    """A way to the cards of one terminal."""

    def open(self) -> None:
        """Reach the readers. Raises `DeviceFault`: CARD_SERVICE_DOWN, CARD_READER_OFFLINE."""

    def close(self) -> None:
        """Let go of them; never raises."""

    def check(self) -> Readers:
        """Which readers there are. Raises as `open` if they are there no more."""

    def card_in(self, timeout_s: float) -> Slot | None:
        """The slot with the citizen's card, waiting for one for so long. Raises as `open`."""

    def abandon(self) -> None:
        """The card never answered: its connection is never used again. Never raises."""

    def psam_slot(self) -> Slot:
        """Where the PSAM is. Raises `DeviceFault(PSAM_ABSENT)`."""

    def watch(self, told: Callable[[], None]) -> None:
        """Tell of every reader and card that comes or goes, from the first `open` on and also
        while closed, until `unwatch`."""

    def unwatch(self) -> None:
        """Tell nobody any more, and let go of everything. When nobody uses this any more."""


class CardReader:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, line: Line, answer_s: float = ANSWER_S) -> None:
        self._line = line
        self._answer_s = answer_s
        self._cycles = 0
        self._left_behind: _Use[Any] | None = None
        self._told: Callable[[], None] = lambda: None

    def open(self) -> None:
        self._line.open()

    def close(self) -> None:
        self._line.close()

    def watch(self, told: Callable[[], None]) -> None:
        """Call `told` on every change at the readers, so that nobody has to ask. Before `open`."""
        self._told = told
        self._line.watch(told)

    def unwatch(self) -> None:
        self._line.unwatch()

    def poll(self) -> Condition:
        self._must_not_be_stuck()
        readers = self._line.check()
        return Condition(
            detail=readers.names,
            serial=readers.serial,
            firmware=readers.firmware,
            counters={"cycles": self._cycles},
        )

    def read(self, cancelled: Callable[[], bool], report: Callable[[CardStep], None]) -> SocialCard:
        """Wait for a card and read what it gives without a PIN. Raises as `use`."""
        return self.use(cancelled, report, read_social_card)

    def use(
        self,
        cancelled: Callable[[], bool],
        report: Callable[[CardStep], None],
        work: Callable[[CardSession], T],
    ) -> T:
        """Wait for a card in any of the citizen's readers, and do something with it.

        `work` runs on another thread, and on this card alone. Raises `NotWanted` when cancelled,
        what `work` raises, and `DeviceFault`: CARD_PULLED, CARD_MUTE, CARD_READER_BUSY for the
        card, CARD_READER_OFFLINE, CARD_SERVICE_DOWN, CARD_READER_STUCK for the reader.
        """
        self._must_not_be_stuck()
        report(CardStep.WAITING)
        while (slot := self._line.card_in(POLL_S)) is None:
            if cancelled():
                raise NotWanted
        report(CardStep.SEEN)
        self._cycles += 1
        use = _Use(self._line, slot, cancelled, work, self._told)
        use.start()
        while not use.ended.wait(self._answer_s / 20):
            if use.silent_for() > self._answer_s:
                use.given_up.set()
                self._left_behind = use
                self._line.abandon()
                raise DeviceFault(FaultCode.CARD_READER_STUCK, f"silent for {self._answer_s:g} s")
        return use.outcome()

    def _must_not_be_stuck(self) -> None:
        if self._left_behind is not None and not self._left_behind.ended.is_set():
            raise DeviceFault(FaultCode.CARD_READER_STUCK, "a command has not returned")
        self._left_behind = None


class _Use(threading.Thread, Generic[T]):
    """One card from power-up to power-down, on a thread that can be left behind."""

    def __init__(
        self,
        line: Line,
        slot: Slot,
        cancelled: Callable[[], bool],
        work: Callable[[CardSession], T],
        came_back: Callable[[], None],
    ) -> None:
        """`came_back` is called when this was left behind and has ended all the same."""
        super().__init__(name="card", daemon=True)
        self._line, self._slot, self._cancelled, self._work = line, slot, cancelled, work
        self._came_back = came_back
        self.ended = threading.Event()
        self.given_up = threading.Event()
        self._asked_at = time.monotonic()
        self._result: T | None = None
        self._error: BaseException | None = None

    def silent_for(self) -> float:
        """Seconds since the reader was last asked something that it has not answered."""
        asked_at = self._asked_at
        return time.monotonic() - asked_at if asked_at else 0.0

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]

    def run(self) -> None:
        try:
            with self._session(self._slot) as card:
                self._result = self._work(card)
        except BaseException as error:  # noqa: BLE001 - it is passed on, whole
            self._error = error
        self.ended.set()
        if self.given_up.is_set():
            self._came_back()

    @contextmanager
    def _session(self, slot: Slot) -> Iterator[CardSession]:
        connection = self._asking(slot.connect)
        try:
            yield CardSession(
                transmit=lambda command: self._transmit(connection, command),
                atr=connection.atr,
                interface=slot.interface,
                reader=slot.reader,
                psam=self._psam,
            )
        finally:
            self._asking(connection.close)

    @contextmanager
    def _psam(self) -> Iterator[CardSession]:
        with ExitStack() as powered:
            try:
                psam = powered.enter_context(self._session(self._line.psam_slot()))
            except DeviceFault as fault:
                raise DeviceFault(FaultCode.PSAM_ABSENT, fault.detail) from fault
            yield psam

    def _transmit(self, connection: Connection, command: bytes) -> bytes:
        if self.given_up.is_set() or self._cancelled():
            raise NotWanted
        # As `_asking`, without a function more at each of many commands.
        self._asked_at = time.monotonic()
        try:
            answer = connection.transmit(command)
        finally:
            self._asked_at = 0.0
        if self.given_up.is_set():
            raise NotWanted  # it came too late
        return answer

    def _asking(self, ask: Callable[[], A]) -> A:
        """Do what may never return, watched."""
        self._asked_at = time.monotonic()
        try:
            return ask()
        finally:
            self._asked_at = 0.0


class CardSettings(Protocol):
    """What of the settings says where cards are; see `kiosk.settings`."""

    @property
    def card(self) -> str: ...
    @property
    def card_contact(self) -> str: ...
    @property
    def card_contactless(self) -> str: ...
    @property
    def psam(self) -> str: ...


def make_card_reader(settings: CardSettings) -> CardReader | None:
    """`card` is "pcsc", "direct:PORT", or "" for a terminal without one. Raises `ValueError`
    otherwise."""
    from hardware.card.direct import DirectLine
    from hardware.card.pcsc import PcscLine, ReaderNames

    if not settings.card:
        return None
    if settings.card == "pcsc":
        names = ReaderNames(settings.card_contact, settings.card_contactless, settings.psam)
        return CardReader(PcscLine(names))
    kind, _, port = settings.card.partition(":")
    if kind == "direct" and port.isdigit():
        return CardReader(DirectLine(int(port)))
    raise ValueError(f"card reader {settings.card!r}: use pcsc, or direct:PORT")
