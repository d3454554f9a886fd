"""How sure it is who stands there: the proof levels of domain §5.0, and why a person must look.

| level | what was seen                                                            |
|-------|--------------------------------------------------------------------------|
| P0    | nothing                                                                  |
| P1    | a card or its code, no PIN                                               |
| P2    | card and PIN, or the ID card's chip and a face                           |
| P3    | the ID card's chip, and the face matched or a member of staff vouched    |
| PG    | a guardian at P3, and the child's document                               |

P3 is good for some minutes (`Policy.proof`), which the centre counts; what is signed later is
looked at by a person. The chip alone, with a face that was not
compared or did not match, is P1: whatever is filed with it is looked at by a person (待核实).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from kiosk.late import dataclass
from kiosk.records.evidence import decimal

if TYPE_CHECKING:
    from kiosk.photo.faces import Comparison
    from kiosk.records.staff import Staff
    from sync.canonical import Json


class Level(StrEnum):
    """Proof levels, weakest first."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    PG = "PG"


@dataclass(frozen=True)
class Proof:
    """What proves who it is. `at`: when, an aware date-time; `reasons`: codes why a person must
    look before anything is finished (`kiosk.photo`'s review reasons), empty if none must."""

    level: Level
    at: datetime
    comparison: Comparison | None = None
    staff: Staff | None = None
    reasons: tuple[str, ...] = ()

    def document(self) -> dict[str, Json]:
        """Plain JSON, with the names of the wire contract."""
        compared, staff = self.comparison, self.staff
        return {
            "level": self.level.value,
            "at": self.at.isoformat(timespec="milliseconds"),
            "comparison": None if compared is None else _comparison(compared),
            "staff": None if staff is None else {"id": staff.id, "reason": staff.reason},
            "reasons": list(self.reasons),
        }


def _comparison(compared: Comparison) -> dict[str, Json]:
    return {
        "band": compared.band.value,
        "score": decimal(compared.score),
        "method": compared.method,
        "why": compared.why or "",
    }
