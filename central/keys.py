"""The private keys that open envelopes: one file per key, readable by its owner only.

Old keys stay, because an envelope sealed yesterday may arrive next month. `current` names the key
that new terminals are given.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from central.boot import write_secret
from sync.envelope import Opener, Sealer

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "envelope-keys"


@dataclass(frozen=True)
class Keyring:
    """The keys in `folder`. Files are read when asked for; a key can be added while it runs."""

    folder: Path

    @classmethod
    def of(cls, central_dir: Path) -> Keyring:
        return cls(central_dir / FOLDER)

    def ensure(self) -> None:
        """Make the first key if there is none."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not (self.folder / "current").exists():
            self.roll_over()

    def roll_over(self) -> str:
        """Make a new key current; returns its id."""
        opener = Opener.generate()
        key_id = opener.sealer().key_id
        write_secret(self.folder / f"{key_id}.key", base64.b64encode(opener.private_key))
        beside = self.folder / "current.new"
        beside.write_text(key_id, encoding="ascii")
        beside.replace(self.folder / "current")
        return key_id

    def opener(self, key_id: str) -> Opener | None:
        """The key with this id, None if this server never had it. `key_id`: 16 hex digits."""
        try:
            return Opener(base64.b64decode((self.folder / f"{key_id}.key").read_bytes()))
        except FileNotFoundError:
            return None

    def current(self) -> Sealer:
        """What new terminals seal to."""
        opener = self.opener((self.folder / "current").read_text(encoding="ascii"))
        if opener is None:
            raise FileNotFoundError("the current envelope key is missing")
        return opener.sealer()
