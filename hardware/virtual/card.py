"""The far end of the card reader's wire: a chip card that answers APDUs, and the slot it sits in.

The slot connects to the loopback port where a reader waits for a card: vpcd, the virtual reader
behind pcscd, or the driver itself (`hardware.card.direct.DirectLine`). Each message is a 2-byte
big-endian length and that many bytes: one byte 00 power off, 01 power on, 02 reset, 04 give the
ATR; everything longer is a command APDU, answered with a response APDU.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from hardware.card.files import APPLICATION, EF_HOLDER, EF_ISSUER

if TYPE_CHECKING:
    from hardware.virtual.personas import CardPersona

_OK = b"\x90\x00"
_NOT_ALLOWED = b"\x69\x82"
_NOT_FOUND = b"\x6a\x82"
_NO_RECORD = b"\x6a\x83"
_WRONG_P1P2 = b"\x6a\x86"
_NOT_SUPPORTED = b"\x6d\x00"
_NO_FILE_SELECTED = b"\x69\x86"

_POWER_OFF, _POWER_ON, _RESET, _GIVE_ATR = 0x00, 0x01, 0x02, 0x04

#: Seconds between two tries to reach a reader that is not there yet.
_RETRY_S = 0.2


class VirtualCard:
    """A card's operating system, as far as reading without a PIN goes (LD/T 32.5)."""

    def __init__(self, persona: CardPersona) -> None:
        self._persona = persona
        self.reset()

    @property
    def atr(self) -> bytes:
        return self._persona.atr

    def reset(self) -> None:
        """Power on: nothing is selected."""
        self._in_application = False
        self._file: int | None = None
        self._waiting = b""

    def answer(self, command: bytes) -> bytes:
        """The response to one command APDU."""
        if len(command) < 4:
            return b"\x67\x00"
        instruction, p1, p2 = command[1], command[2], command[3]
        data = command[5 : 5 + command[4]] if len(command) > 5 else b""
        if instruction == 0xA4:
            return self._select(p1, data)
        if instruction == 0xB2:
            return self._read_record(p1, p2, command[4] if len(command) == 5 else 0)
        if instruction == 0xC0:
            waiting, self._waiting = self._waiting, b""
            return waiting + _OK
        return _NOT_SUPPORTED

    def _select(self, p1: int, data: bytes) -> bytes:
        if p1 == 0x04:
            self._in_application = self._persona.social and data == APPLICATION
            self._file = None
            if not self._in_application:
                return _NOT_FOUND
            name = b"\x84" + bytes([len(APPLICATION)]) + APPLICATION + b"\xa5\x03\x88\x01\x1e"
            return self._given(b"\x6f" + bytes([len(name)]) + name)
        if p1 not in self._persona.select_p1:
            return _WRONG_P1P2
        file = int.from_bytes(data, "big")
        if not self._in_application or file not in (EF_ISSUER, EF_HOLDER):
            return _NOT_FOUND
        self._file = file
        return _OK

    def _given(self, data: bytes) -> bytes:
        """Data as this card hands it over: at once, or behind 61xx."""
        if not self._persona.fetch_answers:
            return data + _OK
        self._waiting = data
        return bytes([0x61, len(data)])

    def _read_record(self, p1: int, p2: int, expected: int) -> bytes:
        if self._file is None:
            return _NO_FILE_SELECTED
        persona = self._persona
        if self._file == EF_HOLDER and not persona.holder_free:
            return _NOT_ALLOWED
        records = persona.issuer_file if self._file == EF_ISSUER else persona.holder_file
        tag = self._tag(p1, p2, list(records))
        if tag is None:
            return _WRONG_P1P2
        if tag not in records:
            return _NO_RECORD
        record = bytes([tag, len(records[tag])]) + records[tag]
        if persona.fetch_answers and expected != len(record):
            return bytes([0x6C, len(record)])
        return record + _OK

    def _tag(self, p1: int, p2: int, tags: list[int]) -> int | None:
        """The record meant; 0 if there is none, None if it is not addressed as this card likes."""
        if p2 == 0x00 and "tag" in self._persona.records_by:
            return p1
        if p2 == 0x04 and "number" in self._persona.records_by:
            return tags[p1 - 1] if 1 <= p1 <= len(tags) else 0
        return None


class CardSlot:
    """Holds at most one card, and keeps it connected to a reader for as long as it is in."""

    def __init__(self, port: int) -> None:
        """`port`: where the reader waits, on the loopback interface."""
        self._port = port
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._pulled = threading.Event()
        self._thread: threading.Thread | None = None
        #: Pull the card by itself after so many more commands; None: never.
        self.pull_after: int | None = None

    def insert(self, persona: CardPersona) -> None:
        """Put a card in; one that is there is pulled first."""
        self.pull()
        self._pulled = threading.Event()
        self._thread = threading.Thread(
            target=self._sit,
            args=(VirtualCard(persona), self._pulled),
            name="virtual card",
            daemon=True,
        )
        self._thread.start()

    def pull(self) -> None:
        """Take the card out, whatever it is doing."""
        self._pulled.set()
        with self._lock:
            if self._connection is not None:
                # Shut down first: closing alone does not wake the thread that reads.
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)
            self._thread = None

    def close(self) -> None:
        self.pull()

    def _sit(self, card: VirtualCard, pulled: threading.Event) -> None:
        """Connect to the reader, again and again while it is away, and answer it."""
        while not pulled.is_set():
            try:
                connection = socket.create_connection(("127.0.0.1", self._port), timeout=1)
            except OSError:
                pulled.wait(_RETRY_S)
                continue
            connection.settimeout(None)
            with self._lock:
                self._connection = connection
            with connection, suppress(OSError):
                self._serve(card, connection, pulled)
            with self._lock:
                self._connection = None

    def _serve(self, card: VirtualCard, connection: socket.socket, pulled: threading.Event) -> None:
        while not pulled.is_set():
            message = _receive(connection)
            if message is None:
                return
            answer = self._react(card, message)
            if answer is None:
                continue
            if self.pull_after is not None and len(message) > 1:
                self.pull_after -= 1
                if self.pull_after < 0:
                    self.pull_after = None
                    pulled.set()
                    return
            connection.sendall(len(answer).to_bytes(2, "big") + answer)

    @staticmethod
    def _react(card: VirtualCard, message: bytes) -> bytes | None:
        """The answer to a message; None if it has none."""
        if len(message) > 1:
            return card.answer(message)
        if message[0] == _GIVE_ATR:
            return card.atr
        if message[0] in (_POWER_OFF, _POWER_ON, _RESET):
            card.reset()
        return None


def _receive(connection: socket.socket) -> bytes | None:
    """One message, or None when the reader is gone."""
    head = _exactly(connection, 2)
    return None if head is None else _exactly(connection, int.from_bytes(head, "big"))


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    got = b""
    while len(got) < count:
        # vpcd writes length and body apart; without a quick acknowledgement each APDU takes 44 ms.
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = connection.recv(count - len(got))
        if not part:
            return None
        got += part
    return got
