"""The far end of the ID-card reader's line: a SAM module that has cards put on and taken off.

Its bytes are written out here once more, literally (GA/T 450, facts of the vendors' manuals): with
the driver's own constants both could be wrong together.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hardware.virtual.wire import FarEnd

if TYPE_CHECKING:
    from hardware.virtual.personas import IdPersona

_PREAMBLE = b"\xaa\xaa\xaa\x96\x69"

#: Command and parameter.
_SAM_STATUS, _GIVE_SAM_ID = b"\x11\xff", b"\x12\xff"
_FIND, _SELECT = b"\x20\x01", b"\x20\x02"
_READ, _READ_ADDRESS, _READ_WITH_FINGERPRINT = b"\x30\x01", b"\x30\x03", b"\x30\x10"

#: Field of a persona -> where it stands in the 256 bytes of text, and how long it may be.
_OF_A_CITIZEN = (
    ("name", 0, 30),
    ("sex_code", 30, 2),
    ("ethnic_code", 32, 4),
    ("birth", 36, 16),
    ("address", 52, 70),
    ("number", 122, 36),
    ("issuer", 158, 30),
    ("valid_from", 188, 16),
    ("valid_to", 204, 16),
)
_TEXT = {
    "resident": _OF_A_CITIZEN,
    "J": (*_OF_A_CITIZEN, ("pass_number", 220, 18), ("issue_count", 238, 4), ("kind", 248, 2)),
    "I": (
        ("english_name", 0, 120),
        ("sex_code", 120, 2),
        ("number", 122, 30),
        ("nationality", 152, 6),
        ("name", 158, 30),
        ("valid_from", 188, 16),
        ("valid_to", 204, 16),
        ("birth", 220, 16),
        ("version", 236, 4),
        ("issuer", 240, 8),
        ("kind", 248, 2),
    ),
    "Y": (
        ("name", 0, 30),
        ("sex_code", 30, 2),
        ("issue_count", 32, 4),
        ("birth", 36, 16),
        ("english_name", 52, 70),
        ("number", 122, 36),
        ("valid_from", 188, 16),
        ("valid_to", 204, 16),
        ("english_name_more", 220, 22),
        ("nationality", 242, 6),
        ("kind", 248, 2),
        ("old_document", 250, 6),
    ),
}

_PHOTO_BYTES = 1024
_SW_OK, _SW_FOUND, _SW_NO_CARD = 0x90, 0x9F, 0x80
_SW_SELECT_FAILED, _SW_READ_FAILED, _SW_UNKNOWN, _SW_NO_CONTENTS = 0x81, 0x41, 0x24, 0x91
SW_UNAUTHORISED, SW_WRONG_CARD = 0x66, 0x40
_SAM_ID = bytes.fromhex("05000100B59831012B6B6200FDEBDA39")

#: A card takes about this long to be read, seconds.
_READING_S = 0.4


def text_block(persona: IdPersona) -> bytes:
    """A persona as the 256 bytes that a card gives. Raises `ValueError` if a field is too long."""
    block = bytearray(" ".encode("utf-16-le") * 128)
    values = dict(vars(persona))
    if persona.kind == "Y":  # 35 letters here, the others further on
        name = persona.english_name
        values |= {"english_name": name[:35], "english_name_more": name[35:]}
    for field, offset, length in _TEXT[persona.kind]:
        text = values[field].encode("utf-16-le")
        if len(text) > length:
            raise ValueError(f"{field} does not fit on the card")
        block[offset : offset + len(text)] = text
    return bytes(block)


def answer_frame(status: int, data: bytes = b"") -> bytes:
    """The bytes that the reader answers with."""
    body = (3 + len(data) + 1).to_bytes(2, "big") + bytes([0, 0, status]) + data
    check = 0
    for byte in body:
        check ^= byte
    return _PREAMBLE + body + bytes([check])


class VirtualIdReader(FarEnd):
    """A reader with nothing on it."""

    def __init__(self, folder: Path | None = None, portraits: bool = False) -> None:
        """`portraits`: whether cards bring one; to draw it takes a moment."""
        self._portraits = portraits
        self._portrait = ""
        self._card: IdPersona | None = None
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
        #: SW3 of the next answers to _SELECT and READ, one each, instead of what they would be.
        self.next_statuses: list[int] = []
        #: Bytes that come before every answer, and how many at once it is sent in (0: all).
        self.noise = b""
        self.trickle = 0
        #: Spoil the checksum of the next reading.
        self.spoil = False
        #: What a decoder would make a portrait of.
        self.photo = bytes(_PHOTO_BYTES)
        super().__init__("id_reader", folder)

    def put(self, persona: IdPersona) -> None:
        """Lay a card on the reader."""
        if self._portraits:
            self._draw(self._portrait or persona.portrait, persona.sex_code)
        with self._state:
            self._card, self._wrong_card = persona, False
            self._found = self._selected = self._spent = False

    def show_portrait(self, name: str) -> None:
        """Whose portrait every card holds from now on, of `hardware.virtual.portrait.CHIPS`; "":
        its own again. Raises `KeyError`."""
        with self._state:
            card = self._card
        if name or card is not None:
            self._draw(name or (card.portrait if card else ""), card.sex_code if card else "1")
        self._portrait = name

    def _draw(self, name: str, sex_code: str) -> None:
        from hardware.virtual.portrait import chip  # brings numpy and OpenCV

        self.photo = chip(name or {"1": "man"}.get(sex_code, "woman"))

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
        while (start := self._pending.find(_PREAMBLE)) >= 0:
            frame = self._pending[start:]
            if len(frame) < len(_PREAMBLE) + 2:
                return
            end = len(_PREAMBLE) + 2 + int.from_bytes(frame[5:7], "big")
            if len(frame) < end:
                return
            self._pending = frame[end:]
            self._answer(frame[7 : end - 1])

    def _answer(self, command: bytes) -> None:
        if self.mute:
            return
        if self.unauthorised:
            self.send(answer_frame(SW_UNAUTHORISED))
        elif command == _SAM_STATUS:
            self.send(answer_frame(_SW_OK))
        elif command == _GIVE_SAM_ID:
            self.send(answer_frame(_SW_OK, _SAM_ID))
        elif command == _FIND:
            self._find()
        elif command == _SELECT:
            self._select()
        elif command in (_READ, _READ_WITH_FINGERPRINT):
            self._read(command == _READ_WITH_FINGERPRINT)
        elif command == _READ_ADDRESS:
            self._read_address()
        else:
            self.send(answer_frame(_SW_UNKNOWN))

    def send(self, data: bytes) -> None:
        data = self.noise + data
        for start in range(0, len(data), self.trickle or len(data)):
            super().send(data[start : start + (self.trickle or len(data))])
            if self.trickle:
                time.sleep(0.001)

    def _refused(self) -> bool:
        """Whether something else was said instead of the answer."""
        if not self.next_statuses:
            return False
        self.send(answer_frame(self.next_statuses.pop(0)))
        with self._state:
            self._spent = True
        return True

    def _find(self) -> None:
        with self._state:
            # A card that was read, or whose reading failed, is not found again until it is lifted.
            self._found = (self._card is not None or self._wrong_card) and not self._spent
            self._selected = False
            found = self._found
        self.send(answer_frame(_SW_FOUND, bytes(4)) if found else answer_frame(_SW_NO_CARD))

    def _select(self) -> None:
        with self._state:
            if self._wrong_card:
                self._spent = True
                self.send(answer_frame(SW_WRONG_CARD))
                return
        if self._refused():
            return
        with self._state:
            self._selected = self._found and self._card is not None
            ok = self._selected
        self.send(answer_frame(_SW_OK, bytes(8)) if ok else answer_frame(_SW_SELECT_FAILED))

    def _read_address(self) -> None:
        with self._state:
            card = self._card if self._selected else None
        if card is None:
            self.send(answer_frame(_SW_READ_FAILED))
            return
        address = card.new_address
        if not address:
            self.send(answer_frame(_SW_NO_CONTENTS))
            return
        self.send(answer_frame(_SW_OK, address.encode("utf-16-le").ljust(70, b"\0")))

    def _read(self, fingerprint: bool) -> None:
        if self._refused():
            return
        with self._state:
            card = self._card if self._selected else None
            self._spent = True
        if card is None:
            self.send(answer_frame(_SW_READ_FAILED))
            return
        parts = [text_block(card), self.photo, *([bytes(1024)] if fingerprint else [])]
        lengths = b"".join(len(part).to_bytes(2, "big") for part in parts)
        frame = answer_frame(_SW_OK, lengths + b"".join(parts))
        if self.spoil:
            self.spoil = False
            frame = frame[:-1] + bytes([frame[-1] ^ 0xFF])
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
