"""What a terminal is, told to the centre; what it should be, told by the centre."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from sync.header import SCHEMA_VERSION
from sync.values import ItemId, KeyId, Moment, Short, TerminalNo
from sync.wire.base import Message, Signed
from sync.wire.crash import CrashReport
from sync.wire.desired import CommandResult, Desired
from sync.wire.enrolment import EnvelopeKey
from sync.wire.envelopes import Standing
from sync.wire.policy import DesiredPacks
from sync.wire.release import DesiredRelease, ReleaseReport


class HealthRow(Message):
    """One device as the terminal's health table shows it. `detail` is technical."""

    device: Short
    state: Short
    since: Short = ""
    fault: Short = ""
    detail: Short = ""
    serial: Short = ""
    firmware: Short = ""
    counters: dict[str, int] = {}


class QueueReport(Message):
    """The outbox in numbers. Ages in seconds; 0 if there is none."""

    queued: int
    sending: int
    dead: int
    oldest_s: int
    damaged_files: int = 0
    #: Finished, and kept until the centre has been backed up.
    held: int = 0
    held_oldest_s: int = 0
    #: How many of those went before the centre said that it has been.
    held_gone: int = 0
    #: The state folder is a copy and gives no receipt numbers (`sync.witness`).
    copied: bool = False
    #: Why the centre put items off -> age in seconds of the oldest of them.
    later: dict[str, int] = {}
    #: The highest position that the centre ever named here, in the highest epoch: a centre of that
    #: epoch that has not reached it was restored without saying so. 0 if it named none.
    known_epoch: int = 0
    known_position: int = 0
    #: The last number that the outbox has given.
    last_seq: int = 0
    #: How often the centre had a higher one: the state folder was put back to an older state.
    set_back: int = 0


class Numbered(Signed):
    """The highest number that the centre has had of a terminal, signed together with the
    terminal's own number."""

    PURPOSE: ClassVar[str] = "kiosk-numbered-1"

    seq: Annotated[int, Field(ge=1)]


class Heartbeat(Message):
    """What a terminal is."""

    schema_version: int = SCHEMA_VERSION
    terminal: TerminalNo
    at: Moment
    versions: dict[str, str] = {}
    health: list[HealthRow] = []
    #: Age in seconds of the health table, written by the screen process; None: there is none.
    health_age_s: int | None = None
    queue: QueueReport
    #: Service id -> "open" or the id of the reason why not.
    services: dict[str, str] = {}
    #: Version of the desired state it holds.
    desired_version: str = ""
    #: Commands that it has noted, and what became of them (`sync.wire.desired`).
    commands: Annotated[list[ItemId], Field(max_length=100)] = []
    results: Annotated[list[CommandResult], Field(max_length=100)] = []
    crashes: Annotated[list[CrashReport], Field(max_length=20)] = []
    #: The last self-test: when, and codes of the faults that were found, with blanks between.
    self_test_at: Annotated[str, Field(max_length=40)] = ""
    self_test_wrong: Short = ""
    #: Whose policy packs it takes: six digits of GB/T 2260; "" takes none.
    region: Annotated[str, Field(pattern=r"^([0-9]{6})?$")] = ""
    #: How far it is with the release that it should have.
    release: ReleaseReport = ReleaseReport()
    #: The key it seals to.
    envelope_key_id: KeyId
    envelope_key_number: Annotated[int, Field(ge=0)] = 0


class HeartbeatAnswer(Message):
    server_time: Moment
    desired: Desired
    standing: Standing
    #: Only to a terminal that has not given this number, as far as it says.
    numbered: Numbered | None = None
    #: Only to a terminal that seals to another.
    envelope_key: EnvelopeKey | None = None
    #: None: the centre has no packs for its region.
    packs: DesiredPacks | None = None
    #: None: the centre has nothing to say about releases.
    release: DesiredRelease | None = None
