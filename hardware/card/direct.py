"""A virtual card without the PC/SC service, for machines where none can run.

Waits on a loopback port for a card and speaks the protocol of the virtual reader (a 2-byte
big-endian length before each message; one byte 00 off, 01 on, 04 give the ATR), so the same card
answers the same APDUs.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hardware.card.apdu import over_t0
from hardware.card.atr import speaks_t1
from hardware.card.session import Interface
from hardware.card.transport import Readers
from hardware.faults import DeviceFault, FaultCode

#: Longest silence of a virtual card, seconds; beyond what the reader's watch allows.
_ANSWER_S = 60.0

_OFF, _ON, _GIVE_ATR = b"\x00", b"\x01", b"\x04"


@dataclass(frozen=True)
class DirectSlot:
    """A card that has connected to our port."""

    reader: str
    card: socket.socket
    insertion: int
    interface: Interface = Interface.CONTACT

    def connect(self) -> DirectConnection:
        return DirectConnection(self.card)


class DirectTransport:
    """One slot, see `hardware.card.transport`. Nothing is plugged in or out here but cards."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._name = f"direct {port}"
        self._listener: socket.socket | None = None
        self._card: socket.socket | None = None
        self._insertions = 0

    def watch(self, told: Callable[[], None]) -> None:
        """Nothing but cards comes or goes here, and those are waited for."""

    def unwatch(self) -> None:
        """See `watch`."""

    def open(self) -> None:
        self.close()
        try:
            self._listener = socket.create_server(("127.0.0.1", self._port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            code = FaultCode.CARD_READER_BUSY if taken else FaultCode.CARD_READER_OFFLINE
            raise DeviceFault(code, type(error).__name__) from error

    def close(self) -> None:
        for connection in (self._card, self._listener):
            if connection is not None:
                connection.close()
        self._card = self._listener = None

    def check(self) -> Readers:
        self.card_in(0.0)
        return Readers(self._name)

    def card_in(self, timeout_s: float) -> DirectSlot | None:
        if self._card is not None and _still_connected(self._card):
            # A card that stays is no news: do not let a waiting loop spin.
            time.sleep(min(timeout_s, 0.02))
            return DirectSlot(self._name, self._card, self._insertions)
        self._card = None
        if self._listener is None:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "not open")
        self._listener.settimeout(timeout_s)
        try:
            self._card, _ = self._listener.accept()
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as error:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, type(error).__name__) from error
        self._insertions += 1
        return DirectSlot(self._name, self._card, self._insertions)

    def abandon(self) -> None:
        if self._card is not None:
            # Shut down first: closing alone does not wake the thread that waits for an answer.
            with suppress(OSError):
                self._card.shutdown(socket.SHUT_RDWR)
            self._card.close()

    def visit_over(self) -> None:
        """Nothing is kept here."""

    def psam_slot(self) -> DirectSlot:
        raise DeviceFault(FaultCode.PSAM_ABSENT, "none without PC/SC")


def _still_connected(card: socket.socket) -> bool:
    """A virtual card that was pulled has closed its connection. Another thread may be talking with
    the card just now, so neither its data nor its patience (`settimeout`) may be touched."""
    if card.fileno() == -1:
        return False
    hung_up = select.poll()
    hung_up.register(card, select.POLLRDHUP)
    return not hung_up.poll(0)


class DirectConnection:
    """A virtual card under power."""

    def __init__(self, card: socket.socket) -> None:
        self._card = card
        card.settimeout(_ANSWER_S)
        self._send(_ON)
        self._send(_GIVE_ATR)
        self.atr = self._answer()
        if not self.atr:
            raise DeviceFault(FaultCode.CARD_MUTE, "no answer to reset")
        self._t1 = speaks_t1(self.atr)

    def transmit(self, command: bytes) -> bytes:
        self._send(command if self._t1 else over_t0(command))
        answer = self._answer()
        if len(answer) < 2:
            raise DeviceFault(FaultCode.CARD_PULLED, "no status word")
        return answer

    def close(self) -> None:
        try:
            self._send(_OFF)
        except DeviceFault:
            return  # it was pulled: it has forgotten by itself

    def _send(self, message: bytes) -> None:
        try:
            self._card.sendall(len(message).to_bytes(2, "big") + message)
        except OSError as error:
            raise self._pulled(error) from error

    def _answer(self) -> bytes:
        return self._receive(int.from_bytes(self._receive(2), "big"))

    def _receive(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            try:
                part = self._card.recv(count - len(got))
            except OSError as error:
                raise self._pulled(error) from error
            if not part:
                raise self._pulled(None)
            got += part
        return got

    def _pulled(self, error: OSError | None) -> DeviceFault:
        self._card.close()
        return DeviceFault(FaultCode.CARD_PULLED, type(error).__name__ if error else "closed")
