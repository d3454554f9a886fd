"""Is the clock of this machine possible at all?

A terminal whose battery is empty starts in 1970 or in last year; then no certificate is valid, no
signature is fresh, no age and no date on a form is right. What cannot be: a time before this
release was made, or before the last thing this terminal itself wrote down.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sync.journal.lines import files_of, parsed

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

#: Nothing of this release was made before; seconds since 1970. A test asks for it with each new
#: version (tests/system/test_courier.py).
RELEASED = datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def not_before(journal: Path) -> float:
    """The earliest time that it can be, seconds since 1970. `journal`: its folder.

    To be asked at the start, before anything is written there under a wrong clock.
    """
    try:
        for file in reversed(files_of(journal)):
            for line in reversed(file.read_bytes().split(b"\n")):
                if (entry := parsed(line)) is not None:
                    return max(RELEASED, datetime.fromisoformat(entry.at).timestamp())
    except (OSError, ValueError) as error:
        log.warning("the journal does not say what time it was: %s", type(error).__name__)
    return RELEASED
