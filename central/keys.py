"""The private keys that open envelopes: one file per key, readable by its owner only.

    envelope-keys/KEY_ID.key   number, algorithm (`sync.schemes`) and private key of one
    envelope-keys/current      the key that terminals are to seal to
    envelope-keys/signing.key  signs the keys that are handed out

Old keys stay, because an envelope sealed yesterday may arrive next month. Terminals learn the
signing key when they are enrolled, and take a later envelope key only with its signature: whoever
ends TLS on the way cannot put a key of his own in its place.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.boot import write_secret
from sync.envelope import Opener
from sync.messages import EnvelopeKey
from sync.schemes import PROFILES

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

    def ensure(self, profile: str = "hybrid") -> None:
        """Make what is missing: the first key, of `profile`, and the one that signs."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not (self.folder / "signing.key").exists():
            private = Ed25519PrivateKey.generate().private_bytes_raw()
            write_secret(self.folder / "signing.key", base64.b64encode(private))
        if not (self.folder / "current").exists():
            self.roll_over(profile)

    def roll_over(self, profile: str | None = None) -> str:
        """Make a new key current, of the profile of the one before unless another is named;
        returns its id."""
        number, algorithm = 0, ""
        if (self.folder / "current").exists():
            number, opener = self._read(self._current_id())
            algorithm = opener.algorithm
        if profile is not None:
            algorithm = PROFILES[profile]
        new = Opener.generate(algorithm)
        key_id = new.sealer().key_id
        private = base64.b64encode(new.private_key).decode("ascii")
        text = f"{number + 1} {algorithm} {private}\n"
        write_secret(self.folder / f"{key_id}.key", text.encode("ascii"))
        beside = self.folder / "current.new"
        beside.write_text(key_id, encoding="ascii")
        beside.replace(self.folder / "current")
        return key_id

    def opener(self, key_id: str) -> Opener | None:
        """The key with this id, None if this server never had it. `key_id`: 16 hex digits."""
        try:
            return self._read(key_id)[1]
        except FileNotFoundError:
            return None

    def current(self) -> EnvelopeKey:
        """What terminals are to seal to, signed."""
        number, opener = self._read(self._current_id())
        sealer = opener.sealer()
        unsigned = EnvelopeKey.unsigned(
            number=number,
            key_id=sealer.key_id,
            algorithm=sealer.algorithm,
            public_key=sealer.public_key,
        )
        signature = self._signing_key().sign(unsigned.signed_bytes())
        return unsigned.signed_with(signature)

    def news_for(self, key_id: str) -> EnvelopeKey | None:
        """The current key, for a terminal that seals to another; `key_id` is empty for one that
        cannot take it."""
        return self.current() if key_id and key_id != self._current_id() else None

    def signing_key(self) -> bytes:
        """What signatures of `current` are checked with: an Ed25519 public key."""
        return self._signing_key().public_key().public_bytes_raw()

    def _signing_key(self) -> Ed25519PrivateKey:
        private = base64.b64decode((self.folder / "signing.key").read_bytes())
        return Ed25519PrivateKey.from_private_bytes(private)

    def _current_id(self) -> str:
        return (self.folder / "current").read_text(encoding="ascii")

    def _read(self, key_id: str) -> tuple[int, Opener]:
        """Number and key. Raises `FileNotFoundError`."""
        words = (self.folder / f"{key_id}.key").read_text(encoding="ascii").split()
        if len(words) == 1:  # as the first release wrote them
            words = ["1", PROFILES["hybrid"], *words]
        number, algorithm, private = words
        return int(number), Opener(base64.b64decode(private), algorithm)
