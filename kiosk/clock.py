"""The time as citizens, receipts and the centre read it: Beijing, wherever the clock is set to."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

#: No other offset since 1991, so that no zone database need be on the terminal.
BEIJING = timezone(timedelta(hours=8))


def beijing_now() -> datetime:
    return datetime.now(BEIJING)


def beijing_at(seconds: float) -> datetime:
    """A moment given in seconds since the epoch."""
    return datetime.fromtimestamp(seconds, BEIJING)


def beijing_from(text: str) -> datetime:
    """A moment given in ISO 8601 with its zone."""
    return datetime.fromisoformat(text).astimezone(BEIJING)
