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
    from sync.updates.worker import Updates

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """See `kiosk.settings.Updates`."""

    hours: str = ""
    #: Bytes a second; 0: as fast as it goes.
    rate: int = 0
    neighbour: str = ""
    share: str = ""

    def updates(
        self, state_dir: Path, identity: Identity, key: DeviceKey, not_before: float, stop: Event
    ) -> Updates:
        """What looks after releases, on a thread of its own until `stop` is set."""
        from sync.updates.worker import Updates  # loads the TUF client

        url = f"{identity.central_url}{API}/{FILES}"
        shares = bool(self.share)
        way = Way(url, key.auth(), self.rate, self.neighbour, shares, not_before)
        updates = Updates(state_dir, identity, Slots.ours(), way, self.hours, stop.wait)
        if self.share:
            _share(updates.folder, self.share, stop)
        threading.Thread(target=updates.run, args=(stop,), name="updates", daemon=True).start()
        return updates


def _share(folder: Path, address: str, stop: Event) -> None:
    """Until `stop` is set. An address that cannot be had is no reason not to update."""
    from sync.updates.sharing import Sharer

    try:
        sharer = Sharer(folder, address)
    except (OSError, ValueError) as error:
        log.error("updates are not shared on %s: %s", address, error)
        return

    def end() -> None:
        stop.wait()
        sharer.close()

    threading.Thread(target=end, name="sharing ends", daemon=True).start()
