"""An old terminal and a new centre, a new terminal and an old centre: they understand each other.

What an older release said is here as it was recorded (`tests.system.contract`).
"""

from __future__ import annotations

import base64
import copy
import http.server
import itertools
import json
import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests

from hardware.virtual import personas
from sync import messages
from sync.agent import run_agent
from sync.canonical import canonical
from sync.contract import CONTRACT, HEADER, SILENT, Version, refusal, said
from sync.courier import Courier
from sync.faults import CentralRefused
from sync.messages import BatchAnswer, EligibilityAnswer, Heartbeat, HeartbeatAnswer, Verdict
from sync.signing import DeviceKey
from sync.transport import Transport
from tests.system.conftest import enrolled
from tests.system.contract.__main__ import RECORDED
from tests.system.contract.samples import HEADER as SAMPLE_HEADER
from tests.system.contract.samples import OPENER
from tests.system.contract.shapes import breaks, shape
from tests.system.test_agent import status, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydantic import BaseModel

    from tests.system.conftest import CentralServer, EnrolledTerminal

VERSIONS = sorted(RECORDED.iterdir(), key=lambda folder: Version(*map(int, folder.name.split("."))))
MESSAGES = [file for version in VERSIONS for file in sorted(version.glob("*/*.json"))]
SHAPES = {folder.name: json.loads((folder / "schema.json").read_text()) for folder in VERSIONS}
OLDEST = RECORDED / str(SILENT)


def name_of(file: Path) -> str:
    return f"{file.parts[-3]} {file.stem}"


def read(file: Path, change: Callable[[Any], Any] = lambda document: document) -> Any:
    """A recorded message as today's code understands it, written out again."""
    model: type[BaseModel] = getattr(messages, file.stem.partition("-")[0])
    document = change(json.loads(file.read_text(encoding="utf-8")))
    return json.loads(model.model_validate(document).model_dump_json())


def holds(whole: Any, part: Any) -> bool:
    """Whether every value of `part` stands in `whole` at the same place."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and holds(whole[key], value) for key, value in part.items()
        )
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


# -- shapes --------------------------------------------------------------------------------------


def test_messages_have_the_shape_that_is_recorded_for_their_version() -> None:
    assert str(CONTRACT) in SHAPES, "raise the version, then python -m tests.system.contract"
    assert shape() == SHAPES[str(CONTRACT)], (
        "a message has changed: raise sync.contract.CONTRACT by its rule, then record it with"
        " python -m tests.system.contract"
    )


def test_every_message_of_the_contract_is_recorded() -> None:
    """A new one that no sample shows would change its shape unseen."""
    ours = {
        name
        for name, kind in vars(messages).items()
        if isinstance(kind, type) and issubclass(kind, messages.BaseModel) and name[0] != "_"
    }
    assert ours - {"BaseModel"} <= set(shape()["$defs"])


@pytest.mark.parametrize(("older", "newer"), list(itertools.pairwise(VERSIONS)))
def test_a_version_changes_nothing_that_its_predecessor_relies_on(older: Path, newer: Path) -> None:
    assert older.name.partition(".")[0] == newer.name.partition(".")[0]
    assert list(breaks(SHAPES[older.name], SHAPES[newer.name])) == []


BREAKS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda defs: defs.pop("Piece"), "Piece is gone"),
    (lambda defs: defs["Piece"]["properties"].pop("offset"), "Piece.offset is gone"),
    (lambda defs: defs["Piece"]["properties"]["total"].update(maximum=9), "Piece.total"),
    (lambda defs: defs["Verdict"]["enum"].append("perhaps"), "Verdict has changed"),
    (
        lambda defs: defs["Refusal"]["properties"].update(why={"type": "string"}),
        "Refusal.why is new and must be there",
    ),
    (lambda defs: defs["Refusal"]["properties"]["server_time"].update(default="x"), "server_time"),
]


@pytest.mark.parametrize(("change", "found"), BREAKS, ids=[found for _, found in BREAKS])
def test_a_change_that_breaks_is_named(
    change: Callable[[dict[str, Any]], object], found: str
) -> None:
    changed = copy.deepcopy(SHAPES["1.0"])
    change(changed["$defs"])
    (line,) = breaks(SHAPES["1.0"], changed)
    assert found in line


def test_what_may_be_missing_may_be_added() -> None:
    changed = copy.deepcopy(SHAPES["1.0"])
    changed["$defs"]["Refusal"]["properties"]["why"] = {"type": "string", "default": ""}
    changed["$defs"]["Question"] = {"properties": {"text": {"type": "string"}}}
    assert list(breaks(SHAPES["1.0"], changed)) == []


# -- what was recorded ---------------------------------------------------------------------------


@pytest.mark.parametrize("file", MESSAGES, ids=name_of)
def test_a_recorded_message_means_the_same_today(file: Path) -> None:
    assert holds(read(file), json.loads(file.read_text(encoding="utf-8")))


#: Objects whose keys are data.
_TABLES = {"versions", "services", "counters", "closed_services"}


def with_news(document: Any, *, at: str = "") -> Any:
    """As a newer release may send it: one more field in every object."""
    if isinstance(document, list):
        return [with_news(inner, at=at) for inner in document]
    if not isinstance(document, dict) or at in _TABLES:
        return document
    return {key: with_news(value, at=key) for key, value in document.items()} | {"news": 1}


@pytest.mark.parametrize("file", MESSAGES, ids=name_of)
def test_fields_of_a_newer_release_are_passed_over(file: Path) -> None:
    assert holds(read(file, with_news), read(file))


def test_fields_of_a_newer_release_stay_in_what_was_signed() -> None:
    read_again = read(OLDEST / "requests" / "FirstApplication-rural.json", with_news)
    assert read_again["form"]["news"] == read_again["form"]["address"]["news"] == 1
    assert "news" not in read_again


def test_the_recorded_envelope_opens_and_holds_the_recorded_application() -> None:
    (received,) = messages.Batch.model_validate_json(
        (OLDEST / "requests" / "Batch.json").read_text()
    ).envelopes
    opened = OPENER.open(received.header, received.sealed)
    assert "schema_version" not in opened, "1.0 said it in the header only"
    recorded = json.loads((OLDEST / "requests" / "FirstApplication-urban.json").read_text())
    assert opened["form"] == recorded["form"]
    assert opened["photo_jpeg"] == recorded["photo_jpeg"]
    assert opened["consents"] == recorded["consents"]
    assert messages.FirstApplication.model_validate(opened).schema_version == 1


def test_what_is_sealed_today_says_its_version_inside() -> None:
    (received,) = messages.Batch.model_validate_json(
        (RECORDED / str(CONTRACT) / "requests" / "Batch.json").read_text()
    ).envelopes
    assert OPENER.open(received.header, received.sealed)["schema_version"] == CONTRACT.major


SIGNED = {"Export": b"", "EnvelopeKey": b"kiosk-envelope-key-1\n", "Checkpoint": b""}


def signed_documents() -> Iterator[tuple[str, Any]]:
    """Every recorded document that carries a signature."""
    for file in MESSAGES:
        document = json.loads(file.read_text(encoding="utf-8"))
        if file.stem in SIGNED:
            yield file.stem, document
        elif document.get("envelope_key"):
            yield "EnvelopeKey", document["envelope_key"]


@pytest.mark.parametrize("release", ["same", "newer", "older"])
@pytest.mark.parametrize(("name", "document"), list(signed_documents()))
def test_a_signature_is_over_what_was_sent_by_whatever_release(
    name: str, document: Any, release: str
) -> None:
    model: type[messages.Checkpoint] = getattr(messages, name)
    sent = with_news(document) if release == "newer" else dict(document)
    if release == "older":
        for field, about in model.model_fields.items():
            if not about.is_required() and field != "signature":
                sent.pop(field)
    received = model.model_validate(sent)
    unsigned = {key: value for key, value in sent.items() if key != "signature"}
    assert received.signed_bytes() == SIGNED[name] + canonical(unsigned)


def test_what_is_to_be_signed_says_everything_so_that_it_is_sent() -> None:
    said = {"terminal": "130299", "device_key_id": "0" * 16, "seq": 1, "hash": "0" * 64}
    unsigned = messages.Checkpoint.unsigned(**said, made="2026-11-24T09:30:00+08:00")
    signed = unsigned.signed_with(b"s" * 64)
    received = messages.Checkpoint.model_validate_json(signed.model_dump_json())
    assert received.signed_bytes() == unsigned.signed_bytes()
    assert b"altered_seq" in unsigned.signed_bytes()


# -- words of a newer centre ---------------------------------------------------------------------


def test_a_verdict_that_is_not_known_leaves_the_item_in_the_queue() -> None:
    answer = BatchAnswer.model_validate(
        {"answers": [{"id": "a", "verdict": "accepted"}, {"id": "b", "verdict": "escalated"}]}
    )
    assert [item.verdict for item in answer.answers] == [Verdict.ACCEPTED, Verdict.LATER]


def test_a_refusal_that_is_not_known_is_a_refusal_and_no_dead_letter() -> None:
    (item,) = BatchAnswer.model_validate(
        {"answers": [{"id": "a", "verdict": "rejected", "rejection": "on_leave", "reason": "r"}]}
    ).answers
    assert (item.verdict, item.rejection, item.reason) == ("rejected", "not_permitted", "r")
    assert EligibilityAnswer.model_validate({"rejection": "on_leave"}).standing == "not_permitted"


@pytest.mark.parametrize("verdict", [None, 3, ["accepted"], {}])
def test_what_is_no_word_at_all_is_no_answer(verdict: object) -> None:
    with pytest.raises(ValueError, match="verdict"):
        BatchAnswer.model_validate({"answers": [{"id": "a", "verdict": verdict}]})


# -- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (None, (1, 0)),
        ("", (1, 0)),
        ("1.1", (1, 1)),
        ("12.345", (12, 345)),
        ("1", None),
        ("1.1.1", None),
        ("-1.0", None),
        ("１.0", None),
        ("99999.0", None),
    ],
)
def test_versions_in_headers(text: str | None, version: tuple[int, int] | None) -> None:
    assert said(text) == version


def test_who_is_behind() -> None:
    found = [refusal(terminal, centre) for terminal, centre in ((1, 1), (1, 2), (2, 1))]
    assert found == ["", "terminal_too_old", "terminal_too_new"]


@pytest.fixture(scope="module")
def sender(
    central: CentralServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EnrolledTerminal]:
    """One terminal for all that is only answered."""
    made = enrolled(central, tmp_path_factory.mktemp("sender"))
    yield made
    made.transport.close()
    made.outbox.close()


def post(
    terminal: EnrolledTerminal, address: str, body: str, version: str | None
) -> requests.Response:
    """A signed request as another release would make it."""
    headers = {"Content-Type": "application/json"} | ({HEADER: version} if version else {})
    return requests.post(
        terminal.identity.central_url + address,
        data=body.encode(),
        headers=headers,
        auth=DeviceKey.load(terminal.state).auth(),
        timeout=20,
    )


def heartbeat(terminal: EnrolledTerminal, **more: Any) -> str:
    recorded = json.loads((OLDEST / "requests" / "Heartbeat.json").read_text())
    return json.dumps(recorded | {"terminal": terminal.identity.terminal} | more)


@pytest.mark.parametrize(
    ("address", "version", "more", "error"),
    [
        ("/api/v2/heartbeat", "2.0", {}, "terminal_too_new"),
        ("/api/v0/heartbeat", "0.9", {}, "terminal_too_old"),
        ("/api/v1/heartbeat", "2.0", {}, "terminal_too_new"),
        ("/api/v1/heartbeat", "0.1", {}, "terminal_too_old"),
        ("/api/v1/heartbeat", "1.1", {"schema_version": 2}, "terminal_too_new"),
        ("/api/v1/heartbeat", "one", {}, "bad_request"),
    ],
)
def test_the_centre_refuses_another_major_version_by_name(
    sender: EnrolledTerminal, address: str, version: str, more: dict[str, Any], error: str
) -> None:
    answer = post(sender, address, heartbeat(sender, **more), version)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers[HEADER] == str(CONTRACT)


@pytest.mark.parametrize("version", [None, "1.0", "1.1", "1.999"])
def test_the_centre_takes_every_minor_version(
    sender: EnrolledTerminal, version: str | None
) -> None:
    answer = post(sender, "/api/v1/heartbeat", heartbeat(sender), version)
    assert answer.status_code == 200
    HeartbeatAnswer.model_validate_json(answer.content)


def renumber(central: CentralServer, old: str, new: str) -> None:
    """Give a terminal the number of the recording, or its own again."""
    with closing(sqlite3.connect(central.folder / "central.db", timeout=20)) as db, db:
        for table, column in (
            ("central_terminal", "number"),
            ("central_receivedenvelope", "terminal_id"),
            ("central_application", "terminal_id"),
        ):
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))


def test_a_batch_of_an_old_terminal_takes_effect_today(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    """Byte for byte as it was recorded, from the terminal and to the key of the recording."""
    key = central.folder / "envelope-keys" / f"{SAMPLE_HEADER.key_id}.key"
    key.write_bytes(base64.b64encode(OPENER.private_key))
    zhang = personas.ID_PERSONAS["zhang"].card()
    with closing(sqlite3.connect(central.folder / "central.db", timeout=20)) as db, db:
        db.execute(
            "INSERT INTO central_person (id_number, name, insured, deceased, card_state,"
            " open_elsewhere) VALUES (?, ?, 1, 0, '', 0)",
            (zhang.number, zhang.name),
        )
    renumber(central, terminal.identity.terminal, SAMPLE_HEADER.terminal)
    body = (OLDEST / "requests" / "Batch.json").read_text().strip()
    answer = post(terminal, "/api/v1/envelopes", body, None)
    renumber(central, SAMPLE_HEADER.terminal, terminal.identity.terminal)
    (item,) = BatchAnswer.model_validate_json(answer.content).answers
    assert (item.verdict, item.reason) == ("accepted", "")
    assert SAMPLE_HEADER.receipt_no in central.command("show")


def test_a_kind_the_centre_does_not_know_yet_waits_for_its_next_release(
    terminal: EnrolledTerminal,
) -> None:
    stored = terminal.outbox.put(
        "pension_check",
        lambda header: b"sealed",
        key_id=terminal.identity.central_key_id,
        algorithm=terminal.identity.algorithm,
    )
    for _ in range(2):
        Courier(terminal.outbox, terminal.transport).deliver()
    (waiting,) = terminal.outbox.waiting()
    assert (waiting.id, waiting.put_off, waiting.reason) == (stored.id, 2, "unknown_kind")


# -- a terminal at a centre of another release ---------------------------------------------------


@contextmanager
def centre_of(version: str | None, status: int, body: str) -> Iterator[str]:
    """Answers everything alike; yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            if version is not None:
                self.send_header(HEADER, version)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ANSWER = (OLDEST / "answers" / "HeartbeatAnswer.json").read_text()
REFUSED = '{"error": "terminal_too_new", "server_time": ""}'


@pytest.mark.parametrize(
    ("version", "code", "body", "reason"),
    [
        ("2.0", 404, "<h1>Not Found</h1>", "terminal_too_old"),
        ("2.0", 400, '{"error": "terminal_too_old", "server_time": ""}', "terminal_too_old"),
        ("0.9", 404, "<h1>Not Found</h1>", "terminal_too_new"),
        (None, 400, REFUSED, "terminal_too_new"),
        ("1.7", 403, '{"error": "on_leave", "news": 1}', "on_leave"),
    ],
)
def test_the_terminal_says_which_side_is_behind(
    tmp_path: Path, version: str | None, code: int, body: str, reason: str
) -> None:
    key = DeviceKey.load_or_create(tmp_path)
    with (
        centre_of(version, code, body) as url,
        closing(Transport(url, key)) as transport,
        pytest.raises(CentralRefused) as refused,
    ):
        transport.post("heartbeat", sample_heartbeat(), HeartbeatAnswer, 5.0)
    assert refused.value.reason == reason


@pytest.mark.parametrize("version", [None, "1.0", "1.999"])
def test_the_terminal_takes_the_answers_of_every_minor_version(
    tmp_path: Path, version: str | None
) -> None:
    key = DeviceKey.load_or_create(tmp_path)
    body = json.dumps(with_news(json.loads(ANSWER)))
    with centre_of(version, 200, body) as url, closing(Transport(url, key)) as transport:
        answer = transport.post("heartbeat", sample_heartbeat(), HeartbeatAnswer, 5.0)
    assert answer == HeartbeatAnswer.model_validate_json(ANSWER)


def sample_heartbeat() -> Heartbeat:
    return Heartbeat.model_validate_json((OLDEST / "requests" / "Heartbeat.json").read_text())


def test_the_agent_says_so_where_the_doctor_and_the_screen_look(
    terminal: EnrolledTerminal,
) -> None:
    with centre_of("2.0", 404, "") as url:
        identity = json.loads((terminal.state / "identity.json").read_text())
        (terminal.state / "identity.json").write_text(json.dumps(identity | {"central_url": url}))
        stop = threading.Event()
        agent = threading.Thread(target=run_agent, args=(terminal.state, stop))
        agent.start()
        try:
            until(lambda: status(terminal) == "terminal_too_old", "the word of the agent")
        finally:
            stop.set()
            agent.join()
