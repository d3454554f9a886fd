"""The two ways of sealing, by name, and what each of them can do.

| profile    | algorithm id                                 | for                          |
|------------|----------------------------------------------|------------------------------|
| `hybrid`   | HPKE/MLKEM768-X25519/HKDF-SHA256/AES-256-GCM | the default                  |
| `national` | SM2/SM3-KDF/SM4-GCM                          | where 商用密码 are required  |

The centre chooses by the key that it hands out, and opens both. Keys are bytes of fixed length.
`sync.schemes` finds the code of one. Standard library only.
"""

from __future__ import annotations

from typing import Protocol

#: What an operator calls them -> the id in the clear header.
PROFILES = {
    "hybrid": "HPKE/MLKEM768-X25519/HKDF-SHA256/AES-256-GCM",
    "national": "SM2/SM3-KDF/SM4-GCM",
}


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
