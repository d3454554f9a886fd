"""社会保障卡读写器: waits for a card, reads it, and lets it forget.

A card is reached in one of two ways. `PcscLine` goes through the PC/SC service, as every real
reader does, with `smartcard.scard` underneath and nothing of pyscard's own monitoring, whose
thread ends for ever, silently, when the service does. `DirectLine` stands in for it where no PC/SC
service can run: it waits on a loopback port for a virtual card and speaks the protocol of the
virtual reader (a 2-byte big-endian length before each message), so the same card answers the same
APDUs.

After each reading the card is powered down on purpose: whatever was unlocked on it is locked again
before anybody else stands here.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.social_card import SocialCard, read_social_card
from hardware.supervision import Condition

#: Seconds between two looks for a card.
_POLL_S = 0.25

#: Longest silence of a virtual card, seconds.
_ANSWER_S = 3.0


class CardStep(StrEnum):
    """What the citizen should know meanwhile."""

    WAITING = "waiting"
    SEEN = "seen"


class Line(Protocol):
    """A way to a card."""

    def open(self) -> None:
        """Reach the reader. Raises `DeviceFault(CARD_READER_OFFLINE)`."""

    def close(self) -> None:
        """Let go of it; never raises."""

    def there(self) -> bool:
        """Whether a card is in the reader, waiting for one for at most `_POLL_S`."""

    def power(self) -> None:
        """Take hold of the card alone. Raises `DeviceFault` CARD_PULLED or CARD_MUTE."""

    def transmit(self, command: bytes) -> bytes:
        """One command APDU, one response with its status word. Raises `DeviceFault`."""

    def power_down(self) -> None:
        """Let go of the card and make it forget; never raises."""

    @property
    def name(self) -> str:
        """The reader's name."""


class CardReader:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def open(self) -> None:
        self._line.open()

    def close(self) -> None:
        self._line.close()

    def poll(self) -> Condition:
        self._line.there()
        return Condition(detail=self._line.name)

    def read(self, cancelled: Callable[[], bool], report: Callable[[CardStep], None]) -> SocialCard:
        """Wait for a card and read what it gives without a PIN.

        Raises `NotWanted` when cancelled, and `DeviceFault`: CARD_PULLED, CARD_MUTE, CARD_FOREIGN,
        CARD_DAMAGED for the card, CARD_READER_OFFLINE for the reader.
        """
        report(CardStep.WAITING)
        while not self._line.there():
            if cancelled():
                raise NotWanted
        report(CardStep.SEEN)
        self._line.power()
        try:
            return read_social_card(self._line.transmit)
        finally:
            self._line.power_down()


class PcscLine:
    """Through the PC/SC service; the first reader it lists."""

    #: Answers of the service that concern the card, not the reader.
    _PULLED = ("SCARD_E_NO_SMARTCARD", "SCARD_W_REMOVED_CARD", "SCARD_W_RESET_CARD")
    _MUTE = ("SCARD_W_UNRESPONSIVE_CARD", "SCARD_W_UNPOWERED_CARD", "SCARD_E_PROTO_MISMATCH")
    #: The service is gone, or the reader: nothing that was opened through it works any more.
    _OFFLINE = (
        "SCARD_E_NO_SERVICE",
        "SCARD_E_SERVICE_STOPPED",
        "SCARD_E_INVALID_HANDLE",
        "SCARD_E_READER_UNAVAILABLE",
        "SCARD_E_UNKNOWN_READER",
        "SCARD_E_NO_READERS_AVAILABLE",
        "SCARD_F_COMM_ERROR",
    )

    def __init__(self) -> None:
        self._scard: Any = None
        self._context: Any = None
        self._card: Any = None
        self._protocol: Any = None
        self._reader = ""

    @property
    def name(self) -> str:
        return self._reader

    def open(self) -> None:
        from smartcard import scard  # on the reader's thread, after the screen is up

        self.close()
        self._scard = scard
        code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        self._check(code, "establish")
        self._context = context
        code, readers = scard.SCardListReaders(context, [])
        if code != scard.SCARD_S_SUCCESS or not readers:
            self.close()
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "no reader")
        self._reader = str(readers[0])

    def close(self) -> None:
        self.power_down()
        context, self._context = self._context, None
        if context is not None:
            self._scard.SCardReleaseContext(context)

    def there(self) -> bool:
        scard = self._scard
        unknown = [(self._reader, scard.SCARD_STATE_UNAWARE)]
        state = self._state(unknown, 0)
        if not state & scard.SCARD_STATE_PRESENT:
            # Ask to be told of a change from the state just seen; its count is in the upper half.
            state = self._state([(self._reader, state)], int(_POLL_S * 1000))
        return bool(state & scard.SCARD_STATE_PRESENT)

    def _state(self, known: list[tuple[str, int]], timeout_ms: int) -> int:
        scard = self._scard
        code, states = scard.SCardGetStatusChange(self._context, timeout_ms, known)
        if code == scard.SCARD_E_TIMEOUT:
            return int(known[0][1])
        self._check(code, "status")
        state = int(states[0][1])
        if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "reader gone")
        return state

    def power(self) -> None:
        scard = self._scard
        code, card, protocol = scard.SCardConnect(
            self._context,
            self._reader,
            scard.SCARD_SHARE_EXCLUSIVE,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
        )
        self._check(code, "connect")
        self._card = card
        t0 = protocol == scard.SCARD_PROTOCOL_T0
        self._protocol = scard.SCARD_PCI_T0 if t0 else scard.SCARD_PCI_T1

    def transmit(self, command: bytes) -> bytes:
        code, answer = self._scard.SCardTransmit(self._card, self._protocol, list(command))
        self._check(code, "transmit")
        if len(answer) < 2:
            raise DeviceFault(FaultCode.CARD_PULLED, "no status word")
        # pyscard gives signed bytes on some platforms.
        return bytes(byte & 0xFF for byte in answer)

    def power_down(self) -> None:
        card, self._card = self._card, None
        if card is not None:
            self._scard.SCardDisconnect(card, self._scard.SCARD_UNPOWER_CARD)

    def _check(self, code: int, doing: str) -> None:
        """Turn an answer of the service into the fault it means."""
        scard = self._scard
        if code == scard.SCARD_S_SUCCESS:
            return
        detail = f"{doing} {code & 0xFFFFFFFF:08X}"
        names = {getattr(scard, name, None): fault for name, fault in self._faults().items()}
        # A card pulled in the middle of a command has no code of its own.
        otherwise = FaultCode.CARD_PULLED if doing == "transmit" else FaultCode.CARD_READER_OFFLINE
        raise DeviceFault(names.get(code, otherwise), detail)

    @classmethod
    def _faults(cls) -> dict[str, FaultCode]:
        return {
            **dict.fromkeys(cls._PULLED, FaultCode.CARD_PULLED),
            **dict.fromkeys(cls._MUTE, FaultCode.CARD_MUTE),
            **dict.fromkeys(cls._OFFLINE, FaultCode.CARD_READER_OFFLINE),
        }


class DirectLine:
    """Without PC/SC: a virtual card connects to a loopback port and is spoken to directly."""

    #: Messages of one byte: power off, power on.
    _OFF, _ON = b"\x00", b"\x01"

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener: socket.socket | None = None
        self._card: socket.socket | None = None

    @property
    def name(self) -> str:
        return f"direct {self._port}"

    def open(self) -> None:
        self.close()
        try:
            self._listener = socket.create_server(("127.0.0.1", self._port))
        except OSError as error:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, type(error).__name__) from error
        self._listener.settimeout(_POLL_S)

    def close(self) -> None:
        for connection in (self._card, self._listener):
            if connection is not None:
                connection.close()
        self._card = self._listener = None

    def there(self) -> bool:
        if self._card is not None and self._still_connected():
            # A card that stays is no news: do not let a waiting loop spin.
            time.sleep(0.02)
            return True
        if self._listener is None:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, "not open")
        try:
            self._card, _ = self._listener.accept()
        except TimeoutError:
            return False
        except OSError as error:
            raise DeviceFault(FaultCode.CARD_READER_OFFLINE, type(error).__name__) from error
        self._card.settimeout(_ANSWER_S)
        return True

    def _still_connected(self) -> bool:
        """A virtual card that was pulled has closed its connection."""
        card = self._card
        assert card is not None
        try:
            card.setblocking(False)
            gone = card.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            gone = False
        except OSError:
            gone = True
        if gone:
            card.close()
            self._card = None
            return False
        card.settimeout(_ANSWER_S)
        return True

    def power(self) -> None:
        self._send(self._ON)

    def transmit(self, command: bytes) -> bytes:
        self._send(command)
        length = int.from_bytes(self._receive(2), "big")
        answer = self._receive(length)
        if len(answer) < 2:
            raise DeviceFault(FaultCode.CARD_PULLED, "no status word")
        return answer

    def power_down(self) -> None:
        if self._card is not None:
            try:
                self._send(self._OFF)
            except DeviceFault:
                return  # it was pulled: it has forgotten by itself

    def _send(self, message: bytes) -> None:
        if self._card is None:
            raise DeviceFault(FaultCode.CARD_PULLED, "not connected")
        try:
            self._card.sendall(len(message).to_bytes(2, "big") + message)
        except OSError as error:
            raise self._pulled(error) from error

    def _receive(self, count: int) -> bytes:
        got = b""
        while len(got) < count:
            assert self._card is not None
            try:
                part = self._card.recv(count - len(got))
            except TimeoutError:
                # Its late answer would be taken for that to the next command.
                self._pulled(None)
                raise DeviceFault(FaultCode.CARD_MUTE, "no answer") from None
            except OSError as error:
                raise self._pulled(error) from error
            if not part:
                raise self._pulled(None)
            got += part
        return got

    def _pulled(self, error: OSError | None) -> DeviceFault:
        if self._card is not None:
            self._card.close()
            self._card = None
        return DeviceFault(FaultCode.CARD_PULLED, type(error).__name__ if error else "closed")


def make_card_reader(setting: str) -> CardReader | None:
    """ "pcsc", "direct:PORT", or "" for a terminal without one. Raises `ValueError` otherwise."""
    if not setting:
        return None
    if setting == "pcsc":
        return CardReader(PcscLine())
    kind, _, port = setting.partition(":")
    if kind == "direct" and port.isdigit():
        return CardReader(DirectLine(int(port)))
    raise ValueError(f"card reader {setting!r}: use pcsc, or direct:PORT")
