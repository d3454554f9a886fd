"""Sealing by HPKE (RFC 9180), base mode, with the hybrid KEM ML-KEM-768 + X25519, HKDF-SHA256 and
AES-256-GCM, as implemented by `cryptography`: recorded today, it must stay closed when today's
curves do not.

Keys travel as raw bytes, the ML-KEM part first: public 1184 + 32, private (seeds) 64 + 32.
"""

from __future__ import annotations

from functools import lru_cache

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

from sync.profiles import PROFILES

_MLKEM_PUBLIC, _MLKEM_SEED, _X25519 = 1184, 64, 32


class Hybrid:
    """`sync.profiles.Scheme`."""

    algorithm = PROFILES["hybrid"]

    def check(self, public: bytes) -> None:
        if len(public) != _MLKEM_PUBLIC + _X25519:
            raise ValueError("not a public key of this algorithm")

    def generate(self) -> bytes:
        mlkem = MLKEM768PrivateKey.generate().private_bytes_raw()
        return mlkem + X25519PrivateKey.generate().private_bytes_raw()

    def public_of(self, private: bytes) -> bytes:
        mlkem, x25519 = _halves(private)
        return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()

    def seal(self, public: bytes, info: bytes, plain: bytes) -> bytes:
        key = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
        )
        return _suite().encrypt(plain, key, info)

    def open(self, private: bytes, info: bytes, sealed: bytes) -> bytes:
        try:
            return _suite().decrypt(sealed, MLKEM768X25519PrivateKey(*_halves(private)), info)
        except InvalidTag as error:
            raise ValueError("it does not open") from error


@lru_cache(maxsize=8)
def _halves(private: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    if len(private) != _MLKEM_SEED + _X25519:
        raise ValueError("not a private key of this algorithm")
    return (
        MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED]),
        X25519PrivateKey.from_private_bytes(private[_MLKEM_SEED:]),
    )


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
