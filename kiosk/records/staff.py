"""A member of staff who vouches for a citizen (人工核验): who, and why a person was needed."""

from __future__ import annotations

from datetime import datetime

from kiosk.late import dataclass


@dataclass(frozen=True)
class Staff:
    """`id`: as in the terminal's roster; `reason`: one of those asked for; `at`: aware."""

    id: str
    reason: str
    at: datetime
