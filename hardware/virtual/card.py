"""The far end of the card reader's wire: a chip card that answers APDUs, and the slot it sits in.

The slot connects to the loopback port where a reader waits for a card: vpcd, the virtual reader
behind pcscd, or the driver itself (`hardware.card.direct`). Each message is a 2-byte big-endian
length and that many bytes: one byte 00 power off, 01 power on, 02 reset, 04 give the ATR;
everything longer is a command APDU, answered with a response APDU.

What a card is called and how its files are numbered is written out here once more, literally: with
the driver's own constants both could be wrong together.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hardware.virtual import keys

if TYPE_CHECKING:
    from hardware.virtual.personas import CardPersona

#: DF name of the application, "sx1.sh.社会保障" in GBK.
_APPLICATION = b"sx1.sh.\xc9\xe7\xbb\xe1\xb1\xa3\xd5\xcf"

_EF_ISSUER, _EF_HOLDER = 0xEF05, 0xEF06

_OK = b"\x90\x00"
_WRONG_LENGTH = b"\x67\x00"
_NOT_ALLOWED = b"\x69\x82"
_PIN_BLOCKED = b"\x69\x83"
_NO_FILE_SELECTED = b"\x69\x86"
_WRONG_MAC = b"\x69\x88"
_BLOCKED = b"\x6a\x81"
_NOT_FOUND = b"\x6a\x82"
_NO_RECORD = b"\x6a\x83"
_WRONG_P1P2 = b"\x6a\x86"
_NO_KEY = b"\x6a\x88"
_KEY_BLOCKED = b"\x69\x83"
_NOT_SUPPORTED = b"\x6d\x00"

_POWER_OFF, _POWER_ON, _RESET, _GIVE_ATR = 0x00, 0x01, 0x02, 0x04

#: Transparent files and their lengths: EF07 指纹, EF08 照片.
_TRANSPARENT = {0xEF07: 0x300, 0xEF08: 0x1000}

#: P2 of EXTERNAL AUTHENTICATE: the key that opens the holder's file.
_READ_KEY = 0x0A

#: Seconds between two tries to reach a reader that is not there yet.
_RETRY_S = 0.2


class VirtualCard:
    """A card's operating system (LD/T 32.5), as far as a terminal uses it.

    What a real card keeps without power (the PIN and its tries) is kept over `reset`.
    """

    def __init__(self, persona: CardPersona) -> None:
        self._persona = persona
        self._pin = persona.pin
        self._tries = 0 if persona.pin_blocked else persona.pin_tries
        #: Wrong cryptograms that the key for reading still takes.
        self._key_tries = persona.key_tries
        self.reset()

    @property
    def atr(self) -> bytes:
        return self._persona.atr

    @property
    def answer_s(self) -> float:
        """Seconds it takes over each command."""
        return self._persona.answer_s

    def reset(self) -> None:
        """Power on: nothing is selected, nobody has proven anything."""
        self._in_application = False
        self._file: int | None = None
        self._waiting = b""
        self._challenges: list[bytes] = []
        self._may_read = self._verified = False
        self._psam_key = b""

    def answer(self, command: bytes) -> bytes:
        """The response to one command: an APDU over T=1, a TPDU over T=0."""
        if len(command) < 4:
            return _WRONG_LENGTH
        head, rest = command[:4], command[4:]
        data = rest[1 : 1 + rest[0]] if len(rest) > 1 else b""
        behind = rest[1 + len(data) :]
        if self._persona.block_protocol:
            return self._over_t1(head, data, rest[-1:] if len(rest) == 1 else behind)
        if behind or not rest:
            return _WRONG_LENGTH  # one length byte, neither more nor less
        return self._react(head, data, rest[0] if len(rest) == 1 else 0)

    def _over_t1(self, head: bytes, data: bytes, le: bytes) -> bytes:
        """Nobody gets data who has not said how much is expected, and nobody fetches any."""
        if len(le) > 1 or head[:2] == b"\x00\xc0":
            return _NOT_SUPPORTED if head[1] == 0xC0 else _WRONG_LENGTH
        answer = self._react(head, data, le[0] if le else 0)
        if answer[-2] == 0x61:
            answer = self._get_response()
        return answer if le else answer[-2:]

    def _react(self, head: bytes, data: bytes, expected: int) -> bytes:
        if self._persona.psam:
            return self._as_psam(head, data, expected)
        react: dict[bytes, Callable[[], bytes]] = {
            b"\x00\xa4": lambda: self._select(head[2], data),
            b"\x00\xb2": lambda: self._read_record(head[2], head[3], expected),
            b"\x00\xb0": lambda: self._read_binary(head[2] << 8 | head[3], expected),
            b"\x00\xc0": self._get_response,
            b"\x00\x20": lambda: self._verify(data),
            b"\x80\x5e": lambda: self._change(head, data),
            b"\x84\x24": lambda: self._unblock(head, data),
            b"\x00\x84": lambda: self._challenge(expected),
            b"\x00\x88": lambda: self._internal(data),
            b"\x00\x82": lambda: self._external(head[3], data),
        }
        return react.get(head[:2], lambda: _NOT_SUPPORTED)()

    def _get_response(self) -> bytes:
        waiting, self._waiting = self._waiting, b""
        return waiting + _OK

    # -- files -------------------------------------------------------------------------------

    def _select(self, p1: int, data: bytes) -> bytes:
        if p1 == 0x04:
            self._in_application = self._persona.social and data == _APPLICATION
            self._file = None
            if not self._in_application:
                return _NOT_FOUND
            if self._persona.blocked:
                self._in_application = False
                return _BLOCKED
            name = b"\x84" + bytes([len(_APPLICATION)]) + _APPLICATION + self._persona.fci
            return self._given(b"\x6f" + bytes([len(name)]) + name)
        if p1 not in self._persona.select_p1:
            return _WRONG_P1P2
        file = int.from_bytes(data, "big")
        if not self._in_application or file not in (_EF_ISSUER, _EF_HOLDER, *_TRANSPARENT):
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
        persona = self._persona
        if p2 & 0x07 == 0x04 and p2 >> 3 and "short id" in persona.records_by:
            self._file, p2 = 0xEF00 | p2 >> 3, 0x04
        if self._file not in (_EF_ISSUER, _EF_HOLDER):
            return _NO_FILE_SELECTED
        if self._persona.reads_refused:
            return self._persona.reads_refused
        if self._file == _EF_HOLDER and not (persona.holder_free or self._may_read):
            return _NOT_ALLOWED
        records = persona.issuer_file if self._file == _EF_ISSUER else persona.holder_file
        if p2 == 0x05 and "all" in persona.records_by:
            return (
                b"".join(bytes([tag, len(value)]) + value for tag, value in records.items()) + _OK
            )
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
        by = self._persona.records_by
        if p2 == 0x00 and "tag" in by:
            return p1
        if p2 == 0x04 and ("number" in by or "short id" in by):
            return tags[p1 - 1] if 1 <= p1 <= len(tags) else 0
        return None

    def _read_binary(self, offset: int, expected: int) -> bytes:
        length = _TRANSPARENT.get(self._file or 0)
        if length is None:
            return _NO_FILE_SELECTED
        if not self._may_read:
            return _NOT_ALLOWED
        return bytes(max(0, min(length - offset, expected or 256))) + _OK

    # -- PIN ---------------------------------------------------------------------------------

    def _verify(self, data: bytes) -> bytes:
        if self._tries == 0:
            return _PIN_BLOCKED
        if data:
            self._verified = data == bytes.fromhex(self._pin)
            self._tries = self._persona.pin_tries if self._verified else self._tries - 1
            self._may_read |= self._verified and self._persona.pin_opens_holder
            if self._verified:
                return _OK
        return bytes([0x63, 0xC0 | self._tries])

    def _change(self, head: bytes, data: bytes) -> bytes:
        if head[2] == 0x00:
            return self._reload(head, data)
        old, separator, new = data.partition(b"\xff")
        if not separator or len(new) != 3:
            return _WRONG_LENGTH
        answer = self._verify(old)
        if answer == _OK:
            self._pin = new.hex()
        return answer

    def _reload(self, head: bytes, data: bytes) -> bytes:
        if len(data) != 7 or not self._of_the_issuer(head + data):
            return _WRONG_MAC
        self._pin = data[:3].hex()
        self._tries = self._persona.pin_tries
        return _OK

    def _unblock(self, head: bytes, data: bytes) -> bytes:
        if len(data) != 4 or not self._of_the_issuer(head + data):
            return _WRONG_MAC
        self._tries = self._persona.pin_tries
        return _OK

    def _of_the_issuer(self, command: bytes) -> bool:
        """Whether its MAC is right for the challenge that was drawn last, which is used up."""
        challenge, self._challenges = b"".join(self._challenges[-1:]), []
        right = keys.issuer_mac(self._card_id, challenge, command[:-4])
        return bool(challenge) and command[-4:] == right

    # -- authentication ----------------------------------------------------------------------

    @property
    def _card_id(self) -> bytes:
        return self._persona.issuer_file.get(0x01, bytes(16))

    def _challenge(self, expected: int) -> bytes:
        challenge = secrets.token_bytes(expected or 8)
        self._challenges = [*self._challenges, challenge][-2:]
        return challenge + _OK

    def _internal(self, data: bytes) -> bytes:
        if not self._in_application or len(data) != 16:
            return _WRONG_LENGTH
        proof = keys.cryptogram(keys.INTERNAL, self._card_id, data)
        return self._given(proof[: self._persona.proof_bytes])

    def _external(self, key: int, data: bytes) -> bytes:
        if key != _READ_KEY:
            return _NO_KEY
        if self._key_tries == 0:
            return _KEY_BLOCKED
        if len(self._challenges) < 2:
            return _NOT_ALLOWED
        source, process = self._challenges
        self._challenges = []
        if data != keys.cryptogram(keys.READ, self._card_id, process + source):
            self._key_tries -= 1
            return bytes([0x63, 0xC0 | self._key_tries])
        self._key_tries = self._persona.key_tries
        self._may_read = True
        return _OK

    # -- as a 安全存取模块 ---------------------------------------------------------------------

    def _as_psam(self, head: bytes, data: bytes, expected: int) -> bytes:
        """Diversifies a key (80 1A), then computes with it (80 FA)."""
        match head[:2]:
            case b"\x80\x1a":
                if head[2:] != self._persona.psam_key:
                    return _NO_KEY
                self._psam_key = data
                return _OK
            case b"\x80\xfa":
                if len(self._psam_key) != 8 or len(data) != 16:
                    return _NOT_ALLOWED
                return self._given(keys.cryptogram(keys.READ, self._psam_key, data))
            case b"\x00\x84":
                return self._challenge(expected)
            case b"\x00\xc0":
                return self._get_response()
        return _NOT_SUPPORTED


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
        #: Cards that were in here before: what they keep without power, they keep.
        self._cards: dict[int, tuple[CardPersona, VirtualCard]] = {}

    def insert(self, persona: CardPersona) -> None:
        """Put a card in; one that is there is pulled first."""
        self.pull()
        self._pulled = threading.Event()
        self._thread = threading.Thread(
            target=self._sit,
            args=(self._card_of(persona), self._pulled),
            name="virtual card",
            daemon=True,
        )
        self._thread.start()

    def _card_of(self, persona: CardPersona) -> VirtualCard:
        _, card = self._cards.setdefault(id(persona), (persona, VirtualCard(persona)))
        return card

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
            if len(message) > 1 and card.answer_s:
                pulled.wait(card.answer_s)
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
