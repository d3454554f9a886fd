"""Sealing: what leaves a citizen's visit can be read by the central server only.

How is a matter of `sync.schemes`; here, what is sealed to whom. The header is bound in, so it
cannot be changed or put on other contents. The terminal holds no key that opens an envelope.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sync.canonical import Json, canonical, sha256_hex
from sync.header import BEIJING, EnvelopeHeader
from sync.ids import uuid7
from sync.profiles import PROFILES
from sync.schemes import scheme_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync.identity import Identity


#: What a key is for: no other use of it opens or makes an envelope, or a reply.
_ENVELOPE, _REPLY = b"kiosk-envelope-v1\x00", b"kiosk-reply-v1\x00"


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
    algorithm: str

    def __post_init__(self) -> None:
        """Raises `ValueError` for a key that is not what its id says, or of an algorithm that it
        is no key of or that is not known here."""
        scheme_of(self.algorithm).check(self.public_key)
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
        info = _ENVELOPE + header.canonical()
        return scheme_of(self.algorithm).seal(self.public_key, info, canonical(payload))

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
    algorithm: str

    @classmethod
    def generate(cls, algorithm: str = PROFILES["hybrid"]) -> Opener:
        """A new key. Raises `ValueError` for an algorithm that is not known here."""
        return cls(scheme_of(algorithm).generate(), algorithm)

    def sealer(self) -> Sealer:
        """The half that terminals are given. Raises `ValueError` if this is no private key."""
        public = scheme_of(self.algorithm).public_of(self.private_key)
        return Sealer(key_id_of(public), public, self.algorithm)

    def open(self, header: Mapping[str, Json], sealed: bytes) -> dict[str, object]:
        """The payload. `header` as it was received. Raises `Unreadable`."""
        info = _ENVELOPE + canonical(header)
        try:
            payload = json.loads(scheme_of(self.algorithm).open(self.private_key, info, sealed))
        except (ValueError, RecursionError) as error:
            raise Unreadable("the envelope does not open") from error
        if not isinstance(payload, dict):
            raise Unreadable("the contents are not an object")
        return payload


class ReplyOpener:
    """The key of one question: its public half travels inside the question, the private half never
    leaves the asker, and both are forgotten with the answer."""

    def __init__(self, algorithm: str) -> None:
        """Raises `ValueError` for an algorithm that is not known here."""
        scheme = scheme_of(algorithm)
        self._private = scheme.generate()
        self.algorithm = algorithm
        self.public_key = scheme.public_of(self._private)

    def open(self, question: str, sealed: bytes) -> dict[str, object]:
        """What was answered to the envelope with this id. Raises `Unreadable`."""
        try:
            info = _REPLY + question.encode("ascii")
            reply = json.loads(scheme_of(self.algorithm).open(self._private, info, sealed))
        except (ValueError, RecursionError) as error:
            raise Unreadable("the reply does not open") from error
        if not isinstance(reply, dict):
            raise Unreadable("the reply is not an object")
        return reply


def seal_reply(
    algorithm: str, public_key: bytes, question: str, reply: Mapping[str, Json]
) -> bytes:
    """An answer that only the asker of this question can read. Raises `ValueError` for a key that
    is none of this algorithm."""
    scheme = scheme_of(algorithm)
    scheme.check(public_key)
    return scheme.seal(public_key, _REPLY + question.encode("ascii"), canonical(reply))
