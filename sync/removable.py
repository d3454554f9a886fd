"""What is still queued, on removable media: for a terminal whose line will not come back.

The files hold the same sealed envelopes that the courier would send, so whoever finds the media
learns nothing, and the centre makes each take effect once, whichever way it comes first. Nothing
leaves the outbox by being exported: the centre's own answer does that, when there is a line again.
Each file is signed with the device key, because there is no request whose signature would do.
"""

from __future__ import annotations

import logging
import os
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sync.header import BEIJING
from sync.wire.envelopes import EXPORT_LIMIT, Envelope, Export

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sync.outbox import Leased, Outbox
    from sync.signing import DeviceKey

log = logging.getLogger(__name__)


def export(outbox: Outbox, terminal: str, key: DeviceKey, folder: Path) -> list[Path]:
    """Write everything the centre has not taken to files in `folder`, and flush them.

    Returns the files; none if nothing is queued. Raises `OSError` and `OutboxUnavailable`.
    """
    made = datetime.now(BEIJING)
    files = []
    for number, envelopes in enumerate(_groups(outbox.unfinished()), start=1):
        unsigned = Export.unsigned(
            terminal=terminal,
            device_key_id=key.id,
            made=made.isoformat(timespec="seconds"),
            envelopes=envelopes,
        )
        signed = unsigned.signed_with(key.sign(unsigned.signed_bytes()))
        file = folder / f"outbox-{terminal}-{made:%Y%m%dT%H%M%S}-{number:03d}.json"
        _write_out(file, signed.model_dump_json().encode("utf-8"))
        files.append(file)
    return files


def _write_out(file: Path, data: bytes) -> None:
    """On the media before this returns, and under its name only whole. No permissions are set:
    the file systems of removable media have none."""
    part = file.with_suffix(".part")
    with part.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def _groups(items: Iterator[Leased]) -> Iterator[list[Envelope]]:
    """Envelopes, as many together as one file holds."""
    group: list[Envelope] = []
    for item in items:
        try:
            group.append(Envelope.of(item.header, item.sealed))
        except ValidationError:
            log.error("item %s does not fit the contract and is not exported", item.id)
        if len(group) == EXPORT_LIMIT:
            yield group
            group = []
    if group:
        yield group
