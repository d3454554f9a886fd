"""The outbox: a transaction the citizen was told is submitted is on disk, in order, until it is
safe at the centre (DESIGN idea 4, domain §3.2, §3.3 and §5.0).

    put ──> queued ──lease──> sending ──a final verdict──> held ──backed up──> acknowledged
              ^                  │                          │     sealed bytes deleted,
              ├─ lease expired ──┤                          │     verdict kept for 90 days
              ├─ "later", and its own time comes            │
              ├──────────── the centre was restored ────────┘
              │                  └─"unusable"──> dead      kept for a technician
              └───────────────── requeue ─────────┘

Promises, given a disk that honours a flush:

- `put` returns after the commit has been flushed (WAL, synchronous=FULL on every connection).
- The number and the place in the queue come from the same commit, so neither is given twice. A
  copy of the file, or of the folder, gives no number that the original may have given
  (`sync.witness`).
- Nothing stays in "sending": a lease has an end, also when the clock is set back.
- What the centre puts off is sent for ever, each item at times of its own, so that it slows nobody
  else; `waiting` says how often and why. Urgent items overtake, in a batch of their own.
- A final verdict keeps the ciphertext until the centre's backup has the item. If the centre is
  restored from a backup (a higher epoch), what it lost is queued again.
- What is stored is sealed before it is written; this file never sees contents.
- A damaged file is set aside whole and reported, never emptied; what can be read of it is queued
  again, and numbers given before it was damaged do not come again.
- Above its limits the outbox takes nothing more, and says why, rather than promise what it may
  never deliver.

Two processes share the file: the screen puts, the agent leases. Each `Outbox` may be used from
several threads. Standard library only: the screen process imports this before home is shown.
"""

from __future__ import annotations

import json
import logging
import os
import random
import time
from datetime import datetime
from typing import TYPE_CHECKING

from sync.database import Database, Reason
from sync.database import Unavailable as OutboxUnavailable
from sync.header import BEIJING, EnvelopeHeader
from sync.ids import uuid7
from sync.items import (
    FINAL,
    Answer,
    Counts,
    Leased,
    Limits,
    Past,
    Standing,
    Stored,
    Unfinished,
)
from sync.receipt_number import LAST_OF_DAY, receipt_number
from sync.tables import (
    CENTRE_TIME,
    EPOCH,
    HELD_GONE,
    LAST_ANSWER,
    SEQ,
    SET_BACK,
    TABLES,
    count_as_given,
    counter,
    set_counter,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from pathlib import Path


__all__ = [
    "Answer",
    "Counts",
    "Leased",
    "Limits",
    "Outbox",
    "OutboxUnavailable",
    "Past",
    "Reason",
    "Standing",
    "Stored",
    "Unfinished",
]

log = logging.getLogger(__name__)

#: How long the verdict of a finished item can be asked for.
TOMBSTONE_DAYS = 90

#: Sealed bytes in one lease where nothing else is said, at least one item: what an urgent item may
#: have to wait for. Items that were put off before go in no more than a quarter of it.
LEASE_BYTES = 1_000_000

#: Seconds until an item that was put off is sent again: half to all of 5, 10, 20 … up to the cap.
_RETRY_S, _RETRY_CAP_S = 5.0, 1800.0

#: The cap for what is urgent, and for what got no answer: as long as the line may wait.
_SHORT_CAP_S = 300.0

#: A copy that is declared the only one leaves out so many numbers: more than were given in a day
#: after it was made.
_ADOPTED = 1000

#: Most pages (4 KiB) given back to the disk with one answer: some milliseconds.
_PAGES_AT_ONCE = 1024

#: So many free pages are kept while more is to be delivered.
_PAGES_KEPT = 1024

#: The order in which items are due.
_DUE = "urgent DESC, put_off, seq"

#: What an answer does to an item; one that is finished already keeps its verdict.
_PUT_OFF = """
UPDATE item SET state = 'queued', lease_ends = NULL, reason = :reason, due_at = :due,
    put_off = put_off + 1, put_off_since = coalesce(put_off_since, :now)
WHERE id = :id AND state IN ('queued', 'sending')
"""
_DEAD = """
UPDATE item SET state = 'dead', verdict = :verdict, reason = :reason, finished_at = :now
WHERE id = :id AND state IN ('queued', 'sending')
"""
_HELD = """
UPDATE item SET state = 'held', verdict = :verdict, rejection = :rejection, reason = :reason,
    said_at = :at, finished_at = :now, epoch = :epoch, position = :position, held_since = :since
WHERE id = :id AND state IN ('queued', 'sending')
"""
_QUEUED_ANEW = """
UPDATE item SET state = 'queued', lease_ends = NULL, due_at = 0, put_off = 0, put_off_since = NULL
"""
_REQUEUED = f"{_QUEUED_ANEW}, verdict = NULL, finished_at = NULL WHERE id = ? AND state = 'dead'"
#: The citizen has been told the verdict, so it stays until the centre says another.
_LOST_THERE = f"{_QUEUED_ANEW}, reason = 'centre_restored' WHERE state = 'held' AND epoch < ?"
_BACKED_UP = "epoch = ? AND position <= ?"
_FIRST_HEARD = "UPDATE item SET held_since = ? WHERE state = 'held' AND held_since <= 0"

#: The contents first: by the state of the item it is known whose they are.
_FORGOTTEN = (
    "DELETE FROM contents WHERE seq IN (SELECT seq FROM item WHERE state = 'held' AND {})",
    "UPDATE item SET state = 'acknowledged' WHERE state = 'held' AND {}",
)

#: No contents are none, and not an item that nobody hears of.
_WHOLE = (
    "SELECT seq, id, header, coalesce(sealed, x'') FROM item LEFT JOIN contents USING (seq) WHERE "
)

#: One look into the index for each state and urgency, however long the queue is.
_OLDEST_WAITING = "SELECT min(seq) FROM ({})".format(
    " UNION ALL ".join(
        "SELECT min(seq) AS seq FROM item WHERE state IN ('queued', 'sending')"
        f" AND state = '{state}' AND urgent = {urgent}"
        for state in ("queued", "sending")
        for urgent in (0, 1)
    )
)

_HIGHEST_KNOWN = """
SELECT epoch, max(position) FROM item WHERE position > 0
GROUP BY epoch ORDER BY epoch DESC LIMIT 1
"""

_DAY_IS_AT = "INSERT INTO day VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET last = excluded.last"

_PAST = (
    "SELECT id, header, state, created_at, finished_at, coalesce(verdict, ''), rejection,"
    " max(told - 1, 0) FROM item"
)


class Outbox:
    """The outbox of one terminal. `path`: the database file; `terminal`: its six-digit number."""

    def __init__(self, path: Path, terminal: str, limits: Limits | None = None) -> None:
        """Opens and checks the file, or makes a new one. Raises `OutboxUnavailable`."""
        self._terminal = terminal
        self._folder = path.parent
        self._limits = limits or Limits()
        self._file = Database(path, TABLES, terminal)
        cut = time.time() - TOMBSTONE_DAYS * 86_400
        with self._file.writing() as db:
            db.execute("DELETE FROM item WHERE state = 'acknowledged' AND finished_at < ?", (cut,))

    def close(self) -> None:
        self._file.close()

    # -- the screen's side -----------------------------------------------------------------------

    def put(
        self,
        kind: str,
        seal: Callable[[EnvelopeHeader], bytes],
        *,
        key_id: str,
        algorithm: str,
        urgent: bool = False,
        person: bytes = b"",
    ) -> Stored:
        """Store one transaction; it is on disk when this returns.

        `seal` is called once with the finished header, which names `key_id` and `algorithm`, and
        returns the sealed contents; what it raises passes through and nothing is stored. `urgent`:
        it overtakes what is not. `person`: keyed hash of the ID number, for `of_person`. Raises
        `OutboxUnavailable`.
        """
        with self._file.writing() as db:
            if (refused := self._refused(db)) is not None:
                raise OutboxUnavailable(refused)
            self._make_room(db)
            at = time.time()
            now = datetime.fromtimestamp(at, BEIJING)
            seq, number = self._next_numbers(db, now.date())
            header = EnvelopeHeader(
                id=str(uuid7(int(at * 1000))),
                terminal=self._terminal,
                seq=seq,
                receipt_no=receipt_number(self._terminal, now.date(), number),
                kind=kind,
                created=now.isoformat(timespec="milliseconds"),
                urgent=urgent,
                key_id=key_id,
                algorithm=algorithm,
            )
            db.execute(
                "INSERT INTO item (seq, id, urgent, person, header, size, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    seq,
                    header.id,
                    urgent,
                    person,
                    header.canonical().decode(),
                    len(sealed := seal(header)),
                    at,
                ),
            )
            db.execute("INSERT INTO contents VALUES (?, ?)", (seq, sealed))
        self._file.witness.reached(seq)
        return Stored(header.id, header.receipt_no, seq)

    def refusal(self) -> Reason | None:
        """Why the next transaction would not be taken; None if it would. To be asked before a
        citizen starts, so that nobody fills in a form for nothing. Never raises."""
        try:
            with self._file.reading() as db:
                return self._refused(db)
        except OutboxUnavailable as unavailable:
            return unavailable.reason

    def _refused(self, db: sqlite3.Connection) -> Reason | None:
        if self._file.witness.copied:
            return Reason.COPIED
        (oldest,) = db.execute(_OLDEST_WAITING).fetchone()
        if oldest is not None:
            # Counting takes time, and there are not more than there are numbers.
            most = counter(db, SEQ) - oldest + 1
            if most >= self._limits.items and _waiting(db) >= self._limits.items:
                return Reason.TOO_MANY_WAITING
            if _days_alone(db, oldest) > self._limits.days:
                return Reason.TOO_LONG_ALONE
        if (lacking := self._room_lacking(db)) > 0 and lacking > _held_bytes(db):
            return Reason.DISK_LOW
        return None

    def _room_lacking(self, db: sqlite3.Connection) -> int:
        """Bytes between the limit and what is free, on the disk and within the file."""
        disk = os.statvfs(self._folder)
        lacking = self._limits.free_bytes - disk.f_bavail * disk.f_frsize
        if lacking <= 0:
            return 0
        (pages,) = db.execute("PRAGMA freelist_count").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
        return max(0, lacking - int(pages * size))

    def _make_room(self, db: sqlite3.Connection) -> None:
        """A held item is at the centre already: it goes before a citizen is turned away."""
        lacking = self._room_lacking(db)
        while lacking > 0:
            row = db.execute(
                "SELECT seq, size FROM item WHERE state = 'held' ORDER BY seq LIMIT 1"
            ).fetchone()
            if row is None:
                return
            _let_go(db, "seq = ?", row[0])
            lacking -= row[1]

    def _next_numbers(self, db: sqlite3.Connection, day: date) -> tuple[int, int]:
        """The next place in the queue and the next number of the day, both taken."""
        seq = counter(db, SEQ) + 1
        row = db.execute("SELECT last FROM day WHERE day = ?", (day.isoformat(),)).fetchone()
        number = (row[0] if row else 0) + 1
        if number > LAST_OF_DAY:
            raise OutboxUnavailable(Reason.NUMBERS_USED_UP)
        self._file.expected.reserve({SEQ: seq, day.isoformat(): number})
        set_counter(db, SEQ, seq)
        db.execute(_DAY_IS_AT, (day.isoformat(), number))
        return seq, number

    def verdict(self, item: str) -> Answer | None:
        """What the centre decided about the item with this id; None while it has not. A dead letter
        is not decided."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT verdict, rejection, reason, said_at FROM item WHERE id = ?", (item,)
            ).fetchone()
        if row is None or row[0] not in FINAL:
            return None
        verdict, rejection, reason, at = row
        return Answer(item, verdict, rejection, reason, at=at)

    def history(self) -> list[Past]:
        """Every item that is still known, in order of creation."""
        return self._past("")

    def of_person(self, person: bytes) -> list[Past]:
        """What this person submitted here, oldest first; nothing for the empty hash."""
        return self._past("WHERE person = ? AND person <> x''", person)

    def untold(self) -> list[Past]:
        """What was submitted although nobody has been told its number: the visit broke off."""
        return self._past("WHERE told = 0")

    def told(self, item: str) -> None:
        """The citizen has seen the number of this item, or has been given it."""
        with self._file.writing() as db:
            db.execute("UPDATE item SET told = 1 WHERE id = ? AND told = 0", (item,))

    def copied(self, item: str) -> None:
        """Its receipt was printed again, which its `Past` counts."""
        with self._file.writing() as db:
            db.execute("UPDATE item SET told = max(told, 1) + 1 WHERE id = ?", (item,))

    def _past(self, which: str, *values: object) -> list[Past]:
        with self._file.reading() as db:
            rows = db.execute(f"{_PAST} {which} ORDER BY seq", values).fetchall()
        return [Past(item, *_number_and_kind(text), *rest) for item, text, *rest in rows]

    def counts_and_ages(self) -> Counts:
        now = time.time()

        def age(since: float | None) -> int:
            return 0 if since is None else max(0, int(now - since))

        with self._file.reading() as db:
            number = dict(db.execute("SELECT state, count(*) FROM item GROUP BY state").fetchall())
            (oldest,) = db.execute(
                "SELECT min(created_at) FROM item WHERE state IN ('queued', 'sending')"
            ).fetchone()
            (held,) = db.execute(
                "SELECT min(finished_at) FROM item WHERE state = 'held'"
            ).fetchone()
            later = db.execute(
                "SELECT reason, min(put_off_since) FROM item"
                " WHERE state IN ('queued', 'sending') AND put_off > 0 GROUP BY reason"
            ).fetchall()
            gone, set_back = counter(db, HELD_GONE), counter(db, SET_BACK)
            last_seq = counter(db, SEQ)
            known = db.execute(_HIGHEST_KNOWN).fetchone() or (0, 0)
        return Counts(
            queued=number.get("queued", 0),
            sending=number.get("sending", 0),
            dead=number.get("dead", 0),
            oldest_s=age(oldest),
            damaged_files=len(self._file.damaged_files()),
            held=number.get("held", 0),
            held_oldest_s=age(held),
            held_gone=gone,
            later={reason: age(since) for reason, since in later},
            copied=self._file.witness.copied,
            known_epoch=known[0],
            known_position=known[1],
            last_seq=last_seq,
            set_back=set_back,
        )

    # -- the technician's side -------------------------------------------------------------------

    def waiting(self) -> list[Unfinished]:
        """What is on its way to the centre, in the order it is due."""
        return self._listed(f"state IN ('queued', 'sending') ORDER BY {_DUE}")

    def dead_letters(self) -> list[Unfinished]:
        """What the centre cannot use, in order of creation, with its reason."""
        return self._listed("state = 'dead' ORDER BY seq")

    def requeue(self, item: str) -> bool:
        """Send a dead letter again, at its old place. False if it is none."""
        with self._file.writing() as db:
            return db.execute(_REQUEUED, (item,)).rowcount == 1

    def adopt(self) -> bool:
        """This copy of the folder is the only one from now on: the original is out of use, and
        somebody answers for it. False if this is no copy. Raises `OutboxUnavailable`.

        The original may have given more numbers than this copy knows, so some are left out.
        """
        if not self._file.witness.copied:
            return False
        with self._file.writing() as db:
            for name, ceiling in self._file.expected.ceilings().items():
                count_as_given(db, name, ceiling)
            self._leave_out(db, counter(db, SEQ) + _ADOPTED)
            self._file.witness.adopt(counter(db, SEQ))
        return True

    def _leave_out(self, db: sqlite3.Connection, seq: int) -> None:
        today = datetime.fromtimestamp(time.time(), BEIJING).date().isoformat()
        count_as_given(db, SEQ, seq)
        row = db.execute("SELECT last FROM day WHERE day = ?", (today,)).fetchone()
        count_as_given(db, today, (row[0] if row else 0) + _ADOPTED)

    def _listed(self, which: str) -> list[Unfinished]:
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT id, header, state, created_at, attempts, put_off, put_off_since, due_at,"
                f" reason FROM item WHERE {which}"
            ).fetchall()
        return [Unfinished(item, *_number_and_kind(text), *rest) for item, text, *rest in rows]

    def unfinished(self) -> Iterator[Leased]:
        """Everything the centre has not taken, dead letters too, in order of creation."""
        last = -1
        while True:
            with self._file.reading() as db:
                row = db.execute(
                    f"{_WHOLE} seq > ? AND state IN ('queued', 'sending', 'dead')"
                    " ORDER BY seq LIMIT 1",
                    (last,),
                ).fetchone()
            if row is None:
                return
            last = row[0]
            yield Leased(row[1], json.loads(row[2]), row[3])

    # -- the courier's side ----------------------------------------------------------------------

    def changed(self) -> bool:
        """Whether another process has written since this was last asked. Costs microseconds."""
        return self._file.changed()

    def due_in(self) -> float | None:
        """Seconds until an item is due, 0 if one is; None if nothing is queued."""
        now = time.time()
        with self._file.reading() as db:
            (due,) = db.execute("SELECT min(due_at) FROM item WHERE state = 'queued'").fetchone()
        if due is None:
            return None
        return float(due - now) if now < due <= now + _RETRY_CAP_S else 0.0

    def urgent_is_new(self) -> bool:
        """Whether an urgent item waits that has never been sent."""
        with self._file.reading() as db:
            row = db.execute(
                "SELECT 1 FROM item WHERE state = 'queued' AND urgent = 1 AND attempts = 0 LIMIT 1"
            ).fetchone()
        return row is not None

    def lease(self, limit: int, seconds: float, room: int = LEASE_BYTES) -> list[Leased]:
        """Up to `limit` items in the order they are due, given to the caller for `seconds`: within
        `room` bytes of what is sealed, or one item.

        Urgent items come first and alone; then what was never put off; then the rest, by how often
        it was; then by order of creation. So neither what the centre cannot deal with yet nor the
        size of a batch holds anything up. A lease that is not answered in time ends by itself.
        """
        now = time.time()
        with self._file.writing(flushed=False) as db:
            db.execute(
                "UPDATE item SET state = 'queued', lease_ends = NULL WHERE state = 'sending'"
                " AND (lease_ends <= ? OR leased_at > ?)",  # later than now: the clock went back
                (now, now),
            )
            due = db.execute(
                "SELECT seq, urgent, put_off > 0, size FROM item WHERE state = 'queued'"
                # Due later than can be: the clock went back.
                f" AND (due_at <= ? OR due_at > ?) ORDER BY {_DUE} LIMIT ?",
                (now, now + _RETRY_CAP_S, limit),
            ).fetchall()
            wanted = _together(due, room)
            rows = [db.execute(f"{_WHOLE} seq = ?", (seq,)).fetchone() for seq in wanted]
            db.executemany(
                "UPDATE item SET state = 'sending', leased_at = ?, lease_ends = ?,"
                " attempts = attempts + 1 WHERE id = ?",
                [(now, now + seconds, item) for _, item, _, _ in rows],
            )
        return [Leased(item, json.loads(header), sealed) for _, item, header, sealed in rows]

    def release(self, items: Iterable[str]) -> None:
        """Give leased items back unanswered, to be sent again."""
        with self._file.writing(flushed=False) as db:
            db.executemany(
                "UPDATE item SET state = 'queued', lease_ends = NULL"
                " WHERE id = ? AND state = 'sending'",
                [(item,) for item in items],
            )

    def put_off(self, item: str, reason: str) -> None:
        """A leased item got no answer, and may itself be why: it waits for its own time, though
        never longer than the line does."""
        now = time.time()
        with self._file.writing(flushed=False) as db:
            due = self._next_time(db, item, now, _SHORT_CAP_S)
            db.execute(_PUT_OFF, {"id": item, "reason": reason, "due": due, "now": now})

    def settle(self, standing: Standing) -> None:
        """How far the centre is safe, when it says so unasked."""
        with self._file.writing() as db:
            self._settle(db, standing)
            _forget(db, _BACKED_UP, standing.epoch, standing.backed_up_to)
        self._give_back()

    def acknowledge(self, answers: Iterable[Answer], standing: Standing | None = None) -> None:
        """Take in what the centre said of items, and how far it is safe: signed, or it is no sign
        of the centre.

        An answer of an epoch that is over says nothing any more; its item is sent again.
        """
        now = time.time()
        with self._file.writing() as db:
            since = self._settle(db, standing) if standing is not None else counter(db, CENTRE_TIME)
            epoch = counter(db, EPOCH)
            for answer in answers:
                said = {**vars(answer), "now": now, "since": since}
                if answer.verdict == "later":
                    db.execute(_PUT_OFF, said | {"due": self._next_time(db, answer.id, now)})
                elif answer.verdict not in FINAL:
                    db.execute(_DEAD, said)
                elif answer.epoch >= epoch:
                    db.execute(_HELD, said)
                else:
                    due = self._next_time(db, answer.id, now)
                    db.execute(_PUT_OFF, said | {"due": due, "reason": "stale_answer"})
            if standing is not None:
                _forget(db, _BACKED_UP, standing.epoch, standing.backed_up_to)
                set_counter(db, LAST_ANSWER, int(now))
        self._give_back()

    def _give_back(self) -> None:
        """Free pages go back to the disk: not with every answer, because it is a commit more."""
        with self._file.reading(flushed=False) as db:
            (pages,) = db.execute("PRAGMA freelist_count").fetchone()
            if pages >= _PAGES_KEPT or not _waiting(db):
                # As a script: it frees a page a step, and `execute` takes one step of what has no
                # rows.
                db.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")

    def _settle(self, db: sqlite3.Connection, standing: Standing) -> int:
        """What follows for held items; returns the centre's time as far as it was ever heard.

        The age of a held item is measured by that time alone: a clock that is set wrong here must
        not throw anything away. What came to be held before that time was ever heard (0) is as old
        as the first that is heard.
        """
        at = max(int(standing.at), counter(db, CENTRE_TIME))
        set_counter(db, CENTRE_TIME, at)
        if standing.epoch > counter(db, EPOCH):
            set_counter(db, EPOCH, standing.epoch)
            lost = db.execute(_LOST_THERE, (standing.epoch,)).rowcount
            if lost:
                log.error("the centre was restored from a backup: %d items are sent again", lost)
        db.execute(_FIRST_HEARD, (at,))
        _let_go(db, "held_since < ?", at - self._limits.held_days * 86_400)
        return at

    @staticmethod
    def _next_time(
        db: sqlite3.Connection, item: str, now: float, cap: float = _RETRY_CAP_S
    ) -> float:
        row = db.execute("SELECT urgent, put_off FROM item WHERE id = ?", (item,)).fetchone()
        urgent, put_off = row or (0, 0)
        cap = _SHORT_CAP_S if urgent else cap
        return now + random.uniform(0.5, 1.0) * min(cap, _RETRY_S * 2.0 ** min(put_off, 30))

    def centre_knows(self, seq: int) -> bool:
        """The centre has had this number from this terminal. Returns whether it is news here: then
        what is on this disk is older than what was given, and some numbers are left out."""
        with self._file.reading() as db:
            if seq <= counter(db, SEQ):
                return False
        with self._file.writing() as db:
            self._leave_out(db, seq)
            set_counter(db, SET_BACK, counter(db, SET_BACK) + 1)
            left_out = counter(db, SEQ)
        # Else an old copy of the file, put in its place now, would not be known for one.
        self._file.witness.reached(left_out)
        log.error("the centre knows number %d, which this outbox has not given", seq)
        return True


def _together(due: list[tuple[int, int, int, int]], room: int) -> list[int]:
    """Of (seq, urgent, put off, bytes), what goes into the first batch: of one urgency, put off or
    not, and within the bytes."""
    taken: list[int] = []
    for seq, urgent, put_off, size in due:
        if not taken:
            group = (urgent, put_off)
            room = min(room, LEASE_BYTES // 4) if put_off else room
        elif (urgent, put_off) != group or size > room:
            break
        taken.append(seq)
        room -= size
    return taken


def _forget(db: sqlite3.Connection, which: str, *values: float) -> int:
    """The contents of these held items go; returns how many there were."""
    gone = 0
    for statement in _FORGOTTEN:
        gone = db.execute(statement.format(which), values).rowcount
    return gone


def _let_go(db: sqlite3.Connection, which: str, value: float) -> None:
    """Held items go without the centre's word, each counted."""
    gone = _forget(db, which, value)
    if gone:
        set_counter(db, HELD_GONE, counter(db, HELD_GONE) + gone)
        log.error("%d items were let go that the centre may not have backed up", gone)


def _number_and_kind(header: str) -> tuple[str, str]:
    found = json.loads(header)
    return found["receipt_no"], found["kind"]


def _held_bytes(db: sqlite3.Connection) -> int:
    (size,) = db.execute("SELECT coalesce(sum(size), 0) FROM item WHERE state = 'held'").fetchone()
    return int(size)


def _waiting(db: sqlite3.Connection) -> int:
    (count,) = db.execute(
        "SELECT count(*) FROM item WHERE state IN ('queued', 'sending')"
    ).fetchone()
    return int(count)


def _days_alone(db: sqlite3.Connection, oldest: int) -> float:
    """Days since the centre last answered, as far as there was something to answer. An answer
    that lies ahead was taken in under a wrong clock."""
    now = time.time()
    (since,) = db.execute("SELECT created_at FROM item WHERE seq = ?", (oldest,)).fetchone()
    answered = counter(db, LAST_ANSWER)
    return float(now - (max(since, answered) if answered <= now else since)) / 86_400
