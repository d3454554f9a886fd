"""The clear part of an envelope: what the courier and the server may know without opening it.

It is sealed together with the contents (as the `info` of HPKE), so a header cannot be changed or
put on another envelope. Nothing in it is personal. Standard library only: the screen process
builds headers before anything heavy is loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

from sync.canonical import Json, canonical
from sync.contract import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The major version of the contract (`sync.contract`), as documents carry it.
SCHEMA_VERSION = CONTRACT.major

#: Beijing has had no other offset since 1991; a zone database need not be on the terminal.
BEIJING = timezone(timedelta(hours=8))

_PATTERNS = {
    "id": r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "terminal": r"[0-9]{6}",
    "receipt_no": r"([0-9]{17})?",
    "kind": r"[a-z][a-z0-9_]{1,39}(\.[a-z][a-z0-9_]{1,39})?",
    "created": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}\+08:00",
    "key_id": r"[0-9a-f]{16}",
    "algorithm": r"[A-Za-z0-9/_-]{1,80}",
}


@dataclass(frozen=True)
class EnvelopeHeader:
    """One transaction, described without its contents."""

    #: UUIDv7, lower case: the transaction takes effect once per id.
    id: str
    #: Six digits.
    terminal: str
    #: Grows by one with every transaction of a terminal; 0 for a question, which is not stored.
    seq: int
    #: 17 digits, see `sync.receipt_number`; empty for a question.
    receipt_no: str
    #: What is inside, e.g. "first_application"; of a question its id, "business.what".
    kind: str
    #: ISO 8601 in Beijing time, "2026-11-24T09:30:00.123+08:00".
    created: str
    #: Overtakes what is not urgent (挂失).
    urgent: bool
    #: Which of the server's keys it is sealed to.
    key_id: str
    #: How it is sealed, see `sync.envelope`.
    algorithm: str
    schema_version: int = SCHEMA_VERSION

    def as_wire(self) -> dict[str, Json]:
        return dict(vars(self))  # flat, and `asdict` copies each value deeply

    def canonical(self) -> bytes:
        return canonical(self.as_wire())

    @classmethod
    def from_wire(cls, wire: Mapping[str, object]) -> EnvelopeHeader:
        """Read a header; raises `ValueError` naming the field that is wrong.

        Fields this version does not know are passed over: a newer terminal may send more. They
        still count in the seal, which is checked against the header as it was received.
        """
        values: dict[str, object] = {}
        for name, wanted, pattern in _SHAPE:
            value = wire.get(name)
            if type(value) is not wanted:
                raise ValueError(name)
            if pattern and not (isinstance(value, str) and pattern.fullmatch(value)):
                raise ValueError(name)
            values[name] = value
        return cls(**values)  # type: ignore[arg-type]  # each type was checked just above


#: Of each field its name, its type and its pattern if it has one.
_SHAPE = tuple(
    (
        field.name,
        {"int": int, "bool": bool}.get(str(field.type), str),
        re.compile(_PATTERNS[field.name]) if field.name in _PATTERNS else None,
    )
    for field in fields(EnvelopeHeader)
)
