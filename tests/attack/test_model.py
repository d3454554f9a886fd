"""Hypothesis drives an outbox, a courier and a centre against a model of what was promised.

The invariants are checked after every step: what was promised is in the outbox or at the centre,
whole and once; the order is that of creation, urgent first, put off last; nothing that was put off
is sent before its time, and nothing due is passed over; no number comes twice.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from unittest import mock

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sync.courier import Courier
from sync.faults import CentralUnreachable
from sync.header import EnvelopeHeader
from sync.outbox import Answer, Leased, Outbox, OutboxUnavailable, Standing
from sync.transport import Transport
from sync.wire.envelopes import ItemAnswer, Verdict
from tests.attack.centre import ARRIVED, NOT_ARRIVED, VERDICTS, Centre
from tests.attack.harness import TALLY, Budget, damage_the_indexes, in_memory, opened
from tests.attack.victim import TERMINAL, body
from tests.system.answers import identity

pytestmark = pytest.mark.timeout(900)

YEAR_S = 365.25 * 86_400

#: About as many lives of forty steps fit into a second.
EXAMPLES_PER_S = 4

#: Nothing waits longer for its time, seconds.
LONGEST_WAIT_S = 1800.0

LOST = "lost, and reported"


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="outbox-model-", dir=in_memory()))
        self.folder, self.crashes = self.root / "0", 0
        self.folder.mkdir()
        self.now = 1_795_500_000.0
        self.clock = mock.patch("sync.outbox.time.time", lambda: self.now)
        self.clock.start()
        self.centre = Centre()
        self.open_box()
        #: id -> (seq, receipt number, urgent), in order of creation.
        self.promised: dict[str, tuple[int, str, bool]] = {}
        #: Given to a courier that has not answered yet.
        self.leased: list[Leased] = []
        self.finished: dict[str, str] = {}
        self.dead: set[str] = set()
        self.damaged = 0

    def teardown(self) -> None:
        self.box.close()
        self.clock.stop()
        shutil.rmtree(self.root)
        TALLY["runs of the model"] += 1

    def open_box(self) -> None:
        """As a process that starts."""
        self.box = opened(self.folder)
        self.courier = Courier(self.box, cast("Transport", self.centre), identity(TERMINAL))

    # -- the citizens ----------------------------------------------------------------------------

    @rule(urgent=st.booleans(), size=st.sampled_from([1, 100, 5_000, 40_000]))
    def put(self, urgent: bool, size: int) -> None:
        kind = "loss_report" if urgent else "first_application"
        stored = self.box.put(
            kind,
            lambda h: body(h.canonical(), size),
            key_id="0" * 16,
            algorithm="none",
            urgent=urgent,
        )
        numbers = {(seq, number) for seq, number, _ in self.promised.values()}
        assert stored.seq > max((seq for seq, _ in numbers), default=0)
        assert stored.receipt_no not in {number for _, number in numbers}
        self.promised[stored.id] = (stored.seq, stored.receipt_no, urgent)

    @rule(full=st.booleans())
    def put_fails(self, full: bool) -> None:
        """The disk fills while the contents are written, or sealing breaks."""
        with contextlib.ExitStack() as stack:
            if full:
                stack.enter_context(full_disk(self.box))
            with pytest.raises((OutboxUnavailable, ZeroDivisionError)):
                self.box.put(
                    "first_application",
                    (lambda _: bytes(300_000)) if full else broken,
                    key_id="0" * 16,
                    algorithm="none",
                )

    # -- the courier and the centre --------------------------------------------------------------

    @rule(limit=st.integers(1, 5), seconds=st.sampled_from([0.5, 60.0]))
    def lease(self, limit: int, seconds: float) -> None:
        due = self.due()
        queued = {item.id for item in self.box.waiting() if item.state == "queued"}
        leased = self.box.lease(limit, seconds)
        if any(self.promised[item][0] in {seq for _, _, seq in due} for item in queued):
            assert leased, "due and passed over"
        self.assert_in_order(due, [self.promised[item.id][0] for item in leased])
        self.leased += leased

    def due(self) -> list[tuple[bool, int, int]]:
        """What may be sent now, in order: not urgent, times put off, number."""
        latest = self.now + LONGEST_WAIT_S
        return [
            (not self.promised[item.id][2], item.put_off, self.promised[item.id][0])
            for item in self.box.waiting()
            if not self.now < item.due_at <= latest
        ]

    def assert_in_order(self, due: list[tuple[bool, int, int]], sent: list[int]) -> None:
        """`sent` begins where `due` does, but for what another courier has on lease."""
        order = {seq: (urgent, put_off > 0) for urgent, put_off, seq in due}
        assert set(sent) <= set(order), "sent before its time"
        assert sent == [seq for _, _, seq in due if seq in sent], "out of order"
        assert len({order[seq] for seq in sent}) <= 1, "urgent, fresh and put off are not mixed"

    @precondition(lambda self: self.leased)
    @rule(verdict=st.sampled_from(VERDICTS), data=st.data())
    def answered(self, verdict: str, data: st.DataObject) -> None:
        """The centre takes an item in, once however often it comes, and its answer arrives."""
        item = self.leased.pop(data.draw(st.integers(0, len(self.leased) - 1)))
        said = self.centre.decide(item.id, verdict)
        answer = Answer(
            item.id,
            said.verdict,
            said.rejection or "",
            said.reason,
            position=said.position,
            epoch=said.epoch,
        )
        self.box.acknowledge([answer], Standing(said.epoch, said.position, self.now))
        self.hear(said)

    @rule(
        lines=st.lists(st.sampled_from(NOT_ARRIVED + ARRIVED), max_size=4),
        verdicts=st.lists(st.sampled_from(VERDICTS), max_size=4),
    )
    def delivered(self, lines: list[str], verdicts: list[str]) -> None:
        """The courier's own code, on a line where anything may happen."""
        self.centre.on_line = lambda: lines.pop() if lines else "fine"
        self.centre.verdict = lambda: verdicts.pop() if verdicts else "accepted"
        self.centre.orders.clear()
        self.centre.said = []  # what an earlier delivery was told says nothing about this one
        due = self.due()
        try:
            self.courier.deliver()
        except CentralUnreachable:
            TALLY["deliveries of the model that failed"] += 1
        else:
            for said in self.centre.said:
                if said.id in self.promised:
                    self.hear(said)
            TALLY["deliveries of the model"] += 1
        for order in self.centre.orders:
            self.assert_in_order(due, [seq for _, seq in order])

    def hear(self, said: ItemAnswer) -> None:
        """An answer came to the outbox; the first one stands."""
        if said.id in self.finished or said.id in self.dead:
            return
        if said.verdict == Verdict.UNUSABLE:
            self.dead.add(said.id)
        elif said.verdict != Verdict.LATER:
            self.finished[said.id] = said.verdict

    @precondition(lambda self: self.leased)
    @rule()
    def answer_lost(self) -> None:
        """It took effect, but nobody here hears of it."""
        item = self.leased.pop(0)
        self.centre.effects.setdefault(item.id, 1)

    @precondition(lambda self: self.leased)
    @rule()
    def released(self) -> None:
        self.box.release(item.id for item in self.leased)
        self.leased.clear()

    @precondition(lambda self: self.dead)
    @rule()
    def requeued(self) -> None:
        item = next(one for one in self.promised if one in self.dead)
        assert self.box.requeue(item)
        self.dead.discard(item)

    # -- what happens to the machine -------------------------------------------------------------

    @rule(seconds=st.sampled_from([1.0, 10.0, 3_600.0, -3_600.0, 10 * YEAR_S, -10 * YEAR_S]))
    def clock_moves(self, seconds: float) -> None:
        if 0 < self.now + seconds < 4_000_000_000:  # beyond it is no year of a receipt number
            self.now += seconds

    @rule()
    def restarted(self) -> None:
        self.box.close()
        self.open_box()

    @rule()
    def killed(self) -> None:
        """What a process that is killed leaves: the files as they are, the log not folded in."""
        self.crashes += 1
        left = self.root / str(self.crashes)
        shutil.copytree(self.folder, left)
        self.box.close()
        self.folder, self.leased = left, []
        self.open_box()

    @rule(missing=st.booleans())
    def lost(self, missing: bool) -> None:
        """The file is emptied or deleted: what was in it is gone, and that is known."""
        self.box.close()
        file = self.folder / "outbox.db"
        self.folder.joinpath("outbox.db-wal").unlink(missing_ok=True)
        if missing:
            file.unlink()
        else:
            file.write_bytes(b"")
        self.open_box()
        self.damaged += 1
        assert self.box.counts_and_ages().damaged_files == self.damaged
        self.leased.clear()
        # What an older damaged file still holds is queued again: the centre knows what it had.
        here = {item.id for item in self.box.unfinished()}
        self.dead = {one.id for one in self.box.dead_letters()}
        for item in self.promised:
            if item in here:
                self.finished.pop(item, None)
            else:
                self.finished.setdefault(item, LOST)

    @rule()
    def indexes_damaged(self) -> None:
        """Set aside, reported, and every item is queued again."""
        self.box.close()
        damage_the_indexes(self.folder / "outbox.db")
        self.open_box()
        self.damaged = self.box.counts_and_ages().damaged_files
        assert self.damaged
        self.leased.clear()

    # -- what must hold --------------------------------------------------------------------------

    @invariant()
    def everything_promised_is_here_or_finished(self) -> None:
        here = list(self.box.unfinished())
        expected = [item for item in self.promised if item not in self.finished]
        assert [item.id for item in here] == expected
        for item in here:
            header = EnvelopeHeader.from_wire(item.header)
            assert item.sealed == body(header.canonical(), len(item.sealed))
        assert all(times == 1 for times in self.centre.effects.values())
        assert {one.id for one in self.box.dead_letters()} == self.dead
        assert len(self.box.waiting()) == len(expected) - len(self.dead)
        TALLY["steps of the model, each checked"] += 1

    @invariant()
    def the_verdicts_are_those_the_centre_gave(self) -> None:
        for item, verdict in self.finished.items():
            found = self.box.verdict(item)
            assert found is None or verdict in (found.verdict, LOST)


def broken(_: EnvelopeHeader) -> bytes:
    raise ZeroDivisionError


@contextlib.contextmanager
def full_disk(box: Outbox) -> Iterator[None]:
    """No room for another page; the limit goes with the connection that is given up."""
    with box._file.reading() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    yield


def test_the_outbox_behaves_like_its_model(seed: int, budget: Budget) -> None:
    run_state_machine_as_test(
        hypothesis.seed(seed)(Model),
        settings=settings(
            max_examples=int(40 + EXAMPLES_PER_S * budget.seconds),
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
