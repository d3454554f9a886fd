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
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync.identity import Identity
    from sync.wire.envelopes import BatchAnswer, ItemAnswer
    from sync.wire.envelopes import Standing as StandingSaid
    from sync.wire.fleet import Numbered

log = logging.getLogger(__name__)


def answers_of(
    said: BatchAnswer, sent: Mapping[str, str], identity: Identity
) -> dict[str, Answer] | None:
    """By id, the first answer about the very bytes of each item that was `sent`, id -> SHA-256;
    None if the centre did not say this to this terminal."""
    if not centre_signed(said, identity.central_signing_key, terminal=identity.terminal):
        log.error("the answers to %d items are not signed by the centre", len(sent))
        return None
    answers: dict[str, Answer] = {}
    for one in said.answers:
        if sent.get(one.id) == one.sealed_sha256:
            answers.setdefault(one.id, _answer_of(one))
    return answers


def _answer_of(said: ItemAnswer) -> Answer:
    """A verdict of a newer centre is neither taken nor refused as far as this terminal can tell, so
    the item is sent again; with a refusal that it does not know, the citizen is sent to the window,
    where somebody sees why."""
    verdict = said.verdict if said.verdict in set(Verdict) else Verdict.LATER
    rejection = said.rejection or ""
    if rejection and rejection not in set(Rejection):
        rejection = Rejection.NOT_PERMITTED
    return Answer(said.id, verdict, rejection, said.reason, said.position, said.epoch, said.at)


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
