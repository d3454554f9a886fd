"""One at a time, on either database."""

from __future__ import annotations

from django.db import connection


def lock_person(person: str) -> None:
    """Nobody else decides about this person until the transaction ends. `person`: keyed hash.

    SQLite needs nothing: its transactions begin by taking the one write lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_number(person)])


def _number(name: str) -> int:
    """64 bits of a hexadecimal hash, signed as PostgreSQL wants them."""
    return int.from_bytes(bytes.fromhex(name[:16]), "big", signed=True)
