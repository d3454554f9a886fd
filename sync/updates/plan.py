"""How a terminal takes releases: decided at its installation, see `updates` in `kiosk.settings`."""

from __future__ import annotations

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
    from sync.updates.worker import Updates


@dataclass(frozen=True)
class Plan:
    """See `kiosk.settings.Updates`."""

    hours: str = ""
    #: Bytes a second; 0: as fast as it goes.
    rate: int = 0
    neighbour: str = ""

    def updates(
        self, state_dir: Path, identity: Identity, key: DeviceKey, not_before: float, stop: Event
    ) -> Updates:
        """What looks after releases, on a thread of its own until `stop` is set."""
        from sync.updates.worker import Updates  # loads the TUF client

        url = f"{identity.central_url}{API}/{FILES}"
        way = Way(url, key.auth(), self.rate, self.neighbour, not_before)
        updates = Updates(state_dir, identity, Slots.ours(), way, self.hours, stop.wait)
        threading.Thread(target=updates.run, args=(stop,), name="updates", daemon=True).start()
        return updates
