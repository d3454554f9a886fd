"""Identifiers of transactions: UUID version 7 (RFC 9562 §5.7).

The first 48 bits are the time in milliseconds, so ids sort by creation and an index on them grows
at its end; 74 bits are random. Python has this in its library from 3.14 on.
"""

from __future__ import annotations

import secrets
import time
from uuid import UUID


def uuid7(unix_ms: int | None = None) -> UUID:
    """A new id. `unix_ms` is the time to put in, milliseconds since 1970; default: now."""
    if unix_ms is None:
        unix_ms = time.time_ns() // 1_000_000
    value = (unix_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76  # version
    value = value & ~(0b11 << 62) | 0b10 << 62  # variant of RFC 9562
    return UUID(int=value)
