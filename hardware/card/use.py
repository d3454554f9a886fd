"""One use of a card, on a thread that can be left behind: see `hardware.card.reader`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, TypeVar

from hardware.card.session import CardSession
from hardware.card.transport import CardTransport, Connection, Slot
from hardware.faults import DeviceFault, FaultCode, NotWanted

T = TypeVar("T")
A = TypeVar("A")


class Use(threading.Thread, Generic[T]):
    """One card from power-up to power-down, on a thread that can be left behind."""

    def __init__(
        self,
        transport: CardTransport,
        slot: Slot,
        cancelled: Callable[[], bool],
        work: Callable[[CardSession], T],
        came_back: Callable[[], None],
    ) -> None:
        """`came_back` is called when this was left behind and has ended all the same."""
        super().__init__(name="card", daemon=True)
        self._transport, self._slot, self._cancelled, self._work = transport, slot, cancelled, work
        self._came_back = came_back
        self.ended = threading.Event()
        self.given_up = threading.Event()
        #: Answer to reset of the citizen's card; b"" until it gave one.
        self.atr = b""
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
                self.atr = card.atr
                self._result = self._work(card)
        except BaseException as error:  # noqa: BLE001 - it is passed on, whole
            self._error = error
        if self.given_up.is_set():
            # Nobody asks for it any more, and it is what a card said of somebody.
            self._result = self._error = None
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
                insertion=slot.insertion,
            )
        finally:
            self._asking(connection.close)

    @contextmanager
    def _psam(self) -> Iterator[CardSession]:
        with ExitStack() as powered:
            try:
                psam = powered.enter_context(self._session(self._transport.psam_slot()))
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
