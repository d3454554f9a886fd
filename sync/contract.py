"""Which version of the wire contract this code speaks, and with whom it can.

Both sides say theirs with every request and every answer, in the header `Kiosk-Contract: 1.0`; who
says nothing speaks 1.0. The rule:

| what changes                                       | version | who must be new first      |
|----------------------------------------------------|---------|----------------------------|
| words, limits of one side, codes in `reason`       | same    | nobody                     |
| a message, or a field that may be missing, is added | minor  | nobody                     |
| anything else                                      | major   | the centre, for both majors |

- Within a major version any terminal works with any centre. Unknown fields are passed over, except
  in what was signed or sealed, where they are kept. A missing field has the default that says what
  its absence has always meant.
- A signature in a message is over all of it as it was sent, known or not.
- A value that a newer side may send and an older one does not know (`sync.wire.envelopes.Verdict`,
  `Rejection`) is read as the known value after which nothing is lost.
- Another major version is refused as a whole with `TERMINAL_TOO_OLD` or `TERMINAL_TOO_NEW`, before
  anything is taken. What is queued stays queued.
- So that even that refusal is understood, this header, the address `/api/v<major>/` and `Refusal`
  are the same in every major version.

Nothing has been released yet, so nothing is kept for older releases. With the first tag the shapes
of all messages are recorded, and a test fails when one changes without a version of its own.
Standard library only.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Version(NamedTuple):
    """A version of the contract."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


#: What this code speaks.
CONTRACT = Version(1, 0)

#: What who says nothing speaks.
SILENT = Version(1, 0)

HEADER = "Kiosk-Contract"

#: Errors of `sync.wire.base.Refusal`: which side is behind.
TERMINAL_TOO_OLD, TERMINAL_TOO_NEW = "terminal_too_old", "terminal_too_new"


def said(text: str | None) -> Version | None:
    """The version in a header; `SILENT` without one, None for what is no version."""
    if not text:
        return SILENT
    found = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", text)
    return Version(int(found[1]), int(found[2])) if found else None


def refusal(terminal: int, centre: int = CONTRACT.major) -> str:
    """Why a terminal and a centre of these major versions cannot talk; "" if they can."""
    if terminal == centre:
        return ""
    return TERMINAL_TOO_OLD if terminal < centre else TERMINAL_TOO_NEW
