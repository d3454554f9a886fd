"""The signed end of a terminal's journal, and what the centre makes of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sync.values import KeyId, Moment, Sha256, TerminalNo
from sync.wire.base import Message, Signed, known


class Checkpoint(Signed):
    """The end of a terminal's journal (`sync.journal`), signed with the device key.

    `since` is the end that the centre held last, with the hash that the journal has there now,
    which shows that what lies before has stayed as it was; "" if that entry was dropped with age.
    """

    PURPOSE: ClassVar[str] = "kiosk-journal-1"

    terminal: TerminalNo
    device_key_id: KeyId
    seq: Annotated[int, Field(ge=1, lt=10**12)]
    hash: Sha256
    made: Moment
    since_seq: Annotated[int, Field(ge=0, lt=10**12)] = 0
    since_hash: Sha256 | Literal[""] = ""
    #: The first entry that the terminal itself found altered; 0: none.
    altered_seq: Annotated[int, Field(ge=0, lt=10**12)] = 0


class CheckpointVerdict(StrEnum):
    """What the centre makes of a checkpoint."""

    #: It continues what the centre holds.
    TAKEN = "taken"
    #: `held_seq` is the end that the centre holds: send the checkpoint with that as `since`.
    COMPARE = "compare"
    #: It contradicts what the centre holds: the journal was altered.
    ALTERED = "altered"


#: Not known: the centre has it, and says what it holds with the next one.
KnownCheckpointVerdict = Annotated[
    CheckpointVerdict, known(CheckpointVerdict, CheckpointVerdict.TAKEN)
]


class CheckpointAnswer(Message):
    verdict: KnownCheckpointVerdict
    held_seq: Annotated[int, Field(ge=0)] = 0
