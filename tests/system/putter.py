"""Run as a process by the kill test: puts sealed applications for ever, telling each on stdout.

Usage: python -m tests.system.putter OUTBOX PUBLIC_KEY_BASE64
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from sync.envelope import Sealer, key_id_of
from sync.outbox import Outbox
from sync.schemes import PROFILES
from tests.system.people import FREE, application_of


def main() -> None:
    public = base64.b64decode(sys.argv[2])
    sealer = Sealer(key_id_of(public), public, PROFILES["hybrid"])
    box = Outbox(Path(sys.argv[1]), "020001")
    while True:
        stored = box.put(
            "first_application",
            lambda header: sealer.seal(header, application_of(FREE[0], header)),
            key_id=sealer.key_id,
            algorithm=sealer.algorithm,
        )
        print(stored.id, stored.receipt_no, flush=True)


if __name__ == "__main__":
    main()
