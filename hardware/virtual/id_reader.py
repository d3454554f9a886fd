"""The far end of the ID-card reader's line: a SAM module that has cards put on and taken off."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Protocol

from hardware.id_reader import (
    FIND,
    KIND_OFFSET,
    PREAMBLE,
    READ_TEXT,
    SAM_ID,
    SAM_STATUS,
    SELECT,
    SW_FOUND,
    SW_NO_CARD,
    SW_OK,
    SW_UNAUTHORISED,
    SW_WRONG_CARD,
    TEXT_BYTES,
    TEXT_FIELDS,
    checksum,
)
from hardware.virtual.wire import FarEnd

_PHOTO_BYTES = 1024
_SW_SELECT_FAILED, _SW_READ_FAILED, _SW_UNKNOWN = 0x81, 0x41, 0x24
_SAM_ID = bytes.fromhex("05000100B59831012B6B6200FDEBDA39")

#: A card takes about this long to be read, seconds.
_READING_S = 0.4


class Persona(Protocol):
    """What lies on the reader: the fields of `hardware.id_reader.IdCard`."""

    kind: str
    name: str
    sex_code: str
    ethnic_code: str
    birth: str
    address: str
    number: str
    issuer: str
    valid_from: str
    valid_to: str


def text_block(persona: Persona) -> bytes:
    """A persona as the 256 bytes that a card gives. Raises `ValueError` if a field is too long."""
    block = bytearray(" ".encode("utf-16-le") * (TEXT_BYTES // 2))
    for field, (offset, length) in TEXT_FIELDS.items():
        text = getattr(persona, field).encode("utf-16-le")
        if len(text) > length:
            raise ValueError(f"{field} does not fit on the card")
        block[offset : offset + len(text)] = text
    if persona.kind != "resident":
        block[KIND_OFFSET : KIND_OFFSET + 2] = persona.kind.encode("utf-16-le")
    return bytes(block)


def answer_frame(status: int, data: bytes = b"") -> bytes:
    """The bytes that the reader answers with."""
    body = (3 + len(data) + 1).to_bytes(2, "big") + bytes([0, 0, status]) + data
    return PREAMBLE + body + bytes([checksum(body)])


class VirtualIdReader(FarEnd):
    """A reader with nothing on it."""

    def __init__(self, folder: Path | None = None) -> None:
        self._card: Persona | None = None
        self._wrong_card = False
        self._found = self._selected = False
        self._spent = False
        self._pending = b""
        self._state = threading.RLock()
        #: Lift the card in the middle of the next reading's answer.
        self.lift_during_read = False
        #: Answer everything with "SAM not authorised".
        self.unauthorised = False
        #: Say nothing at all.
        self.mute = False
        super().__init__("id_reader", folder)

    def put(self, persona: Persona) -> None:
        """Lay a card on the reader."""
        with self._state:
            self._card, self._wrong_card = persona, False
            self._found = self._selected = self._spent = False

    def put_other_card(self) -> None:
        """Lay something on the reader that is not an identity card at all (a bank card)."""
        with self._state:
            self._card, self._wrong_card = None, True
            self._spent = False

    def lift(self) -> None:
        """Take away what lies there."""
        with self._state:
            self._card, self._wrong_card = None, False
            self._found = self._selected = self._spent = False

    def disconnected(self) -> None:
        self._pending = b""

    def received(self, data: bytes) -> None:
        self._pending += data
        while (start := self._pending.find(PREAMBLE)) >= 0:
            frame = self._pending[start:]
            if len(frame) < len(PREAMBLE) + 2:
                return
            end = len(PREAMBLE) + 2 + int.from_bytes(frame[5:7], "big")
            if len(frame) < end:
                return
            self._pending = frame[end:]
            self._answer(frame[7 : end - 1])

    def _answer(self, command: bytes) -> None:
        if self.mute:
            return
        if self.unauthorised:
            self.send(answer_frame(SW_UNAUTHORISED))
        elif command == SAM_STATUS:
            self.send(answer_frame(SW_OK))
        elif command == SAM_ID:
            self.send(answer_frame(SW_OK, _SAM_ID))
        elif command == FIND:
            self._find()
        elif command == SELECT:
            self._select()
        elif command == READ_TEXT:
            self._read()
        else:
            self.send(answer_frame(_SW_UNKNOWN))

    def _find(self) -> None:
        with self._state:
            # A card that was read, or whose reading failed, is not found again until it is lifted.
            self._found = (self._card is not None or self._wrong_card) and not self._spent
            self._selected = False
            found = self._found
        self.send(answer_frame(SW_FOUND, bytes(4)) if found else answer_frame(SW_NO_CARD))

    def _select(self) -> None:
        with self._state:
            if self._wrong_card:
                self._spent = True
                self.send(answer_frame(SW_WRONG_CARD))
                return
            self._selected = self._found and self._card is not None
            ok = self._selected
        self.send(answer_frame(SW_OK, bytes(8)) if ok else answer_frame(_SW_SELECT_FAILED))

    def _read(self) -> None:
        with self._state:
            card = self._card if self._selected else None
            self._spent = True
        if card is None:
            self.send(answer_frame(_SW_READ_FAILED))
            return
        lengths = TEXT_BYTES.to_bytes(2, "big") + _PHOTO_BYTES.to_bytes(2, "big")
        frame = answer_frame(SW_OK, lengths + text_block(card) + bytes(_PHOTO_BYTES))
        time.sleep(_READING_S / 2)
        if self.lift_during_read:
            self.lift_during_read = False
            self.send(frame[: len(frame) // 3])
            self.lift()
            return
        time.sleep(_READING_S / 2)
        with self._state:
            still_there = self._card is card
        self.send(frame if still_there else answer_frame(_SW_READ_FAILED))
