"""Sealing by the national algorithms (国密): a fresh secret under SM2 (GB/T 32918.4), and the
contents under SM4-GCM (GB/T 32907, RFC 8998) with a key drawn from that secret by the key
derivation of GB/T 32918.4 §5.4.3 over SM3 (GB/T 32905).

    sealed = C1 C3 C2 | SM4-GCM(contents) | tag      129 bytes, as long as the contents, 16 bytes

SM2 is `gmalg`'s, in pure Python: one encryption an envelope, some tens of milliseconds. SM3 and SM4
are `cryptography`'s. SM2 alone would authenticate its 32 bytes, but neither header nor contents:
both are bound in by GCM, the header also by the key derivation.

Keys: public 04 | x | y (65 bytes), private 32 bytes.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from gmalg import SM2
from gmalg.errors import GMError

from sync.profiles import PROFILES

_UNCOMPRESSED = 4
_PUBLIC, _PRIVATE, _SECRET = 65, 32, 32
#: C1, C3 (an SM3 hash), C2.
_WRAPPED = _PUBLIC + 32 + _SECRET
_KEY, _NONCE, _TAG = 16, 12, 16

#: The curve of GB/T 32918.5: y² = x³ + ax + b over the integers modulo p.
_P = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93


class National:
    """`sync.profiles.Scheme`."""

    algorithm = PROFILES["national"]

    def check(self, public: bytes) -> None:
        if not _is_point(public):
            raise ValueError("not a public key of this algorithm")

    def generate(self) -> bytes:
        private: bytes = SM2().generate_keypair()[0]
        return private.rjust(_PRIVATE, b"\0")

    def public_of(self, private: bytes) -> bytes:
        if len(private) != _PRIVATE or not any(private):
            raise ValueError("not a private key of this algorithm")
        public: bytes = SM2().generate_pk(private)
        return public

    def seal(self, public: bytes, info: bytes, plain: bytes) -> bytes:
        secret = secrets.token_bytes(_SECRET)
        wrapped: bytes = SM2(pk=public).encrypt(secret)
        key, nonce = _key_and_nonce(secret, info, wrapped)
        encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(info)
        contents = encryptor.update(plain) + encryptor.finalize()
        return wrapped + contents + encryptor.tag

    def open(self, private: bytes, info: bytes, sealed: bytes) -> bytes:
        wrapped, contents, tag = sealed[:_WRAPPED], sealed[_WRAPPED:-_TAG], sealed[-_TAG:]
        if len(sealed) < _WRAPPED + _TAG or not _is_point(wrapped[:_PUBLIC]):
            raise ValueError("it does not open")
        try:
            secret: bytes = SM2(private).decrypt(wrapped)
            key, nonce = _key_and_nonce(secret, info, wrapped)
            decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
            decryptor.authenticate_additional_data(info)
            return decryptor.update(contents) + decryptor.finalize()
        except (GMError, InvalidTag) as error:
            raise ValueError("it does not open") from error


def _is_point(data: bytes) -> bool:
    """Whether it is a point of the curve, in the one form that is written here. `gmalg` does not
    ask when it seals, and another curve's points would give the secret away. Every point of this
    curve has the same, prime, order."""
    if len(data) != _PUBLIC or data[0] != _UNCOMPRESSED:
        return False
    x, y = int.from_bytes(data[1:33]), int.from_bytes(data[33:])
    return max(x, y) < _P and (y * y - x * x * x - _A * x - _B) % _P == 0


def _key_and_nonce(secret: bytes, info: bytes, wrapped: bytes) -> tuple[bytes, bytes]:
    """For this envelope only; the secret is never used for another."""
    drawn = X963KDF(SM3(), _KEY + _NONCE, sharedinfo=info + wrapped).derive(secret)
    return drawn[:_KEY], drawn[_KEY:]
