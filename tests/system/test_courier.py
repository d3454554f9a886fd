"""The courier against every way a server can fail it. Nothing lost, nothing taken back early."""

from __future__ import annotations

import http.server
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kiosk.version import VERSION
from sync.canonical import sha256_hex
from sync.clock import RELEASED, not_before
from sync.courier import PIECE_BYTES, Backoff, Courier, Delivery
from sync.faults import CentralRefused, CentralUnreachable
from sync.header import EnvelopeHeader
from sync.journal import Journal
from sync.outbox import Answer, Outbox, Reason
from sync.signing import DeviceKey
from sync.transport import Transport
from sync.verified import number_of
from sync.wire.doors import ENVELOPES
from sync.wire.envelopes import (
    BATCH_BYTES,
    BATCH_LIMIT,
    SEALED_LIMIT,
    Batch,
    BatchAnswer,
    Envelope,
    ItemAnswer,
    PieceAnswer,
    Verdict,
)
from sync.wire.fleet import Numbered
from tests.patience import PATIENCE_S
from tests.system.answers import KEY, batch, identity, standing, to_batch
from tests.system.answers import item as item_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.db", TERMINAL)
    yield box
    box.close()


def put(box: Outbox) -> str:
    return box.put("first_application", lambda _: b"sealed", key_id="0" * 16, algorithm="none").id


TERMINAL = "020001"
IDENTITY = identity(TERMINAL)

#: No item has this id.
UNKNOWN = "00000000-0000-7000-8000-000000000000"


class Wire:
    """Stands for the transport: remembers what was sent and answers as told."""

    def __init__(self, answer: Callable[[list[str]], list[ItemAnswer]]) -> None:
        self.sent: list[list[str]] = []
        self._answer = answer

    def post(self, path: str, message: Batch, answer: Any, timeout_s: float) -> BatchAnswer:
        ids = [str(item.header["id"]) for item in message.envelopes]
        self.sent.append(ids)
        return to_batch(message.envelopes, self._answer(ids), TERMINAL)


def courier_of(
    box: Outbox, answer: Callable[[list[str]], list[ItemAnswer]]
) -> tuple[Courier, Wire]:
    wire = Wire(answer)
    return Courier(box, wire, IDENTITY), wire  # type: ignore[arg-type]


def accept(ids: list[str]) -> list[ItemAnswer]:
    return [item_answer(item, Verdict.ACCEPTED) for item in ids]


def test_batches_go_in_order_and_are_limited(box: Outbox) -> None:
    ids = [put(box) for _ in range(BATCH_LIMIT + 3)]
    courier, wire = courier_of(box, accept)
    first = courier.deliver()
    assert first == Delivery(BATCH_LIMIT, BATCH_LIMIT)
    assert [(one.id, one.verdict) for one in first.answers] == [
        (item, "accepted") for item in ids[:BATCH_LIMIT]
    ]
    assert courier.deliver() == Delivery(3, 3)
    assert courier.deliver() == Delivery()
    assert [item for batch in wire.sent for item in batch] == ids


def test_a_header_is_checked_once_on_its_way(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was checked again with every model that holds it, the largest part of a batch's work."""
    checked: list[object] = []
    check = EnvelopeHeader.from_wire
    monkeypatch.setattr(
        EnvelopeHeader, "from_wire", lambda wire: (checked.append(wire["id"]), check(wire))[1]
    )
    ids = [put(box) for _ in range(3)]
    courier, _ = courier_of(box, accept)
    assert courier.deliver() == Delivery(3, 3)
    assert checked == ids


def test_an_item_without_an_answer_is_sent_again_in_its_own_time(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = put(box), put(box)
    courier, wire = courier_of(box, lambda ids: accept(ids[:1]))
    assert courier.deliver() == Delivery(2, 1)
    assert box.verdict(second) is None
    assert (box.waiting()[0].reason, box.counts_and_ages().later) == ("no_answer", {"no_answer": 0})
    assert courier.deliver() == Delivery()
    now = time.time()
    monkeypatch.setattr("sync.outbox.time.time", lambda: now + 6)
    assert courier.deliver() == Delivery(1, 1)
    assert wire.sent == [[first, second], [second]]


def test_an_answer_to_what_was_not_sent_changes_nothing(box: Outbox) -> None:
    urgent_elsewhere = put(box)
    box.lease(1, 60)
    put(box)
    courier, _ = courier_of(box, lambda ids: accept([*ids, urgent_elsewhere, UNKNOWN]))
    courier.deliver()
    assert box.verdict(urgent_elsewhere) is None


def test_later_keeps_an_item_with_its_reason(box: Outbox) -> None:
    item = put(box)
    courier, _ = courier_of(
        box, lambda ids: [item_answer(ids[0], Verdict.LATER, reason="no_registry")]
    )
    assert courier.deliver() == Delivery(1, 0)
    assert box.verdict(item) is None
    assert box.counts_and_ages().later == {"no_registry": 0}


# -- who says so ---------------------------------------------------------------------------------


class Said(Wire):
    """Answers as it is told, whatever was sent."""

    def __init__(self, says: Callable[[list[Envelope]], BatchAnswer]) -> None:
        super().__init__(accept)
        self._says = says

    def post(self, path: str, message: Batch, answer: Any, timeout_s: float) -> BatchAnswer:
        return self._says(message.envelopes)


def told(box: Outbox, says: Callable[[list[Envelope]], BatchAnswer]) -> Courier:
    return Courier(box, Said(says), IDENTITY)  # type: ignore[arg-type]


def signed(sent: list[Envelope], *, terminal: str = TERMINAL, **more: int) -> BatchAnswer:
    ids = [str(one.header["id"]) for one in sent]
    return to_batch(sent, accept(ids), terminal, **more)


def altered(said: BatchAnswer, **how: object) -> BatchAnswer:
    """Every answer changed after they were signed."""
    answers = [one.model_copy(update=how) for one in said.answers]
    return said.model_copy(update={"answers": answers})


NOT_THE_CENTRE: dict[str, Callable[[list[Envelope]], BatchAnswer]] = {
    "not signed": lambda sent: signed(sent).signed_with(b""),
    "signed with another key": lambda sent: signed(sent).signed_with(bytes(64)),
    "another verdict": lambda sent: altered(signed(sent), verdict=Verdict.TO_REVIEW),
    "another position": lambda sent: altered(signed(sent), position=7),
    "another epoch": lambda sent: altered(signed(sent), epoch=2),
    "another time": lambda sent: altered(signed(sent), at="2026-11-24T09:30:00+08:00"),
    "an answer left out": lambda sent: signed(sent).model_copy(update={"answers": []}),
    "another standing": lambda sent: signed(sent).model_copy(
        update={"standing": standing(backed_up_to=7)}
    ),
    "to another terminal": lambda sent: signed(sent, terminal="020002"),
}


@pytest.mark.parametrize("how", NOT_THE_CENTRE)
def test_an_answer_that_the_centre_did_not_sign_changes_nothing(box: Outbox, how: str) -> None:
    item = put(box)
    with pytest.raises(CentralUnreachable, match=r"^not_the_centre$"):
        told(box, NOT_THE_CENTRE[how]).deliver()
    assert box.verdict(item) is None
    assert [leased.id for leased in box.lease(10, 60)] == [item], "and costs no time"


def test_an_answer_about_other_bytes_is_no_answer(box: Outbox) -> None:
    good, other = put(box), put(box)

    def says(sent: list[Envelope]) -> BatchAnswer:
        first, second = signed(sent).answers
        return batch([first, second.model_copy(update={"sealed_sha256": "0" * 64})], TERMINAL)

    assert told(box, says).deliver() == Delivery(2, 1)
    assert (box.verdict(good) is None, box.verdict(other) is None) == (False, True)
    assert box.waiting()[0].reason == "no_answer"


def test_the_words_of_a_newer_centre_are_signed_and_stop_nothing(box: Outbox) -> None:
    """They were read as known ones first, and then the signature was not over what was read."""
    later, refused, good = put(box), put(box), put(box)

    def says(sent: list[Envelope]) -> BatchAnswer:
        new = [{"verdict": "elsewhere"}, {"verdict": "rejected", "rejection": "too_early"}, {}]
        answers = zip(signed(sent).answers, new, strict=True)
        said = batch([one.model_copy(update=words) for one, words in answers], TERMINAL)
        return BatchAnswer.model_validate_json(said.model_dump_json())

    assert told(box, says).deliver() == Delivery(3, 2)
    assert [box.verdict(one) is None for one in (later, refused, good)] == [True, False, False]
    window = box.verdict(refused)
    assert window is not None
    assert (window.verdict, window.rejection) == ("rejected", "not_permitted")


def test_what_was_taken_has_no_refusal_and_the_centres_own_time(box: Outbox) -> None:
    item, at = put(box), "2026-11-24T09:30:01+08:00"

    def says(sent: list[Envelope]) -> BatchAnswer:
        (one,) = signed(sent).answers
        return batch([one.model_copy(update={"at": at})], TERMINAL)

    told(box, says).deliver()
    assert box.verdict(item) == Answer(item, "accepted", at=at)


def test_the_number_that_the_centre_has_counts_only_where_it_says_so_to_this_terminal() -> None:
    def said(to: str) -> Numbered:
        unsigned = Numbered.unsigned(seq=7)
        return unsigned.signed_with(KEY.sign(unsigned.signed_bytes(terminal=to)))

    other = replace(IDENTITY, central_signing_key=bytes(32))
    assert number_of(said(TERMINAL), IDENTITY) == 7
    assert number_of(said("020002"), IDENTITY) == 0
    assert number_of(said(TERMINAL), other) == 0
    assert number_of(said(TERMINAL).model_copy(update={"seq": 8}), IDENTITY) == 0


def test_an_empty_answer_that_the_centre_did_not_sign_is_no_sign_of_it(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever answers in its place keeps a terminal taking what nobody will ever get."""
    put(box)
    month = time.time() + 31 * 86_400
    monkeypatch.setattr("sync.outbox.time.time", lambda: month)
    forged = standing().model_copy(update={"backed_up_to": 7})
    with pytest.raises(CentralUnreachable, match=r"^not_the_centre$"):
        told(box, lambda _: BatchAnswer(answers=[], standing=forged)).deliver()
    assert box.refusal() is Reason.TOO_LONG_ALONE
    monkeypatch.setattr("sync.outbox.time.time", lambda: month + 60)
    told(box, lambda _: batch([], TERMINAL)).deliver()
    assert box.refusal() is None


def test_what_is_taken_is_held_until_the_standing_covers_it(box: Outbox) -> None:
    put(box)
    assert told(box, lambda sent: signed(sent, backed_up_to=0)).deliver() == Delivery(1, 1)
    assert box.counts_and_ages().held == 1
    put(box)
    assert told(box, lambda sent: signed(sent, backed_up_to=1)).deliver() == Delivery(1, 1)
    assert box.counts_and_ages().held == 0


def test_a_centre_that_was_restored_is_sent_again_what_it_lost(box: Outbox) -> None:
    lost = put(box)
    told(box, lambda sent: signed(sent, backed_up_to=0)).deliver()
    put(box)
    told(box, lambda sent: signed(sent, backed_up_to=0, epoch=2)).deliver()
    assert box.waiting()[0].id == lost


# -- one item that the centre stumbles over -------------------------------------------------------


@pytest.mark.parametrize("reason", ["server_error", "bad_request", "not_the_centre"])
def test_one_item_that_nobody_can_digest_steps_aside(box: Outbox, reason: str) -> None:
    ids = [put(box) for _ in range(7)]
    courier, wire = courier_of(box, accept)

    def stumbles(sent: list[str]) -> list[ItemAnswer]:
        if ids[0] in sent:
            raise CentralUnreachable(reason)
        return accept(sent)

    wire._answer = stumbles
    for _ in range(12):
        with suppress(CentralUnreachable):
            courier.deliver()
    assert [len(sent) for sent in wire.sent[:5]] == [7, 3, 1, 1, 2], "halved, down to one"
    assert [one.id for one in box.waiting()] == ids[:1]
    (poison,) = box.waiting()
    assert (poison.reason, poison.put_off) == (reason, 1)
    assert 0 < poison.due_at - time.time() <= 300


def test_an_item_that_breaks_the_contract_does_not_block_the_queue(box: Outbox) -> None:
    broken, good = put(box), put(box)
    with box._file.writing() as db:
        db.execute("UPDATE item SET header = '{}' WHERE id = ?", (broken,))
    courier, wire = courier_of(box, accept)
    courier.deliver()
    assert wire.sent == [[good]]
    with box._file.reading() as db:
        told = db.execute("SELECT id, verdict, reason FROM item WHERE state = 'dead'").fetchall()
    assert told == [(broken, "unusable", "bad_item")]


def test_a_batch_in_which_nothing_fits_the_contract_is_finished(box: Outbox) -> None:
    put(box)
    with box._file.writing() as db:
        db.execute("UPDATE item SET header = '{}'")
    courier, wire = courier_of(box, accept)
    assert courier.deliver() == Delivery(1, 1)
    assert wire.sent == []


# -- real HTTP, wrong answers --------------------------------------------------------------------


@contextmanager
def answering(
    status: int,
    body: bytes,
    headers: dict[str, str] | None = None,
    seen: list[tuple[str, int]] | None = None,
    certificate: Path | None = None,
) -> Iterator[str]:
    """An HTTP server that answers every POST like this; yields its address.

    `seen` gets the encoding and the length of each body; with a `certificate` it speaks TLS.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            self.rfile.read(length)
            if seen is not None:
                seen.append((self.headers.get("Content-Encoding", ""), length))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if "Content-Length" not in (headers or {}):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hung up, hung up
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server) as url:
        yield url


@contextmanager
def serving(server: http.server.HTTPServer) -> Iterator[str]:
    """Serves on a thread; yields the address."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


PACKS = {"Accept-Encoding": "gzip"}
FINE = (200, batch([]).model_dump_json().encode(), PACKS)


WRONG_ANSWERS: dict[str, tuple[int, bytes, dict[str, str], str]] = {
    "captive portal": (200, b"<html>Welcome to free Wi-Fi</html>", {}, "not_the_centre"),
    "redirect": (302, b"", {"Location": "http://127.0.0.1:9/"}, "not_the_centre"),
    "garbage": (200, b"\x00\xff" * 100, {}, "not_the_centre"),
    "endless": (200, b"x" * (1024 * 1024 + 2), {}, "not_the_centre"),
    "half a body": (200, b'{"answers": [', {"Content-Length": "500"}, "connection"),
    "crash": (500, b"Traceback", {}, "server_error"),
    "busy": (429, b"", {"Retry-After": "7"}, "busy"),
    "overloaded": (503, b"", {"Retry-After": "99999999"}, "busy"),
    "too large": (413, b"", {}, "too_large"),
    "refused": (401, b'{"error": "clock_skew"}', {}, "clock_skew"),
    "web page 404": (404, b"<html>not found</html>", {}, "not_the_centre"),
}


@pytest.mark.parametrize("what", WRONG_ANSWERS)
def test_a_wrong_answer_loses_nothing(box: Outbox, tmp_path: Path, what: str) -> None:
    status, body, headers, reason = WRONG_ANSWERS[what]
    item = put(box)
    with answering(status, body, headers) as url:
        transport = Transport(url, DeviceKey.load_or_create(tmp_path))
        with pytest.raises(CentralUnreachable) as caught:
            Courier(box, transport, IDENTITY).deliver()
        transport.close()
    assert caught.value.reason == reason
    assert box.verdict(item) is None
    assert [leased.id for leased in box.lease(10, 60)] == [item]


def certificate(folder: Path, begins_in: timedelta = timedelta(days=-1)) -> Path:
    """A certificate that nobody signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + begins_in)
        .not_valid_after(now + begins_in + timedelta(days=10))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "server.pem"
    file.write_bytes(pem + made.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize("tls", [True, False], ids=["not trusted", "not TLS at all"])
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    box: Outbox, tmp_path: Path, tls: bool
) -> None:
    item = put(box)
    seen: list[tuple[str, int]] = []
    said = f'{{"answers": [{{"id": "{item}", "verdict": "accepted"}}]}}'.encode()
    with answering(200, said, seen=seen, certificate=certificate(tmp_path) if tls else None) as url:
        transport = Transport(url.replace("http:", "https:"), DeviceKey.load_or_create(tmp_path))
        with pytest.raises(CentralUnreachable, match="certificate" if tls else "connection"):
            Courier(box, transport, IDENTITY).deliver()
        transport.close()
    assert seen == []
    assert [leased.id for leased in box.lease(10, 60)] == [item]


# -- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize("begins_in_days", [-1, 2])
def test_a_certificate_that_is_not_valid_yet_means_a_wrong_clock(
    tmp_path: Path, begins_in_days: int
) -> None:
    file = certificate(tmp_path, timedelta(days=begins_in_days))
    with answering(*FINE, certificate=file) as url:
        url = url.replace("http:", "https:").replace("127.0.0.1", "localhost")
        transport = Transport(url, DeviceKey.load_or_create(tmp_path))
        transport._session.verify = str(file)
        if begins_in_days < 0:
            assert ask(transport).answers == []
        else:
            with pytest.raises(CentralUnreachable, match="clock_wrong"):
                ask(transport)
        transport.close()


def ask(transport: Transport, timeout_s: float = 5) -> BatchAnswer:
    return transport.post("envelopes", batch([]), BatchAnswer, timeout_s)


def test_a_time_that_cannot_be_is_no_trouble_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = DeviceKey.load_or_create(tmp_path)
    nobody = "http://127.0.0.1:9"
    monkeypatch.setattr("sync.transport.time.time", lambda: RELEASED - 1)
    with pytest.raises(CentralUnreachable, match="clock_wrong"):
        ask(Transport(nobody, key))
    monkeypatch.setattr("sync.transport.time.time", lambda: RELEASED + 1)
    with pytest.raises(CentralUnreachable, match="connection"):
        ask(Transport(nobody, key))
    with pytest.raises(CentralUnreachable, match="clock_wrong"):
        ask(Transport(nobody, key, RELEASED + 2))


def test_a_clock_that_the_centre_has_accepted_is_right(tmp_path: Path) -> None:
    """It had been ahead before, so that the journal ends in the future."""
    with answering(*FINE) as url:
        transport = Transport(url, DeviceKey.load_or_create(tmp_path), time.time() + 10**8)
        ask(transport)
    with pytest.raises(CentralUnreachable, match="connection"):
        ask(transport)
    transport.close()


def test_it_cannot_be_earlier_than_the_journal_ends(tmp_path: Path) -> None:
    assert not_before(tmp_path / "none") == RELEASED
    journal = Journal(tmp_path, "agent")
    last = datetime.fromtimestamp(RELEASED + 5000, UTC)
    journal.append("started", {"version": "0.1.0"}, last - timedelta(seconds=50))
    journal.append("stopped", {}, last)
    assert not_before(tmp_path) == last.timestamp()
    (file,) = tmp_path.glob("*.jsonl")
    with file.open("ab") as out:
        out.write(b"torn")
    assert not_before(tmp_path) == last.timestamp()
    journal.append("stopped", {}, datetime(1970, 1, 1, tzinfo=UTC))
    assert not_before(tmp_path) == RELEASED


# -- one deadline --------------------------------------------------------------------------------


def test_a_name_server_that_says_nothing_does_not_hold_a_question_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: silent.wait(20) and [])
    transport = Transport("https://centre.invalid", DeviceKey.load_or_create(tmp_path))
    begun = time.monotonic()
    for _ in range(3):
        with pytest.raises(CentralUnreachable, match="timeout"):
            ask(transport, 0.2)
    assert time.monotonic() - begun < 20, "as long as the name server is silent"
    silent.set()
    transport.close()


def test_an_answer_that_trickles_ends_with_the_deadline(tmp_path: Path) -> None:
    gone = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(400):
                    self.wfile.write(b" ")
                    time.sleep(0.02)
            except OSError:
                gone.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with serving(http.server.HTTPServer(("127.0.0.1", 0), Handler)) as url:
        transport = Transport(url, DeviceKey.load_or_create(tmp_path))
        begun = time.monotonic()
        with pytest.raises(CentralUnreachable, match="timeout"):
            ask(transport, 0.2)
        assert time.monotonic() - begun < 8, "as long as it trickles"
        assert gone.wait(PATIENCE_S), "the thread that was left behind hangs up, too"
        transport.close()


@pytest.mark.parametrize("url", ["http://192.0.2.1", "http://centre.example:8080", "ftp://x", "x"])
def test_plain_http_is_spoken_to_this_machine_only(tmp_path: Path, url: str) -> None:
    with pytest.raises(CentralUnreachable, match="not_encrypted"):
        ask(Transport(url, DeviceKey.load_or_create(tmp_path)))


def test_retry_after_is_read_and_bounded(tmp_path: Path) -> None:
    waits = []
    for value in ("7", "99999999", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"):
        with answering(429, b"", {"Retry-After": value}) as url:
            transport = Transport(url, DeviceKey.load_or_create(tmp_path))
            with pytest.raises(CentralUnreachable) as caught:
                transport.post("envelopes", batch([]), BatchAnswer, 5)
            transport.close()
        waits.append(caught.value.retry_after_s)
    assert waits == [7.0, 3600.0, 0.0, None]


def test_nobody_listening_loses_nothing(box: Outbox, tmp_path: Path) -> None:
    item = put(box)
    transport = Transport("http://127.0.0.1:9", DeviceKey.load_or_create(tmp_path))
    with pytest.raises(CentralUnreachable, match="connection"):
        Courier(box, transport, IDENTITY).deliver()
    transport.close()
    assert [leased.id for leased in box.lease(10, 60)] == [item]


def test_too_large_halves_the_batch(box: Outbox) -> None:
    for _ in range(BATCH_LIMIT):
        put(box)
    courier, wire = courier_of(box, accept)

    def too_large(ids: list[str]) -> list[ItemAnswer]:
        raise CentralUnreachable("too_large")

    wire._answer = too_large
    with pytest.raises(CentralUnreachable):
        courier.deliver()
    wire._answer = accept
    assert courier.deliver().sent == BATCH_LIMIT // 2


def test_half_of_what_did_not_get_through_is_tried_next(box: Outbox) -> None:
    """Not half of what there might have been: that may be as much again."""
    for _ in range(12):
        put(box)
    sent = []

    def breaks(ids: list[str]) -> list[ItemAnswer]:
        sent.append(len(ids))
        raise CentralUnreachable("timeout")

    courier, _ = courier_of(box, breaks)
    for _ in range(4):
        with pytest.raises(CentralUnreachable):
            courier.deliver()
    assert sent == [12, 6, 3, 1]


@pytest.mark.parametrize(
    ("each_s", "sent"),
    [(0.5, [10, 20, 40, 40]), (0.51, [10] * 4), (2.0, [10] * 4), (2.01, [10, 5, 2, 1, 1])],
    ids=["quick", "not quick", "not slow", "slow"],
)
@pytest.mark.usefixtures("small")
def test_the_bytes_of_a_request_follow_how_long_the_last_one_took(
    box: Outbox, monkeypatch: pytest.MonkeyPatch, each_s: float, sent: list[int]
) -> None:
    now = [0.0]
    monkeypatch.setattr("sync.courier.time", SimpleNamespace(monotonic=lambda: now[0]))

    def takes_time(ids: list[str]) -> list[ItemAnswer]:
        now[0] += each_s
        return accept(ids)

    for _ in range(sum(sent)):
        put(box)  # six bytes
    courier, wire = courier_of(box, takes_time)
    for _ in sent:
        courier.deliver()
    assert [len(ids) for ids in wire.sent] == sent


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in {"LEASE_BYTES": 60, "BATCH_BYTES": 240, "_LEAST_BYTES": 6}.items():
        monkeypatch.setattr(f"sync.courier.{name}", size)


@pytest.mark.usefixtures("small")
def test_a_quick_answer_to_little_shows_nothing_about_the_line(box: Outbox) -> None:
    """✗ After a few small items the first request of a queue carried 4 MB, which a bad line does
    not get through in the time there is."""
    courier, wire = courier_of(box, accept)
    for _ in range(5):
        put(box)
        courier.deliver()
    for _ in range(40):
        put(box)
    courier.deliver()
    assert len(wire.sent[-1]) == 10


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("reason", ["timeout", "connection", "too_large"])
def test_after_a_request_that_broke_the_bytes_are_fewer_however_many_items_may_go(
    box: Outbox, reason: str
) -> None:
    for _ in range(40):
        put(box)
    courier, wire = courier_of(box, accept)

    def breaks(ids: list[str]) -> list[ItemAnswer]:
        raise CentralUnreachable(reason)

    wire._answer = breaks
    with pytest.raises(CentralUnreachable):
        courier.deliver()
    courier._limit = BATCH_LIMIT
    wire._answer = accept
    courier.deliver()
    assert [len(ids) for ids in wire.sent] == [10, 5]


def test_an_item_without_its_contents_is_a_dead_letter_and_stops_nobody(box: Outbox) -> None:
    """✗ It ended every delivery with an exception, and no list of what waits showed it."""
    lost, whole = put(box), put(box)
    with box._file.writing() as db:
        db.execute("DELETE FROM contents WHERE seq = 1")
    assert [item.id for item in box.unfinished()] == [lost, whole]
    courier, wire = courier_of(box, accept)
    courier.deliver()
    assert wire.sent == [[whole]]
    assert [(one.id, one.reason) for one in box.dead_letters()] == [(lost, "bad_item")]


def test_a_batch_of_the_largest_fits_through_the_door() -> None:
    each = BATCH_BYTES // BATCH_LIMIT
    header = EnvelopeHeader(
        *("00000000-0000-7000-8000-000000000000", "130299", 10**12, "1" * 17, "k" * 40),
        *("2026-11-24T09:30:00.123+08:00", False, "0" * 16, "a" * 80),
    )
    batch = Batch(envelopes=[Envelope.of(header.as_wire(), bytes(each))] * BATCH_LIMIT)
    assert len(batch.model_dump_json()) <= ENVELOPES.limit
    largest = Batch(envelopes=[Envelope.of(header.as_wire(), bytes(SEALED_LIMIT))])
    assert len(largest.model_dump_json()) <= ENVELOPES.limit


# -- back-off ------------------------------------------------------------------------------------


def test_backoff_grows_to_its_cap_with_full_jitter() -> None:
    tops: list[float] = []

    def between(low: float, high: float) -> float:
        assert low == 0.0
        tops.append(high)
        return high

    backoff = Backoff(1.0, 60.0, between)
    assert [backoff.failed() for _ in range(8)] == [2, 4, 8, 16, 32, 60, 60, 60]
    assert backoff.failed(10.0) == 70.0
    backoff.succeeded()
    assert backoff.failed() == 2.0
    usual = Backoff(between=between)
    assert [usual.failed() for _ in range(9)] == [2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_a_refusal_is_also_unreachable_for_who_only_asks() -> None:
    assert issubclass(CentralRefused, CentralUnreachable)


# -- a bad line ----------------------------------------------------------------------------------


class Line:
    """A transport that breaks off as told and speaks to a server that keeps what it has."""

    def __init__(self, breaks: Callable[[str, int], bool]) -> None:
        self.asked: list[str] = []
        self.held = b""
        #: How often it was asked how much it has.
        self.questions = 0
        self._breaks = breaks

    def post(self, path: str, message: Any, answer: Any, timeout_s: float) -> Any:
        self.asked.append(path)
        assert answer is {"pieces": PieceAnswer}.get(path, BatchAnswer)
        assert timeout_s == 30.0
        if path == "pieces" and not message.data:
            assert message.offset == 0, "an empty piece asks how much there is"
            self.questions += 1
        if self._breaks(path, len(self.asked)):
            raise CentralUnreachable("connection")
        if path == "pieces":
            if message.offset == len(self.held):
                self.held += message.data
            return PieceAnswer(held=len(self.held))
        if path == "in-pieces":
            assert sha256_hex(self.held) == message.sealed_sha256
            return signed([Envelope.of(message.header, self.held)])
        return signed(message.envelopes)


def deliver_at_last(courier: Courier, tries: int) -> None:
    for _ in range(tries):
        try:
            if courier.deliver().finished:
                return
        except CentralUnreachable:
            continue
    raise AssertionError("never delivered")


def test_a_photo_goes_over_a_line_that_carries_nothing_large(box: Outbox) -> None:
    sealed = bytes(range(256)) * 512  # 128 KiB
    item = box.put("first_application", lambda _: sealed, key_id="0" * 16, algorithm="none").id
    line = Line(lambda path, asked: path == "envelopes" or asked % 3 == 0)
    deliver_at_last(Courier(box, line, IDENTITY), 60)  # type: ignore[arg-type]
    assert line.held == sealed
    answer = box.verdict(item)
    assert answer is not None and answer.verdict == "accepted"
    carried = line.asked.count("pieces")
    assert carried <= 4 * len(sealed) // PIECE_BYTES, "a broken piece costs itself alone"
    assert line.questions > 1


def test_what_fits_into_one_piece_goes_whole_however_bad_the_line(box: Outbox) -> None:
    sealed = b"x" * PIECE_BYTES
    box.put("first_application", lambda _: sealed, key_id="0" * 16, algorithm="none")
    line = Line(lambda path, asked: asked < 9)
    deliver_at_last(Courier(box, line, IDENTITY), 12)  # type: ignore[arg-type]
    assert set(line.asked) == {"envelopes"}


def test_a_line_that_breaks_gets_smaller_batches_and_grows_again(box: Outbox) -> None:
    for _ in range(60):
        put(box)
    courier, wire = courier_of(box, accept)

    def broken(ids: list[str]) -> list[ItemAnswer]:
        raise CentralUnreachable("timeout")

    wire._answer = broken
    for _ in range(10):
        with pytest.raises(CentralUnreachable):
            courier.deliver()
    assert [len(ids) for ids in wire.sent] == [60, 30, 15, 7, 3, 1, 1, 1, 1, 1]
    wire._answer = accept
    assert [courier.deliver().sent for _ in range(6)] == [1, 1, 2, 4, 8, 16]


def test_where_pieces_do_not_get_through_envelopes_go_whole_again(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = b"x" * 3 * PIECE_BYTES
    box.put("first_application", lambda _: sealed, key_id="0" * 16, algorithm="none")

    class Closed(Line):
        def post(self, path: str, message: Any, answer: Any, timeout_s: float) -> Any:
            if path == "pieces":
                raise CentralUnreachable("not_the_centre")
            return super().post(path, message, answer, timeout_s)

    line = Closed(lambda path, asked: asked < 7)
    courier, now = Courier(box, line, IDENTITY), time.time()  # type: ignore[arg-type]
    for turn in range(30):
        monkeypatch.setattr("sync.outbox.time.time", lambda turn=turn: now + turn * 400)
        with suppress(CentralUnreachable):
            courier.deliver()
    assert set(line.asked) == {"envelopes"}
    assert box.waiting() == []


def test_a_server_that_forgets_pieces_is_not_asked_for_ever(box: Outbox) -> None:
    sealed = b"x" * 3 * PIECE_BYTES
    box.put("first_application", lambda _: sealed, key_id="0" * 16, algorithm="none")

    class Forgetful(Line):
        def post(self, path: str, message: Any, answer: Any, timeout_s: float) -> Any:
            if path == "pieces":
                return PieceAnswer(held=0)
            raise CentralUnreachable("connection")

    courier = Courier(box, Forgetful(lambda path, asked: False), IDENTITY)  # type: ignore[arg-type]
    for _ in range(9):
        with suppress(CentralUnreachable):
            courier.deliver()
    (one,) = box.waiting()
    assert one.reason == "not_the_centre", "it waits for its own time"


# -- packed bodies -------------------------------------------------------------------------------

REFUSED = {
    "answers 403": (403, b"<html>forbidden</html>", {}),
    "answers 415": (415, b"", {}),
    "answers 502": (502, b"<html>bad gateway</html>", {}),
    "drops Content-Encoding": (400, b'{"error": "bad_request"}', {}),
    "unpacks what was signed": (401, b'{"error": "bad_signature"}', {}),
}


@contextmanager
def spoiling(spoilt: tuple[int, bytes, dict[str, str]] | None) -> Iterator[tuple[str, list[str]]]:
    """A centre that takes packed bodies, behind a proxy that does not: yields the address and the
    encodings that came. None: it swallows them."""
    seen: list[str] = []
    ended = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers.get("Content-Encoding", ""))
            if seen[-1] and spoilt is None:
                ended.wait(PATIENCE_S)
                return
            status, body, headers = (seen[-1] and spoilt) or FINE
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        try:
            yield url, seen
        finally:
            ended.set()


def batch_of(box: Outbox) -> Batch:
    put(box)
    (leased,) = box.lease(1, 60)
    return Batch(envelopes=[Envelope.of(leased.header, b"x" * 5000)])


@pytest.mark.parametrize("how", REFUSED)
def test_a_proxy_that_spoils_packed_bodies_stops_nothing(
    box: Outbox, tmp_path: Path, how: str
) -> None:
    batch = batch_of(box)
    with spoiling(REFUSED[how]) as (url, seen):
        transport = Transport(url, DeviceKey.load_or_create(tmp_path))
        for _ in range(4):
            assert transport.post("envelopes", batch, BatchAnswer, 5).answers == []
        transport.close()
    assert seen == ["", "gzip", "", "", ""], "plain once, and remembered"


def test_a_proxy_that_swallows_packed_bodies_is_found_out(box: Outbox, tmp_path: Path) -> None:
    batch = batch_of(box)
    with spoiling(None) as (url, seen):
        transport = Transport(url, DeviceKey.load_or_create(tmp_path))
        got = []
        # Only what is swallowed is waited for in vain.
        for patience_s in (PATIENCE_S, 0.5, 0.5, 0.5, *[PATIENCE_S] * 3):
            try:
                transport.post("envelopes", batch, BatchAnswer, patience_s)
                got.append("answer")
            except CentralUnreachable as error:
                got.append(error.reason)
        transport.close()
    assert got == ["answer", *["timeout"] * 3, *["answer"] * 3]
    assert seen == ["", "gzip", "gzip", "gzip", "", "", ""]


def test_a_server_that_is_in_trouble_does_not_end_the_packing(box: Outbox, tmp_path: Path) -> None:
    batch, trouble = batch_of(box), [FINE, REFUSED["answers 502"], REFUSED["answers 502"], FINE]
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append(self.headers.get("Content-Encoding", ""))
            status, body, headers = trouble.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with serving(http.server.HTTPServer(("127.0.0.1", 0), Handler)) as url:
        transport = Transport(url, DeviceKey.load_or_create(tmp_path))
        transport.post("envelopes", batch, BatchAnswer, 5)
        with pytest.raises(CentralUnreachable, match="server_error"):
            transport.post("envelopes", batch, BatchAnswer, 5)
        transport.post("envelopes", batch, BatchAnswer, 5)
        transport.close()
    assert seen == ["", "gzip", "", "gzip"]


def test_bodies_are_packed_once_the_server_has_said_that_it_takes_them(
    box: Outbox, tmp_path: Path
) -> None:
    put(box)
    (leased,) = box.lease(1, 60)
    answer = batch([])
    sent = Batch(envelopes=[Envelope.of(leased.header, b"x" * 5000)])
    for said, packed in (("gzip", True), ("identity", False)):
        seen: list[tuple[str, int]] = []
        body = answer.model_dump_json().encode()
        with answering(200, body, {"Accept-Encoding": said}, seen) as url:
            transport = Transport(url, DeviceKey.load_or_create(tmp_path))
            for _ in range(2):
                transport.post("envelopes", sent, BatchAnswer, 5)
            transport.close()
        (first, whole), (second, size) = seen
        assert first == ""
        assert (second == "gzip", size < whole // 2) == (packed, packed)


def test_a_new_version_was_not_made_before_its_day() -> None:
    """Red with a new version: let RELEASED be the day of that, and write both here."""
    assert (VERSION, datetime.fromtimestamp(RELEASED, UTC)) == (
        "0.1.0",
        datetime(2026, 11, 1, tzinfo=UTC),
    )
