"""Sealing: what leaves a citizen's visit can be read by the central server only.

HPKE (RFC 9180) in base mode with the hybrid KEM ML-KEM-768 + X25519, HKDF-SHA256 and AES-256-GCM,
as implemented by `cryptography`: recorded today, it must stay closed when today's curves do not.
The header is bound in as `info`. The terminal holds no key that opens an envelope.

Keys travel as raw bytes, the ML-KEM part first: public 1184 + 32, private (seeds) 64 + 32.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

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

ALGORITHM = "HPKE/MLKEM768-X25519/HKDF-SHA256/AES-256-GCM"

_MLKEM_PUBLIC, _MLKEM_SEED, _X25519 = 1184, 64, 32
_PURPOSE = b"kiosk-envelope-v1\x00"


class Unreadable(ValueError):
    """An envelope that does not open with this key, or whose header was changed."""


def key_id_of(public: bytes) -> str:
    """16 hexadecimal digits that name a public key, of either kind used here."""
    return sha256_hex(public)[:16]


def seal(header: EnvelopeHeader, payload: Mapping[str, Json], public_key: bytes) -> bytes:
    """The payload, readable by the owner of `public_key` only, and only under this header.

    Raises `ValueError` if the header names another key or algorithm, or the key is not one.
    """
    if (header.key_id, header.algorithm) != (key_id_of(public_key), ALGORITHM):
        raise ValueError("the header names another key")
    if len(public_key) != _MLKEM_PUBLIC + _X25519:
        raise ValueError("not a public key of this algorithm")
    key = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(public_key[_MLKEM_PUBLIC:]),
    )
    return _suite().encrypt(canonical(payload), key, _PURPOSE + header.canonical())


def question_header(terminal: str, kind: str, key_id: str) -> EnvelopeHeader:
    """Header of an envelope that asks something now and is never stored."""
    return EnvelopeHeader(
        id=str(uuid7()),
        terminal=terminal,
        seq=0,
        receipt_no="",
        kind=kind,
        created=datetime.now(BEIJING).isoformat(timespec="milliseconds"),
        urgent=False,
        key_id=key_id,
        algorithm=ALGORITHM,
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

    @property
    def public_key(self) -> bytes:
        """The half that terminals are given."""
        mlkem, x25519 = self._halves()
        return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

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
