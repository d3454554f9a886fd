"""What the centre says, as far as its signature goes.

By the centre's answers a terminal forgets what citizens entrusted to it, so nothing of them is
believed that is not signed with the key learned at enrolment: not by a proxy that ends TLS, and not
by a centre that is not this terminal's.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from sync.items import Answer, Standing
from sync.signing import centre_signed

if TYPE_CHECKING:
    from sync.identity import Identity
    from sync.wire.envelopes import ItemAnswer
    from sync.wire.envelopes import Standing as StandingSaid
    from sync.wire.fleet import Numbered

log = logging.getLogger(__name__)


def answer_of(said: ItemAnswer, sealed_sha256: str, identity: Identity) -> Answer | None:
    """An answer about the bytes with this hash, to this terminal; None if it is none."""
    if said.sealed_sha256 != sealed_sha256:
        log.error("an answer about other bytes than item %s was sent with", said.id)
        return None
    if not centre_signed(said, identity.central_signing_key, terminal=identity.terminal):
        log.error("the answer to item %s is not signed by the centre", said.id)
        return None
    kept = (said.position, said.epoch, said.at)
    return Answer(said.id, said.verdict, said.rejection or "", said.reason, *kept)


def number_of(said: Numbered, identity: Identity) -> int:
    """The highest number that the centre has of this terminal; 0 if that is not what it says."""
    if not centre_signed(said, identity.central_signing_key, terminal=identity.terminal):
        log.error("the number that the centre has is not signed by it")
        return 0
    return said.seq


def standing_of(said: StandingSaid, identity: Identity) -> Standing | None:
    """How far the centre is safe; None if that is not what it says."""
    if not centre_signed(said, identity.central_signing_key):
        log.error("the centre's standing is not signed by it")
        return None
    return Standing(said.epoch, said.backed_up_to, datetime.fromisoformat(said.at).timestamp())
