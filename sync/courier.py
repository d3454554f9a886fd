"""The courier: takes what is due from the outbox to the centre, batch by batch, for ever.

An item leaves the outbox only on an answer to that item that the centre signed. Whatever else
happens (no answer, half an answer, an answer from somebody else), it is sent again; the centre
makes each id take effect once.

What goes wrong is laid to whom it concerns. A line that breaks costs the line a pause (`Backoff`).
An item that the centre puts off, or that makes it stumble, waits for a time of its own, and nobody
else waits with it; its reason stands in the outbox for a technician to see.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync.canonical import sha256_hex
from sync.faults import CentralUnreachable
from sync.outbox import LEASE_BYTES, Answer, Leased, Outbox
from sync.verified import answers_of, standing_of
from sync.wire.envelopes import (
    BATCH_BYTES,
    BATCH_LIMIT,
    Batch,
    BatchAnswer,
    Envelope,
    InPieces,
    Piece,
    PieceAnswer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync.identity import Identity
    from sync.transport import Transport

log = logging.getLogger(__name__)

#: A lease outlasts the longest request, so that no second courier sends what is on its way.
LEASE_S, REQUEST_S = 90.0, 30.0

#: What one piece carries, bytes: a few seconds on the worst line.
PIECE_BYTES = 16 * 1024

#: After a full request that was answered within the first, the next one may carry twice as much, up
#: to `BATCH_BYTES`; after one that took longer than the second, or broke, half as much, down to the
#: last. Seconds, and bytes of what is sealed. So an urgent item waits some seconds for what is on
#: its way, once the line and the centre are known.
_QUICK_S, _SLOW_S, _LEAST_BYTES = 0.5, 2.0, 64 * 1024

#: After these the next request is smaller: the line may not carry so much, or one item in it may
#: be what the centre, or somebody on the way, stumbles over.
_TOO_MUCH = {"too_large", "connection", "timeout"}
_ONE_OF_THEM = {"server_error", "bad_request", "unreadable", "too_large", "not_the_centre"}


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
    #: The rest is sent again.
    finished: int = 0
    #: What the centre said, as the outbox has it now.
    answers: tuple[Answer, ...] = field(default=(), compare=False)


class Courier:
    """Delivers from one outbox over one transport.

    How much goes into one request follows the line: each request that breaks halves it, down to
    one item and then to pieces of one; each that gets through doubles it again. So a terminal on a
    bad line loses a piece at a time, and a server that comes back is not met with full batches.
    How many bytes there may be follows how long it takes until they are answered.
    """

    def __init__(self, outbox: Outbox, transport: Transport, identity: Identity) -> None:
        self._outbox, self._transport, self._identity = outbox, transport, identity
        #: Items in a request; 0: one item, in pieces.
        self._limit = BATCH_LIMIT
        #: Bytes in a request, unless it is one item.
        self._room = LEASE_BYTES

    def deliver(self) -> Delivery:
        """Send the next batch; `Delivery()` if nothing is due.

        Raises `CentralUnreachable` with everything back in the queue, and `OutboxUnavailable`.
        """
        leased = self._outbox.lease(max(1, self._limit), LEASE_S, self._room)
        envelopes = [item for item in map(self._as_envelope, leased) if item is not None]
        if not envelopes:
            return Delivery(len(leased), len(leased))
        began = time.monotonic()
        try:
            answer = self._send(envelopes)
        except CentralUnreachable as error:
            self._broken(envelopes, error.reason)
            raise
        self._limit = min(max(1, self._limit * 2), BATCH_LIMIT)
        self._took(time.monotonic() - began, sum(len(item.sealed) for item in envelopes))
        return self._settle(envelopes, answer)

    def _took(self, seconds: float, size: int) -> None:
        """So long from sending so many bytes to the answer."""
        if seconds > _SLOW_S:
            self._too_many(size)
        elif seconds <= _QUICK_S and size * 2 > self._room:  # a small one shows nothing
            self._room = min(self._room * 2, BATCH_BYTES)

    def _too_many(self, size: int) -> None:
        self._room = max(_LEAST_BYTES, min(self._room, size) // 2)

    def _broken(self, envelopes: list[Envelope], reason: str) -> None:
        """No answer to this request. An item that went alone and may be the reason steps aside,
        so that the next one is tried; the line waits whatever it was."""
        sent = [str(item.header["id"]) for item in envelopes]
        if len(sent) == 1 and self._limit <= 1 and reason in _ONE_OF_THEM:
            self._outbox.put_off(sent[0], reason)
        else:
            self._outbox.release(sent)
        tried = min(self._limit, max(2, len(sent)))
        if reason in _TOO_MUCH:
            self._limit = tried // 2
            self._too_many(sum(len(item.sealed) for item in envelopes))
        elif reason in _ONE_OF_THEM:
            self._limit = max(1, tried // 2)

    def _send(self, envelopes: list[Envelope]) -> BatchAnswer:
        if self._limit > 0 or len(envelopes[0].sealed) <= PIECE_BYTES:
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
        return self._transport.post("pieces", piece, PieceAnswer, REQUEST_S).held

    def _settle(self, envelopes: list[Envelope], said: BatchAnswer) -> Delivery:
        """Take in the answers to what was sent; what has none waits for its own time. Raises
        `CentralUnreachable` if they are not the centre's."""
        sent = {str(item.header["id"]): sha256_hex(item.sealed) for item in envelopes}
        answers = answers_of(said, sent, self._identity)
        if answers is None:
            self._outbox.release(sent)
            raise CentralUnreachable("not_the_centre")
        self._outbox.acknowledge(answers.values(), standing_of(said.standing, self._identity))
        for item in sent:
            if item not in answers:
                self._outbox.put_off(item, "no_answer")
        finished = sum(answer.verdict != "later" for answer in answers.values())
        log.info("delivered %d of %d items", finished, len(sent))
        return Delivery(len(sent), finished, tuple(answers.values()))

    def _as_envelope(self, item: Leased) -> Envelope | None:
        """An item as it is sent. One that breaks the contract would block the queue for ever: it
        becomes a dead letter, kept for a technician."""
        try:
            if not item.sealed:
                raise ValueError("no contents")
            return Envelope.of(item.header, item.sealed)
        except ValueError:
            log.error("item %s does not fit the contract", item.id)
            self._outbox.acknowledge([Answer(item.id, "unusable", reason="bad_item")])
            return None
