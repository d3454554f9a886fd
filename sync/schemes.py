"""How envelopes are sealed: two ways, each known by the id in the clear header.

| profile    | algorithm id                                 | for                          |
|------------|----------------------------------------------|------------------------------|
| `hybrid`   | HPKE/MLKEM768-X25519/HKDF-SHA256/AES-256-GCM | the default                  |
| `national` | SM2/SM3-KDF/SM4-GCM                          | where 商用密码 are required  |

The centre chooses by the key that it hands out, and opens both. Keys are bytes of fixed length.
"""

from __future__ import annotations

from typing import Protocol

#: What a key of the centre is for: no other use of it opens or makes an envelope.
PURPOSE = b"kiosk-envelope-v1\x00"


class Scheme(Protocol):
    """One way of sealing to a public key. `info` is bound in: it must be the same at opening."""

    @property
    def algorithm(self) -> str: ...

    def check(self, public: bytes) -> None:
        """Raises `ValueError` for what is no public key of this scheme."""

    def generate(self) -> bytes:
        """A new private key."""

    def public_of(self, private: bytes) -> bytes:
        """The public half. Raises `ValueError` for what is no private key of this scheme."""

    def seal(self, public: bytes, info: bytes, plain: bytes) -> bytes: ...

    def open(self, private: bytes, info: bytes, sealed: bytes) -> bytes:
        """What was sealed. Raises `ValueError` if any byte of it, or of `info`, is another."""


#: What an operator calls them.
PROFILES = {
    "hybrid": "HPKE/MLKEM768-X25519/HKDF-SHA256/AES-256-GCM",
    "national": "SM2/SM3-KDF/SM4-GCM",
}


def scheme_of(algorithm: str) -> Scheme:
    """The scheme with this id. Raises `ValueError` for one that this release does not know."""
    # Loaded here: a terminal needs one of them only.
    if algorithm == PROFILES["hybrid"]:
        from sync.hybrid import Hybrid

        return Hybrid()
    if algorithm == PROFILES["national"]:
        from sync.national import National

        return National()
    raise ValueError(f"sealing by {algorithm[:80]!r} is not known here")
