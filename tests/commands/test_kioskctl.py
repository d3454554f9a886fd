"""The technician's command line: what it says, and the exit code that programs read."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hardware.faults import Device
from kiosk.kioskctl import app
from kiosk.maintenance.roster import Role, Roster, StaffRefused
from kiosk.upkeep import doctor
from kiosk.words import Words
from sync.effects import retire_terminal
from sync.identity import Identity
from sync.outbox import Answer, Outbox
from sync.pins import hash_pin
from sync.signing import DeviceKey

RUN = CliRunner()

#: Number of the process that counts as the agent here.
AGENT = 4711

READY = {
    "device": "camera",
    "state": "ready",
    "since": "2026-11-24T09:00:00+08:00",
    "fault": "",
}
BROKEN = READY | {"device": "printer", "state": "fault", "fault": "printer_paper_out"}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An enrolled terminal whose agent reaches the centre, with both programs running."""
    monkeypatch.setattr(doctor, "_is_agent", lambda pid: pid == AGENT)
    (tmp_path / "desired.json").write_text("{}")
    Identity(
        "130299", "http://127.0.0.1:9", "0" * 16, b"\0" * 1216, "0" * 16, "test", 1, b"\0" * 32
    ).save(tmp_path)
    Outbox(tmp_path / "outbox.db", "130299").close()
    (tmp_path / "agent.json").write_text(json.dumps({"central": "ok", "pid": AGENT}))
    return tmp_path


def health(state: Path, *rows: dict[str, Any]) -> None:
    (state / "health.json").write_text(json.dumps({"health": rows}))


def test_a_healthy_terminal_ends_with_zero(state: Path) -> None:
    health(state, READY)
    result = RUN.invoke(app, ["health", "--state", str(state)])
    assert result.exit_code == 0, result.output
    assert "0 waiting" in result.output


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_health_is_worth_as_much_as_the_programs_that_tell_of_it(
    state: Path, monkeypatch: pytest.MonkeyPatch, as_json: list[str]
) -> None:
    """✗ It said "ok" a minute after the agent had died."""
    health(state, READY)
    words = ["health", "--state", str(state), *as_json]
    assert RUN.invoke(app, words).exit_code == 0
    with monkeypatch.context() as dead:
        dead.setattr(doctor, "_is_agent", lambda pid: False)
        result = RUN.invoke(app, words)
        assert result.exit_code == 1
        assert "agent_stopped" in result.output
    long_ago = time.time() - 3600
    os.utime(state / "desired.json", (long_ago, long_ago))
    result = RUN.invoke(app, words)
    assert result.exit_code == 1, "it lives, and has not heard from the centre for an hour"
    (state / "desired.json").touch()
    os.utime(state / "health.json", (long_ago, long_ago))
    result = RUN.invoke(app, words)
    assert result.exit_code == 1
    assert "screen_stopped" in result.output


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_fault_ends_with_one_and_says_what_to_do(state: Path, as_json: list[str]) -> None:
    health(state, READY, BROKEN)
    result = RUN.invoke(app, ["health", "--state", str(state), *as_json])
    assert result.exit_code == 1
    assert "printer" in result.output
    if as_json:
        assert json.loads(result.output)["outbox"]["queued"] == 0


def test_a_screen_that_does_not_run_is_a_fault(state: Path) -> None:
    assert RUN.invoke(app, ["health", "--state", str(state)]).exit_code == 1


def test_a_terminal_that_is_not_enrolled_is_told_so_and_shows_its_devices(tmp_path: Path) -> None:
    health(tmp_path, BROKEN)
    result = RUN.invoke(app, ["health", "--state", str(tmp_path)])
    assert result.exit_code == 1
    assert "not_enrolled" in result.output
    assert "printer" in result.output
    assert not (tmp_path / "outbox.db").exists(), "who asks makes none"


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_health_knows_what_lives_beneath_the_files_and_says_why(
    state: Path, monkeypatch: pytest.MonkeyPatch, as_json: list[str]
) -> None:
    """✗ It ended with 0 for a retired terminal, and for a copy that took nothing from anybody."""
    health(state, READY)
    copy = state.with_name(f"{state.name}-copy")
    shutil.copytree(state, copy)
    words = ["health", *as_json, "--state"]
    assert RUN.invoke(app, [*words, str(state)]).exit_code == 0
    retire_terminal(state)
    for folder, fault, reason in (
        (state, "not_enrolled", "retired"),
        (copy, "outbox_unavailable", "copied"),
    ):
        result = RUN.invoke(app, [*words, str(folder)], env={"COLUMNS": "200"})
        assert result.exit_code == 1
        assert fault in result.output
        said = reason if as_json else Words("zh_CN").say(f"fault.{fault}.reason.{reason}")
        assert said in result.output


def test_health_says_in_words_why_the_centre_is_not_reached(state: Path) -> None:
    health(state, READY)
    (state / "agent.json").write_text(json.dumps({"central": "certificate", "pid": AGENT}))
    result = RUN.invoke(app, ["health", "--state", str(state)])
    assert result.exit_code == 1
    assert Words("zh_CN").say("fault.centre_unreachable.reason.certificate") in result.output


def test_health_says_since_when_and_what_was_counted(state: Path) -> None:
    row = READY | {"since": "2026-11-24T09:30:00+08:00", "serial": "S1", "counters": {"cuts": 7}}
    health(state, row)
    output = RUN.invoke(app, ["health", "--state", str(state)], env={"COLUMNS": "160"}).output
    for said in ("2026-11-24 09:30:00", "S1", "cuts 7", "s ago"):
        assert said in output


@pytest.mark.parametrize("columns", ["80", "140"])
def test_the_doctor_s_words_are_whole_however_narrow_the_screen(
    tmp_path: Path, columns: str
) -> None:
    words = ["doctor", "--state", str(tmp_path), "--only", "enrolment"]
    output = RUN.invoke(app, words, env={"COLUMNS": columns}).output
    assert "…" not in output


def test_a_technician_is_admitted_by_a_pin_from_a_pipe(state: Path) -> None:
    result = RUN.invoke(app, ["roster", "add", "t007", "--state", str(state)], input="271828\n")
    assert result.exit_code == 0, result.output
    assert Roster(state).admit("271828").id == "t007"
    words = ["roster", "add", "s001", "--role", "staff", "--state", str(state)]
    assert RUN.invoke(app, words, input="602214\n").exit_code == 0
    roster = Roster(state)
    assert roster.check("s001", "602214").roles == {Role.STAFF}
    listed = RUN.invoke(app, ["roster", "list", "--json", "--state", str(state)])
    assert json.loads(listed.stdout) == [
        {"id": "t007", "roles": ["technician"], "by": "here"},
        {"id": "s001", "roles": ["staff"], "by": "here"},
    ]
    assert RUN.invoke(app, ["roster", "remove", "t007", "--state", str(state)]).exit_code == 0
    with pytest.raises(StaffRefused):
        Roster(state).admit("271828")
    kinds = [(entry["kind"], entry.get("person")) for entry in journal(state)]
    assert kinds == [
        ("roster_changed", "t007"),
        ("roster_changed", "s001"),
        ("roster_changed", "t007"),
    ]


def test_whom_the_centre_decides_about_is_shown_as_the_centre_s_and_not_changed_here(
    state: Path,
) -> None:
    """✗ `remove` said that somebody was gone who still opened the page; `list` did not show whom
    the centre had put there."""
    for person in ("t007", "t008"):
        words = ["roster", "add", person, "--state", str(state)]
        assert RUN.invoke(app, words, input="271828\n").exit_code == 0
    entries = {
        "t008": {"roles": ["technician"], "pin": hash_pin("314159")},
        "t009": {"roles": [], "pin": ""},
    }
    (state / "desired.json").write_text(json.dumps({"roster": entries}))
    listed = RUN.invoke(app, ["roster", "list", "--json", "--state", str(state)])
    assert json.loads(listed.stdout) == [
        {"id": "t007", "roles": ["technician"], "by": "here"},
        {"id": "t008", "roles": ["technician"], "by": "centre"},
        {"id": "t009", "roles": [], "by": "centre"},
    ]
    shown = RUN.invoke(app, ["roster", "list", "--state", str(state)]).output
    assert "here" in shown and "centre" in shown and "admitted no more" in shown
    before = (state / "roster.json").read_bytes()
    for verb, person in (("add", "t008"), ("remove", "t008"), ("add", "t009")):
        words = ["roster", verb, person, "--state", str(state)]
        refused = RUN.invoke(app, words, input="602214\n")
        assert refused.exit_code == 2
        assert f"the centre decides about {person}" in " ".join(refused.output.split())
    assert (state / "roster.json").read_bytes() == before


@pytest.mark.parametrize("person", ["t007", "staff", "s", "sb12"])
def test_staff_get_no_id_that_cannot_be_typed_at_the_terminal(state: Path, person: str) -> None:
    """✗ They could never vouch: the page has digits alone, and puts an s before them."""
    words = ["roster", "add", person, "--role", "staff", "--role", "technician"]
    result = RUN.invoke(app, [*words, "--state", str(state)], input="271828\n")
    assert result.exit_code == 2
    assert "s and one to six digits" in " ".join(result.output.split())
    assert Roster(state).people() == {}


def journal(state: Path) -> list[dict[str, Any]]:
    said = RUN.invoke(app, ["journal", "show", "--json", "--state", str(state)])
    entries: list[dict[str, Any]] = json.loads(said.stdout)
    return entries


@pytest.mark.parametrize("pin", ["12", "", "123456", "111111", "570316", "3141 9"])
def test_a_weak_pin_is_refused_with_the_reason_and_without_the_pin(state: Path, pin: str) -> None:
    """✗ Weak PINs were accepted."""
    result = RUN.invoke(app, ["roster", "add", "t007", "--state", str(state)], input=f"{pin}\n")
    assert result.exit_code == 2
    assert result.output.strip() and (not pin or pin not in result.output)
    assert not Roster(state).any_of(Role.TECHNICIAN)


def test_no_pin_can_be_given_on_the_command_line(state: Path) -> None:
    """✗ It stood in the shell's history."""
    for words in (["--pin", "271828"], ["271828"]):
        result = RUN.invoke(app, ["roster", "add", "t007", "--state", str(state), *words])
        assert result.exit_code == 2


def test_a_roster_that_cannot_be_read_is_not_written_over(state: Path) -> None:
    (state / "roster.json").write_text("half a f")
    for words in (["add", "t007"], ["remove", "t007"], ["list"]):
        result = RUN.invoke(app, ["roster", *words, "--state", str(state)], input="271828\n")
        assert result.exit_code == 2, words
    assert (state / "roster.json").read_text() == "half a f"


def test_production_has_no_bench(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('mode = "production"\n')
    result = RUN.invoke(app, ["bench", "--state", str(tmp_path), "id", "put", "zhang"])
    assert result.exit_code == 2
    assert "production" in result.output


def test_a_bench_that_does_not_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('mode = "demo"\n')
    result = RUN.invoke(app, ["bench", "--state", str(tmp_path), "state"])
    assert result.exit_code == 2
    assert "does not answer" in result.output


def test_what_is_queued_is_written_to_media(state: Path, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    words = ["outbox", "export", "--state", str(state), str(media)]
    DeviceKey.load_or_create(state)
    assert "nothing is queued" in RUN.invoke(app, words).output
    outbox = Outbox(state / "outbox.db", "130299")
    outbox.put("first_application", lambda _: b"sealed", key_id="0" * 16, algorithm="none")
    outbox.close()
    result = RUN.invoke(app, words)
    assert result.exit_code == 0, result.output
    assert len(list(media.glob("outbox-130299-*-001.json"))) == 1
    assert RUN.invoke(app, [*words[:-1], str(tmp_path / "nowhere")]).exit_code == 2


@pytest.mark.parametrize("words", [["outbox", "list"], ["outbox", "adopt"], ["retire", "--yes"]])
def test_why_an_outbox_cannot_be_used_is_said_in_words(state: Path, words: list[str]) -> None:
    """✗ "kioskctl: io"."""
    (state / "outbox.db").unlink()
    (state / "outbox.db").mkdir()
    result = RUN.invoke(app, [*words, "--state", str(state)], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert Words("zh_CN").say("fault.outbox_unavailable.reason.io") in result.output
    (state / "identity.json").unlink()
    result = RUN.invoke(app, [*words, "--state", str(state)], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert Words("zh_CN").say("fault.not_enrolled.technician") in result.output


def test_a_state_directory_that_cannot_be_made_is_named() -> None:
    result = RUN.invoke(app, ["enrol", "--state", "/proc/kiosk", "--url", "https://a.example"])
    assert (result.exit_code, "/proc/kiosk" in result.output) == (2, True)


def test_a_dead_letter_is_shown_with_its_reason_and_sent_again(state: Path) -> None:
    def listed() -> list[tuple[str, str, str]]:
        shown = RUN.invoke(app, ["outbox", "list", "--json", "--state", str(state)])
        assert shown.exit_code == 0, shown.output
        return [(one["id"], one["state"], one["reason"]) for one in json.loads(shown.output)]

    assert listed() == []
    outbox = Outbox(state / "outbox.db", "130299")
    dead, waiting = (
        outbox.put("first_application", lambda _: b"x", key_id="0" * 16, algorithm="none")
        for _ in range(2)
    )
    outbox.acknowledge([Answer(dead.id, "unusable", reason="unknown_key")])
    outbox.close()
    assert listed() == [(waiting.id, "queued", ""), (dead.id, "dead", "unknown_key")]
    table = RUN.invoke(app, ["outbox", "list", "--state", str(state)], env={"COLUMNS": "200"})
    assert dead.receipt_no in table.output
    assert "unknown_key" in table.output

    requeue = ["outbox", "requeue", "--state", str(state)]
    assert RUN.invoke(app, [*requeue, waiting.id]).exit_code == 2, "it is none"
    assert RUN.invoke(app, [*requeue, dead.id]).exit_code == 0
    assert [one[1] for one in listed()] == ["queued", "queued"]


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        (["id", "read"], "id_reader"),
        (["print", "test"], "printer"),
        (["print", "a4"], "page_printer"),
        (["camera", "snap", "x.png"], "camera"),
        (["card", "unblock", "AAAA"], "card"),
        (["enrol", "--scan"], "camera"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else words,
)
def test_a_device_that_the_settings_lack_is_named_as_they_would(
    state: Path, words: list[str], setting: str
) -> None:
    """✗ "name … a terminal with --state" was said although one was named."""
    result = RUN.invoke(app, [*words, "--state", str(state)], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert f"names no {setting} under [devices]" in result.output
    assert "--state" not in result.output
    if words[0] not in ("enrol", "camera") and words[1] != "unblock":
        assert "with --state" in RUN.invoke(app, words, env={"COLUMNS": "300"}).output


def test_a_card_that_is_read_by_pcsc_because_nothing_is_set_is_said_to_be(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """✗ A technician saw a card read well by a terminal whose settings named no reader."""
    asked = []

    def none_here(devices: Any) -> dict[Any, Any]:
        asked.append(devices.card)
        return dict.fromkeys(Device)

    monkeypatch.setattr("hardware.devices.make_drivers", none_here)
    words = ["card", "read", "--state", str(state)]
    assert "names no card reader" not in RUN.invoke(app, ["card", "read"]).output
    assert "PC/SC is taken" in RUN.invoke(app, words).output
    (state / "settings.toml").write_text('mode = "test"\n[devices]\ncard = "direct:1"\n')
    assert "PC/SC is taken" not in RUN.invoke(app, words).output
    assert asked == ["pcsc", "pcsc", "direct:1"]


def test_who_was_never_enrolled_is_told_what_the_journal_lacks(tmp_path: Path) -> None:
    """✗ "device.key: FileNotFoundError"."""
    result = RUN.invoke(app, ["journal", "verify", "--state", str(tmp_path)])
    assert result.exit_code == 2
    assert Words("zh_CN").say("journal.not_enrolled") in result.output
    assert "no such entry" in RUN.invoke(app, ["journal", "show", "--state", str(tmp_path)]).output
