"""A central server as a process of its own, and a terminal enrolled at it."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from sync.enrolment import enrol
from sync.outbox import Outbox
from sync.signing import DeviceKey
from sync.transport import Transport
from tests.system import commands, migrated, people, postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from sync.identity import Identity
    from tests.system.in_process import Centre

#: Starting Django on a busy machine may take this long, seconds.
_START_S = 120.0

_NUMBERS = itertools.count(1)

#: Enrolment codes made at once: each start of Django costs more than they all.
_CODES = 40


@dataclass
class CentralServer:
    """`central serve` on a state directory; may be stopped and started again."""

    state: Path
    port: int = 0
    process: BaseProcess | None = None
    registry: list[dict[str, Any]] = field(default_factory=list)
    #: Where its 加密机 is; "" for none.
    hsm: str = ""
    demo: bool = True
    workers: int = 1
    #: What `migrated.new_database` made in a PostgreSQL; "" for the file of its own.
    database: str = ""
    #: More of its environment.
    more: dict[str, str] = field(default_factory=dict)
    _codes: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.state / "central"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def _environment(self) -> dict[str, str]:
        return {"KIOSK_CENTRAL_DATABASE": self.database, **self.more}

    def start(self) -> None:
        migrated.put(self.state, self.database)
        registry = self.state / "registry.json"
        registry.write_text(json.dumps(self.registry), encoding="utf-8")
        command = ["serve", "--state", str(self.state), "--port", str(self.port)]
        command += ["--registry", str(registry), "--hsm", self.hsm]
        command += ["--demo"] if self.demo else []
        command += ["--workers", str(self.workers)]
        log = self.state / "central.log"
        self.process = commands.begin(command, log, log, self._environment)
        until = time.monotonic() + _START_S
        while not (self.folder / "url").exists():
            assert self.process.exitcode is None, log.read_text()
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.05)
        self.port = int((self.folder / "url").read_text().rsplit(":", 1)[1])

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.join(20)
            assert self.process.exitcode is not None, "the server did not end"
            self.process = None

    def command(self, *words: str) -> str:
        """Run one of the management commands; returns what it printed."""
        line = [words[0], "--state", str(self.state), *words[1:]]
        return commands.run(line, _START_S, self._environment)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement on its database; returns the rows. `?` stands for a value."""
        if self.database:
            with psycopg.connect(self.database, autocommit=True) as rows:
                found = rows.execute(statement.replace("?", "%s"), values)
                return list(found) if found.description else []
        with closing(sqlite3.connect(self.folder / "central.db", timeout=20)) as database:
            kept = database.execute(statement, values).fetchall()
            database.commit()
            return kept

    def show(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.command("show", "--json", "--wait", "90"))
        return found

    def code(self) -> str:
        """An enrolment code that nobody has used."""
        if not self._codes:
            self._codes = self.command("enrolment-code", "--count", str(_CODES)).split()
        return self._codes.pop()


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    if not postgres.is_installed():
        pytest.skip("PostgreSQL is not installed")
    made = postgres.Cluster()
    yield made
    made.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """What a test of the centre runs on: gives the address of a new database."""
    if request.param == "sqlite":
        return str
    cluster: postgres.Cluster = request.getfixturevalue("cluster")
    return lambda: migrated.new_database(cluster, f"central_{next(_NUMBERS)}")


@pytest.fixture(scope="session")
def central(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[CentralServer]:
    """One server for all tests, which is always up; nobody in its registry is used by two tests."""
    server = CentralServer(
        tmp_path_factory.mktemp("central"),
        registry=[person.row() for person in people.REGISTRY],
        database=new_database(),
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def own_database(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[None]:
    """Django in this process, on a new database and folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KIOSK_CENTRAL_STATE", "DJANGO_SETTINGS_MODULE"):
            patch.setenv(name, "")
        from tests.system import in_process

        with pytest.MonkeyPatch.context() as meanwhile:
            # Not for what other tests start: their centres have databases of their own.
            meanwhile.setenv("KIOSK_CENTRAL_DATABASE", address := new_database())
            in_process.start(tmp_path_factory.mktemp("centre"), address)
        yield


@pytest.fixture(scope="module")
def centre(own_database: None) -> Centre:
    """The centre in this process."""
    from tests.system.in_process import Centre

    return Centre()


@dataclass
class EnrolledTerminal:
    """The state directory of a terminal, and what its agent would open in it."""

    state: Path
    identity: Identity
    outbox: Outbox
    transport: Transport


def enrolled(server: CentralServer, state: Path) -> EnrolledTerminal:
    identity = enrol(server.url, server.code(), state, hall="测试厅")
    outbox = Outbox(state / "outbox.db", identity.terminal)
    return EnrolledTerminal(state, identity, outbox, Transport(server.url, DeviceKey.load(state)))


@pytest.fixture
def terminal(central: CentralServer, tmp_path: Path) -> Iterator[EnrolledTerminal]:
    """A terminal of its own for each test, enrolled at the server that is always up."""
    made = enrolled(central, tmp_path / "terminal")
    yield made
    made.transport.close()
    made.outbox.close()


def environment() -> dict[str, str]:
    """For processes that a test starts: this tree is what they import."""
    return {**os.environ, "PYTHONPATH": os.getcwd()}
