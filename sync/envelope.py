"""Sealing: what leaves a citizen's visit can be read by the central server only.

HPKE (RFC 9180) in base mode with the hybrid KEM ML-KEM-768 + X25519, HKDF-SHA256 and AES-256-GCM,
as implemented by `cryptography`: recorded today, it must stay closed when today's curves do not.
The header is bound in as `info`. The terminal holds no key that opens an envelope.

Keys travel as raw bytes, the ML-KEM part first: public 1184 + 32, private (seeds) 64 + 32.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from sync.canonical import Json, canonical, sha256_hex
from sync.header import BEIJING, EnvelopeHeader
from sync.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync.identity import Identity

ALGORITHM = "HPKE/MLKEM768-X25519/HKDF-SHA256/AES-256-GCM"

_MLKEM_PUBLIC, _MLKEM_SEED, _X25519 = 1184, 64, 32
_PURPOSE = b"kiosk-envelope-v1\x00"


class Unreadable(ValueError):
    """An envelope that does not open with this key, or whose header was changed."""


def key_id_of(public: bytes) -> str:
    """16 hexadecimal digits that name a public key, of either kind used here."""
    return sha256_hex(public)[:16]


@dataclass(frozen=True)
class Sealer:
    """One public key of the central server."""

    key_id: str
    public_key: bytes
    algorithm: str = ALGORITHM

    def __post_init__(self) -> None:
        """Raises `ValueError` for a key that is not what its id says, or of another algorithm."""
        if len(self.public_key) != _MLKEM_PUBLIC + _X25519 or self.algorithm != ALGORITHM:
            raise ValueError("not a public key of this algorithm")
        if key_id_of(self.public_key) != self.key_id:
            raise ValueError("the key is not the one its id names")

    @classmethod
    def of(cls, identity: Identity) -> Sealer:
        """Seals to the key this terminal was given. Raises `ValueError`."""
        return cls(identity.central_key_id, identity.central_public_key, identity.algorithm)

    def seal(self, header: EnvelopeHeader, payload: Mapping[str, Json]) -> bytes:
        """The payload, readable by the centre only and under this header only.

        Raises `ValueError` if the header names another key.
        """
        if (header.key_id, header.algorithm) != (self.key_id, self.algorithm):
            raise ValueError("the header names another key")
        key = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self.public_key[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(self.public_key[_MLKEM_PUBLIC:]),
        )
        return _suite().encrypt(canonical(payload), key, _PURPOSE + header.canonical())

    def question_header(self, terminal: str, kind: str) -> EnvelopeHeader:
        """Header of an envelope that asks something now and is never stored."""
        return EnvelopeHeader(
            id=str(uuid7()),
            terminal=terminal,
            seq=0,
            receipt_no="",
            kind=kind,
            created=datetime.now(BEIJING).isoformat(timespec="milliseconds"),
            urgent=False,
            key_id=self.key_id,
            algorithm=self.algorithm,
        )


@dataclass(frozen=True, repr=False)
class Opener:
    """The private half; exists on the central server only."""

    private_key: bytes

    @classmethod
    def generate(cls) -> Opener:
        mlkem = MLKEM768PrivateKey.generate().private_bytes_raw()
        return cls(mlkem + X25519PrivateKey.generate().private_bytes_raw())

    def _halves(self) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
        if len(self.private_key) != _MLKEM_SEED + _X25519:
            raise ValueError("not a private key of this algorithm")
        return (
            MLKEM768PrivateKey.from_seed_bytes(self.private_key[:_MLKEM_SEED]),
            X25519PrivateKey.from_private_bytes(self.private_key[_MLKEM_SEED:]),
        )

    def sealer(self) -> Sealer:
        """The half that terminals are given."""
        mlkem, x25519 = self._halves()
        public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        return Sealer(key_id_of(public), public)

    def open(self, header: Mapping[str, Json], sealed: bytes) -> dict[str, object]:
        """The payload. `header` as it was received. Raises `Unreadable`."""
        key = MLKEM768X25519PrivateKey(*self._halves())
        try:
            plain = _suite().decrypt(sealed, key, _PURPOSE + canonical(header))
            payload = json.loads(plain)
        except (InvalidTag, ValueError) as error:
            raise Unreadable("the envelope does not open") from error
        if not isinstance(payload, dict):
            raise Unreadable("the contents are not an object")
        return payload


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
