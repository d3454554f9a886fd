"""The private keys that open envelopes: one file per key, readable by its owner only.

    envelope-keys/KEY_ID.key   number, algorithm (`sync.schemes`) and private key of one
    envelope-keys/current      the key that terminals are to seal to
    envelope-keys/signing.key  signs answers, and the keys that are handed out
    envelope-keys/person.key   makes of an ID number the hash that a person is known by

Old keys stay, because an envelope sealed yesterday may arrive next month. Terminals learn the
signing key when they are enrolled, and take a later envelope key only with its signature: whoever
ends TLS on the way cannot put a key of his own in its place.

A key's number is never given twice: it is above every number in the folder and in the database,
which also has the highest that any terminal told of. So a folder that came back from a backup does
not make terminals go on with a key that was lost. Where terminals are enrolled, missing keys are
not made anew: what they seal could not be opened, and what they are answered not be believed.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from central.boot import write_secret
from sync.envelope import Opener
from sync.profiles import PROFILES
from sync.wire.base import Signed
from sync.wire.enrolment import EnvelopeKey

if TYPE_CHECKING:
    from sync.canonical import Json
    from sync.envelope import Sealer

FOLDER = "envelope-keys"
CURRENT, SIGNING, PERSON = "current", "signing.key", "person.key"
_NEEDED = (CURRENT, SIGNING, PERSON)

#: Of a key's id, which is its file's name.
_ID_DIGITS = 16

S = TypeVar("S", bound=Signed)


@dataclass(frozen=True)
class Keyring:
    """The keys in `folder`. A key can be added while it runs."""

    folder: Path

    @classmethod
    def of(cls, central_dir: Path) -> Keyring:
        return cls(central_dir / FOLDER)

    def missing(self) -> list[str]:
        """Names of the files without which a centre that has terminals cannot work."""
        return [name for name in _NEEDED if not (self.folder / name).exists()]

    def ensure(self, profile: str, number: int) -> None:
        """Make what is missing: the first envelope key, of `profile` and with this number at least,
        the one that signs, and the one for persons."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for name in (SIGNING, PERSON):
            if not (self.folder / name).exists():
                private = Ed25519PrivateKey.generate().private_bytes_raw()
                write_secret(self.folder / name, base64.b64encode(private))
        if not (self.folder / CURRENT).exists():
            self.roll_over(profile, number)

    def roll_over(self, profile: str | None, number: int) -> tuple[str, int]:
        """Make a new key current, of the profile of the one before unless another is named, and
        with this number at least; returns its id and number."""
        algorithm = ""
        if (self.folder / CURRENT).exists():
            algorithm = self._read(self._current_id())[1].algorithm
        if profile is not None:
            algorithm = PROFILES[profile]
        new = Opener.generate(algorithm)
        key_id = new.sealer().key_id
        number = max(number, self.highest_number() + 1)
        private = base64.b64encode(new.private_key).decode("ascii")
        write_secret(
            self.folder / f"{key_id}.key", f"{number} {algorithm} {private}\n".encode("ascii")
        )
        beside = self.folder / "current.new"
        beside.write_text(key_id, encoding="ascii")
        beside.replace(self.folder / CURRENT)
        return key_id, number

    def highest_number(self) -> int:
        """Of the keys in the folder; 0 if there are none."""
        ids = (file.stem for file in self.folder.glob("*.key") if len(file.stem) == _ID_DIGITS)
        return max((self._read(key_id)[0] for key_id in ids), default=0)

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
        return self.signed(unsigned)

    def current_sealer(self) -> Sealer:
        """Seals what only this centre opens again."""
        return self._read(self._current_id())[1].sealer()

    def news_for(self, key_id: str) -> EnvelopeKey | None:
        """The current key, for a terminal that seals to another."""
        return self.current() if key_id != self._current_id() else None

    def signed(self, message: S, **also: Json) -> S:
        """A message with the centre's signature; `also`: what it is over without being said."""
        return message.signed_with(self._signing_key().sign(message.signed_bytes(**also)))

    def sign(self, data: bytes) -> bytes:
        """The centre's signature over bytes, which begin with their purpose."""
        return self._signing_key().sign(data)

    def person(self, id_number: str) -> str:
        """The keyed hash of an ID number, 64 hexadecimal digits."""
        key = base64.b64decode(self._bytes(PERSON))
        return hmac.new(key, id_number.encode("ascii"), "sha256").hexdigest()

    def signing_key(self) -> bytes:
        """What signatures of `current` are checked with: an Ed25519 public key."""
        return self._signing_key().public_key().public_bytes_raw()

    def _signing_key(self) -> Ed25519PrivateKey:
        return _ed25519(self._bytes(SIGNING))

    def _current_id(self) -> str:
        return (self.folder / CURRENT).read_text(encoding="ascii")

    def _bytes(self, name: str) -> bytes:
        return _file(self.folder / name)

    def _read(self, key_id: str) -> tuple[int, Opener]:
        """Number and key. Raises `FileNotFoundError`."""
        number, algorithm, private = self._bytes(f"{key_id}.key").decode("ascii").split()
        return int(number), Opener(base64.b64decode(private), algorithm)


@lru_cache(maxsize=64)
def _file(path: Path) -> bytes:
    """A key never changes once it is there; what is not there is asked for again."""
    return path.read_bytes()


@lru_cache(maxsize=4)
def _ed25519(text: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text))


def keyring() -> Keyring:
    """The one of this centre."""
    return Keyring.of(Path(settings.STATE))


def person_hash(id_number: str) -> str:
    """What a person is known by here, instead of the ID number."""
    return keyring().person(id_number)
