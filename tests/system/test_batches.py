"""Envelopes that arrive together are written together, and decided each for itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync.signing import DeviceKey, KeyInMemory
from sync.wire.fleet import Heartbeat, QueueReport
from tests.system.people import form_of, jpeg, png
from tests.system.test_businesses import loss_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from django.http import HttpRequest

    from sync.wire.envelopes import Envelope, ItemAnswer
    from tests.system.in_process import Centre
    from tests.system.people import Person

#: Statements for a batch, and more for each item: what its business asks of the register.
BATCH_STATEMENTS, ITEM_STATEMENTS = 20, 1


def application(centre: Centre, person: Person) -> Envelope:
    pictures = {"photo": jpeg(), "signature": png(), "portrait_wlt": person.number.encode()}
    form = form_of(person, pictures["photo"])
    return centre.seal("first_application", form, 0, pictures=pictures)


def loss(centre: Centre, person: Person) -> Envelope:
    return centre.seal("loss_report", loss_of(person, "temporary"), 0)


def said(answers: list[ItemAnswer]) -> list[str]:
    return [str(answer.verdict) for answer in answers]


def counted(do: Callable[[], Any]) -> list[str]:
    """The statements of the database that this takes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        do()
    return [query["sql"] for query in captured]


@pytest.fixture
def in_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, what was looked up is still good."""
    monkeypatch.setattr("central.briefly.BRIEFLY_S", 3600.0)


def test_a_heartbeat_that_brings_nothing_new_takes_three_statements(
    centre: Centre, in_one_moment: None
) -> None:
    """Whose it is, that it comes for the first time, and what it reports. What all terminals are
    told is asked once for many of them."""
    from central import api
    from central.models import Terminal

    terminal, key = centre.terminal(), DeviceKey(KeyInMemory(Ed25519PrivateKey.generate()))
    Terminal.objects.filter(pk=terminal.pk).update(key_id=key.id, public_key=key.public)
    answered = api.at_the_doors(lambda _: pytest.fail("no door"))
    first, again = (_heartbeat(terminal.number, key) for _ in range(2))
    assert answered(first).status_code == 200
    statements = counted(lambda: answered(again))
    assert [one.split()[0] for one in statements] == ["SELECT", "INSERT", "INSERT"], statements


def _heartbeat(number: str, key: DeviceKey) -> HttpRequest:
    from django.test import RequestFactory

    queue = QueueReport(queued=0, sending=0, dead=0, oldest_s=0)
    at = "2026-11-24T09:00:00+08:00"
    said = Heartbeat(terminal=number, at=at, queue=queue, envelope_key_id="0" * 16)
    url, head = "http://localhost/api/v1/heartbeat", {"Content-Type": "application/json"}
    sent = requests.Request("POST", url, head, data=said.model_dump_json(), auth=key.auth())
    ready = sent.prepare()
    assert isinstance(ready.body, bytes)
    return RequestFactory().post(
        "/api/v1/heartbeat",
        ready.body,
        content_type="application/json",
        headers={**ready.headers, "Host": "localhost"},
    )


@pytest.mark.parametrize("many", [1, 20])
def test_a_batch_takes_as_many_statements_as_one_item(
    centre: Centre, in_one_moment: None, many: int
) -> None:
    batch = [application(centre, centre.holder("")) for _ in range(many)]
    statements = counted(lambda: centre.receive(*batch))
    assert len(statements) <= BATCH_STATEMENTS + many * ITEM_STATEMENTS, statements
    assert sum(statement.startswith("BEGIN") for statement in statements) == 1


def test_a_batch_has_rows_files_and_tasks_of_each(centre: Centre) -> None:
    from central import storage
    from central.cases import Case

    people = [centre.holder("") for _ in range(3)]
    answers = centre.receive(*(application(centre, person) for person in people))
    assert said(answers) == ["accepted"] * 3
    assert [one.position for one in answers] == sorted({one.position for one in answers})
    for answer, person in zip(answers, people, strict=True):
        case = Case.objects.get(pk=answer.position)
        assert str(case.id) == answer.id
        assert case.contents["document"]["id_number"] == person.number
        assert storage.pictures_of(case)["portrait_wlt"] == person.number.encode()
        assert set(case.tasks.values_list("name", flat=True)) == {"photo"}
        assert list(case.events.values_list("by", "what", "to_state")) == [
            ("centre", "received", "accepted")
        ]


def test_two_of_one_person_are_decided_one_after_the_other(centre: Centre) -> None:
    person, other = centre.holder(), centre.holder()
    batch = [loss(centre, person), loss(centre, other), loss(centre, person)]
    answers = centre.receive(*batch)
    assert said(answers) == ["accepted", "accepted", "duplicate"]
    assert centre.card(person) == "B"


def test_an_envelope_that_stands_in_a_batch_twice_takes_effect_once(centre: Centre) -> None:
    one, other = loss(centre, centre.holder()), loss(centre, centre.holder())
    answers = centre.receive(one, other, one)
    assert said(answers) == ["accepted"] * 3
    assert answers[0] == answers[2]


def test_one_that_is_unusable_or_not_ours_keeps_none_from_its_effect(centre: Centre) -> None:
    good = [loss(centre, centre.holder()) for _ in range(2)]
    broken = loss(centre, centre.holder())
    broken = broken.model_copy(update={"sealed": broken.sealed[:-1] + b"x"})
    foreign = loss(centre, centre.holder())
    foreign = foreign.model_copy(update={"header": {**foreign.header, "terminal": "029998"}})
    answers = centre.receive(good[0], broken, foreign, good[1])
    assert said(answers) == ["accepted", "unusable", "later", "accepted"]


@pytest.fixture
def fails_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the centre fail while it writes what belongs to this ID number."""

    def set_up(number: str) -> None:
        from central.business.loss_report import BUSINESS

        moved = type(BUSINESS).moved

        def fail(self: Any, case: Any) -> None:
            if case.contents["document"]["id_number"] == number:
                raise RuntimeError
            moved(self, case)

        monkeypatch.setattr(type(BUSINESS), "moved", fail)

    return set_up


def test_one_that_fails_in_the_transaction_keeps_none_from_its_effect(
    centre: Centre, fails_for: Callable[[str], None]
) -> None:
    from central.cases import Case

    people = [centre.holder() for _ in range(3)]
    fails_for(people[1].number)
    batch = [loss(centre, person) for person in people]
    answers = centre.receive(*batch)
    assert said(answers) == ["accepted", "later", "accepted"]
    assert answers[1].reason == "server_error"
    assert [centre.card(person) for person in people] == ["B", "1", "B"]
    assert not Case.objects.filter(id=answers[1].id).exists(), "it comes again"


def test_one_that_came_on_two_lines_at_once_is_said_again(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the other line is faster, just after this one has asked what is known."""
    from central import intake

    batch = [loss(centre, centre.holder()) for _ in range(3)]
    first = centre.receive(batch[1])[0]
    known, asked = intake._known, []

    def too_early(*about: Any) -> dict[str, Any]:
        asked.append(about)
        return {} if len(asked) == 1 else known(*about)

    monkeypatch.setattr(intake, "_known", too_early)
    answers = centre.receive(*batch)
    assert said(answers) == ["accepted"] * 3
    assert answers[1].position == first.position


def test_a_run_ends_before_a_person_or_number_that_it_has() -> None:
    from types import SimpleNamespace

    from central.decisions import runs
    from sync.wire.envelopes import BATCH_LIMIT

    def item(name: str, seq: int, receipt: str, person: str) -> Any:
        header = SimpleNamespace(id=name, seq=seq, receipt_no=receipt)
        return SimpleNamespace(header=header, found=SimpleNamespace(person=person))

    base = item("a", 1, "r1", "p1")
    for other in (
        item("a", 2, "r2", "p2"),
        item("b", 1, "r2", "p2"),
        item("b", 2, "r1", "p2"),
        item("b", 2, "r2", "p1"),
    ):
        assert [len(run) for run in runs([base, other])] == [1, 1]
    assert [len(run) for run in runs([base, item("b", 2, "r2", "p2"), base])] == [2, 1]
    many = [item(f"i{n}", n, f"r{n}", f"p{n}") for n in range(BATCH_LIMIT + 1)]
    assert [len(run) for run in runs(many)] == [BATCH_LIMIT, 1]
    assert list(runs([])) == []


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing can be flushed to it."""

    def fail(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("central.storage.os.fsync", fail)
        yield


def test_what_is_not_on_disk_is_not_there(centre: Centre, full_disk: None) -> None:
    from central import storage
    from sync.canonical import sha256_hex

    files = {sha256_hex(data): data for data in (b"one", b"two")}
    with pytest.raises(OSError, match="No space"):
        storage.keep(files)
    assert not any(storage.has(sha256) for sha256 in files)
    folder: Path = storage._path(next(iter(files))).parent
    assert not list(folder.glob(".*")), "nothing half written stays"


def test_what_is_kept_is_flushed_with_its_folders_also_if_it_was_there(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request may have put it there a moment ago, and still wait for the disk."""
    from central import storage
    from sync.canonical import sha256_hex

    flushed: list[str] = []
    monkeypatch.setattr(storage, "_flush_one", lambda path: flushed.append(str(path)))
    data = os.urandom(20)
    sha256 = sha256_hex(data)
    folders = {str(folder) for folder in storage._path(sha256).parents[:3]}
    storage.keep({sha256: data})
    assert set(flushed) > folders
    flushed.clear()
    storage.keep({sha256: data})
    assert set(flushed) == folders
    assert storage.read(sha256) == data
