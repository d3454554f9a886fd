"""Checkpoints of the journal at the centre: what was altered at a terminal is seen there."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from sync.courier import Courier
from sync.faults import CentralRefused
from sync.journal import FOLDER, Journal, Recorder
from sync.journal.check import Alteration, check
from sync.journal.checkpoints import FILE, KEPT, Checkpoints, load, vouched
from sync.journal.keeper import ON_ITS_WAY_S, ClockWatch, Keeper, Missing, kind_of
from sync.journal.lines import files_of, read
from sync.signing import DeviceKey
from sync.wire.journal import CheckpointAnswer, CheckpointVerdict
from tests.system.people import JOURNALLED
from tests.system.test_agent import agent, put, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.conftest import CentralServer, EnrolledTerminal


class Kept:
    """A terminal's journal and its checkpoints, without an agent."""

    def __init__(self, terminal: EnrolledTerminal, **limits: int) -> None:
        self.terminal = terminal
        self.folder = terminal.state / FOLDER
        self.key = DeviceKey.load(terminal.state)
        self.journal = Journal(self.folder, "agent", **limits)
        self.write(5)
        self.checkpoints = self.fresh()

    def fresh(self) -> Checkpoints:
        """As after a restart."""
        number = self.terminal.identity.terminal
        return Checkpoints(self.folder, self.journal, number, self.key, 0.0)

    def write(self, entries: int) -> None:
        for number in range(entries):
            self.journal.append("lost", {"entries": number})

    def send(self) -> bool:
        """What is new, with the whole journal looked at before."""
        self.checkpoints.watch.look(at_once=True)
        self.checkpoints.watch.wait()
        return self.checkpoints.send(self.terminal.transport)

    def rewrite(self, change: Callable[[bytes], bytes]) -> None:
        for file in files_of(self.folder):
            file.write_bytes(change(file.read_bytes()))


@pytest.fixture
def kept(terminal: EnrolledTerminal) -> Kept:
    return Kept(terminal)


def at_centre(central: CentralServer, terminal: EnrolledTerminal) -> dict[str, Any]:
    rows = central.show()["terminals"]
    number = terminal.identity.terminal
    found: dict[str, Any] = next(row["journal"] for row in rows if row["number"] == number)
    return found


def test_a_journal_that_only_grows_is_vouched_for(central: CentralServer, kept: Kept) -> None:
    assert not kept.send()
    kept.write(3)
    assert not kept.send()
    assert at_centre(central, kept.terminal) == {"entries": 8, "altered": False}
    assert [one.seq for one in load(kept.folder).checkpoints] == [5, 8]
    assert load(kept.folder).held_seq == 8
    found = check(kept.folder, vouched(kept.folder, kept.key.public))
    assert (found.altered, found.checkpoints) == (None, 2)


def test_nothing_new_is_nothing_to_send(kept: Kept) -> None:
    kept.send()
    kept.terminal.transport.close()
    assert not kept.checkpoints.send(None)  # type: ignore[arg-type]


def test_a_terminal_that_forgot_its_checkpoints_is_told_what_to_compare(
    central: CentralServer, kept: Kept
) -> None:
    kept.send()
    (kept.folder / FILE).unlink()
    kept.write(1)
    kept.checkpoints = kept.fresh()
    assert not kept.send()
    assert at_centre(central, kept.terminal) == {"entries": 6, "altered": False}
    assert [one.since_seq for one in load(kept.folder).checkpoints] == [0, 5]


def anew(kept: Kept) -> None:
    """Another history in the place of the first."""
    for file in files_of(kept.folder):
        file.unlink()
    kept.journal = Journal(kept.folder, "screen")
    kept.write(9)
    kept.checkpoints = kept.fresh()


def cut(kept: Kept) -> None:
    kept.rewrite(lambda data: b"".join(data.splitlines(keepends=True)[:3]))


def edited(kept: Kept) -> None:
    kept.rewrite(lambda data: data.replace(b'"entries":2', b'"entries":7'))
    kept.write(1)


@pytest.mark.parametrize("alter", [anew, cut, edited])
@pytest.mark.parametrize("forget", [True, False])
def test_an_altered_journal_is_seen_at_the_centre(
    central: CentralServer, kept: Kept, alter: Callable[[Kept], None], forget: bool
) -> None:
    kept.send()
    alter(kept)
    if forget:
        (kept.folder / FILE).unlink()
        kept.checkpoints = kept.fresh()
    assert kept.send(), "said once"
    kept.write(1)
    assert not kept.send(), "it is known"
    assert load(kept.folder).altered
    assert at_centre(central, kept.terminal)["altered"]


def test_after_somebody_looked_into_it_the_history_goes_on_from_there(
    central: CentralServer, kept: Kept
) -> None:
    kept.send()
    edited(kept)
    assert kept.send()
    central.sql(
        "UPDATE central_journalcheckpoint SET looked_into = true WHERE result = 'altered'"
        " AND terminal_id = ?",
        kept.terminal.identity.terminal,
    )
    kept.write(2)
    assert not kept.send()
    assert at_centre(central, kept.terminal) == {"entries": 8, "altered": False}
    assert not load(kept.folder).altered
    cut(kept)
    assert kept.send(), "and a new alteration is one again"


def test_what_was_dropped_with_age_cannot_be_compared_and_is_no_alteration(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    kept = Kept(terminal, file_bytes=500, files=2)
    kept.send()
    kept.write(20)
    assert not kept.send()
    entries = kept.journal.position().seq
    assert at_centre(central, terminal) == {"entries": entries, "altered": False}
    query = "SELECT result FROM central_journalcheckpoint WHERE terminal_id = ? ORDER BY id"
    results = central.sql(query, terminal.identity.terminal)
    assert results == [("taken",), ("gap",)]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("seq", 9, "bad_signature"),
        ("hash", "0" * 64, "bad_signature"),
        ("terminal", "029999", "bad_request"),
        ("device_key_id", "f" * 16, "bad_request"),
        ("signature", b"", "bad_signature"),
    ],
)
def test_a_checkpoint_is_taken_only_as_it_was_signed(
    kept: Kept, field: str, value: object, error: str
) -> None:
    kept.send()
    (right,) = load(kept.folder).checkpoints
    wrong = right.model_copy(update={field: value})
    with pytest.raises(CentralRefused) as refused:
        kept.terminal.transport.post("journal", wrong, CheckpointAnswer, 10.0)
    assert refused.value.reason == error


def test_the_same_checkpoint_twice_is_one(central: CentralServer, kept: Kept) -> None:
    kept.send()
    (right,) = load(kept.folder).checkpoints
    answer = kept.terminal.transport.post("journal", right, CheckpointAnswer, 10.0)
    assert answer.verdict is CheckpointVerdict.TAKEN
    query = "SELECT count(*) FROM central_journalcheckpoint WHERE terminal_id = ?"
    assert central.sql(query, kept.terminal.identity.terminal) == [(1,)]


def test_a_checkpoint_of_another_key_is_forged(kept: Kept, tmp_path: Path) -> None:
    kept.send()
    other = DeviceKey.load_or_create(tmp_path)
    altered = check(kept.folder, vouched(kept.folder, other.public)).altered
    assert altered is not None
    assert (altered.what, altered.seq) == (Alteration.FORGED, 5)


def test_only_so_many_are_kept_and_a_damaged_file_is_none(kept: Kept) -> None:
    class Silent:
        def post(self, *_: Any) -> CheckpointAnswer:
            return CheckpointAnswer(verdict=CheckpointVerdict.TAKEN)

    for _ in range(KEPT + 3):
        kept.write(1)
        kept.checkpoints.send(Silent())  # type: ignore[arg-type]
    assert len(load(kept.folder).checkpoints) == KEPT
    (kept.folder / FILE).write_text("{")
    assert load(kept.folder).checkpoints == []


# -- what the agent writes -----------------------------------------------------------------------


def entries(terminal: EnrolledTerminal) -> list[tuple[str, dict[str, Any]]]:
    lines = read(terminal.state / FOLDER)
    return [(line.entry.kind, dict(line.entry.facts)) for line in lines if line.entry]


def test_the_agent_journals_what_the_centre_says_and_has_it_vouched_for(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    first, second = put(terminal, JOURNALLED[0]), put(terminal, JOURNALLED[0])
    with agent(terminal):
        until(lambda: ("refused", {"id": second.id}) in entries(terminal), "both answers")
        until(lambda: load(terminal.state / FOLDER).held_seq > 0, "a checkpoint")
    found = entries(terminal)
    assert found[0][0] == "started"
    assert ("acknowledged", {"id": first.id}) in found
    assert found[-1] == ("stopped", {})
    assert at_centre(central, terminal)["entries"] > 0


def test_a_case_that_a_person_must_look_at_is_not_called_accepted() -> None:
    """待核实 was 中心已受理 in the journal."""
    from kiosk.words import Words

    assert kind_of("to_review") != kind_of("accepted")
    for language, word in (("zh_CN", "待核实"), ("en", "looked at")):
        assert word in Words(language).text(f"journal.kind.{kind_of('to_review')}")


def test_an_entry_that_a_power_cut_took_is_written_late(terminal: EnrolledTerminal) -> None:
    folder = terminal.state / FOLDER
    Journal(folder, "agent").append("started", {"version": "0.1.0"})
    time.sleep(0.01)
    stored = [put(terminal, person) for person in JOURNALLED[1:4]]
    Journal(folder, "screen").append("submitted", {"id": stored[0].id})
    (item,) = [one for one in terminal.outbox.lease(1, 60) if one.id == stored[0].id]
    assert item.id == stored[0].id
    Courier(
        terminal.outbox, terminal.transport, terminal.identity
    ).deliver()  # without an agent to journal it
    missing = Missing(folder, terminal.outbox)
    assert list(missing.entries(time.time())) == [], "they may be on their way"
    found = list(missing.entries(time.time() + ON_ITS_WAY_S + 1))
    kinds = ("submitted", "acknowledged")
    assert set(found) == {(kind, one.id) for kind in kinds for one in stored[1:]}
    recorder = Recorder(Journal(folder, "agent"))
    for kind, one in found:
        recorder.record(kind, id=one, late=True)
    assert list(missing.entries(time.time() + ON_ITS_WAY_S + 1)) == []


def test_what_is_older_than_the_journal_is_not_missing(terminal: EnrolledTerminal) -> None:
    put(terminal, JOURNALLED[4])
    time.sleep(0.01)
    Journal(terminal.state / FOLDER, "agent").append("started", {"version": "0.1.0"})
    missing = Missing(terminal.state / FOLDER, terminal.outbox)
    assert list(missing.entries(time.time() + 1000)) == []


def test_a_centre_without_this_door_is_left_alone(kept: Kept, monkeypatch: Any) -> None:
    asked = []

    class Old:
        def post(self, path: str, *_: Any) -> None:
            asked.append(path)
            raise CentralRefused("not_the_centre")

    missing = Missing(kept.folder, kept.terminal.outbox)
    keeper = Keeper(Recorder(kept.journal), missing, kept.checkpoints)
    for _ in range(3):
        kept.write(1)
        keeper.show(Old())  # type: ignore[arg-type]
    assert asked == ["journal"]


def test_a_clock_that_is_set_is_noticed_and_one_that_is_slow_is_not() -> None:
    now = {"clock": 1000.0, "steady": 5.0}
    watch = ClockWatch(lambda: now["clock"], lambda: now["steady"])
    for clock, steady, jump in (
        (1060.0, 65.0, 0),
        (1121.5, 126.0, 0),
        (4721.5, 126.5, 3600),
        (4731.5, 136.5, 0),
        (1131.5, 136.5, -3600),
        (1134.0, 138.0, 0),
    ):
        now.update(clock=clock, steady=steady)
        assert watch.jump() == jump


def test_what_is_kept_is_json_of_the_contract(kept: Kept) -> None:
    kept.send()
    document = json.loads((kept.folder / FILE).read_text())
    assert document.keys() == {"checkpoints", "held_seq", "altered"}
