"""The centre as the model sees it, at the far end of the courier's own code, on a line that is
played by a script: requests that do not arrive, answers that do not, or that are not what they
should be. What each id came to is decided once, however often it comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync.canonical import sha256_hex
from sync.faults import CentralUnreachable
from sync.wire.envelopes import (
    Batch,
    Envelope,
    InPieces,
    ItemAnswer,
    Piece,
    PieceAnswer,
    Rejection,
    Verdict,
)
from tests.attack.victim import TERMINAL
from tests.system.answers import item as answer_to
from tests.system.answers import to_batch

#: Nothing of the request is taken in; what the transport makes of it.
NOT_ARRIVED = ("connection", "timeout", "busy", "server_error", "too_large", "not_the_centre")
#: It is taken in; what becomes of the answer.
ARRIVED = ("fine", "answer lost", "half the answers", "mixed up", "somebody else's", "forged")
VERDICTS = ("accepted", "later", "unusable", "mismatch")


class Centre:
    """Answers `Transport.post`. `on_line` says what happens to the next request, `verdict` what an
    item comes to when it is decided."""

    def __init__(self) -> None:
        self.on_line: Callable[[], str] = lambda: "fine"
        self.verdict: Callable[[], str] = lambda: "accepted"
        #: id -> how often it took effect.
        self.effects: dict[str, int] = {}
        #: Orders of the batches that came: [(not urgent, seq), …].
        self.orders: list[list[tuple[bool, int]]] = []
        #: The answers that went back in the last request.
        self.said: list[ItemAnswer] = []
        self._pieces: dict[str, bytes] = {}

    def post(self, path: str, message: Any, answer: object, timeout_s: float) -> Any:
        self.said = []
        fate = self.on_line()
        if fate in NOT_ARRIVED:
            raise CentralUnreachable(fate, 7.0 if fate == "busy" else None)
        took = {"envelopes": self._batch, "pieces": self._piece, "in-pieces": self._whole}
        result = took[path](message)
        if fate == "answer lost":
            raise CentralUnreachable("timeout")
        if isinstance(result, PieceAnswer):
            return result
        answers, envelopes = result
        self.said = list(_on_the_way(fate, answers))
        said = to_batch(envelopes, self.said, TERMINAL)
        if fate == "forged":
            self.said = []
            forged = [one.model_copy(update={"reason": "forged"}) for one in said.answers]
            return said.model_copy(update={"answers": forged})
        return said

    def decide(self, item: str, verdict: str) -> ItemAnswer:
        """What an item comes to, and its one effect."""
        if item in self.effects:
            return answer_to(item, Verdict.DUPLICATE)
        if verdict == "mismatch":
            answer = answer_to(item, Verdict.REJECTED, rejection=Rejection.MISMATCH, reason="name")
        else:
            answer = answer_to(item, verdict)
        if answer.verdict not in (Verdict.LATER, Verdict.UNUSABLE):
            self.effects[item] = self.effects.get(item, 0) + 1
        return answer

    def _batch(self, batch: Batch) -> tuple[list[ItemAnswer], list[Envelope]]:
        self.orders.append([(not one.facts.urgent, one.facts.seq) for one in batch.envelopes])
        return [self._decide(envelope) for envelope in batch.envelopes], batch.envelopes

    def _piece(self, piece: Piece) -> PieceAnswer:
        held = self._pieces.setdefault(piece.id, b"")
        if piece.offset == len(held):
            self._pieces[piece.id] = held = held + piece.data
        return PieceAnswer(held=len(held))

    def _whole(self, sent: InPieces) -> tuple[list[ItemAnswer], list[Envelope]]:
        sealed = self._pieces.pop(str(sent.header["id"]))
        assert sha256_hex(sealed) == sent.sealed_sha256, "put together wrong"
        envelope = Envelope.of(sent.header, sealed)
        return [self._decide(envelope)], [envelope]

    def _decide(self, envelope: Envelope) -> ItemAnswer:
        return self.decide(envelope.facts.id, self.verdict())


def _on_the_way(fate: str, answers: list[ItemAnswer]) -> list[ItemAnswer]:
    if fate == "half the answers":
        return answers[: len(answers) // 2]
    if fate == "mixed up":
        return [*reversed(answers), *answers]
    if fate == "somebody else's":
        return [one.model_copy(update={"id": "f" * 8 + one.id[8:]}) for one in answers]
    return answers
