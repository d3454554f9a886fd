"""One terminal: a folder, a machine, a line, and the product's own code on it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sync.agent import Agent, Rhythm, Status
from sync.courier import Backoff, Courier
from sync.envelope import Sealer
from sync.faults import CentralUnreachable
from sync.fleet import Fleet
from sync.identity import Identity, load_identity
from sync.outbox import Limits, Outbox, OutboxUnavailable, Stored
from sync.signing import DeviceKey
from sync.wire.envelopes import Verdict
from tests.attack.harness import damage_the_indexes
from tests.attack.simulation.centre import Centre
from tests.attack.simulation.virtual import Clock
from tests.system.people import Person, contents_of, form_of, jpeg, png

#: Rarer than in a hall, so that more days fit into a run.
HEARTBEAT_S, LONGEST_PAUSE_S = 8 * 3600.0, 3600.0
#: An agent that has nothing to do looks about after so long. The world wakes it where something
#: happens.
LONGEST_SLEEP_S = 2 * 3600.0
LIMITS = Limits(items=100_000, days=100_000, free_bytes=0)


class Killed(BaseException):
    """The process ended in the middle of a request."""


class Quiet:
    """Stands for the journal's keeper, which has attacks of its own."""

    def tick(self) -> None: ...
    def answered(self, answers: object) -> None: ...
    def show(self, transport: object) -> None: ...


class Line:
    """Stands for `Transport`: what happens to each request is drawn by the world."""

    def __init__(self, centre: Centre, clock: Clock, key_id: str, fate: Callable[[], str]) -> None:
        self._centre, self._clock, self._key_id, self._fate = centre, clock, key_id, fate

    def post(self, path: str, message: Any, answer: Any, timeout_s: float) -> Any:
        fate = self._fate()
        if fate in ("connection", "timeout", "not_the_centre", "server_error"):
            raise CentralUnreachable(fate)
        if fate == "killed before":
            raise Killed
        with self._clock.off_by(0.0):
            said = self._centre.ask(self._key_id, path, message.model_dump_json())
        if fate == "killed after":
            raise Killed
        if fate == "answer lost":
            raise CentralUnreachable("timeout")
        understood = answer.model_validate_json(said)
        if path in ("envelopes", "in-pieces"):
            answers = understood.answers
            if fate == "half the answers":
                understood = understood.model_copy(update={"answers": answers[::2]})
            elif fate == "forged":
                forged = [
                    one.model_copy(update={"verdict": Verdict.ACCEPTED, "position": 10**9})
                    for one in answers
                ]
                understood = understood.model_copy(update={"answers": forged})
        return understood

    def close(self) -> None: ...


class Machine:
    """`root` has its folder; `name` is what a copy does not have."""

    def __init__(
        self, root: Path, name: str, centre: Centre, clock: Clock, places: dict[str, str]
    ) -> None:
        self.name, self._root, self._lives, self._copies = name, root, 0, 0
        self._centre, self._clock, self._places = centre, clock, places
        self.state = root / "0"
        self.offset_s = 0.0
        self.fate: Callable[[], str] = lambda: "fine"
        places[str(root)] = name
        self.screen: Outbox
        self.agent: Agent

    # -- life ------------------------------------------------------------------------------------

    def enrol(self, replaces: str | None = None) -> None:
        """With the key that is there, or a new one."""
        self.state.mkdir(parents=True, exist_ok=True)
        key = DeviceKey.load_or_create(self.state)
        given = self._centre.enrol(key.id, key.public, replaces)
        Identity(
            terminal=given.terminal,
            central_url="https://centre.invalid",
            device_key_id=given.device_key_id,
            central_public_key=given.central_public_key,
            central_key_id=given.central_key_id,
            algorithm=given.algorithm,
            central_key_number=given.central_key_number,
            central_signing_key=given.central_signing_key,
        ).save(self.state)

    def start(self) -> None:
        identity, key = load_identity(self.state), DeviceKey.load(self.state)
        self.identity = identity
        with self._clock.off_by(self.offset_s):
            self.screen = Outbox(self.state / "outbox.db", identity.terminal, LIMITS)
            self._start_agent(identity, key)

    def _start_agent(self, identity: Identity, key: DeviceKey) -> None:
        self.box = Outbox(self.state / "outbox.db", identity.terminal, LIMITS)
        line: Any = Line(self._centre, self._clock, key.id, self.fate_of_a_request)
        fleet = Fleet(self.state, identity, self.box, line, {})
        quiet: Any = Quiet()
        rhythm = Rhythm(HEARTBEAT_S, Backoff(cap_s=LONGEST_PAUSE_S))
        courier = Courier(self.box, line, identity)
        self.agent = Agent(self.box, courier, line, fleet, quiet, Status(self.state), rhythm)

    def fate_of_a_request(self) -> str:
        return self.fate()

    def stop(self) -> None:
        self.screen.close()
        self.box.close()

    def restart_agent(self) -> None:
        """It was killed: what it had on lease stays so until the lease ends."""
        old = self.box
        with self._clock.off_by(self.offset_s):
            self._start_agent(load_identity(self.state), DeviceKey.load(self.state))
        old.close()

    def power_cut(self) -> None:
        """The files as they are at this moment, in the same place of the same disk."""
        self._lives += 1
        left = self._root / str(self._lives)
        shutil.copytree(self.state, left)
        self.stop()
        shutil.rmtree(self.state)
        self.state = left
        self.start()

    # -- what it does ----------------------------------------------------------------------------

    def tick(self) -> bool:
        """One turn of the agent; False if it was killed."""
        with self._clock.off_by(self.offset_s):
            try:
                self.agent.tick()
            except Killed:
                return False
        return True

    def wakes_in(self) -> float:
        """Seconds until the agent has something to do: its own plan, read from outside."""
        rhythm, now = self.agent._rhythm, self._clock.now - self._steady()
        due = min(self.agent._look_at, rhythm._beat_due)
        return max(1.0, min(max(due, rhythm._not_before) - now, LONGEST_SLEEP_S))

    def _steady(self) -> float:
        from tests.attack.simulation.virtual import START

        return START - 1000.0

    def put(self, person: Person, phone: str, *, urgent: bool) -> Stored:
        """Raises `OutboxUnavailable`."""
        form = {**form_of(person, jpeg()), "phone": phone}
        pictures = {"photo": jpeg(), "signature": png()}
        with self._clock.off_by(self.offset_s):
            sealer = Sealer.of(load_identity(self.state))
            return self.screen.put(
                "first_application",
                lambda header: sealer.seal(header, contents_of(header, form, pictures)),
                key_id=sealer.key_id,
                algorithm=sealer.algorithm,
                urgent=urgent,
            )

    def put_on_a_full_disk(self) -> None:
        """Refused by name. Raises `AssertionError` if it was not."""
        with self.screen._file.reading() as db:
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            db.execute(f"PRAGMA max_page_count = {pages}")
        with self._clock.off_by(self.offset_s):
            try:
                self.screen.put(
                    "first_application", lambda _: bytes(400_000), key_id="0" * 16, algorithm="none"
                )
            except OutboxUnavailable as refused:
                assert refused.reason == "disk_full"
                return
        raise AssertionError("stored on a full disk")

    # -- what is done to its disk ----------------------------------------------------------------

    def copy_of_file(self) -> Path:
        self._copies += 1
        copy = self._root / f"old-copy-{self._copies}.db"
        with closing(sqlite3.connect(self.state / "outbox.db")) as db:
            db.execute("VACUUM INTO ?", (str(copy),))
        return copy

    def file_from(self, copy: Path) -> None:
        self.stop()
        for part in ("-wal", "-shm"):
            (self.state / f"outbox.db{part}").unlink(missing_ok=True)
        shutil.copy2(copy, self.state / "outbox.db")
        self.start()

    def lose_file(self) -> None:
        self.stop()
        for part in ("", "-wal", "-shm"):
            (self.state / f"outbox.db{part}").unlink(missing_ok=True)
        self.start()

    def damage_file(self) -> None:
        self.stop()
        damage_the_indexes(self.state / "outbox.db")
        self.start()

    def copy_of_folder(self, to: Path) -> None:
        """As a technician copies the disk of a terminal that was switched off."""
        self.stop()
        shutil.copytree(self.state, to)
        self.start()

    def contents_of_folder(self) -> dict[str, bytes]:
        self.stop()
        found = {file.name: file.read_bytes() for file in self.state.iterdir() if file.is_file()}
        self.start()
        return found

    def write_contents_back(self, contents: dict[str, bytes]) -> None:
        """Into the same files of the same folder, as an image is written back to its disk."""
        self.stop()
        for file in self.state.iterdir():
            if file.is_file() and file.name not in contents:
                file.unlink()
        for name, data in contents.items():
            (self.state / name).touch()
            with (self.state / name).open("r+b") as file:
                file.truncate()
                file.write(data)
        self.start()

    def everything_is_there(self) -> bool:
        """Whether the centre has all that was given here, once it was sent."""
        self.fate = lambda: "fine"
        with self._clock.off_by(self.offset_s), suppress(CentralUnreachable):
            self.agent._fleet.beat()
            while self.agent._courier.deliver().sent:
                pass
            return not self.box.waiting()
        return False

    def lose_key(self) -> None:
        self.stop()
        (self.state / "device.key").unlink()
        self.enrol(replaces=self.identity.terminal)
        self.start()
