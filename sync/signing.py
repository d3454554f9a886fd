"""The device key, and request signatures made with it (RFC 9421, HTTP Message Signatures).

A signature covers method, host, path, query, the body and how it is packed (Content-Digest, RFC
9530) and time, with a nonce, so a proxy may end TLS and nobody can alter or repeat a request. The
key is made at enrolment and never leaves the terminal.

Who holds the private half is behind `KeyHolder`: a file that only its owner may read, or one that
only this machine's TPM 2.0 opens (`sync.sealing`), for the life of a process. The file itself says
which:

    -----BEGIN PRIVATE KEY-----                                      the key, PKCS #8
    {"public": hexadecimal, "tpm": its name, "sealed": base64}       the key, sealed

so that public halves are known without the TPM. No chip signs by itself: those that can, do it with
ECDSA, and the contract has Ed25519.
"""

from __future__ import annotations

import json
import logging
import stat
import time
from contextlib import suppress
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
from sync.sealing import OTHER, TpmFault, seal, unseal
from sync.wire.base import ENCODING_COMPONENT, SIGNATURE_TAG, SIGNED_COMPONENTS, Signed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from requests import PreparedRequest

    from sync.canonical import Json

log = logging.getLogger(__name__)

#: A TPM that failed is asked again after so many seconds, and after so many times what that took:
#: somebody waits for each answer.
_AGAIN_S, _AGAIN_TIMES = 5.0, 10.0


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


class KeyInTpm:
    """A key that its file has sealed. It is unsealed when something is first to be signed."""

    def __init__(self, public: bytes, sealed: str, tpm: str) -> None:
        self.public, self._sealed, self._tpm = public, sealed, tpm
        self._key: Ed25519PrivateKey | None = None
        self._failed: tuple[float, str] | None = None

    def sign(self, data: bytes) -> bytes:
        """Raises `TpmFault`; the next call may succeed."""
        if self._key is None:
            self._key = self._unsealed()
        return self._key.sign(data)

    def _unsealed(self) -> Ed25519PrivateKey:
        if self._failed is not None and time.monotonic() < self._failed[0]:
            raise TpmFault(self._failed[1])
        begun = time.monotonic()
        try:
            key = Ed25519PrivateKey.from_private_bytes(unseal(self._sealed, self._tpm))
            if key.public_key().public_bytes_raw() != self.public:
                raise TpmFault(OTHER, "another key")
        except TpmFault as fault:
            now = time.monotonic()
            self._failed = now + max(_AGAIN_S, _AGAIN_TIMES * (now - begun)), fault.reason
            raise
        except ValueError:
            raise TpmFault(OTHER, "no key") from None
        return key


class DeviceKey:
    """This terminal's Ed25519 key. `id` names its public half: 16 hexadecimal digits."""

    def __init__(self, holder: KeyHolder, formers: Sequence[bytes] = ()) -> None:
        """`formers`: public halves of the keys that this terminal had before."""
        self._holder = holder
        self.public = holder.public
        self.publics = (self.public, *formers)
        self.id = sha256_hex(self.public)[:16]

    @property
    def sealed(self) -> bool:
        """Whether it is of no use without this machine's TPM."""
        return isinstance(self._holder, KeyInTpm)

    @classmethod
    def load(cls, state_dir: Path, file: str = DEVICE_KEY_FILE) -> DeviceKey:
        """Raises `NotEnrolled` if there is no key, it cannot be used, or others may read it."""
        path = state_dir / file
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise NotEnrolled(f"{file} can be read by others than its owner")
            holder = _holder(path.read_bytes())
        except (OSError, ValueError, LookupError, TypeError, UnsupportedAlgorithm) as error:
            raise NotEnrolled(f"{file}: {type(error).__name__}") from error
        return cls(holder, _formers(state_dir))

    @classmethod
    def load_or_create(
        cls, state_dir: Path, file: str = DEVICE_KEY_FILE, tpm: str = ""
    ) -> DeviceKey:
        """The key on disk, or a new one (0600) if there is none, sealed to `tpm` if that names one.
        A broken one is not replaced. Raises `NotEnrolled` and `OSError`, its `TpmFault` too."""
        if not (state_dir / file).exists():
            key = Ed25519PrivateKey.generate()
            write_whole(state_dir / file, _sealed(key, tpm) if tpm else _pem(key), 0o600)
        return cls.load(state_dir, file)

    @classmethod
    def following(cls, state_dir: Path, tpm: str) -> DeviceKey:
        """The next key: the one that waits to be taken, if it is kept as wanted and can be used;
        else a new one. Raises as `load_or_create`."""
        with suppress(NotEnrolled):
            key = cls.load_or_create(state_dir, NEXT_KEY_FILE, tpm)
            if key.sealed == bool(tpm) and not key.lost():
                return key
        (state_dir / NEXT_KEY_FILE).unlink()
        return cls.load_or_create(state_dir, NEXT_KEY_FILE, tpm)

    def lost(self) -> bool:
        """Whether another TPM than this machine's sealed it. Raises `TpmFault` if there is none."""
        try:
            self.sign(b"kiosk-own-key-1")
        except TpmFault as fault:
            if fault.reason != OTHER:
                raise
            return True
        return False

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
    if DeviceKey.load(state_dir, NEXT_KEY_FILE).id != known:
        return False
    try:
        former = DeviceKey.load(state_dir).publics
    except NotEnrolled:
        former = tuple(_formers(state_dir))  # it is broken, which is no reason to keep it
    lines = "".join(f"{public.hex()}\n" for public in dict.fromkeys(former))
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


def _holder(data: bytes) -> KeyHolder:
    """Who holds the key of a file with these bytes. Raises `ValueError`, `LookupError`,
    `TypeError` and `UnsupportedAlgorithm`."""
    if data.startswith(b"{"):
        said = json.loads(data)
        public = bytes.fromhex(said["public"])
        Ed25519PublicKey.from_public_bytes(public)
        return KeyInTpm(public, str(said["sealed"]), str(said["tpm"]))
    key = load_pem_private_key(data, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("a key of another kind")
    return KeyInMemory(key)


def _sealed(key: Ed25519PrivateKey, tpm: str) -> bytes:
    sealed = seal(key.private_bytes_raw(), tpm)
    public = key.public_key().public_bytes_raw().hex()
    return json.dumps({"public": public, "tpm": tpm, "sealed": sealed}).encode("ascii")


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
