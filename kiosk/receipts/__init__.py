"""What is printed, device-neutral: a `Slip` says what, `layout.compose` lays it out in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from kiosk.late import dataclass


@dataclass(frozen=True)
class Slip:
    """One receipt to print. Words: `<id>.title`; `state`, labels and notes are ids of words."""

    id: str
    #: Where the matter stands, e.g. "state.queued"; the largest line after the title.
    state: str
    #: Receipt number; "": a note that has none.
    number: str = ""
    rows: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str | int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Letterhead:
    """What every receipt of this terminal carries."""

    hall: str
    terminal: str
    policy_version: str
    hotline: str
