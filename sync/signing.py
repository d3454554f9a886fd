"""The device key, and request signatures made with it (RFC 9421, HTTP Message Signatures).

A signature covers method, host, path, query, the body and how it is packed (Content-Digest, RFC
9530) and time, with a nonce, so a proxy may end TLS and nobody can alter or repeat a request. The
key is made at enrolment and never leaves the terminal.

Who holds the private half is behind `KeyHolder`. Here it is a file that only its owner may read. A
TPM 2.0 comes in at `DeviceKey.load`, as a second holder: one that unseals the Ed25519 key for this
boot only, or, with a chip that has the curve, one that signs in the chip. A chip that can only sign
with ECDSA needs a contract that names the algorithm of `EnrolRequest.device_public_key`; this one
has Ed25519.
"""

from __future__ import annotations

import logging
import stat
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from http_message_signatures import HTTPSignatureKeyResolver
from requests_http_signature import HTTPSignatureAuth, algorithms

from sync.bundle import flush_folder
from sync.canonical import sha256_hex
from sync.identity import (
    DEVICE_KEY_FILE,
    FORMER_KEYS_FILE,
    NEXT_KEY_FILE,
    NotEnrolled,
    write_whole,
)
from sync.wire.base import ENCODING_COMPONENT, SIGNATURE_TAG, SIGNED_COMPONENTS, Signed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from requests import PreparedRequest

    from sync.canonical import Json

log = logging.getLogger(__name__)


class KeyHolder(Protocol):
    """Has the private half of an Ed25519 key, and does not give it away."""

    @property
    def public(self) -> bytes:
        """32 bytes."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes. Raises `OSError` if what holds the key cannot be reached."""


class KeyInMemory:
    """A key that was read from its file."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


class DeviceKey:
    """This terminal's Ed25519 key. `id` names its public half: 16 hexadecimal digits."""

    def __init__(self, holder: KeyHolder, formers: Sequence[bytes] = ()) -> None:
        """`formers`: public halves of the keys that this terminal had before."""
        self._holder = holder
        self.public = holder.public
        self.publics = (self.public, *formers)
        self.id = sha256_hex(self.public)[:16]

    @classmethod
    def load(cls, state_dir: Path, file: str = DEVICE_KEY_FILE) -> DeviceKey:
        """Raises `NotEnrolled` if there is no key, it cannot be used, or others may read it."""
        path = state_dir / file
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise NotEnrolled(f"{file} can be read by others than its owner")
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise NotEnrolled(f"{file}: {type(error).__name__}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise NotEnrolled(f"{file} is of another kind")
        return cls(KeyInMemory(key), _formers(state_dir))

    @classmethod
    def load_or_create(cls, state_dir: Path, file: str = DEVICE_KEY_FILE) -> DeviceKey:
        """The key on disk, or a new one (0600) if there is none. A broken one is not replaced."""
        if not (state_dir / file).exists():
            write_whole(state_dir / file, _pem(Ed25519PrivateKey.generate()), 0o600)
        return cls.load(state_dir, file)

    def sign(self, data: bytes) -> bytes:
        """An Ed25519 signature over `data`, which begins with what it is for
        (`sync.wire.base.Signed`)."""
        return self._holder.sign(data)

    def auth(self) -> HTTPSignatureAuth:
        """Signs requests of `requests` when given as their `auth`."""
        return _Auth(
            signature_algorithm=_ByHolder,
            key_resolver=_Held(self._holder),
            key_id=self.id,
            covered_component_ids=SIGNED_COMPONENTS,
            tag=SIGNATURE_TAG,
            use_nonce=True,
        )


def use_next_key(state_dir: Path, known: str) -> bool:
    """Go over to the next key once the centre has it. `known`: id of the key that the centre says
    it has. Returns whether the key is another one now. Raises `NotEnrolled` and `OSError`."""
    if not (state_dir / NEXT_KEY_FILE).exists():
        return False
    before, following = DeviceKey.load(state_dir), DeviceKey.load(state_dir, NEXT_KEY_FILE)
    if following.id != known:
        return False
    lines = "".join(f"{public.hex()}\n" for public in before.publics)
    write_whole(state_dir / FORMER_KEYS_FILE, lines.encode("ascii"))
    (state_dir / NEXT_KEY_FILE).replace(state_dir / DEVICE_KEY_FILE)
    # Before anything is signed with it: the centre forgets the former key then, so that a power
    # cut must not bring it back.
    flush_folder(state_dir)
    return True


def _formers(state_dir: Path) -> list[bytes]:
    try:
        lines = (state_dir / FORMER_KEYS_FILE).read_text(encoding="ascii").split()
        return [bytes.fromhex(line) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        # They only prove old ends of the journal.
        log.error("%s: %s", FORMER_KEYS_FILE, type(error).__name__)
        return []


def centre_signed(message: Signed, signing_key: bytes, **also: Json) -> bool:
    """Whether the centre with this key (Ed25519, 32 bytes) signed a message; `also`: what the
    signature is over without being said, such as the terminal of an answer."""
    try:
        key = Ed25519PublicKey.from_public_bytes(signing_key)
        key.verify(message.signature, message.signed_bytes(**also))
    except (InvalidSignature, ValueError):
        return False
    return True


class _Auth(HTTPSignatureAuth):
    """Covers how a body is packed where it is: who changes that changes what it says."""

    def get_covered_component_ids(self, request: PreparedRequest) -> list[str]:
        covered = list(super().get_covered_component_ids(request))
        packed = ENCODING_COMPONENT in request.headers
        return [*covered, ENCODING_COMPONENT] if packed else covered


class _ByHolder(algorithms.ED25519):
    """The library's Ed25519, asking the holder instead of loading a key."""

    def __init__(self, public_key: None = None, private_key: KeyHolder | None = None) -> None:
        self.public_key, self.private_key = public_key, private_key


class _Held(HTTPSignatureKeyResolver):
    def __init__(self, holder: KeyHolder) -> None:
        self._holder = holder

    def resolve_private_key(self, key_id: str) -> KeyHolder:
        return self._holder

    def resolve_public_key(self, key_id: str) -> None:
        """A terminal checks no request."""


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
