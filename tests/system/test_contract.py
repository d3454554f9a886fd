"""The wire contract: one table of doors, and which versions talk to each other."""

from __future__ import annotations

import pytest
import requests

from sync.contract import CONTRACT, HEADER, SILENT, Version, refusal, said
from sync.kinds import kinds, questions
from sync.wire.doors import DOORS
from tests.system.conftest import CentralServer


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (None, SILENT),
        ("", SILENT),
        ("1.0", Version(1, 0)),
        ("12.34", Version(12, 34)),
        ("1", None),
        ("1.x", None),
        ("1.0.0", None),
        ("99999.0", None),
    ],
)
def test_a_version_is_read_or_refused(text: str | None, version: Version | None) -> None:
    assert said(text) == version


def test_another_major_version_is_told_who_is_behind() -> None:
    assert refusal(CONTRACT.major) == ""
    assert refusal(1, 2) == "terminal_too_old"
    assert refusal(2, 1) == "terminal_too_new"


@pytest.mark.parametrize(
    ("version", "error"),
    [("0.9", "terminal_too_old"), ("2.0", "terminal_too_new"), ("one", "bad_request")],
)
def test_the_centre_refuses_another_major_version_before_it_reads_anything(
    central: CentralServer, version: str, error: str
) -> None:
    for door in DOORS.values():
        answer = requests.post(
            f"{central.url}/api/v1/{door.path}", headers={HEADER: version}, timeout=20
        )
        assert (answer.status_code, answer.json()["error"]) == (400, error)
        assert answer.headers[HEADER] == str(CONTRACT)


def test_every_door_refuses_what_is_longer_than_its_limit_before_it_reads_it(
    central: CentralServer,
) -> None:
    for door in DOORS.values():
        with requests.Session() as session:
            session.trust_env = False
            request = requests.Request(
                "POST", f"{central.url}/api/v1/{door.path}", data=b"x" * (door.limit + 1)
            )
            answer = session.send(request.prepare(), timeout=20)
        assert (answer.status_code, answer.json()["error"]) == (413, "too_large"), door.path


def test_nobody_unknown_is_answered_at_any_door(central: CentralServer) -> None:
    for door in DOORS.values():
        answer = requests.post(f"{central.url}/api/v1/{door.path}", data=b"{}", timeout=20)
        assert answer.status_code in (400, 401), door.path
        assert answer.json()["error"] in ("bad_request", "bad_signature")


def test_each_kind_and_question_has_the_name_of_its_business() -> None:
    assert "first_application" in kinds()
    for name, kind in kinds().items():
        assert kind.id == name
        # One that is signed in some cases only says itself in which.
        signature = kind.attachments.get("signature")
        assert kind.signed == (signature is not None and signature.required)
        fields = kind.document.model_fields
        assert all(
            picture.hash_field in fields
            for picture in kind.attachments.values()
            if picture.hash_field
        )
    assert all(question.count(".") == 1 for question in questions())
