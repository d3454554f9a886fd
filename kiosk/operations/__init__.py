"""How each prompt that a device or the network must answer is answered.

One function per prompt, named in `kiosk.operations.table`, in a file per performer. It runs on the
worker of the prompt's performer, gets the open device, and returns the answer or raises:
`DeviceFault` for what can happen, anything else for a bug. Heavy libraries are imported inside the
functions, on the worker, so that the screen is up before they are needed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.parts import Parts
    from kiosk.policy import Policy

log = logging.getLogger(__name__)


def load_ahead(parts: Parts) -> None:
    """Import and prepare what operations need, on a worker, while nobody waits."""
    import kiosk.operations.table
    import kiosk.records.transaction  # noqa: F401
    from kiosk.late import finish_all

    finish_all()
    if parts.sealer is not None:
        parts.sealer()


def load_for_visit(policy: Policy) -> None:
    """Load what only visits need and takes memory: the dictionary of the Chinese keyboard."""
    from kiosk.keyboard import pinyin

    try:
        pinyin.load(policy.place_words)
    except pinyin.NoDictionary as missing:
        log.warning("no Chinese keyboard: %s", missing)
