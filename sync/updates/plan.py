"""How a terminal takes releases: decided at its installation, see `updates` in `kiosk.settings`."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.slots import Slots
from sync.updates.bringing import Way
from sync.wire.base import API
from sync.wire.release import FILES

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from sync.identity import Identity
    from sync.signing import DeviceKey
    from sync.updates.sharing import Sharer
    from sync.updates.worker import Updates

log = logging.getLogger(__name__)

#: A read of the wire is over in so many seconds.
_PATIENCE_S = 25.0


@dataclass(frozen=True)
class Plan:
    """See `kiosk.settings.Updates`."""

    hours: str = ""
    #: Bytes a second; 0: as fast as it goes.
    rate: int = 0
    neighbour: str = ""
    share: str = ""

    def start(
        self, state_dir: Path, identity: Identity, key: DeviceKey, not_before: float
    ) -> Running:
        """Looks after releases until it is closed."""
        from sync.updates.worker import Updates  # loads the TUF client

        ended = threading.Event()
        url = f"{identity.central_url}{API}/{FILES}"
        shares = bool(self.share)
        way = Way(url, key.auth(), self.rate, self.neighbour, shares, not_before)
        updates = Updates(state_dir, identity, Slots.ours(), way, self.hours, ended.wait)
        return Running(updates, ended, _sharer(updates.folder, self.share) if shares else None)


class Running:
    """A thread that fetches, and maybe one that shares."""

    def __init__(self, updates: Updates, ended: Event, sharer: Sharer | None) -> None:
        self.updates, self._ended, self._sharer = updates, ended, sharer
        self._thread = threading.Thread(
            target=updates.run, args=(ended,), name="updates", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """With the terminal's next key another one begins, so this one is waited for. On a disk or
        line so slow that it takes longer, its last step goes on, and the other waits for that."""
        self._ended.set()
        if self._sharer is not None:
            self._sharer.close()
        self._thread.join(_PATIENCE_S)


def _sharer(folder: Path, address: str) -> Sharer | None:
    """An address that cannot be had is no reason not to update."""
    from sync.updates.sharing import Sharer

    try:
        return Sharer(folder, address)
    except (OSError, ValueError) as error:
        log.error("updates are not shared on %s: %s", address, error)
        return None
