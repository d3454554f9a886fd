"""The far end of the card slot: a 社会保障卡 that is inserted and pulled.

A card connects to whoever plays the slot: vpcd, the virtual reader behind pcscd, or the driver's
own `DirectTransport`. Both speak the protocol described there. While it is inserted it connects again
and again, so that it survives a restart of the other side as a real card does.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from hardware.card_reader import GET_ATR, POWER_OFF, POWER_ON, RESET
from hardware.social_card import APPLICATION, EF_HOLDER, EF_ISSUER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.virtual.personas import CardPersona

#: Where vpcd waits for the card of its first slot.
VPCD_PORT = 35963

_RECONNECT_S = 0.1

_OK = b"\x90\x00"
_NOT_ALLOWED, _NO_FILE_CHOSEN = b"\x69\x82", b"\x69\x86"
_NO_FILE, _NO_RECORD, _WRONG_P1P2 = b"\x6a\x82", b"\x6a\x83", b"\x6a\x86"
_WRONG_LENGTH, _NO_SUCH_COMMAND = b"\x67\x00", b"\x6d\x00"


class CardSystem:
    """The card's operating system: `answer` for each command APDU, `reset` when power comes."""

    def __init__(self, persona: CardPersona) -> None:
        self._persona = persona
        self._files = {EF_ISSUER: persona.issuer_file, EF_HOLDER: persona.holder_file}
        self.reset()

    def reset(self) -> None:
        """Forget what was selected."""
        self._in_application = False
        self._file = 0
        self._waiting = b""

    def answer(self, command: bytes) -> bytes:
        """Command APDU -> response APDU with its status word."""
        if len(command) < 4:
            return _WRONG_LENGTH
        _, instruction, p1, p2 = command[:4]
        if instruction == 0xA4:
            return self._select(p1, command[5:])
        if instruction == 0xB2:
            return self._read_record(p1, p2, command[4] if len(command) > 4 else 0)
        if instruction == 0xC0:
            waiting, self._waiting = self._waiting, b""
            return waiting + _OK
        return _NO_SUCH_COMMAND

    def _select(self, p1: int, data: bytes) -> bytes:
        if p1 == 0x04:
            if not self._persona.social or data[: len(APPLICATION)] != APPLICATION:
                return _NO_FILE
            self._in_application, self._file = True, 0
            name = b"\x84" + bytes([len(APPLICATION)]) + APPLICATION + bytes.fromhex("A503880105")
            return self._say(b"\x6f" + bytes([len(name)]) + name)
        if p1 not in self._persona.select_p1:
            return _WRONG_P1P2
        file = int.from_bytes(data[:2], "big")
        if not self._in_application or file not in self._files:
            return _NO_FILE
        self._file = file
        return _OK

    def _say(self, data: bytes) -> bytes:
        """An answer to a command that had data: with T = 0 it must be fetched."""
        if not self._persona.fetch_answers:
            return data + _OK
        self._waiting = data
        return bytes([0x61, len(data)])

    def _read_record(self, p1: int, p2: int, expected: int) -> bytes:
        if not self._file:
            return _NO_FILE_CHOSEN
        if self._file == EF_HOLDER and not self._persona.holder_free:
            return _NOT_ALLOWED
        records = self._files[self._file]
        tag = self._tag(records, p1, p2)
        if tag is None:
            return _WRONG_P1P2
        if tag not in records:
            return _NO_RECORD
        record = bytes([tag, len(records[tag])]) + records[tag]
        if self._persona.fetch_answers and expected != len(record):
            return bytes([0x6C, len(record)])
        return record + _OK

    def _tag(self, records: Mapping[int, bytes], p1: int, p2: int) -> int | None:
        """The tag that a READ RECORD means, -1 if there are not so many; None: not understood."""
        if p2 == 0x00 and "tag" in self._persona.records_by:
            return p1
        if p2 == 0x04 and "number" in self._persona.records_by:
            return list(records)[p1 - 1] if 1 <= p1 <= len(records) else -1
        return None


class VirtualCard:
    """At most one card in the slot behind `port` on loopback."""

    def __init__(self, port: int = VPCD_PORT) -> None:
        self.port = port
        #: Pull the card when it gets this command after power came (0: the first); None: never.
        self.pull_at: int | None = None
        self._lock = threading.Lock()
        self._gone: threading.Event | None = None
        self._thread: threading.Thread | None = None
        self._line: socket.socket | None = None

    @property
    def inserted(self) -> bool:
        return self._gone is not None and not self._gone.is_set()

    def insert(self, persona: CardPersona) -> None:
        """Put a card in; one that is there is pulled first."""
        self.pull()
        self._gone = threading.Event()
        self._thread = threading.Thread(
            target=self._stay, args=(persona, self._gone), name="virtual card", daemon=True
        )
        self._thread.start()

    def pull(self) -> None:
        """Take the card out, whatever it is doing."""
        if self._gone is not None:
            self._gone.set()
        with self._lock:
            if self._line is not None:
                with suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(2)
            self._thread = None

    def _stay(self, persona: CardPersona, gone: threading.Event) -> None:
        """Connect, serve, and again, until the card is pulled."""
        while not gone.is_set():
            try:
                line = socket.create_connection(("127.0.0.1", self.port), 1)
            except OSError:
                gone.wait(_RECONNECT_S)
                continue
            with line:
                line.settimeout(None)
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._line = line
                if not gone.is_set():
                    with suppress(OSError):
                        self._serve(line, persona, gone)
                with self._lock:
                    self._line = None
            gone.wait(_RECONNECT_S)

    def _serve(self, line: socket.socket, persona: CardPersona, gone: threading.Event) -> None:
        system = CardSystem(persona)
        commands = 0
        while (message := _receive(line)) is not None:
            if message in (POWER_OFF, POWER_ON, RESET):
                system.reset()
                commands = 0
                continue
            if message == GET_ATR:
                _send(line, persona.atr)
                continue
            if commands == self.pull_at:
                self.pull_at = None
                gone.set()
                return
            commands += 1
            _send(line, system.answer(message))


def _receive(line: socket.socket) -> bytes | None:
    """One message, None when the other side is gone."""
    head = _exactly(line, 2)
    return None if head is None else _exactly(line, int.from_bytes(head, "big"))


def _exactly(line: socket.socket, count: int) -> bytes | None:
    got = b""
    while len(got) < count:
        # Linux forgets it after each answer; without it every command takes 40 ms more, because
        # vpcd sends length and body apart.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        piece = line.recv(count - len(got))
        if not piece:
            return None
        got += piece
    return got


def _send(line: socket.socket, message: bytes) -> None:
    line.sendall(len(message).to_bytes(2, "big") + message)
