"""社会保障卡读写器: waits for a card, reads it, lets go of it.

The card is reached in one of two ways behind the same `Transport`: PC/SC (`hardware.pcsc`), or
`DirectTransport`, where a virtual card connects to this program without a PC/SC service in between.
The card is powered only while it is read, so nothing it was told survives the reading.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Protocol

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.social_card import SocialCard, read_social_card
from hardware.supervision import Condition

#: Longest time between two looks at whether the card is still waited for, seconds.
_GLANCE_S = 0.2

#: A card that takes longer for one answer is mute, seconds. Real cards take 0.05 to 0.3.
_ANSWER_S = 5.0


class CardStep(StrEnum):
    """What the citizen should know while a card is waited for."""

    WAITING = "waiting"
    #: It is being read and must stay where it is.
    SEEN = "seen"


class Transport(Protocol):
    """The way to one card slot. Everything raises `DeviceFault`; `close` and `disconnect` do not.

    CARD_READER_OFFLINE means the slot itself, CARD_PULLED and CARD_MUTE the card in it.
    """

    def open(self) -> None: ...

    def close(self) -> None: ...

    def check(self) -> str:
        """Make sure that the slot is still there; returns its name."""

    def wait_for_card(self, seconds: float) -> bool:
        """Whether a card is there, waiting so long for one."""

    def connect(self) -> None:
        """Power the card."""

    def transmit(self, command: bytes) -> bytes:
        """Command APDU -> response APDU with its status word."""

    def disconnect(self) -> None:
        """Take the power from the card."""


class CardReader:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._read = 0

    def open(self) -> None:
        self._transport.open()

    def close(self) -> None:
        self._transport.close()

    def poll(self) -> Condition:
        name = self._transport.check()
        return Condition(serial=name, counters={"cards": self._read})

    def read(self, cancelled: Callable[[], bool], report: Callable[[CardStep], None]) -> SocialCard:
        """Wait for a card and read what it gives without a PIN.

        Raises `NotWanted` when cancelled, and `DeviceFault`: CARD_PULLED, CARD_MUTE, CARD_FOREIGN,
        CARD_DAMAGED, CARD_READER_OFFLINE.
        """
        report(CardStep.WAITING)
        while not self._transport.wait_for_card(_GLANCE_S):
            if cancelled():
                raise NotWanted
        report(CardStep.SEEN)

        def transmit(command: bytes) -> bytes:
            if cancelled():
                raise NotWanted
            return self._transport.transmit(command)

        try:
            self._transport.connect()
            card = read_social_card(transmit)
        finally:
            self._transport.disconnect()
        self._read += 1
        return card


def make_card_reader(setting: str) -> CardReader | None:
    """The reader of a setting: "pcsc", "direct:PORT", or "" for none.

    Raises `ValueError` for anything else.
    """
    if not setting:
        return None
    if setting == "pcsc":
        from hardware.pcsc import PcscTransport

        return CardReader(PcscTransport())
    way, _, port = setting.partition(":")
    if way != "direct" or not port.isdecimal():
        raise ValueError(f"card reader {setting!r} is neither pcsc nor direct:PORT")
    return CardReader(DirectTransport(int(port)))


# -- without a PC/SC service ------------------------------------------------------------------

#: What vpcd tells its card, each a message of one byte. Every longer message is a command APDU.
POWER_OFF, POWER_ON, RESET, GET_ATR = b"\x00", b"\x01", b"\x02", b"\x04"


class DirectTransport:
    """Does what vpcd does for pcscd: listens on loopback for a card, which connects when inserted.

    Messages both ways are two bytes of length, big-endian, and so many bytes.
    """

    def __init__(self, port: int) -> None:
        """With port 0 a free one is taken; `port` then says which."""
        self.port = port
        self._listener: socket.socket | None = None
        self._card: socket.socket | None = None

    def open(self) -> None:
        self.close()
        try:
            self._listener = socket.create_server(("127.0.0.1", self.port))
        except OSError as error:
            raise _offline(f"errno {error.errno}") from error
        self.port = self._listener.getsockname()[1]

    def close(self) -> None:
        self._drop_card()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def check(self) -> str:
        if self._listener is None:
            raise _offline("not open")
        return f"direct {self.port}"

    def wait_for_card(self, seconds: float) -> bool:
        self.check()
        assert self._listener is not None
        if self._card is not None and self._still_there():
            return True
        self._listener.settimeout(seconds)
        try:
            self._card, _ = self._listener.accept()
        except TimeoutError:
            return False
        except OSError as error:
            raise _offline(f"errno {error.errno}") from error
        self._card.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True

    def connect(self) -> None:
        self._send(POWER_ON)
        self._send(GET_ATR)
        if not self._receive():
            raise DeviceFault(FaultCode.CARD_MUTE, "no ATR")

    def transmit(self, command: bytes) -> bytes:
        self._send(command)
        return self._receive()

    def disconnect(self) -> None:
        if self._card is not None:
            with suppress(DeviceFault):
                self._send(POWER_OFF)

    def _still_there(self) -> bool:
        """A card that was pulled has closed its connection. One that says something unasked is the
        late answer of a reading that was given up; it starts anew."""
        assert self._card is not None
        self._card.setblocking(False)
        try:
            self._card.recv(1)
        except BlockingIOError:
            return True
        except OSError:
            pass
        self._drop_card()
        return False

    def _drop_card(self) -> None:
        if self._card is not None:
            self._card.close()
            self._card = None

    def _send(self, message: bytes) -> None:
        if self._card is None:
            raise DeviceFault(FaultCode.CARD_PULLED)
        try:
            self._card.settimeout(_ANSWER_S)
            self._card.sendall(len(message).to_bytes(2, "big") + message)
        except OSError as error:
            self._drop_card()
            raise DeviceFault(FaultCode.CARD_PULLED, f"errno {error.errno}") from error

    def _receive(self) -> bytes:
        until = time.monotonic() + _ANSWER_S
        length = int.from_bytes(self._exactly(2, until), "big")
        return self._exactly(length, until)

    def _exactly(self, count: int, until: float) -> bytes:
        if self._card is None:
            raise DeviceFault(FaultCode.CARD_PULLED)
        got = b""
        try:
            while len(got) < count:
                self._card.settimeout(max(0.01, until - time.monotonic()))
                piece = self._card.recv(count - len(got))
                if not piece:
                    raise ConnectionResetError
                got += piece
        except TimeoutError as error:
            self._drop_card()
            raise DeviceFault(FaultCode.CARD_MUTE, f"no answer in {_ANSWER_S:g} s") from error
        except OSError as error:
            self._drop_card()
            raise DeviceFault(FaultCode.CARD_PULLED, "in the middle of an answer") from error
        return got


def _offline(detail: str) -> DeviceFault:
    return DeviceFault(FaultCode.CARD_READER_OFFLINE, detail)
