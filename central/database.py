"""Which database the centre keeps its rows in: a file of its own, or PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def described(url: str, folder: Path) -> dict[str, Any]:
    """As Django wants it. `url`: "" for SQLite in `folder`, or postgresql://….

    Raises `ImproperlyConfigured` for another kind.
    """
    if not url:
        return _sqlite(folder / "central.db")
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured("KIOSK_CENTRAL_DATABASE must begin with postgresql://")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "central.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or query.pop("port", "")),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **query,
            # The server's log quotes statements that fail: with parameters apart from them, it
            # quotes nothing that a citizen entered.
            "server_side_binding": True,
            # Statements are the same again and again: each is parsed and planned once.
            "prepare_threshold": 1,
        },
    }


def unhurried(statement: str, vendor: str, returning: str = "1") -> str:
    """An INSERT outside of a transaction whose commit nobody waits for: a power cut may take back
    what was committed in the last second, and nothing before it. It returns a row if it inserts.

    For what has no meaning without a later commit that is waited for, or comes again by itself.
    """
    soon = ", set_config('synchronous_commit', 'off', true)" if vendor == "postgresql" else ""
    return f"{statement} RETURNING {returning}{soon}"


@contextmanager
def planned_for_its_values() -> Iterator[None]:
    """For statements of which some values are rare and others are nearly all: PostgreSQL plans each
    for the values that it has. Else it plans a statement once for all after five times, and looks
    through the whole table for the rare ones."""
    # The settings, which say what these are, read this module.
    from django.db import connection, transaction

    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        yield


def _sqlite(file: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "CONN_MAX_AGE": 600,
        "OPTIONS": {
            # A terminal deletes its copy on our word, so our commit must be on disk first.
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }
