"""The agent beside a server that comes and goes: everything arrives once, in its time."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sync.agent import run_agent
from sync.courier import Courier
from sync.envelope import Sealer
from sync.fleet import Fleet
from sync.identity import write_whole
from sync.outbox import Outbox
from sync.signing import DeviceKey
from sync.wire.envelopes import BatchAnswer
from sync.wire.fleet import HeartbeatAnswer, Numbered
from tests.system import answers, people
from tests.system.conftest import CentralServer, enrolled
from tests.system.people import FREE, PUT_BACK, application_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sync.outbox import Stored
    from tests.system.conftest import EnrolledTerminal

#: Long enough for a busy machine, seconds.
PATIENCE_S = 20.0


def until(condition: Callable[[], bool], what: str) -> float:
    """Wait for it; returns how long that took, seconds."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < PATIENCE_S, f"not in time: {what}"
        time.sleep(0.02)
    return time.monotonic() - begun


@contextmanager
def agent(terminal: EnrolledTerminal, heartbeat_s: float = 0.3) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(
        target=run_agent,
        args=(terminal.state, stop),
        kwargs={"heartbeat_s": heartbeat_s, "versions": {"kiosk": "test"}},
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=PATIENCE_S)
        assert not thread.is_alive()


def put(terminal: EnrolledTerminal, person: people.Person) -> Stored:
    sealer = Sealer.of(terminal.identity)
    return terminal.outbox.put(
        "first_application",
        lambda header: sealer.seal(header, application_of(person, header)),
        key_id=sealer.key_id,
        algorithm=sealer.algorithm,
    )


def accepted(outbox: Outbox, stored: Stored) -> bool:
    verdict = outbox.verdict(stored.id)
    assert verdict is None or verdict.verdict == "accepted"
    return verdict is not None


def status(terminal: EnrolledTerminal) -> str:
    try:
        return str(json.loads((terminal.state / "agent.json").read_text())["central"])
    except FileNotFoundError:
        return ""


def test_what_is_submitted_is_decided_while_the_citizen_waits(terminal: EnrolledTerminal) -> None:
    with agent(terminal):
        until(lambda: status(terminal) == "ok", "first contact")
        stored = put(terminal, FREE[10])
        until(lambda: accepted(terminal.outbox, stored), "verdict")


def test_a_disk_that_brings_the_old_key_back_does_not_cut_the_terminal_off(
    terminal: EnrolledTerminal,
) -> None:
    """The centre has the next key; the power was cut before the disk had that it was taken."""
    known = (terminal.state / "device.key").read_bytes()
    (terminal.state / "device.key").rename(terminal.state / "device.key.next")
    DeviceKey.load_or_create(terminal.state)
    with agent(terminal):
        until(lambda: status(terminal) == "ok", "the next key was tried")
    assert (terminal.state / "device.key").read_bytes() == known
    assert not (terminal.state / "device.key.next").exists()


def test_an_agent_is_of_the_number_under_which_the_terminal_was_enrolled_last(
    terminal: EnrolledTerminal,
) -> None:
    file = terminal.state / "identity.json"
    own = file.read_bytes()
    try:
        with agent(terminal):
            until(lambda: status(terminal) == "ok", "delivers")
            write_whole(file, json.dumps(json.loads(own) | {"terminal": "999999"}).encode())
            until(lambda: status(terminal) != "ok", "speaks for another terminal")
    finally:
        write_whole(file, own)


def test_a_next_key_that_the_centre_does_not_know_is_not_taken(terminal: EnrolledTerminal) -> None:
    own = (terminal.state / "device.key").read_bytes()
    try:
        (terminal.state / "device.key").unlink()
        mine, following = (
            DeviceKey.load_or_create(terminal.state, file)
            for file in ("device.key", "device.key.next")
        )
        with agent(terminal):
            until(lambda: status(terminal) == "unknown_key", "refused")
        assert DeviceKey.load(terminal.state).id == mine.id
        assert DeviceKey.load(terminal.state, "device.key.next").id == following.id
    finally:
        (terminal.state / "device.key.next").unlink()
        (terminal.state / "device.key").write_bytes(own)


def test_a_folder_that_was_written_back_in_place_goes_on_above_what_the_centre_has(
    central: CentralServer, tmp_path: Path
) -> None:
    """Its own files cannot tell: the centre says so, and is told that it happened."""
    terminal = enrolled(central, tmp_path / "terminal")
    terminal.transport.close()
    terminal.outbox.close()
    before = {file: file.read_bytes() for file in terminal.state.iterdir()}
    box = Outbox(terminal.state / "outbox.db", terminal.identity.terminal)
    with agent(terminal):
        given = [put(replace(terminal, outbox=box), person) for person in PUT_BACK[:3]]
        until(lambda: accepted(box, given[-1]), "verdict")
    box.close()
    for file, data in before.items():
        with file.open("r+b") as there:
            there.truncate()
            there.write(data)
    box = Outbox(terminal.state / "outbox.db", terminal.identity.terminal)
    assert (box.refusal(), box.counts_and_ages().last_seq) == (None, 0), "it cannot be told here"
    with agent(terminal):
        until(lambda: box.counts_and_ages().last_seq == given[-1].seq, "the centre's word")
        until(lambda: "被退回到旧状态" in central.command("alarms", "--look"), "the alarm")
    after = put(replace(terminal, outbox=box), PUT_BACK[3])
    assert after.seq == given[-1].seq + 1
    assert after.receipt_no not in {stored.receipt_no for stored in given}
    assert box.counts_and_ages().set_back == 1
    box.close()


@pytest.mark.parametrize("how", ["another terminal's", "not signed", "altered"])
def test_a_number_that_the_centre_did_not_sign_to_this_terminal_moves_nothing(
    tmp_path: Path, how: str
) -> None:
    box = Outbox(tmp_path / "outbox.db", "020001")
    to = "020002" if how == "another terminal's" else "020001"
    said = Numbered.unsigned(seq=7)
    if how != "not signed":
        said = said.signed_with(answers.KEY.sign(said.signed_bytes(terminal=to)))
    if how == "altered":
        said = said.model_copy(update={"seq": 9_000_000})

    class Line:
        def post(self, *_: Any) -> HeartbeatAnswer:
            return HeartbeatAnswer(
                server_time="2026-11-24T09:30:00+08:00",
                desired=answers.desired("020001"),
                standing=answers.standing(),
                numbered=said,
            )

    line: Any = Line()
    Fleet(tmp_path, answers.identity("020001"), box, line, {}).beat()
    assert (box.counts_and_ages().last_seq, box.counts_and_ages().set_back) == (0, 0)
    box.close()


def test_two_agents_at_once_have_one_effect(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    with agent(terminal), agent(terminal):
        stored = [put(terminal, person) for person in FREE[11:14]]
        for one in stored:
            until(lambda one=one: accepted(terminal.outbox, one), "verdict")  # type: ignore[misc]
    ids = [found["id"] for found in central.show()["cases"]]
    assert [ids.count(one.id) for one in stored] == [1, 1, 1]


def test_an_answer_lost_after_processing_is_delivered_again_with_one_effect(
    central: CentralServer, terminal: EnrolledTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = put(terminal, FREE[14])

    def settle(*_: Any) -> Any:
        raise SystemExit

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(Courier, "_settle", settle)
        Courier(terminal.outbox, terminal.transport, terminal.identity).deliver()
    assert terminal.outbox.verdict(stored.id) is None
    terminal.outbox.release([stored.id])  # its lease ends, only sooner
    with agent(terminal):
        until(lambda: accepted(terminal.outbox, stored), "verdict")
    ids = [found["id"] for found in central.show()["cases"]]
    assert ids.count(stored.id) == 1


def test_heartbeat_carries_health_and_brings_what_is_desired(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    health = {
        "health": [
            {"device": "printer", "state": "fault", "since": 1.5, "fault": "printer_paper_out"},
            {"device": "camera", "state": "ready", "since": 2, "fault": None, "counters": {"x": 1}},
        ],
        "services": {"first_application": "open"},
    }
    (terminal.state / "health.json").write_text(json.dumps(health))
    desired = terminal.state / "desired.json"

    def closed() -> dict[str, str]:
        found: dict[str, str] = json.loads(desired.read_text())["closed_services"]
        return found

    def reported() -> dict[str, Any]:
        number = terminal.identity.terminal
        (found,) = (row for row in central.show()["terminals"] if row["number"] == number)
        return dict(found)

    with agent(terminal):
        until(desired.exists, "desired state")
        assert closed() == {}
        assert reported()["devices"] == {"printer": "fault", "camera": "ready"}
        central.command("close-service", "first_application", "--reason", "系统升级")
        until(lambda: closed() == {"first_application": "系统升级"}, "service closed")
        version = json.loads(desired.read_text())["version"]
        until(lambda: reported()["desired_version"] == version, "reported back")
        central.command("open-service", "first_application")
        until(lambda: closed() == {}, "service open")


def test_an_unreadable_health_table_does_not_stop_the_heart(terminal: EnrolledTerminal) -> None:
    (terminal.state / "health.json").write_text("{half")
    with agent(terminal):
        until((terminal.state / "desired.json").exists, "heartbeat")


def test_each_answered_heartbeat_touches_the_desired_state(terminal: EnrolledTerminal) -> None:
    desired = terminal.state / "desired.json"
    with agent(terminal):
        until(desired.exists, "desired state")
        first = desired.stat().st_mtime_ns
        until(lambda: desired.stat().st_mtime_ns > first, "next heartbeat")


def test_a_terminal_that_is_not_enrolled_waits_and_says_so(tmp_path: Path) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=run_agent, args=(tmp_path, stop))
    thread.start()
    until((tmp_path / "agent.json").exists, "status")
    stop.set()
    thread.join(timeout=PATIENCE_S)
    assert json.loads((tmp_path / "agent.json").read_text())["central"] == "not_enrolled"


@pytest.mark.slow
def test_a_server_that_was_down_gets_everything_once_and_in_order(tmp_path: Path) -> None:
    server = CentralServer(tmp_path, registry=[person.row() for person in people.REGISTRY])
    server.start()
    terminal = enrolled(server, tmp_path / "terminal")
    try:
        server.stop()
        with agent(terminal):
            stored = [put(terminal, person) for person in FREE[:3]]
            until(lambda: status(terminal) == "connection", "noticing that it is down")
            assert [terminal.outbox.verdict(one.id) for one in stored] == [None, None, None]
            server.start()
            for one in stored:
                until(lambda one=one: accepted(terminal.outbox, one), "verdict")  # type: ignore[misc]
        found = server.show()
        arrived = [row["receipt_no"] for row in found["cases"]]
        assert arrived == [one.receipt_no for one in stored]
    finally:
        terminal.transport.close()
        terminal.outbox.close()
        server.stop()


def test_batch_answers_may_hold_fields_of_a_newer_server() -> None:
    said = answers.batch([answers.item("01890000-0000-7000-8000-000000000000", "accepted")])
    document = said.model_dump(mode="json")
    document["more"] = document["answers"][0]["mood"] = "good"
    answer = BatchAnswer.model_validate(document)
    assert answer.answers[0].verdict == "accepted"
