"""The doors of the centre: the one table of what a terminal may ask, with its answer and limit.

The centre's api, its limits and the table of docs/wire.md (docs/make_wire.py) are made
from it; the terminal asks by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.wire import cards, enrolment, envelopes, fleet, journal, policy, questions

if TYPE_CHECKING:
    from pydantic import BaseModel

_KB = 1024


def _in_base64(data: int) -> int:
    return data * 4 // 3 + 4 * _KB


@dataclass(frozen=True)
class Door:
    """One address of the contract: POST /api/v1/`path`."""

    path: str
    request: type[BaseModel]
    answer: type[BaseModel]
    #: Largest body in bytes, unpacked; what is longer is refused before it is read.
    limit: int
    about: str
    #: Whether a body may come packed (gzip). Only where the sender is known before it is unpacked.
    packed: bool = True


ENROL = Door(
    "enrol",
    enrolment.EnrolRequest,
    enrolment.EnrolAnswer,
    4 * _KB,
    "a new terminal, with the code that a technician was given",
    packed=False,
)
ENVELOPES = Door(
    "envelopes",
    envelopes.Batch,
    envelopes.BatchAnswer,
    _in_base64(envelopes.BATCH_BYTES) + envelopes.BATCH_LIMIT * _KB,
    "transactions of every kind, each decided for itself",
)
QUESTIONS = Door(
    "questions",
    envelopes.Envelope,
    questions.Reply,
    _in_base64(questions.QUESTION_LIMIT),
    "a question of any business, sealed; so is its answer",
)
PIECES = Door(
    "pieces",
    envelopes.Piece,
    envelopes.PieceAnswer,
    _in_base64(envelopes.PIECE_LIMIT),
    "part of an envelope, over a bad line",
)
IN_PIECES = Door(
    "in-pieces",
    envelopes.InPieces,
    envelopes.BatchAnswer,
    4 * _KB,
    "an envelope whose pieces are all there",
)
HEARTBEAT = Door(
    "heartbeat",
    fleet.Heartbeat,
    fleet.HeartbeatAnswer,
    256 * _KB,
    "what a terminal is, for what it should be",
)
POLICY_PACK = Door(
    "policy-pack",
    policy.PackQuestion,
    policy.Pack,
    4 * _KB,
    "one of the policy packs that a heartbeat's answer names",
)
JOURNAL = Door(
    "journal",
    journal.Checkpoint,
    journal.CheckpointAnswer,
    8 * _KB,
    "the signed end of a terminal's journal",
)
CARD_PROOF = Door(
    "card-proof", cards.CardProof, cards.CardProofAnswer, 4 * _KB, "is this card genuine?"
)
CARD_OPENING = Door(
    "card-opening",
    cards.CardOpening,
    cards.CardOpeningAnswer,
    4 * _KB,
    "opens a card that was found genuine just now",
)
CARD_SCRIPT = Door(
    "card-script",
    cards.ScriptQuestion,
    cards.ScriptAnswer,
    4 * _KB,
    "what an operator has allowed to be done to a card's PIN",
)

DOORS: dict[str, Door] = {
    door.path: door
    for door in (
        ENROL,
        ENVELOPES,
        QUESTIONS,
        PIECES,
        IN_PIECES,
        HEARTBEAT,
        POLICY_PACK,
        JOURNAL,
        CARD_PROOF,
        CARD_OPENING,
        CARD_SCRIPT,
    )
}

#: No body of any door is longer.
LARGEST = max(door.limit for door in DOORS.values())
