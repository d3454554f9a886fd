"""The centre changes the key that envelopes are sealed to; this terminal follows.

A new key comes with the answer to a heartbeat. It is taken only with the signature of the key that
was learned at enrolment, and only if it is newer than the one in use: whoever ends TLS on the way,
or repeats an old answer, cannot choose the key. What is queued stays sealed to the old key, which
the centre keeps.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sync.envelope import Sealer

if TYPE_CHECKING:
    from pathlib import Path

    from sync.identity import Identity
    from sync.wire.enrolment import EnvelopeKey

log = logging.getLogger(__name__)


def take(offered: EnvelopeKey, identity: Identity, state_dir: Path) -> Identity:
    """The identity that seals to this key, saved; the same as before if the key is not to be
    trusted, older than the one in use, or of an algorithm this release does not know. Raises
    `OSError`."""
    wrong = _what_is_wrong(offered, identity)
    if wrong:
        log.error("envelope key %s is not taken: %s", offered.key_id, wrong)
        return identity
    follows = replace(
        identity,
        central_public_key=offered.public_key,
        central_key_id=offered.key_id,
        central_key_number=offered.number,
        algorithm=offered.algorithm,
    )
    follows.save(state_dir)
    log.info("envelopes are now sealed to key %s", offered.key_id)
    return follows


def _what_is_wrong(offered: EnvelopeKey, identity: Identity) -> str:
    if offered.number <= identity.central_key_number:
        return "it is not newer"
    try:
        key = Ed25519PublicKey.from_public_bytes(identity.central_signing_key)
        key.verify(offered.signature, offered.signed_bytes())
        Sealer(offered.key_id, offered.public_key, offered.algorithm)
    except InvalidSignature:
        return "the centre has not signed it"
    except ValueError as error:
        return str(error)
    return ""
