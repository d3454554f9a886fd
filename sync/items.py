"""What goes into the outbox and comes out of it: plain records, no behaviour.

Times are seconds since 1970 unless a name says otherwise. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Above any of the first three nothing more is taken.

    Dead letters and held items do not count: the first wait for a technician, the second for the
    centre's backup, and neither must be needed for the next citizen.
    """

    #: Items that wait for the centre.
    items: int = 2000
    #: Days that the oldest item has waited without any answer of the centre.
    days: int = 30
    #: Room on the disk, bytes: enough for what comes while somebody is on the way.
    free_bytes: int = 200_000_000
    #: Days, by the centre's own clock, after which a held item goes although the centre never said
    #: that it is backed up. Each is counted (`Counts.held_gone`).
    held_days: int = 30


@dataclass(frozen=True)
class Stored:
    """A transaction that is on disk for good."""

    id: str
    receipt_no: str
    seq: int


@dataclass(frozen=True)
class Leased:
    """An item given to the courier for a while. `header` is exactly what it was sealed with."""

    id: str
    header: dict[str, str | int | bool]
    sealed: bytes


@dataclass(frozen=True)
class Unfinished:
    """An item the centre has not taken, as a technician sees it."""

    id: str
    receipt_no: str
    kind: str
    #: "queued", "sending" or "dead".
    state: str
    created_at: float
    #: How often it was given to the courier.
    attempts: int
    #: How often the centre said "later", and when first.
    put_off: int
    put_off_since: float | None
    #: It is not sent before this.
    due_at: float
    #: What the centre said last.
    reason: str


@dataclass(frozen=True)
class Past:
    """What became of an item, for 90 days after its end."""

    id: str
    receipt_no: str
    kind: str
    #: "queued", "sending", "held", "acknowledged" or "dead".
    state: str
    created_at: float
    #: When the centre answered; None while it waits.
    finished_at: float | None
    #: As in `Answer`; "" while the centre has said nothing.
    verdict: str
    rejection: str
    #: How often its receipt was printed again.
    copies: int = 0


#: Verdicts with which the centre says that it keeps the item as a case.
FINAL = frozenset({"accepted", "to_review", "duplicate", "rejected"})


@dataclass(frozen=True)
class Answer:
    """What the centre said about an item.

    `verdict`: one of `FINAL`; "later": send it again; "unusable": it becomes a dead letter.
    `position` and `epoch` say where the centre keeps it, see `Standing`.
    """

    id: str
    verdict: str
    rejection: str = ""
    reason: str = ""
    position: int = 0
    epoch: int = 0
    #: When the centre took it in, by its clock, ISO 8601 with a zone; "" if it says none.
    at: str = ""


@dataclass(frozen=True)
class Standing:
    """How far the centre is safe: everything up to position `backed_up_to` is in its backup.

    `epoch` grows when the centre is restored from a backup: what it took in an earlier epoch and
    had not backed up is gone there. `at`: the centre's time.
    """

    epoch: int
    backed_up_to: int
    at: float


@dataclass(frozen=True)
class Counts:
    """The queue in numbers. Ages in whole seconds, 0 if there is none."""

    queued: int
    sending: int
    dead: int
    oldest_s: int
    #: Files that were found damaged and set aside, still on the disk.
    damaged_files: int
    #: Taken by the centre, kept here until its backup has them.
    held: int = 0
    held_oldest_s: int = 0
    #: Held items that went without the centre's word (`Limits.held_days`, or for want of room).
    held_gone: int = 0
    #: Why items were put off -> age of the oldest that waits for this.
    later: dict[str, int] = field(default_factory=dict)
    #: The state folder is a copy, see `sync.witness`.
    copied: bool = False
    #: The highest position that the centre ever named, in the highest epoch; 0 if it named none.
    known_epoch: int = 0
    known_position: int = 0
    #: The last number that was given, and how often the centre knew a higher one.
    last_seq: int = 0
    set_back: int = 0
