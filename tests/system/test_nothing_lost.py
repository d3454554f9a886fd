"""Whatever happens to the centre or to a terminal, nothing that was submitted is lost between them.

A test that breaks the centre, or looks at all that is in it, has one of its own (`centre`). The
others have terminals and persons of their own at one that stays up (`lasting`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from sync.central import CentralClient
from sync.enrolment import enrol
from sync.envelope import Sealer
from sync.faults import CentralRefused
from sync.header import EnvelopeHeader
from sync.identity import newest
from sync.ids import uuid7
from sync.signing import DeviceKey, centre_signed
from sync.transport import Transport
from sync.wire.envelopes import Batch, BatchAnswer, Envelope, ItemAnswer, Standing
from sync.wire.fleet import HeartbeatAnswer
from tests.system import people, postgres
from tests.system.conftest import CentralServer, EnrolledTerminal, enrolled
from tests.system.people import FREE, Person, application_of
from tests.system.test_central import beat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

#: So many questions in five minutes are answered (docs/operators.md).
ALLOWED = 40

#: Where the operator says when there was a backup.
DECLARED = {"KIOSK_CENTRAL_BACKUP": "declared"}


@pytest.fixture
def centre(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[CentralServer]:
    """A centre that has a registry, not started yet."""
    server = CentralServer(
        tmp_path / "centre",
        registry=[person.row() for person in people.REGISTRY],
        database=new_database(),
    )
    server.state.mkdir()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def lasting(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[CentralServer]:
    """A centre that runs through all tests here, none of which breaks it."""
    server = CentralServer(
        tmp_path_factory.mktemp("lasting"),
        registry=[person.row() for person in people.REGISTRY],
        database=new_database(),
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def somebody(lasting: CentralServer) -> Iterator[Person]:
    """Who is in its registry, nobody twice."""
    return iter(FREE)


Join: TypeAlias = "Callable[[CentralServer], EnrolledTerminal]"


@pytest.fixture
def join(tmp_path: Path) -> Iterator[Join]:
    """Enrols terminals at a centre."""
    made: list[EnrolledTerminal] = []

    def one(centre: CentralServer) -> EnrolledTerminal:
        made.append(enrolled(centre, tmp_path / f"terminal-{len(made)}"))
        return made[-1]

    yield one
    for terminal in made:
        terminal.transport.close()
        terminal.outbox.close()


def envelope(terminal: EnrolledTerminal, person: Person, seq: int = 1, **more: Any) -> Envelope:
    """An application as this terminal would send it, with any numbers."""
    sealer = Sealer.of(newest(terminal.identity, terminal.state))
    fields: dict[str, Any] = {
        "id": str(uuid7()),
        "terminal": terminal.identity.terminal,
        "seq": seq,
        "receipt_no": f"{terminal.identity.terminal}261124{seq:05d}",
        "kind": "first_application",
        "created": "2026-11-24T09:30:00.000+08:00",
        "urgent": False,
        "key_id": sealer.key_id,
        "algorithm": sealer.algorithm,
    }
    header = EnvelopeHeader(**{**fields, **more})
    return Envelope.of(header.as_wire(), sealer.seal(header, application_of(person, header)))


def send(terminal: EnrolledTerminal, *envelopes: Envelope) -> BatchAnswer:
    batch = Batch(envelopes=list(envelopes))
    return terminal.transport.post("envelopes", batch, BatchAnswer, 30)


def answer_to(terminal: EnrolledTerminal, sent: Envelope) -> ItemAnswer:
    (answer,) = send(terminal, sent).answers
    return answer


def standing_at(terminal: EnrolledTerminal) -> Standing:
    said = terminal.transport.post("heartbeat", beat(terminal), HeartbeatAnswer, 20).standing
    assert centre_signed(said, terminal.identity.central_signing_key)
    return said


def until_backed_up_to(position: int, terminal: EnrolledTerminal) -> None:
    """The centre looks for that once a second."""
    patience = time.monotonic() + 30.0
    while (said := standing_at(terminal).backed_up_to) != position:
        assert said < position and time.monotonic() < patience, said


def alarms(centre: CentralServer) -> set[str]:
    return {str(kind) for (kind,) in centre.sql("SELECT kind FROM central_alarm")}


def alarms_of(terminal: EnrolledTerminal, centre: CentralServer) -> set[str]:
    asked = "SELECT kind FROM central_alarm WHERE terminal_id = ?"
    return {str(kind) for (kind,) in centre.sql(asked, terminal.identity.terminal)}


# -- the centre's own trouble is never a refusal --------------------------------------------------


def test_without_a_registry_everything_is_put_off_and_taken_when_it_is_there(
    centre: CentralServer, join: Join
) -> None:
    """What was ✗: `person_unknown`, and the contents gone at both ends."""
    centre.registry, registry = [], centre.registry
    centre.start()
    terminal = join(centre)
    sent = envelope(terminal, FREE[0])
    answer = answer_to(terminal, sent)
    assert (answer.verdict, answer.reason, answer.position) == ("later", "no_registry", 0)
    assert alarms(centre) == {"no_registry"}
    assert centre.sql("SELECT count(*) FROM central_case") == [(0,)]
    centre.stop()
    centre.registry = registry
    centre.start()
    assert answer_to(terminal, sent).verdict == "accepted"
    centre.command("alarms", "--look")
    assert centre.sql("SELECT count(*) FROM central_alarm WHERE resolved_at IS NULL") == [(0,)]


def test_a_centre_whose_keys_are_gone_does_not_start_and_goes_on_when_they_are_back(
    centre: CentralServer, join: Join
) -> None:
    centre.start()
    terminal = join(centre)
    sent = envelope(terminal, FREE[0])
    centre.stop()
    keys = centre.folder / "envelope-keys"
    for gone in (keys, keys / "signing.key", keys / "person.key", keys / "current"):
        away = gone.with_name(f"{gone.name}-away")
        gone.rename(away)
        with pytest.raises(subprocess.CalledProcessError) as refused:
            centre.command("serve", "--port", "0", "--demo")
        assert "Restore the folder" in refused.value.stderr
        assert not (gone.exists() and gone != keys) and not list(keys.glob("*.key.new"))
        if keys.exists() and gone == keys:
            shutil.rmtree(keys)
        away.rename(gone)
    centre.start()
    assert answer_to(terminal, sent).verdict == "accepted"


def test_a_key_number_is_never_given_twice(
    centre: CentralServer, join: Join, tmp_path: Path
) -> None:
    """The folder of the keys comes back from a backup; terminals have a later key already."""
    centre.start()
    terminal = join(centre)
    keys = centre.folder / "envelope-keys"
    shutil.copytree(keys, tmp_path / "backup")
    lost = centre.command("new-key").strip()
    shutil.rmtree(keys)
    shutil.copytree(tmp_path / "backup", keys)
    new = centre.command("new-key").strip()
    assert new != lost
    number = int((keys / f"{new}.key").read_text().split()[0])
    assert number == 3, "1: the first, 2: lost"
    said = terminal.transport.post("heartbeat", beat(terminal), HeartbeatAnswer, 20)
    assert said.envelope_key is not None
    assert (said.envelope_key.number, said.envelope_key.key_id) == (3, new)


# -- terminals that are not what they were --------------------------------------------------------


def test_a_cloned_terminal_loses_nothing_and_is_found_out(
    lasting: CentralServer, join: Join, somebody: Iterator[Person]
) -> None:
    """What was ✗: the second application with a receipt number was put off for ever."""
    terminal = join(lasting)
    sent = [envelope(terminal, next(somebody), seq=7) for _ in range(2)]
    first, second = (answer_to(terminal, one) for one in sent)
    assert (first.verdict, second.verdict) == ("accepted", "to_review")
    assert "clone" in alarms_of(terminal, lasting)
    ids = {str(one.header["id"]) for one in sent}
    kept = [one for one in lasting.show()["cases"] if one["id"] in ids]
    assert len({one["receipt_no"] for one in kept}) == 1 and len(kept) == 2
    assert "receipt_reused" in kept[1]["review"] and "receipt_reused" not in kept[0]["review"]


def test_one_id_with_two_contents_leaves_the_first_as_it_is(
    lasting: CentralServer, join: Join, somebody: Iterator[Person]
) -> None:
    terminal = join(lasting)
    sent = envelope(terminal, next(somebody))
    assert answer_to(terminal, sent).verdict == "accepted"
    other = envelope(terminal, next(somebody), id=str(sent.header["id"]))
    answer = answer_to(terminal, other)
    assert (answer.verdict, answer.reason) == ("unusable", "id_reused")
    assert answer_to(terminal, sent).verdict == "accepted"
    assert "id_reused" in alarms_of(terminal, lasting)


def test_a_terminal_that_is_enrolled_again_delivers_what_it_had_queued(
    lasting: CentralServer, join: Join, somebody: Iterator[Person], tmp_path: Path
) -> None:
    terminal = join(lasting)
    sent, more = (envelope(terminal, next(somebody), seq) for seq in (1, 2))
    again = enrol(lasting.url, lasting.code(), terminal.state)
    assert again.terminal == terminal.identity.terminal, "who has its key keeps its number"
    assert answer_to(terminal, sent).verdict == "accepted"

    number = terminal.identity.terminal
    code = lasting.command("enrolment-code", "--replaces", number).strip()
    found = enrol(lasting.url, code, tmp_path / "new disk")
    assert found.terminal == number, "who lost it takes over the number"
    transport = Transport(lasting.url, DeviceKey.load(tmp_path / "new disk"))
    batch = Batch(envelopes=[more])
    (answer,) = transport.post("envelopes", batch, BatchAnswer, 20).answers
    transport.close()
    assert answer.verdict == "accepted"
    with pytest.raises(CentralRefused, match="unknown_key"):
        send(terminal, sent)


def test_numbers_that_are_missing_are_an_alarm_once_nothing_is_left_to_send(
    lasting: CentralServer, join: Join, somebody: Iterator[Person]
) -> None:
    terminal = join(lasting)
    send(terminal, *(envelope(terminal, next(somebody), seq) for seq in (1, 4)))
    standing_at(terminal)
    assert "2: 2-3\n" in lasting.command("alarms", "--look")
    send(terminal, *(envelope(terminal, next(somebody), seq) for seq in (2, 3)))


def test_one_code_is_worth_one_terminal_however_many_come_at_once(
    lasting: CentralServer, tmp_path: Path
) -> None:
    """What was ✗: three terminals on PostgreSQL."""
    before = lasting.sql("SELECT number FROM central_terminal")
    for round_ in range(3):
        got = [code for code in all_at_once(lasting, tmp_path / str(round_)) if code]
        assert len(got) == 1
    numbers = [number for (number,) in lasting.sql("SELECT number FROM central_terminal")]
    assert len(numbers) == len(set(numbers)) == len(before) + 3


def all_at_once(centre: CentralServer, folder: Path) -> list[str]:
    """Six terminals with one code; returns the numbers they got, "" for who got none."""
    code, gate = centre.code(), threading.Barrier(6)

    def come(number: int) -> str:
        state = folder / str(number)
        state.mkdir(parents=True)
        DeviceKey.load_or_create(state)
        gate.wait()
        try:
            return enrol(centre.url, code, state).terminal
        except CentralRefused as refused:
            assert refused.reason in ("code_used", "code_unknown")
            return ""

    with ThreadPoolExecutor(6) as callers:
        return list(callers.map(come, range(6)))


# -- backups --------------------------------------------------------------------------------------


def test_the_standing_moves_with_the_commit_where_nobody_declares_anything(
    lasting: CentralServer, join: Join, somebody: Iterator[Person]
) -> None:
    terminal = join(lasting)
    said = send(terminal, envelope(terminal, next(somebody)))
    assert said.standing.backed_up_to >= said.answers[0].position > 0
    assert said.answers[0].epoch == said.standing.epoch
    assert centre_signed(said.standing, terminal.identity.central_signing_key)


def test_the_standing_moves_with_each_backup_where_it_is_declared(
    centre: CentralServer, join: Join, tmp_path: Path
) -> None:
    centre.more = DECLARED
    centre.start()
    terminal = join(centre)
    position = answer_to(terminal, envelope(terminal, FREE[0], 1)).position
    assert standing_at(terminal).backed_up_to == 0
    said = centre.command("backup", str(tmp_path / "backup"))
    assert f"position {position} " in said
    for name in ("central.d", "envelope-keys", "django.secret"):
        assert name in said
    until_backed_up_to(position, terminal)
    later = answer_to(terminal, envelope(terminal, FREE[1], 2)).position
    assert standing_at(terminal).backed_up_to == position < later
    assert int(centre.command("position")) == later
    centre.command("backed-up", str(later))
    until_backed_up_to(later, terminal)
    with pytest.raises(subprocess.CalledProcessError):
        centre.command("backed-up", str(later + 1))
    with pytest.raises(subprocess.CalledProcessError):
        centre.command("backup", str(tmp_path / "backup"))


def epoch_in(said: str) -> int:
    """The epoch in what `restored` says."""
    return int(said.partition("epoch ")[2].partition(":")[0])


def test_a_centre_restored_from_a_backup_gets_again_what_came_after_it(
    centre: CentralServer,
    join: Join,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    centre.more = DECLARED
    centre.start()
    terminal = join(centre)
    before, after = envelope(terminal, FREE[0], 1), envelope(terminal, FREE[1], 2)
    assert answer_to(terminal, before).verdict == "accepted"
    centre.command("backup", str(tmp_path / "backup"))
    first = answer_to(terminal, after)
    assert first.verdict == "accepted"
    epoch = standing_at(terminal).epoch
    assert first.position > standing_at(terminal).backed_up_to, "so the terminal still keeps it"
    centre.stop()
    restore(centre, tmp_path / "backup", request)
    said = epoch_in(centre.command("restored"))
    assert said > epoch
    centre.start()
    assert standing_at(terminal).epoch == said
    assert answer_to(terminal, after).verdict == "accepted"
    assert answer_to(terminal, before).verdict == "accepted"
    kept = centre.show()["cases"]
    assert [one["id"] for one in kept] == [str(before.header["id"]), str(after.header["id"])]
    assert all(one["document_ok"] and one["attachments_ok"] for one in kept)
    assert epoch_in(centre.command("restored")) > said


def restore(centre: CentralServer, backup: Path, request: pytest.FixtureRequest) -> None:
    """As an operator would."""
    shutil.rmtree(centre.folder)
    shutil.copytree(backup, centre.folder)
    if centre.database:
        cluster: postgres.Cluster = request.getfixturevalue("cluster")
        centre.database = cluster.database(f"restored_{os.urandom(4).hex()}")
        cluster.restore(centre.folder / "central.dump", centre.database)


# -- nobody's data where it does not belong --------------------------------------------------------


def test_no_log_names_a_citizen(
    lasting: CentralServer, join: Join, somebody: Iterator[Person], request: pytest.FixtureRequest
) -> None:
    """Neither the centre's nor PostgreSQL's, which quotes every statement that fails."""
    terminal = join(lasting)
    person = next(somebody)
    sent = envelope(terminal, person)
    callers = [threading.Thread(target=send_alone, args=(terminal, sent)) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    kept = "SELECT count(*) FROM central_case WHERE terminal_id = ?"
    assert lasting.sql(kept, terminal.identity.terminal) == [(1,)], "on four lines at once"
    logs = (lasting.state / "central.log").read_text(encoding="utf-8")
    if lasting.database:
        cluster: postgres.Cluster = request.getfixturevalue("cluster")
        logs += cluster.log.read_text(encoding="utf-8", errors="replace")
    for secret in (person.number, person.name, "张北小区", person.phone):
        assert secret not in logs


def send_alone(terminal: EnrolledTerminal, sent: Envelope) -> None:
    transport = Transport(terminal.identity.central_url, DeviceKey.load(terminal.state))
    batch = Batch(envelopes=[sent])
    (answer,) = transport.post("envelopes", batch, BatchAnswer, 30).answers
    assert answer.verdict == "accepted"
    transport.close()


def test_a_terminal_that_asks_more_than_a_counter_can_is_stopped(
    lasting: CentralServer, join: Join, somebody: Iterator[Person]
) -> None:
    terminal, other = join(lasting), join(lasting)
    clients = [CentralClient(one.identity, one.state) for one in (terminal, other)]
    person = next(somebody)
    asked = {"id_number": person.number, "name": person.name}
    for _ in range(ALLOWED):
        clients[0].ask("first_application.eligibility", asked, timeout_s=20)
    with pytest.raises(Exception, match=r"busy|too_many_questions"):
        clients[0].ask("first_application.eligibility", asked, timeout_s=20)
    clients[1].ask("first_application.eligibility", asked, timeout_s=20)
    assert alarms_of(terminal, lasting) == {"many_questions"}
    assert alarms_of(other, lasting) == set()
    for client in clients:
        client.close()


def test_the_code_goes_over_no_line_that_others_may_read(tmp_path: Path) -> None:
    from sync.identity import NotEnrolled

    for url in ("http://centre.example", "http://10.0.0.1:8700", "ftp://127.0.0.1", "centre"):
        with pytest.raises(NotEnrolled, match="not_encrypted"):
            enrol(url, "AAAA-AAAA-AAAA", tmp_path)
    assert not list(tmp_path.iterdir()), "not even a key is made"
