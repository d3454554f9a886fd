"""The centre on PostgreSQL with two workers: taking in, heartbeats, long lists, many connections.

Requests are sealed and signed before the clock starts and go over plain sockets, so that it is the
centre that is measured and not the terminals, which share its processors here. The peer of taking
in is a bare psycopg loop that writes as many bytes with as many commits; beside it stands what an
application costs in processor time (`tests.bench.centre_parts`).
"""

from __future__ import annotations

import random
import resource
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg
import requests

from sync.envelope import Opener, Sealer
from sync.header import EnvelopeHeader
from sync.ids import uuid7
from sync.signing import DeviceKey
from sync.wire.contents import Contents
from sync.wire.doors import ENVELOPES, HEARTBEAT
from sync.wire.envelopes import Batch, Envelope
from tests.bench.centre_parts import cpu_s, own_cpu_s, unavoidable_ms
from tests.bench.numbers import Number, at_least, at_most
from tests.system import migrated, people, postgres
from tests.system.conftest import CentralServer, EnrolledTerminal, enrolled
from tests.system.people import Person, contents_of, form_of
from tests.system.test_central import beat

WORKERS, CLIENTS = 2, 4
#: Of each client for its heartbeats.
_LINES = 8


@dataclass(frozen=True)
class Load:
    """How much is sent, by all clients together where nothing else is said."""

    #: Of each client, and the items of each.
    batches: int
    batch: int
    beats: int
    cases: int
    #: At each page of the list.
    looks: int
    connections: int

    @property
    def applications(self) -> int:
        return CLIENTS * self.batches * self.batch


WHOLE = Load(batches=12, batch=20, beats=2000, cases=1_000_000, looks=10, connections=5_000)
#: What `--runs 1` sends: it shows that the group runs and says nothing of how fast the centre is.
TRIAL = Load(batches=1, batch=4, beats=40, cases=1_000, looks=1, connections=200)

#: Issue 12: share of the bare loop's rows a second; heartbeats a second; p95 of a list, seconds.
INGEST_LIMIT, BEATS_LIMIT, LIST_LIMIT_S = 0.6, 300.0, 0.3

#: With them an application is 105 kB on the line.
_FRAME_BYTES = 31_000


def numbers(runs: int) -> dict[str, Number]:
    """One run of thousands of requests, or with `runs` = 1 a trial; "load" says which."""
    load = WHOLE if runs > 1 else TRIAL
    with _centre(load) as (cluster, server, terminals):
        found = {
            "centre_heartbeats_per_s": _heartbeats(cluster, server, terminals, load.beats),
            "centre_ingest_per_s": _ingest(cluster, server, terminals, load),
        }
        p95, first = _list_p95_s(server, load)
        found["centre_long_list_p95_s"] = at_most(p95, LIST_LIMIT_S, first)
        held = _connections(server, load.connections)
        found["centre_kept_connections"] = at_least(held, load.connections, 100)
    for number in found.values():
        number["load"] = asdict(load)
    return found


@contextmanager
def _centre(
    load: Load,
) -> Iterator[tuple[postgres.Cluster, CentralServer, list[EnrolledTerminal]]]:
    cluster = postgres.Cluster(durable=True)
    with tempfile.TemporaryDirectory(prefix="bench-centre-") as folder:
        state = Path(folder)
        server = CentralServer(
            state,
            registry=[person.row() for person in _persons(load)],
            database=migrated.new_database(cluster, "centre"),
            workers=WORKERS,
        )
        server.start()
        terminals = [enrolled(server, state / f"terminal-{n}") for n in range(CLIENTS)]
        try:
            yield cluster, server, terminals
        finally:
            for terminal in terminals:
                terminal.transport.close()
                terminal.outbox.close()
            server.stop()
            cluster.close()


def _persons(load: Load) -> list[Person]:
    numbers = range(load.applications)
    return [Person("测试", f"19{50 + n // 500:02d}0101", n % 500) for n in numbers]


# -- taking in ------------------------------------------------------------------------------------


def _ingest(
    cluster: postgres.Cluster,
    server: CentralServer,
    terminals: list[EnrolledTerminal],
    load: Load,
) -> Number:
    """Applications a second against the bare loop's rows, and the processor time of each."""
    persons = iter(_persons(load))
    bodies = [
        [_batch(terminal, persons, n, load.batch) for n in range(load.batches)]
        for terminal in terminals
    ]
    work = [
        [_signed(server, terminal, ENVELOPES.path, body) for body in sent]
        for terminal, sent in zip(terminals, bodies, strict=True)
    ]
    count = load.applications
    opener = _opener(server, bodies[0][0])
    _, each_ms = _bare(cluster, load, stored := _stored_bytes(bodies[0][0], opener), commit=1)
    # A terminal waits for the answer to a whole batch, which is one commit of the centre.
    bare, bare_ms = _bare(cluster, load, stored, commit=load.batch)
    seconds, spent = _spending(cluster, server, work, count)
    rows = count / seconds
    server.command("show", "--wait", "0")
    (taken,) = server.sql("SELECT count(*) FROM central_case WHERE verdict = 'accepted'")[0]
    assert taken == count, taken
    number = at_least(rows, INGEST_LIMIT * bare, bare)
    number["limit"] = f"ratio >= {INGEST_LIMIT}"
    parts = unavoidable_ms(bodies[0][0], opener, 20)
    number["cpu_ms_each"] = {
        "centre": spent,
        "of which no centre can leave out": {**parts, "sum": round(sum(parts.values()), 2)},
        "bare loop": bare_ms,
        "bare loop, each row its own commit": each_ms,
    }
    return number


def _batch(terminal: EnrolledTerminal, persons: Iterator[Person], number: int, items: int) -> bytes:
    sealer = Sealer.of(terminal.identity)
    envelopes = []
    for place in range(items):
        seq = number * items + place + 1
        header = EnvelopeHeader(
            id=str(uuid7()),
            terminal=terminal.identity.terminal,
            seq=seq,
            receipt_no=f"{terminal.identity.terminal}261124{seq:05d}",
            kind="first_application",
            created="2026-11-24T09:30:00.000+08:00",
            urgent=False,
            key_id=sealer.key_id,
            algorithm=sealer.algorithm,
        )
        # Nobody's pictures are another's: the centre keeps each file.
        person = next(persons)
        pictures = {
            "photo": people.jpeg_of(random.Random(person.number)),
            "frame": secrets.token_bytes(_FRAME_BYTES),
            "signature": people.png_of(random.Random(person.number)),
        }
        contents = contents_of(header, form_of(person, pictures["photo"]), pictures)
        envelopes.append(Envelope.of(header.as_wire(), sealer.seal(header, contents)))
    return Batch(envelopes=envelopes).model_dump_json().encode("utf-8")


def _opener(server: CentralServer, body: bytes) -> Opener:
    """The centre's private key for these envelopes."""
    from central.keys import Keyring

    key_id = Batch.model_validate_json(body).envelopes[0].facts.key_id
    opener = Keyring.of(server.folder).opener(key_id)
    assert opener is not None
    return opener


def _stored_bytes(body: bytes, opener: Opener) -> int:
    """What the centre keeps of an application: its files, and the rest as it was opened."""
    one = Batch.model_validate_json(body).envelopes[0]
    contents = Contents.model_validate(opener.open(one.header, one.sealed))
    rest = contents.model_dump_json(exclude={"attachments"})
    return len(rest) + sum(len(data) for data in contents.attachments.values())


def _bare(
    cluster: postgres.Cluster, load: Load, size: int, commit: int
) -> tuple[float, dict[str, float]]:
    """Two loops that write rows of the same size, so many to a commit: rows a second, and the
    processor time of each row."""
    url, row = cluster.database(f"bare_{commit}"), secrets.token_bytes(size)
    with psycopg.connect(url) as made:
        made.execute("CREATE TABLE kept (id bigserial PRIMARY KEY, sealed bytea)")
    count = load.applications // WORKERS

    def loop() -> None:
        with psycopg.connect(url) as rows:
            for number in range(count):
                rows.execute("INSERT INTO kept (sealed) VALUES (%s)", [row])
                if number % commit == commit - 1:
                    rows.commit()

    began = time.process_time(), cpu_s(cluster.pid)
    per_s = count * WORKERS / _timed([loop] * WORKERS)
    ended = time.process_time(), cpu_s(cluster.pid)
    client, database = (
        round((late - early) / count / WORKERS * 1000, 2)
        for late, early in zip(ended, began, strict=True)
    )
    return per_s, {"rows a second": round(per_s, 1), "client": client, "postgres": database}


# -- heartbeats -----------------------------------------------------------------------------------


def _heartbeats(
    cluster: postgres.Cluster,
    server: CentralServer,
    terminals: list[EnrolledTerminal],
    beats: int,
) -> Number:
    """Heartbeats a second, each with nothing new. The clients of this bench take their part of the
    same processors, so the processor time of each stands beside it."""
    each = beats // len(terminals)
    work = [
        [
            _signed(server, terminal, HEARTBEAT.path, beat(terminal).model_dump_json().encode())
            for _ in range(each)
        ]
        for terminal in terminals
    ]
    # The kernel gives a connection to one of the workers: four may all be one's.
    spread = [requests_[n::_LINES] for requests_ in work for n in range(_LINES)]
    seconds, spent = _spending(cluster, server, spread, each * len(terminals))
    number = at_least(each * len(terminals) / seconds, BEATS_LIMIT, 1.0)
    number["cpu_ms_each"] = spent
    return number


# -- a long list ----------------------------------------------------------------------------------

_FILL = """
INSERT INTO central_case (id, kind, terminal_id, hall, seq, receipt_no, person, created,
    received_at, state, since, review, sealed_sha256, verdict, rejection, reason, contents,
    findings)
SELECT gen_random_uuid(), kind, terminal_id, hall, 1000 + n, lpad(n::text, 17, '0'),
    md5(n::text) || md5(n::text), created, received_at, state, since, review, sealed_sha256,
    verdict, rejection, reason, contents, findings
FROM (SELECT * FROM central_case LIMIT 1) one, generate_series(1, ?) n
"""


def _list_p95_s(server: CentralServer, load: Load) -> tuple[float, float]:
    """p95 of the list's first page, and the median of it before there are so many."""
    name, password = (server.folder / "operator.txt").read_text().split()
    with requests.Session() as session:
        session.trust_env = False
        login = f"{server.url}/admin/login/"
        session.get(login, timeout=60)
        token = session.cookies["csrftoken"]
        fields = {"username": name, "password": password, "csrfmiddlewaretoken": token}
        session.post(login, data={**fields, "next": "/admin/cases/"}, timeout=60)
        pages = ["", "?state=accepted", "?kind=first_application", "?state=to_review"]
        before = median(_page_s(session, server, page) for page in pages * 3)
        server.sql(_FILL, load.cases)
        # What a table that grew over years has behind it, and would else come during the looks.
        server.sql("VACUUM ANALYZE central_case")
        server.sql("CHECKPOINT")
        took = [_page_s(session, server, page) for page in pages * load.looks]
    return quantiles(took, n=20)[-1], before


def _page_s(session: requests.Session, server: CentralServer, query: str) -> float:
    began = time.perf_counter()
    answer = session.get(f"{server.url}/admin/cases/{query}", timeout=60)
    assert answer.status_code == 200 and "回执号" in answer.text
    return time.perf_counter() - began


# -- connections ----------------------------------------------------------------------------------


def _connections(server: CentralServer, wanted: int) -> int:
    """How many may be open, each having been answered once, while one more is still answered."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted * 2), hard))
    ask = b"GET /api/v1/heartbeat HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    kept: list[socket.socket] = []
    try:
        for _ in range(wanted):
            one = socket.create_connection(("127.0.0.1", server.port), 30)
            one.sendall(ask)
            if b" 400 " not in _answer(one)[0]:
                break
            kept.append(one)
        kept[0].sendall(ask)
        assert b" 400 " in _answer(kept[0])[0], "the first one is still served"
    except OSError:
        pass  # as many as it keeps
    finally:
        for one in kept:
            one.close()
    return len(kept)


# -- how it is done -------------------------------------------------------------------------------


def _signed(server: CentralServer, terminal: EnrolledTerminal, path: str, body: bytes) -> bytes:
    """A whole request as it goes over the line."""
    request = requests.Request(
        "POST",
        f"{server.url}/api/v1/{path}",
        data=body,
        headers={"Content-Type": "application/json"},
        auth=DeviceKey.load(terminal.state).auth(),
    ).prepare()
    head = f"POST {request.path_url} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return head.encode("ascii") + b"\r\n" + body


def _spending(
    cluster: postgres.Cluster, server: CentralServer, work: list[list[bytes]], items: int
) -> tuple[float, dict[str, float]]:
    """Send all of it; returns the seconds, and the processor time of each of the `items` in it, in
    milliseconds."""
    assert server.process is not None
    main = server.process.pid

    def spent() -> list[float]:
        return [cpu_s(main), own_cpu_s(main), cpu_s(cluster.pid), time.process_time()]

    before = spent()
    seconds = _all_at_once(server, work)
    everything, photos, database, clients = (
        round((late - early) / items * 1000, 2) for late, early in zip(spent(), before, strict=True)
    )
    return seconds, {
        "workers": round(everything - photos, 2),
        "postgres": database,
        "after the answer": photos,
        "clients": clients,
    }


def _all_at_once(server: CentralServer, work: list[list[bytes]]) -> float:
    """Send each list over a connection of its own; returns the seconds for all of it."""

    def client(requests_: list[bytes]) -> Callable[[], None]:
        return lambda: _send(server.port, requests_)

    return _timed([client(requests_) for requests_ in work])


def _send(port: int, wanted: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", port), 120) as line:
        for request in wanted:
            line.sendall(request)
            status, body = _answer(line)
            assert b" 200 " in status, (status, body[:200])


def _answer(line: socket.socket) -> tuple[bytes, bytes]:
    """The first line of one whole answer, and its body."""
    with line.makefile("rb") as answers:
        status = answers.readline()
        length = 0
        while (field := answers.readline()) not in (b"\r\n", b""):
            if field.lower().startswith(b"content-length:"):
                length = int(field.split(b":")[1])
        return status, answers.read(length)


def _timed(jobs: list[Callable[[], Any]]) -> float:
    threads = [threading.Thread(target=job) for job in jobs]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began
