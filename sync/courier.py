"""The courier: takes what is due from the outbox to the centre, batch by batch, for ever.

An item leaves the outbox only on the centre's answer to that item. Whatever else happens (no
answer, half an answer, an answer from somebody else), it is sent again; the centre makes each id
take effect once.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sync.faults import CentralUnreachable
from sync.messages import BATCH_LIMIT, Batch, BatchAnswer, Envelope, Verdict
from sync.outbox import Answer, Leased, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync.transport import Transport

log = logging.getLogger(__name__)

#: A lease outlasts the longest request, so that no second courier sends what is on its way.
LEASE_S, REQUEST_S = 90.0, 30.0


class Backoff:
    """How long to leave a server alone: full jitter, random(0, min(cap, base * 2**failures)).

    Full jitter spreads a fleet that lost its server at the same moment. With the cap of five
    minutes 10,000 terminals come back at about 70 requests a second.
    """

    def __init__(
        self,
        base_s: float = 1.0,
        cap_s: float = 300.0,
        between: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._base_s, self._cap_s, self._between = base_s, cap_s, between
        self._failures = 0

    def failed(self, retry_after_s: float | None = None) -> float:
        """Seconds to wait now. What the server asked for is honoured, and jitter comes on top."""
        self._failures = min(self._failures + 1, 30)
        jitter = self._between(0.0, min(self._cap_s, self._base_s * 2.0**self._failures))
        return (retry_after_s or 0.0) + jitter

    def succeeded(self) -> None:
        self._failures = 0


@dataclass(frozen=True)
class Delivery:
    """What one batch came to, in items."""

    sent: int = 0
    finished: int = 0

    @property
    def to_come_later(self) -> int:
        return self.sent - self.finished


class Courier:
    """Delivers from one outbox over one transport."""

    def __init__(self, outbox: Outbox, transport: Transport) -> None:
        self._outbox = outbox
        self._transport = transport
        self._limit = BATCH_LIMIT

    def deliver(self) -> Delivery:
        """Send the next batch; `Delivery()` if nothing is due.

        Raises `CentralUnreachable` with everything back in the queue, and `OutboxUnavailable`.
        """
        leased = self._outbox.lease(self._limit, LEASE_S)
        envelopes = [item for item in map(self._as_envelope, leased) if item is not None]
        if not envelopes:
            return Delivery(len(leased), len(leased))
        try:
            answer = self._transport.post(
                "envelopes", Batch(envelopes=envelopes), BatchAnswer, REQUEST_S
            )
        except CentralUnreachable as error:
            self._outbox.release(item.id for item in leased)
            if error.reason == "too_large":
                self._limit = max(1, self._limit // 2)
            raise
        return self._settle({str(item.header["id"]) for item in envelopes}, answer)

    def _settle(self, sent: set[str], answer: BatchAnswer) -> Delivery:
        """Take in the answers to what was sent; the unanswered goes back into the queue."""
        answers = [
            Answer(item.id, item.verdict, item.rejection or "", item.reason)
            for item in answer.answers
            if item.id in sent
        ]
        self._outbox.acknowledge(answers)
        self._outbox.release(sent - {item.id for item in answers})
        finished = sum(item.verdict != Verdict.LATER for item in answers)
        log.info("delivered %d of %d items", finished, len(sent))
        return Delivery(len(sent), finished)

    def _as_envelope(self, item: Leased) -> Envelope | None:
        """An item as it is sent. One that breaks the contract would block the queue for ever: it
        becomes a dead letter, kept for a technician."""
        try:
            return Envelope.of(item.header, item.sealed)
        except ValidationError:
            log.error("item %s does not fit the contract", item.id)
            self._outbox.acknowledge([Answer(item.id, Verdict.REJECTED, reason="bad_item")])
            return None
