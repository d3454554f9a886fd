"""The journal: one chain whoever writes, nothing personal in it, every alteration named."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sync.journal import Journal, Recorder, Unrecorded
from sync.journal.check import Alteration, Altered, Checked, Vouched, check
from sync.journal.kinds import KINDS, MAY_BE_MISSING
from sync.journal.lines import GENESIS, LINE_LIMIT, Position, files_of, hash_at, parsed, read
from tests.any_text import any_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ITEM = "01890000-0000-7000-8000-000000000000"
AT = datetime(2026, 11, 24, 9, 30, tzinfo=timezone(timedelta(hours=8)))

#: Entries of a day, in order.
DAY: list[tuple[str, dict[str, Any]]] = [
    ("started", {"version": "0.1.0"}),
    ("visit_begun", {"service": "first_application"}),
    ("card_used", {"operation": "read_card", "outcome": "done"}),
    ("submitted", {"id": ITEM}),
    (
        "visit_ended",
        {"service": "first_application", "outcome": "done", "committed": True, "seconds": 312},
    ),
    ("acknowledged", {"id": ITEM}),
    ("fault_begun", {"device": "printer", "code": "printer_paper_out"}),
    ("maintenance_entered", {"technician": "t001"}),
]


def written(folder: Path, days: int = 4, **limits: int) -> Position:
    journal = Journal(folder, "screen", **limits)
    for _ in range(days):
        for kind, facts in DAY:
            end = journal.append(kind, facts)
    return end


def seqs(folder: Path) -> list[int]:
    return [line.entry.seq for line in read(folder) if line.entry]


def kinds_in(folder: Path) -> list[str]:
    return [line.entry.kind for line in read(folder) if line.entry]


# -- what may stand in it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "130299195703160111",
        "13029919570316011X",
        "13900000000",
        "张建国",
        "6222021234567890123",
        "A00000000",
        "唐山市路北区",
        "t13900000000",
        "zhang13029919570316",
    ],
)
def test_what_may_be_personal_fits_no_field(text: str) -> None:
    assert [
        (kind, field)
        for kind, fields in KINDS.items()
        for field, fits in fields.items()
        if fits(text)
    ] == []


@given(any_text() | st.binary() | st.floats() | st.none())
def test_nothing_but_words_of_our_own_fits(value: object) -> None:
    """What does fit has no digits beyond a version's, a technician's or a random id's."""
    for fields in KINDS.values():
        for fits in fields.values():
            if fits(value):
                assert isinstance(value, str) and value.isascii()
                assert sum(map(str.isdigit, value)) <= 16 or len(value) == 64


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("visit", {}),
        ("stopped", {"why": "tired"}),
        ("started", {}),
        ("started", {"version": 3}),
        ("visit_ended", {"service": "a", "outcome": "done", "committed": 1, "seconds": 3}),
        ("visit_ended", {"service": "a", "outcome": "done", "committed": True, "seconds": True}),
        ("clock_jumped", {"seconds": 10**12}),
    ],
)
def test_an_entry_that_does_not_fit_its_kind_is_refused(
    tmp_path: Path, kind: str, facts: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"kind|field|needs|fit"):
        Journal(tmp_path, "screen").append(kind, facts)
    assert seqs(tmp_path) == []


def test_an_entry_that_does_not_fit_leaves_a_trace_and_hurts_nobody(tmp_path: Path) -> None:
    recorder = Recorder(Journal(tmp_path, "screen"))
    recorder.record("visit_begun", service="张建国")
    recorder.record("weather", colour="red")
    lines = list(read(tmp_path))
    assert [line.entry.facts for line in lines if line.entry] == [
        {"about": "visit_begun"},
        {"about": "unknown"},
    ]
    assert "张" not in "".join(line.data.decode() for line in lines)


def test_even_without_a_journal_an_entry_must_fit() -> None:
    Unrecorded().record("stopped")
    with pytest.raises(ValueError, match="needs service"):
        Unrecorded().record("visit_begun")


def test_no_entry_is_longer_than_a_line_may_be(tmp_path: Path) -> None:
    """What a power cut tears is known by its length."""
    longest = {
        "service": "a" * 60,
        "outcome": "b" * 60,
        "fault": "c" * 60,
        "committed": False,
        "seconds": -(10**12) + 1,
    }
    Journal(tmp_path, "kioskctl").append("visit_ended", longest)
    (line,) = read(tmp_path)
    assert len(line.data) < LINE_LIMIT
    assert {kind for kind, _ in MAY_BE_MISSING} <= KINDS.keys()


# -- the chain -----------------------------------------------------------------------------------


def test_an_entry_is_what_was_said_and_continues_the_one_before(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", "screen")
    first = journal.append("started", {"version": "0.1.0"}, AT)
    journal.append("visit_begun", {"service": "card_check"}, AT)
    one, two = (line.entry for line in read(tmp_path / "journal"))
    assert one is not None and two is not None
    assert (one.seq, one.by, one.kind, one.facts) == (1, "screen", "started", {"version": "0.1.0"})
    assert one.at == "2026-11-24T09:30:00.000+08:00"
    assert (one.prev, two.prev) == (GENESIS, first.hash)
    assert check(tmp_path / "journal") == Checked(2, 1, two.position)


def test_no_journal_is_no_entry_and_nothing_altered(tmp_path: Path) -> None:
    assert check(tmp_path / "none") == Checked(0, 1, Position())
    assert not (tmp_path / "none").exists()


def test_files_follow_each_other_in_one_chain(tmp_path: Path) -> None:
    end = written(tmp_path, file_bytes=2000)
    assert len(files_of(tmp_path)) > 3
    assert check(tmp_path) == Checked(end.seq, 1, end)


def test_the_oldest_files_go_and_the_rest_is_still_one_chain(tmp_path: Path) -> None:
    end = written(tmp_path, days=30, file_bytes=2000, files=4)
    assert len(files_of(tmp_path)) == 4
    assert sum(file.stat().st_size for file in files_of(tmp_path)) < 4 * (2000 + LINE_LIMIT)
    found = check(tmp_path)
    assert found.altered is None
    assert found.first > 100
    assert (found.last, found.entries) == (end, end.seq - found.first + 1)
    assert hash_at(tmp_path, found.first - 1) == ""
    assert hash_at(tmp_path, end.seq) == end.hash
    assert hash_at(tmp_path, end.seq + 1) == GENESIS


def test_a_stop_between_saying_that_a_file_goes_and_its_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise OSError("stopped here")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="stopped"):
        patched.setattr(Path, "unlink", stop)
        written(tmp_path, days=30, file_bytes=2000, files=3)
    assert check(tmp_path).altered is None
    written(tmp_path, days=10, file_bytes=2000, files=3)
    assert check(tmp_path).altered is None
    assert len(files_of(tmp_path)) == 3


def write_many(folder: Path, by: str) -> None:
    journal = Journal(folder, by, file_bytes=4000)
    for number in range(60):
        journal.append("lost", {"entries": number})


def test_three_programs_write_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    programs = [context.Process(target=write_many, args=(tmp_path, by)) for by in ("a", "b", "c")]
    for program in programs:
        program.start()
    for program in programs:
        program.join(30)
        assert program.exitcode == 0
    assert seqs(tmp_path) == list(range(1, 181))
    assert check(tmp_path).altered is None
    for by in ("a", "b", "c"):
        entries = (line.entry for line in read(tmp_path))
        mine = [entry.facts["entries"] for entry in entries if entry and entry.by == by]
        assert mine == list(range(60))


def test_a_program_that_does_not_let_go_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr("sync.journal.lock.PATIENCE_S", 0.05)
    recorder = Recorder(Journal(tmp_path, "screen"))
    holder = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(holder, fcntl.LOCK_EX)
    recorder.record("stopped")
    assert recorder.in_trouble
    os.close(holder)
    recorder.flush()
    assert (recorder.in_trouble, kinds_in(tmp_path)) == (False, ["stopped"])


# -- a disk that takes nothing -------------------------------------------------------------------


def test_what_cannot_be_written_waits_and_what_is_too_much_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.journal.recorder.MOST_WAITING", 20)
    recorder = Recorder(Journal(tmp_path, "screen"))

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        recorder.write("stopped", {}, AT)
        for _ in range(22):
            recorder.write("stopped", {}, AT)
        assert recorder.in_trouble
    recorder.flush()
    entries = [line.entry for line in read(tmp_path) if line.entry]
    assert [entry.kind for entry in entries] == ["stopped"] * 20 + ["lost"]
    assert entries[0].at.startswith("2026-11-24T09:30"), "when it happened, not when it was written"
    assert entries[-1].facts == {"entries": 3}
    assert check(tmp_path).altered is None


def test_part_of_an_entry_on_a_full_disk_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, "screen")
    journal.append("stopped", {})
    write = os.write
    with monkeypatch.context() as patched, pytest.raises(OSError, match="part"):
        patched.setattr(os, "write", lambda file, data: write(file, data[:50]))
        journal.append("stopped", {})
    assert check(tmp_path).torn == 2
    journal.append("stopped", {})
    assert kinds_in(tmp_path) == ["stopped", "torn", "stopped"]
    assert check(tmp_path).altered is None


# -- a power cut in the last line ----------------------------------------------------------------


@pytest.mark.parametrize("what", ["piece", "zeros", "hole", "whole but for its end"])
def test_a_torn_last_line_is_no_alteration_and_is_mended(tmp_path: Path, what: str) -> None:
    written(tmp_path, days=1, file_bytes=1200)
    file = files_of(tmp_path)[-1]
    data = file.read_bytes()
    begin = data.rfind(b"\n", 0, -1) + 1
    last = data[begin:]
    torn = {
        "piece": last[:40],
        "zeros": b"\0" * 100,
        "hole": b"\0" * 60 + last[60:],
        "whole but for its end": last[:-1],
    }[what]
    file.write_bytes(data[:begin] + torn)
    found = check(tmp_path)
    assert (found.altered, found.torn) == (None, 8)
    Journal(tmp_path, "agent", file_bytes=1200).append("stopped", {})
    entries = [line.entry for line in read(tmp_path) if line.entry]
    assert [entry.kind for entry in entries[-2:]] == ["torn", "stopped"]
    assert entries[-2].facts == {"bytes": len(torn)}
    assert (check(tmp_path).altered, check(tmp_path).torn) == (None, 0)


def test_a_torn_first_line_of_a_file(tmp_path: Path) -> None:
    end = written(tmp_path, days=1)
    (tmp_path / f"{end.seq + 1:012d}.jsonl").write_bytes(b"12ab")
    assert check(tmp_path).torn == end.seq + 1
    Journal(tmp_path, "agent").append("stopped", {})
    assert kinds_in(tmp_path)[-2:] == ["torn", "stopped"]
    assert check(tmp_path).altered is None


def test_more_than_a_torn_line_is_left_for_the_check(tmp_path: Path) -> None:
    end = written(tmp_path, days=1)
    (file,) = files_of(tmp_path)
    with file.open("ab") as out:
        out.write(b"x" * (LINE_LIMIT + 1))
    Journal(tmp_path, "agent").append("stopped", {})
    assert check(tmp_path).altered == Altered(Alteration.INSERTED, end.seq + 1, file.name, 9)


def test_a_torn_line_that_a_checkpoint_vouches_for_was_cut_by_somebody(tmp_path: Path) -> None:
    end = written(tmp_path, days=1)
    (file,) = files_of(tmp_path)
    os.truncate(file, file.stat().st_size - 3)
    assert check(tmp_path).altered is None
    assert check(tmp_path, [Vouched(end, True)]).altered == Altered(Alteration.TRUNCATED, end.seq)


# -- alterations ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    written(folder, file_bytes=1500)
    assert len(files_of(folder)) == 6
    return folder


class Copy:
    """A journal to be altered, and where each byte of it belongs."""

    def __init__(self, folder: Path) -> None:
        self.files = {file.name: file.read_bytes() for file in files_of(folder)}
        self.before = b"".join(self.files.values())
        self.lines = self.before.splitlines(keepends=True)
        entries = [parsed(line[:-1]) for line in self.lines]
        assert entries[-1] is not None
        self.end = entries[-1].position

    def lay_out(self, folder: Path, data: bytes) -> None:
        """All in as many files as before, cut where they were cut."""
        folder.mkdir(exist_ok=True)
        begin = 0
        for number, (name, was) in enumerate(self.files.items(), start=1):
            end = begin + len(was) if number < len(self.files) else len(data)
            (folder / name).write_bytes(data[begin:end])
            begin = end

    def first_difference(self, data: bytes) -> int:
        """Number of the entry that holds the first byte that is not as it was."""
        pairs = zip(self.before, data, strict=False)
        same = next(
            (at for at, (a, b) in enumerate(pairs) if a != b), min(len(data), len(self.before))
        )
        return self.before.count(b"\n", 0, same) + 1


@pytest.fixture(scope="module")
def copy(whole: Path) -> Copy:
    return Copy(whole)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("altered")


many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(data=st.data())
def test_any_byte_that_is_changed_names_its_entry(copy: Copy, scratch: Path, data: Any) -> None:
    at = data.draw(st.integers(0, len(copy.before) - 1))
    new = data.draw(st.integers(0, 255).filter(lambda byte: byte != copy.before[at]))
    changed = copy.before[:at] + bytes([new]) + copy.before[at + 1 :]
    copy.lay_out(scratch, changed)
    altered = check(scratch, [Vouched(copy.end, True)]).altered
    assert altered is not None
    assert altered.seq == copy.first_difference(changed)


@many
@given(data=st.data())
def test_any_bytes_that_are_cut_out_name_the_first_entry(
    copy: Copy, scratch: Path, data: Any
) -> None:
    at = data.draw(st.integers(0, len(copy.before) - 1))
    length = data.draw(st.integers(1, len(copy.before) - at))
    changed = copy.before[:at] + copy.before[at + length :]
    copy.lay_out(scratch, changed)
    altered = check(scratch, [Vouched(copy.end, True)]).altered
    assert altered is not None
    assert altered.seq == copy.first_difference(changed)


@many
@given(data=st.data())
def test_any_bytes_that_are_put_in_are_found(copy: Copy, scratch: Path, data: Any) -> None:
    at = data.draw(st.integers(0, len(copy.before)))
    new = data.draw(st.binary(min_size=1, max_size=3) | st.sampled_from(copy.lines))
    changed = copy.before[:at] + new + copy.before[at:]
    copy.lay_out(scratch, changed)
    found = check(scratch, [Vouched(copy.end, True)])
    if found.altered is None:  # behind the last entry, as a power cut may leave it
        assert at == len(copy.before) and found.torn == copy.end.seq + 1
    else:
        assert found.altered.seq <= copy.first_difference(changed)


@many
@given(data=st.data())
def test_any_two_entries_that_change_places_name_the_first(
    copy: Copy, scratch: Path, data: Any
) -> None:
    count = len(copy.lines)
    one = data.draw(st.integers(0, count - 2))
    other = data.draw(st.integers(one + 1, count - 1))
    lines = list(copy.lines)
    lines[one], lines[other] = lines[other], lines[one]
    copy.lay_out(scratch, b"".join(lines))
    altered = check(scratch, [Vouched(copy.end, True)]).altered
    assert altered is not None
    # Lines of different lengths are cut apart where the files meet.
    assert altered.seq == one + 1


def rehashed(lines: Iterable[bytes], after: str = GENESIS) -> bytes:
    """Lines whose chain was made right again by somebody who knows how."""
    out, prev = [], after
    for line in lines:
        document = json.loads(line[65:]) | {"prev": prev}
        body = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        prev = hashlib.sha256(body).hexdigest()
        out.append(prev.encode() + b" " + body + b"\n")
    return b"".join(out)


def without(lines: list[bytes], seq: int) -> list[bytes]:
    """An entry taken out, and those after it numbered anew."""
    kept = [json.loads(line[65:]) for line in lines if f'"seq":{seq},' not in line.decode()]
    return [
        b" " * 65 + json.dumps(entry | {"seq": number}).encode()
        for number, entry in enumerate(kept, start=1)
    ]


def test_a_chain_made_anew_is_found_by_the_checkpoints(copy: Copy, tmp_path: Path) -> None:
    positions = [entry.position for line in copy.lines if (entry := parsed(line[:-1]))]
    vouched = [Vouched(positions[at - 1], True) for at in (5, 10, 20)]
    (tmp_path / "000000000001.jsonl").write_bytes(rehashed(without(copy.lines, 13)))
    assert check(tmp_path).altered is None, "by itself nothing shows it"
    found = check(tmp_path, vouched)
    assert found.altered == Altered(Alteration.REWRITTEN, 11)
    assert found.checkpoints == 2


ALTERATIONS: list[tuple[Alteration, int, Callable[[list[bytes]], list[bytes]]]] = [
    (Alteration.REMOVED, 7, lambda lines: lines[:6] + lines[7:]),
    (Alteration.REMOVED, 1, lambda lines: lines[3:]),
    (Alteration.TRUNCATED, 30, lambda lines: lines[:29]),
    (Alteration.TRUNCATED, 1, lambda lines: []),
    (Alteration.REORDERED, 4, lambda lines: [*lines[:3], lines[8], *lines[3:8], *lines[9:]]),
    (Alteration.INSERTED, 3, lambda lines: [*lines[:6], lines[2], *lines[6:]]),
    (Alteration.INSERTED, 7, lambda lines: [*lines[:6], b"nothing at all\n", *lines[6:]]),
    (
        Alteration.EDITED,
        5,
        lambda lines: [*lines[:4], lines[4].replace(b":312", b":313"), *lines[5:]],
    ),
    (
        Alteration.EDITED,
        5,
        lambda lines: [
            *lines[:4],
            rehashed([lines[4].replace(b":312", b":313")], lines[3][:64].decode()),
            *lines[5:],
        ],
    ),
]


@pytest.mark.parametrize(("what", "seq", "change"), ALTERATIONS)
def test_what_was_done_has_its_name(
    copy: Copy,
    tmp_path: Path,
    what: Alteration,
    seq: int,
    change: Callable[[list[bytes]], list[bytes]],
) -> None:
    (tmp_path / "000000000001.jsonl").write_bytes(b"".join(change(list(copy.lines))))
    altered = check(tmp_path, [Vouched(copy.end, True)]).altered
    assert altered is not None
    assert (altered.what, altered.seq) == (what, seq)


def test_a_file_that_is_gone(whole: Path, copy: Copy, tmp_path: Path) -> None:
    names = list(copy.files)
    for gone, what in ((names[0], 1), (names[3], int(names[3][:12]))):
        for name, data in copy.files.items():
            (tmp_path / name).write_bytes(data)
        (tmp_path / gone).unlink()
        altered = check(tmp_path).altered
        assert altered is not None
        assert (altered.what, altered.seq) == (Alteration.REMOVED, what)


def test_a_forged_checkpoint_is_named(copy: Copy, whole: Path) -> None:
    altered = check(whole, [Vouched(copy.end, True), Vouched(Position(9, "a" * 64), False)]).altered
    assert altered == Altered(Alteration.FORGED, 9)


def test_after_an_alteration_the_journal_goes_on_and_it_stays_named(tmp_path: Path) -> None:
    written(tmp_path, days=1)
    (file,) = files_of(tmp_path)
    file.write_bytes(file.read_bytes().replace(b":312", b":313"))
    written(tmp_path, days=2)
    found = check(tmp_path)
    assert found.altered == Altered(Alteration.EDITED, 5, file.name, 5)
    assert seqs(tmp_path) == list(range(1, 25))


@given(st.binary(max_size=200))
@example(b"0" * 64 + b' {"at":1,"by":2,"kind":3,"prev":4,"seq":5}')
@example(b"0" * 64 + b" {}")
@example(b"0" * 64 + b" {" + b"[" * 100_000 + b"}")
def test_any_bytes_are_an_entry_or_none(data: bytes) -> None:
    entry = parsed(data)
    assert entry is None or isinstance(entry.seq, int)
