"""A terminal's agent and the centre in one process, heartbeat by heartbeat, without a server.

What is between them is the test's: an answer may be lost, repeated or altered. Not the signatures
of requests, which have tests of their own (`test_central`).
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync.agent import another_key
from sync.commands import Commands
from sync.effects import effects_of
from sync.faults import CentralUnreachable
from sync.fleet import Fleet
from sync.identity import Identity, load_identity
from sync.journal import Unrecorded
from sync.outbox import Outbox
from sync.signing import DeviceKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.models import Terminal
    from sync.wire.desired import DesiredState


class Line:
    """The wire of one terminal, to the real doors."""

    def __init__(self, number: str, key_id: Callable[[], str]) -> None:
        self._number, self._key_id = number, key_id
        #: What becomes of the next answer: "" goes through, "lost" the centre has done its part.
        self.fate = ""
        self.alter: Callable[[Any], Any] = lambda answer: answer
        self.bytes = 0

    def post(self, path: str, message: Any, answer: Any, _: float) -> Any:
        from central import api
        from central.models import Terminal
        from sync.wire.doors import DOORS

        terminal = Terminal.objects.get(pk=self._number)
        if not terminal.enabled:
            raise CentralUnreachable("terminal_disabled")
        assert self._key_id() == terminal.key_id or (
            terminal.former_good and self._key_id() == terminal.former_key_id
        ), "the centre does not know this key"
        request = message.model_dump_json()
        read = DOORS[path].request.model_validate_json(request)
        doors = {"heartbeat": api._heartbeat, "pieces": api._piece}
        said = doors[path](terminal, read).model_dump_json()
        self.bytes += len(request) + len(said)
        fate, self.fate = self.fate, ""
        if fate == "lost":
            raise CentralUnreachable("timeout")
        return self.alter(answer.model_validate_json(said))

    def close(self) -> None: ...


class Rig:
    """One terminal; `restart` is a kill -9 of its agent."""

    def __init__(self, state: Path, hall: str = "测试厅", tpm: str = "") -> None:
        from central import fleet

        state.mkdir(exist_ok=True)
        self.state, self.tpm = state, tpm
        key = DeviceKey.load_or_create(state, tpm=tpm)
        given = fleet.enrol(fleet.new_code(), key.id, key.public, hall)
        Identity(
            terminal=given.terminal,
            central_url="http://127.0.0.1:9",
            device_key_id=given.device_key_id,
            central_public_key=given.central_public_key,
            central_key_id=given.central_key_id,
            algorithm=given.algorithm,
            central_key_number=given.central_key_number,
            central_signing_key=given.central_signing_key,
        ).save(state)
        self.number = given.terminal
        self.idle = True
        self.wrong = ""
        self.tests = 0
        self.commands: Commands | None = None
        self.start()

    def start(self) -> None:
        self.identity, self.key = load_identity(self.state), DeviceKey.load(self.state)
        self.outbox = Outbox(self.state / "outbox.db", self.number)
        self.line = Line(self.number, lambda: self.key.id)
        self.stop = threading.Event()
        self.effects = dict(
            effects_of(
                self.state,
                self.number,
                self.outbox,
                lambda: self.line,  # type: ignore[arg-type, return-value]
                self.stop,
                self._test,
                self.tpm,
            )
        )
        self.commands = Commands(
            *(self.state, self.number, self.key, self.effects, lambda: self.idle),
            Unrecorded(),  # type: ignore[arg-type]
        )
        line: Any = self.line
        self.fleet = Fleet(self.state, self.identity, self.outbox, line, {}, commands=self.commands)

    def _test(self) -> str:
        self.tests += 1
        return self.wrong

    def restart(self) -> None:
        self.stop.set()
        assert self.commands is not None
        self.commands.close()
        self.outbox.close()
        self.start()

    def row(self) -> Terminal:
        from central.models import Terminal

        return Terminal.objects.get(pk=self.number)

    def order(self, kind: str, hours: float = 1.0, **arguments: str) -> str:
        """A command to this terminal; returns its id."""
        from datetime import timedelta

        from central import commands

        (made,) = commands.make([self.row()], kind, arguments, "tester", timedelta(hours=hours))
        forget()
        return str(made.id)

    def beat(self) -> DesiredState | None:
        """One heartbeat, whose answer may be lost."""
        forget()
        try:
            self.fleet.beat()
        except CentralUnreachable:
            return None
        if another_key(self.state, self.fleet):
            self.restart()
        return self.fleet.desired

    def work(self) -> None:
        """What is due is begun and ended."""
        assert self.commands is not None
        for _ in range(3):
            self.commands.tick()
            if (running := self.commands._running) is not None:
                running[1].join(10)
                self.commands.tick()
        self.commands._again.clear()

    def settle(self, rounds: int = 4) -> None:
        """As many heartbeats as a command takes from one end to the other."""
        for _ in range(rounds):
            self.beat()
            self.work()

    def outcome(self, id_: str) -> str:
        from central.fleet_models import Command

        return Command.objects.get(pk=id_).outcome


def forget() -> None:
    """What the centre knows briefly, it asks anew."""
    from central import commands, desired

    for known in (commands._waiting, desired._wanted, desired._services):
        known._found = None
