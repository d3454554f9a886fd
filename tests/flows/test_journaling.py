"""What the terminal puts into its journal, and what a technician sees of it."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hardware.faults import DeviceFault, FaultCode
from hardware.supervision import DeviceState, HealthTable
from kiosk.kioskctl import app
from kiosk.maintenance.roster import (
    ROSTER_FILE,
    Person,
    Refusal,
    Role,
    StaffRefused,
    write_roster,
)
from kiosk.receipts import Slip
from kiosk.services.card_check import CheckCard
from kiosk.services.first_application import ApplyFirst
from kiosk.settings import Settings
from kiosk.terminal import Terminal
from kiosk.upkeep.doctor import Patient, examine
from kiosk.upkeep.journaling import FaultRecord, Scribe
from kiosk.visit.flow import Ending
from kiosk.visit.prompts import Print, ReadCard, Submit
from kiosk.words import LANGUAGES, Words
from sync.envelope import Opener
from sync.identity import Identity
from sync.journal import FOLDER, Journal, Recorder, kinds
from sync.journal.check import Alteration
from sync.journal.lines import files_of, read
from sync.outbox import Limits
from sync.pins import hash_pin
from sync.signing import DeviceKey
from tests.flows.counter import SUBMITTED, Walk, social_card
from tests.flows.test_terminal import Desk, terminal
from tests.patience import PATIENCE_S

RUN = CliRunner()


class Notes:
    """A journal in memory that takes only what fits."""

    in_trouble = False

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []
        self.closed = False

    def record(self, kind: str, **facts: Any) -> None:
        kinds.check(kind, facts)
        self.entries.append((kind, facts))

    def close(self) -> None:
        self.closed = True

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [facts for name, facts in self.entries if name == kind]


def noted(
    tmp_path: Path, settings: Settings | None = None, **loops: Desk
) -> tuple[Terminal, Notes]:
    made, notes = terminal(tmp_path, **loops), Notes()
    parts = dataclasses.replace(
        made.parts,
        journal=notes,
        settings=settings or made.settings,
        sealer=Opener.generate().sealer,
    )
    return Terminal(parts), notes


# -- visits --------------------------------------------------------------------------------------


def test_a_visit_begins_and_ends_with_its_service_and_how(tmp_path: Path) -> None:
    desk, notes = noted(tmp_path)
    visit = desk.visit(ApplyFirst)
    visit.start()
    visit.cancel()
    assert notes.entries == [
        ("visit_begun", {"service": "first_application"}),
        (
            "visit_ended",
            {
                "service": "first_application",
                "outcome": "cancelled",
                "committed": False,
                "seconds": 0,
            },
        ),
    ]


def test_a_visit_that_a_fault_ended_names_it(tmp_path: Path) -> None:
    desk, notes = noted(tmp_path)
    visit = desk.visit(CheckCard)
    visit.start()
    while visit.outcome is None:
        visit.fault(DeviceFault(FaultCode.CARD_READER_OFFLINE))
    if visit.outcome.ending is Ending.FAULT:
        assert notes.of("visit_ended")[0]["fault"] == "card_reader_offline"
    else:
        assert notes.of("visit_ended")[0]["outcome"] == visit.outcome.ending


def test_submitted_is_written_only_of_what_is_on_the_disk(tmp_path: Path) -> None:
    desk, notes = noted(tmp_path)
    transaction = Walk(ApplyFirst).until("filing.submit").prompt.transaction
    submitted = desk.perform(Submit("filing.submit", transaction))
    assert notes.entries == [("submitted", {"id": submitted.id})]
    assert [item.id for item in desk.parts.outbox.waiting()] == [submitted.id]


@pytest.mark.parametrize("phone", ["13900000000", ""])
@pytest.mark.parametrize("sends", [True, False])
def test_who_gave_no_telephone_or_whose_centre_sends_nothing_is_promised_nothing(
    tmp_path: Path, sends: bool, phone: str
) -> None:
    desk, _ = noted(tmp_path)
    desired = {"version": "1", "closed_services": {}, "notices": sends}
    (tmp_path / "desired.json").write_text(json.dumps(desired))
    desk.parts.desired.refresh()
    transaction = Walk(ApplyFirst).until("filing.submit").prompt.transaction
    filed = dataclasses.replace(transaction, document={**transaction.document, "phone": phone})
    assert desk.perform(Submit("filing.submit", filed)).notices is bool(sends and phone)


def test_a_visit_that_was_under_way_files_nothing_once_the_terminal_has_another_number(
    tmp_path: Path,
) -> None:
    """The centre would put it off for ever, and a citizen hold its receipt."""
    desk, notes = noted(tmp_path)
    document = {field.name: "" for field in dataclasses.fields(Identity)} | {"terminal": "020002"}
    (tmp_path / "identity.json").write_text(json.dumps(document))
    transaction = Walk(ApplyFirst).until("filing.submit").prompt.transaction
    with pytest.raises(DeviceFault) as caught:
        desk.perform(Submit("filing.submit", transaction))
    assert caught.value.code is FaultCode.NOT_ENROLLED
    assert desk.parts.outbox.waiting() == [] and notes.entries == []


def test_what_could_not_be_stored_was_not_submitted(tmp_path: Path) -> None:
    desk, notes = noted(tmp_path)
    desk.parts.outbox._limits = Limits(free_bytes=2**62)
    transaction = Walk(ApplyFirst).until("filing.submit").prompt.transaction
    with pytest.raises(DeviceFault):
        desk.perform(Submit("filing.submit", transaction))
    assert notes.entries == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "done"), (DeviceFault(FaultCode.CARD_MUTE), "card_mute")],
)
def test_a_use_of_a_card_is_written_as_a_kind_and_nothing_of_the_card(
    tmp_path: Path, error: DeviceFault | None, outcome: str
) -> None:
    class Reader:
        gate = None

        def use(self, *_: Any) -> Any:
            if error is not None:
                raise error
            return social_card()

    desk, notes = noted(tmp_path, card_reader=Desk(Reader()))
    desk.start(ReadCard("card_check.read"), lambda _: None, lambda _: None)
    assert notes.entries == [("card_used", {"operation": "read_card", "outcome": outcome})]


def test_other_devices_leave_no_such_entry(tmp_path: Path) -> None:
    class Printer:
        def print(self, *_: Any) -> None:
            """Prints."""

    desk, notes = noted(tmp_path, printer=Desk(Printer()))
    slip = Slip("apply.slip", "state.queued", SUBMITTED.receipt_no, facts={"days": 30})
    desk.perform(Print("filing.print", slip, "a1"))
    assert notes.entries == []


# -- the terminal --------------------------------------------------------------------------------


def test_faults_begin_and_end_once(tmp_path: Path) -> None:
    now = 100.0
    notes = Notes()
    health = HealthTable()
    health.listen(FaultRecord(notes, lambda: now))
    health.put("printer", DeviceState.READY)
    health.put("printer", DeviceState.WARNING, FaultCode.PRINTER_PAPER_NEAR_END)
    health.put("camera", DeviceState.FAULT, FaultCode.CAMERA_ABSENT)
    health.put("camera", DeviceState.FAULT, FaultCode.CAMERA_ABSENT, "still")
    now = 160.4
    health.put("printer", DeviceState.FAULT, FaultCode.PRINTER_PAPER_OUT)
    health.put("camera", DeviceState.CLOSED)
    near, out, absent = "printer_paper_near_end", "printer_paper_out", "camera_absent"
    assert notes.entries == [
        ("fault_begun", {"device": "printer", "code": near}),
        ("fault_begun", {"device": "camera", "code": absent}),
        ("fault_ended", {"device": "printer", "code": near, "seconds": 60}),
        ("fault_begun", {"device": "printer", "code": out}),
        ("fault_ended", {"device": "camera", "code": absent, "seconds": 60}),
    ]


@pytest.mark.parametrize("code", FaultCode)
def test_every_fault_fits(code: FaultCode) -> None:
    notes = Notes()
    health = HealthTable()
    health.listen(FaultRecord(notes))
    health.put("id_reader", DeviceState.FAULT, code)
    assert notes.of("fault_begun") == [{"device": "id_reader", "code": code}]


def test_the_program_its_settings_and_the_centre_s_wishes(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('mode = "test"\n')
    desired = {"version": "1", "closed_services": {"card_check": "维护"}}
    (tmp_path / "desired.json").write_text(json.dumps(desired), encoding="utf-8")
    desk, notes = noted(tmp_path)
    desk.open()
    until = time.monotonic() + 10
    while not notes.of("desired_applied"):
        assert time.monotonic() < until
        time.sleep(0.01)
    desk.close()
    assert [kind for kind, _ in notes.entries] == [
        "started",
        "settings_loaded",
        "desired_applied",
        "stopped",
    ]
    assert notes.of("desired_applied")[0]["closed"] == 1
    assert notes.closed


def test_what_a_technician_does(tmp_path: Path) -> None:
    class Printer:
        def print(self, *_: Any, by_staff: bool = False) -> None:
            """Prints."""

    technician = Person("t001", frozenset({Role.TECHNICIAN}), hash_pin("314159"))
    write_roster(tmp_path / ROSTER_FILE, [technician])
    desk, notes = noted(tmp_path, printer=Desk(Printer()))
    desk.maintenance.print_test_page()
    assert notes.entries == [], "from elsewhere, with nobody in"
    with pytest.raises(StaffRefused):
        desk.maintenance.admit("000000")
    desk.maintenance.admit("314159")
    desk.maintenance.print_test_page()
    desk.maintenance.left()
    desk.maintenance.left()
    assert notes.entries == [
        ("maintenance_refused", {"locked": False}),
        ("maintenance_entered", {"technician": "t001"}),
        ("technician_did", {"technician": "t001", "what": "print_test_page"}),
        ("maintenance_left", {"technician": "t001", "seconds": 0}),
    ]


def test_the_test_page_comes_on_a4_too_whatever_becomes_of_the_receipt(tmp_path: Path) -> None:
    class Printer:
        def print(self, *_: Any, by_staff: bool = False) -> None:
            raise DeviceFault(FaultCode.PRINTER_PAPER_OUT)

    class A4:
        def __init__(self) -> None:
            self.printed: list[tuple[bytes, int, bool]] = []

        def print(self, pdf: bytes, sheets: int, *, by_staff: bool = False) -> None:
            self.printed.append((pdf[:5], sheets, by_staff))

    a4 = A4()
    desk, _ = noted(tmp_path, printer=Desk(Printer()), page_printer=Desk(a4))
    with pytest.raises(DeviceFault) as caught:
        desk.maintenance.print_test_page()
    assert caught.value.code is FaultCode.PRINTER_PAPER_OUT
    assert a4.printed == [(b"%PDF-", 1, True)]


def test_who_vouched_for_a_citizen_and_who_was_not_let_in(tmp_path: Path) -> None:
    people = [
        Person("s012", frozenset({Role.STAFF}), hash_pin("271828")),
        Person("t001", frozenset({Role.TECHNICIAN}), hash_pin("314159")),
    ]
    write_roster(tmp_path / ROSTER_FILE, people)
    desk, notes = noted(tmp_path)
    assert desk.maintenance.staffed()
    staff = desk.maintenance.vouch("s012", "271828", "covering")
    assert (staff.id, staff.reason) == ("s012", "covering")
    assert staff.at.tzinfo is not None
    with pytest.raises(StaffRefused) as caught:
        desk.maintenance.vouch("s012", "000000", "face")
    assert caught.value.reason is Refusal.WRONG
    with pytest.raises(StaffRefused) as caught:
        desk.maintenance.vouch("t001", "314159", "face")
    assert caught.value.reason is Refusal.NO_ROLE
    assert notes.entries == [
        ("staff_vouched", {"staff": "s012", "reason": "covering"}),
        ("staff_refused", {"why": "wrong", "reason": "face"}),
        ("staff_refused", {"why": "no_role", "reason": "face"}),
    ]


def test_an_entry_that_is_just_being_written_is_no_trouble(tmp_path: Path) -> None:
    """The technician's page, on another thread, once told of a disk that took nothing."""
    seen = []

    class Slow(Journal):
        def append(self, *entry: Any) -> Any:
            seen.append(recorder.in_trouble)
            return super().append(*entry)

    recorder = Recorder(Slow(tmp_path / FOLDER, "run"))
    recorder.record("stopped")
    assert seen == [False]
    assert not recorder.in_trouble


def test_the_device_table_shows_a_journal_in_trouble(tmp_path: Path) -> None:
    desk, notes = noted(tmp_path)
    look = desk._housekeeping._look_at_journal

    def fault() -> FaultCode | None:
        look()
        row = desk.health.get("journal")
        return row.fault if row else None

    assert fault() is None
    assert desk.health.get("journal") is None, "nothing to see"
    notes.in_trouble = True
    assert fault() is FaultCode.JOURNAL_UNWRITABLE
    notes.in_trouble = False
    assert fault() is None
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "checkpoints.json").write_text('{"altered": true}')
    assert fault() is FaultCode.JOURNAL_ALTERED


# -- without making anybody wait -----------------------------------------------------------------


def test_who_records_never_waits_for_the_disk(tmp_path: Path, monkeypatch: Any) -> None:
    released = threading.Event()
    flush = os.fdatasync

    def slow(file: int) -> None:
        released.wait(PATIENCE_S)
        flush(file)

    monkeypatch.setattr(os, "fdatasync", slow)
    scribe = Scribe(Recorder(Journal(tmp_path, "screen")))
    for number in range(50):
        scribe.record("lost", entries=number)
    on_disk = sum(file.read_bytes().count(b"\n") for file in files_of(tmp_path))
    assert on_disk <= 1, "the first is being flushed"
    released.set()
    scribe.close()
    entries = [line.entry.facts["entries"] for line in read(tmp_path) if line.entry]
    assert entries == list(range(50))


def test_entries_wait_for_a_disk_that_takes_none(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("kiosk.upkeep.journaling._AGAIN_S", 0.02)
    blocked = tmp_path / "journal"
    blocked.write_text("in the way")
    scribe = Scribe(Recorder(Journal(blocked, "screen")))
    scribe.record("stopped")
    until = time.monotonic() + 10
    while not scribe.in_trouble:
        assert time.monotonic() < until
        time.sleep(0.01)
    blocked.unlink()
    while scribe.in_trouble:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert [line.entry.kind for line in read(blocked) if line.entry] == ["stopped"]
    scribe.close()


# -- the technician's commands -------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    DeviceKey.load_or_create(tmp_path)
    journal = Journal(tmp_path / FOLDER, "screen")
    journal.append("started", {"version": "0.1.0"})
    for _ in range(3):
        journal.append("visit_begun", {"service": "first_application"})
    return tmp_path


def altered(state: Path) -> None:
    (file,) = files_of(state / FOLDER)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], *lines[2:]]))


def verify(state: Path, *words: str) -> tuple[int, str]:
    result = RUN.invoke(app, ["journal", "verify", "--state", str(state), *words])
    return result.exit_code, result.output


def test_a_journal_that_is_right(state: Path) -> None:
    code, said = verify(state)
    assert (code, "第 1 至 4 条" in said) == (0, True)
    code, said = verify(state, "--json")
    found = json.loads(said)
    assert code == 0
    assert (found["entries"], found["last"], found["altered"]) == (4, 4, None)


def test_an_altered_one_names_the_first_entry_and_ends_with_one(state: Path) -> None:
    altered(state)
    code, said = verify(state)
    assert (code, "第 2 条被删除" in said) == (1, True)
    code, said = verify(state, "--json")
    assert code == 1
    assert json.loads(said)["altered"] == {
        "what": "removed",
        "seq": 2,
        "file": "000000000001.jsonl",
        "line": 2,
    }


def test_a_torn_line_is_said_and_is_no_alteration(state: Path) -> None:
    (file,) = files_of(state / FOLDER)
    os.truncate(file, file.stat().st_size - 5)
    code, said = verify(state)
    assert (code, "第 4 条只写了一半" in said) == (0, True)


def test_without_the_key_nothing_can_be_said(tmp_path: Path) -> None:
    assert verify(tmp_path)[0] == 2


def test_the_newest_entries_are_shown(state: Path) -> None:
    words = ["journal", "show", "--state", str(state)]
    result = RUN.invoke(app, [*words, "--last", "2", "--json"])
    rows = json.loads(result.output)
    assert [(row["seq"], row["kind"], row["whole"]) for row in rows] == [
        (3, "visit_begun", True),
        (4, "visit_begun", True),
    ]
    result = RUN.invoke(app, [*words, "--kind", "started"])
    assert ("程序启动" in result.output, "开始办理" in result.output) == (True, False)
    assert RUN.invoke(app, [*words, "--kind", "weather"]).exit_code == 2


def test_the_doctor_looks_at_it(state: Path, tmp_path: Path, monkeypatch: Any) -> None:
    patient = Patient(state, Settings())
    assert examine(patient, "journal").detail == "4"
    altered(state)
    found = examine(patient, "journal")
    assert (found.fault, found.detail) == (FaultCode.JOURNAL_ALTERED, "2 removed")
    monkeypatch.setattr("sync.journal.lock.PATIENCE_S", 0.0)
    (state / FOLDER / "lock").unlink()
    (state / FOLDER / "lock").mkdir()
    assert examine(patient, "journal").fault is FaultCode.JOURNAL_UNWRITABLE


def test_the_doctor_says_what_the_centre_says(state: Path) -> None:
    kept = {"checkpoints": [], "held_seq": 4, "altered": True}
    (state / FOLDER / "checkpoints.json").write_text(json.dumps(kept))
    found = examine(Patient(state, Settings()), "journal")
    assert (found.fault, found.detail) == (FaultCode.JOURNAL_ALTERED, "centre")


def test_a_terminal_that_has_no_journal_yet(tmp_path: Path) -> None:
    assert not examine(Patient(tmp_path, Settings()), "journal").present


def test_what_is_exported_is_written_down(state: Path, tmp_path: Path) -> None:
    Identity(
        "130299", "http://127.0.0.1:9", "0" * 16, b"\0" * 1216, "0" * 16, "test", 1, b"\0" * 32
    ).save(state)
    media = tmp_path / "media"
    media.mkdir()
    result = RUN.invoke(app, ["outbox", "export", "--state", str(state), str(media)])
    assert result.exit_code == 0
    entries = [line.entry for line in read(state / FOLDER) if line.entry]
    assert (entries[-1].kind, entries[-1].by, entries[-1].facts) == (
        "exported",
        "kioskctl",
        {"files": 0},
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_and_every_alteration_has_words(language: str) -> None:
    words = Words(language)
    assert [kind for kind in kinds.KINDS if not words.has(f"journal.kind.{kind}")] == []
    assert [what for what in Alteration if not words.has(f"journal.alteration.{what}")] == []


def test_no_entry_of_a_whole_visit_says_who_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    journal = Journal(tmp_path / FOLDER, "screen")
    made = terminal(tmp_path)
    scribe = Scribe(Recorder(journal))
    sealer = Opener.generate().sealer
    desk = Terminal(dataclasses.replace(made.parts, journal=scribe, sealer=sealer))
    walk = Walk(ApplyFirst).until("filing.submit")
    desk.perform(Submit("filing.submit", walk.prompt.transaction))
    desk.close()
    text = b"".join(line.data for line in read(tmp_path / FOLDER)).decode()
    assert "submitted" in text
    for personal in ("张", "130299195", "139000", SUBMITTED.receipt_no):
        assert personal not in text
