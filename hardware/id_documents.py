"""What identity documents say: the text of each kind, by fixed places (GA/T 450 and its additions).

256 bytes of UTF-16LE, padded with blanks. The kind stands at 248: a blank for the resident card, a
letter for the others. Numbers and names are the document's own; nothing is checked here.

| kind     | document                                             |
|----------|------------------------------------------------------|
| resident | 居民身份证                                            |
| J        | 港澳台居民居住证                                       |
| I        | 外国人永久居留身份证, as issued from 2017              |
| Y        | 外国人永久居留身份证, as issued from 2023              |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hardware.faults import DeviceFault, FaultCode

Kind: TypeAlias = Literal["resident", "J", "I", "Y"]

TEXT_BYTES = 256
KIND_OFFSET = 248

#: Character at `KIND_OFFSET` -> kind.
_KINDS: dict[str, Kind] = {" ": "resident", "\0": "resident", "J": "J", "I": "I", "Y": "Y"}

_RESIDENT = {
    "name": (0, 30),
    "sex_code": (30, 2),
    "ethnic_code": (32, 4),
    "birth": (36, 16),
    "printed_address": (52, 70),
    "number": (122, 36),
    "issuer": (158, 30),
    "valid_from": (188, 16),
    "valid_to": (204, 16),
}

#: Kind -> field -> (offset, length), bytes.
LAYOUTS: Mapping[Kind, Mapping[str, tuple[int, int]]] = {
    "resident": _RESIDENT,
    "J": {**_RESIDENT, "pass_number": (220, 18), "issue_count": (238, 4)},
    "I": {
        "english_name": (0, 120),
        "sex_code": (120, 2),
        "number": (122, 30),
        "nationality": (152, 6),
        "name": (158, 30),
        "valid_from": (188, 16),
        "valid_to": (204, 16),
        "birth": (220, 16),
        "version": (236, 4),
        "issuer": (240, 8),
    },
    "Y": {
        "name": (0, 30),
        "sex_code": (30, 2),
        "issue_count": (32, 4),
        "birth": (36, 16),
        "english_name": (52, 70),
        "number": (122, 36),
        "valid_from": (188, 16),
        "valid_to": (204, 16),
        "english_name_more": (220, 22),
        "nationality": (242, 6),
        "old_document": (250, 6),
    },
}


@dataclass(frozen=True)
class IdCard:
    """What a document says of itself, unchecked; "" for what its kind does not have.

    Dates are YYYYMMDD, `valid_to` may be 长期. Nothing personal appears in a `repr`.
    """

    kind: Kind
    name: str = field(default="", repr=False)
    #: GB/T 2261.1, "1" 男, "2" 女.
    sex_code: str = field(default="", repr=False)
    #: GB/T 3304, two digits.
    ethnic_code: str = field(default="", repr=False)
    birth: str = field(default="", repr=False)
    #: The newest one: written into the chip after a move, or as printed.
    address: str = field(default="", repr=False)
    number: str = field(default="", repr=False)
    issuer: str = ""
    valid_from: str = ""
    valid_to: str = ""
    #: As on the face of the card.
    printed_address: str = field(default="", repr=False)
    english_name: str = field(default="", repr=False)
    #: GB/T 2659, three letters.
    nationality: str = field(default="", repr=False)
    #: 通行证号码, of kind J.
    pass_number: str = field(default="", repr=False)
    #: 签发次数 (J), 换证次数 (Y).
    issue_count: str = ""
    version: str = ""
    #: 旧证关联, of kind Y.
    old_document: str = field(default="", repr=False)
    #: 102 x 126 pixels, red, green, blue, top row first; None without the vendor's decoder.
    portrait: bytes | None = field(default=None, repr=False, compare=False)
    #: The portrait as it is in the chip, 1,024 bytes WLT; b"" if the reader gave none.
    portrait_wlt: bytes = field(default=b"", repr=False, compare=False)


def parse_text(block: bytes, newest_address: str = "") -> IdCard:
    """The 256 bytes of text. Raises `DeviceFault(ID_CARD_UNREADABLE)`, nothing else."""
    try:
        kind = _KINDS[block[KIND_OFFSET : KIND_OFFSET + 2].decode("utf-16-le")]
        found = {
            name: _text(block[offset : offset + length])
            for name, (offset, length) in LAYOUTS[kind].items()
        }
    except (UnicodeDecodeError, KeyError):
        raise DeviceFault(FaultCode.ID_CARD_UNREADABLE, "text") from None
    # A long English name goes on elsewhere.
    found["english_name"] = (
        found.get("english_name", "") + found.pop("english_name_more", "")
    ).strip()
    found["address"] = newest_address or found.get("printed_address", "")
    return IdCard(kind, portrait=None, portrait_wlt=b"", **found)


def parse_address(data: bytes) -> str:
    """The newest address; "" if there is none, or none that can be read."""
    try:
        return _text(data[:70])
    except UnicodeDecodeError:
        return ""


def _text(data: bytes) -> str:
    return data.decode("utf-16-le").rstrip(" \0")


@dataclass(frozen=True)
class Reading:
    """One answer of the reader, taken apart; fingerprints are not kept."""

    text: bytes = field(repr=False)
    photo: bytes = field(repr=False)


def parse_reading(data: bytes) -> Reading:
    """Lengths, text, photo, and perhaps a fingerprint, whose bytes end here: nobody asked for them.

        text length, photo length[, fingerprint length] | text | photo[ | fingerprint]

    Lengths are two bytes, big-endian. Raises `DeviceFault(ID_READER_PROTOCOL)`.
    """
    lengths = [int.from_bytes(data[place : place + 2], "big") for place in (0, 2, 4)]
    for count in (2, 3):
        begin, text, photo = 2 * count, lengths[0], lengths[1]
        if text == TEXT_BYTES and len(data) == begin + sum(lengths[:count]):
            return Reading(data[begin : begin + text], data[begin + text : begin + text + photo])
    raise DeviceFault(FaultCode.ID_READER_PROTOCOL, "lengths of a reading")
