"""The courier: takes what is due from the outbox to the centre, batch by batch, for ever.

An item leaves the outbox only on the centre's answer to that item. Whatever else happens (no
answer, half an answer, an answer from somebody else), it is sent again; the centre makes each id
take effect once.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sync.canonical import sha256_hex
from sync.faults import CentralUnreachable
from sync.outbox import Answer, Leased, Outbox, Standing
from sync.wire.envelopes import (
    BATCH_LIMIT,
    Batch,
    BatchAnswer,
    Envelope,
    InPieces,
    Piece,
    PieceAnswer,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync.transport import Transport
    from sync.wire.envelopes import Standing as StandingSaid

log = logging.getLogger(__name__)

#: A lease outlasts the longest request, so that no second courier sends what is on its way.
LEASE_S, REQUEST_S = 90.0, 30.0

#: What one piece carries, bytes: a few seconds on the worst line.
PIECE_BYTES = 16 * 1024

#: After these the next request is smaller.
_TOO_MUCH = ("too_large", "connection", "timeout")


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
    #: What the centre said, as the outbox has it now.
    answers: tuple[Answer, ...] = field(default=(), compare=False)

    @property
    def to_come_later(self) -> int:
        return self.sent - self.finished


class Courier:
    """Delivers from one outbox over one transport.

    How much goes into one request follows the line: each request that breaks halves it, down to
    one item and then to pieces of one; each that gets through doubles it again. So a terminal on a
    bad line loses a piece at a time, and a server that comes back is not met with full batches.
    """

    def __init__(self, outbox: Outbox, transport: Transport) -> None:
        self._outbox = outbox
        self._transport = transport
        #: Items in a request; 0: one item, in pieces.
        self._limit = BATCH_LIMIT
        self._takes_pieces = True

    def deliver(self) -> Delivery:
        """Send the next batch; `Delivery()` if nothing is due.

        Raises `CentralUnreachable` with everything back in the queue, and `OutboxUnavailable`.
        """
        leased = self._outbox.lease(max(1, self._limit), LEASE_S)
        envelopes = [item for item in map(self._as_envelope, leased) if item is not None]
        if not envelopes:
            return Delivery(len(leased), len(leased))
        try:
            answer = self._send(envelopes)
        except CentralUnreachable as error:
            self._outbox.release(item.id for item in leased)
            if error.reason in _TOO_MUCH:
                self._limit //= 2
            raise
        self._limit = min(max(1, self._limit * 2), BATCH_LIMIT)
        return self._settle({str(item.header["id"]) for item in envelopes}, answer)

    def _send(self, envelopes: list[Envelope]) -> BatchAnswer:
        whole = self._limit > 0 or not self._takes_pieces
        if whole or len(envelopes[0].sealed) <= PIECE_BYTES:
            batch = Batch(envelopes=envelopes)
            return self._transport.post("envelopes", batch, BatchAnswer, REQUEST_S)
        return self._send_in_pieces(envelopes[0])

    def _send_in_pieces(self, envelope: Envelope) -> BatchAnswer:
        """From where the last try ended, as the server knows it."""
        sealed, item = envelope.sealed, str(envelope.header["id"])
        held = self._piece(item, sealed, 0, 0)
        while held < len(sealed):
            before, held = held, self._piece(item, sealed, held, PIECE_BYTES)
            if held <= before:
                raise CentralUnreachable("not_the_centre")
        everything = InPieces(header=envelope.header, sealed_sha256=sha256_hex(sealed))
        return self._transport.post("in-pieces", everything, BatchAnswer, REQUEST_S)

    def _piece(self, item: str, sealed: bytes, offset: int, length: int) -> int:
        """Send one piece, or ask with none; returns how much the server has."""
        data = sealed[offset : offset + length]
        piece = Piece(id=item, total=len(sealed), offset=offset, data=data)
        try:
            return self._transport.post("pieces", piece, PieceAnswer, REQUEST_S).held
        except CentralUnreachable as error:
            # A server of an older release has no such door.
            self._takes_pieces = error.reason != "not_the_centre"
            raise

    def _settle(self, sent: set[str], answer: BatchAnswer) -> Delivery:
        """Take in the answers to what was sent; the unanswered goes back into the queue."""
        answers = [
            Answer(
                item.id,
                item.verdict,
                item.rejection or "",
                item.reason,
                item.position,
                item.epoch,
            )
            for item in answer.answers
            if item.id in sent
        ]
        self._outbox.acknowledge(answers, _standing(answer.standing))
        self._outbox.release(sent - {item.id for item in answers})
        finished = sum(item.verdict != Verdict.LATER for item in answers)
        log.info("delivered %d of %d items", finished, len(sent))
        return Delivery(len(sent), finished, tuple(answers))

    def _as_envelope(self, item: Leased) -> Envelope | None:
        """An item as it is sent. One that breaks the contract would block the queue for ever: it
        becomes a dead letter, kept for a technician."""
        try:
            return Envelope.of(item.header, item.sealed)
        except ValidationError:
            log.error("item %s does not fit the contract", item.id)
            self._outbox.acknowledge([Answer(item.id, "unusable", reason="bad_item")])
            return None


def _standing(said: StandingSaid) -> Standing:
    """As the outbox keeps it."""
    at = datetime.fromisoformat(said.at).timestamp()
    return Standing(said.epoch, said.backed_up_to, at)
