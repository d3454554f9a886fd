"""One at a time, on either database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterable


def lock_person(person: str) -> None:
    """Nobody else decides about this person until the transaction ends. `person`: keyed hash."""
    lock_persons([person])


def lock_persons(persons: Iterable[str]) -> None:
    """Likewise, in one order for all who lock several: they never wait for each other.

    SQLite needs nothing: its transactions begin by taking the one write lock.
    """
    if connection.vendor == "postgresql":
        numbers = sorted({_number(person) for person in persons})
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(one) FROM unnest(%s::bigint[]) AS one", [numbers]
            )


def _number(name: str) -> int:
    """64 bits of a hexadecimal hash, signed as PostgreSQL wants them."""
    return int.from_bytes(bytes.fromhex(name[:16]), "big", signed=True)
