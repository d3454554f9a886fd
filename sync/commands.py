"""The commands of the centre, carried out once each, between two visits (`sync.wire.desired`).

`commands.json` has every command that this terminal has noted, by id, with what became of it:

    {"…id…": {"expires": "…", "result": {…} or null}}

It is on disk before the centre hears of it. What a command does (`Effect`) may be begun a second
time, if the power goes between its end and its result: an effect finds by the command's id what it
has done already. Effects run on a thread of their own, one at a time, because a citizen may be
waiting for the agent's answer. Of two agents with one state directory one alone does this.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from sync.alone import alone
from sync.header import BEIJING
from sync.identity import write_whole
from sync.wire.desired import KINDS, Command, CommandResult, Outcome

if TYPE_CHECKING:
    from sync.journal import Recorder
    from sync.signing import DeviceKey

log = logging.getLogger(__name__)

FILE, _LOCK_FILE = "commands.json", "commands.lock"

#: What is finished is remembered for so long after it would have expired, seconds.
_REMEMBERED_S = 7 * 86_400.0

#: What cannot be done now is tried again after so long, seconds.
_AGAIN_S = 10.0

#: No more are noted at once (`Heartbeat.commands`).
_MOST = 100


class NotYet(Exception):
    """Cannot be done now; it is tried again until the command expires."""


@dataclass(frozen=True)
class Done:
    """What an effect came to; the fields of `CommandResult`."""

    outcome: Outcome = Outcome.DONE
    detail: str = ""
    attachment_sha256: str = ""
    new_public_key: bytes = b""
    new_key_signature: bytes = b""


#: Carries out a command. Raises `NotYet`; anything else that it raises is a failure.
Effect: TypeAlias = Callable[[Command], Done]


@dataclass
class _Noted:
    expires: float
    result: CommandResult | None = None
    #: Whether the centre has the result; it is then kept only to know the id.
    taken: bool = False


class Commands:
    """The commands of one terminal. Not for several threads at once."""

    def __init__(
        self,
        state_dir: Path,
        terminal: str,
        key: DeviceKey,
        effects: Mapping[str, Effect],
        may_act: Callable[[], bool],
        recorder: Recorder,
    ) -> None:
        """`may_act`: whether nobody is being served, and this is not a copy of a terminal."""
        self._file, self._terminal, self._key = state_dir / FILE, terminal, key
        self._effects, self._may_act, self._recorder = effects, may_act, recorder
        self._lock = alone(state_dir / _LOCK_FILE)
        self._noted = _load(self._file)
        #: What the centre wants done now, in its order.
        self._named: dict[str, Command] = {}
        self._running: tuple[Command, threading.Thread, list[Done | None]] | None = None
        #: Command -> when it is tried again; the others are not held up by it.
        self._again: dict[str, float] = {}

    def close(self) -> None:
        """Lets go of the lock; what runs is left behind, and done again by the next."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # -- with each heartbeat ---------------------------------------------------------------------

    def noted(self) -> list[str]:
        """Ids for the heartbeat."""
        return [id_ for id_, one in self._noted.items() if not one.taken][:_MOST]

    def results(self) -> list[CommandResult]:
        """What is to be told with the heartbeat."""
        told = (one.result for one in self._noted.values() if not one.taken)
        return [result for result in told if result is not None][:_MOST]

    def follow(self, named: Sequence[Command], listed: Sequence[str], told: Sequence[str]) -> bool:
        """What the signed answer to a heartbeat names, which listed ids and told results. Returns
        whether the centre should soon hear more."""
        if self._lock is None:
            return False
        wanted = {one.id: one for one in named}
        before = {id_: one.taken for id_, one in self._noted.items()}
        for id_ in told:
            if id_ not in wanted and id_ in self._noted:
                self._noted[id_].taken = True
        new = [one for one in named if one.id not in self._noted][: _MOST - len(self.noted())]
        for one in new:
            self._noted[one.id] = _Noted(_moment(one.expires))
        cut = time.time() - _REMEMBERED_S
        for id_, kept in list(self._noted.items()):
            if kept.taken and kept.expires < cut:
                del self._noted[id_]
        if before != {id_: one.taken for id_, one in self._noted.items()}:
            self._note(new)
        self._named = {id_: wanted[id_] for id_ in listed if id_ in wanted}
        return bool(new)

    # -- carrying out ----------------------------------------------------------------------------

    def tick(self) -> bool:
        """Begin or end what is due. Returns whether there is a new result."""
        if self._lock is None:
            return False
        if self._running is not None:
            return self._ended()
        found = self._expired()
        for command in self._named.values():
            noted = self._noted[command.id]
            if noted.result is not None:
                continue
            if (refused := _why_not(command, self._effects)) is not None:
                self._finish(command, Done(Outcome.REFUSED, refused))
                found = True
            elif time.monotonic() >= self._again.get(command.id, 0.0) and self._may_act():
                self._begin(command)
                break
        return found

    def _expired(self) -> bool:
        now = time.time()
        late = [
            id_ for id_, one in self._noted.items() if one.result is None and one.expires <= now
        ]
        for id_ in late:
            self._write(id_, Done(Outcome.EXPIRED))
        return bool(late)

    def _begin(self, command: Command) -> None:
        said: list[Done | None] = []

        def run() -> None:
            try:
                said.append(self._effects[command.kind](command))
            except NotYet:
                said.append(None)
            except Exception as error:  # noqa: BLE001 - told by name
                log.error("command %s: %s", command.kind, type(error).__name__)
                said.append(_failed(error))

        thread = threading.Thread(target=run, name="command", daemon=True)
        self._running = (command, thread, said)
        thread.start()

    def _ended(self) -> bool:
        assert self._running is not None
        command, thread, said = self._running
        if thread.is_alive():
            return False
        self._running = None
        done = said[0] if said else None
        if done is None:
            self._again[command.id] = time.monotonic() + _AGAIN_S
            return False
        self._finish(command, done)
        return True

    def _finish(self, command: Command, done: Done) -> None:
        self._write(command.id, done)
        self._recorder.record(
            "command_ended", id=command.id, command=command.kind, outcome=str(done.outcome)
        )
        log.info("command %s %s: %s", command.kind, command.id, done.outcome)

    def _note(self, new: Sequence[Command]) -> None:
        """What is not on disk is not begun, and said to have failed: it would otherwise be done
        again by the next process, or be told only when it has expired."""
        try:
            self._save()
        except OSError as error:
            log.error("%s not written: %s", FILE, error.strerror)
            for command in new:
                self._noted[command.id].result = self._signed(command.id, _failed(error))

    def _write(self, id_: str, done: Done) -> None:
        """Where the disk takes nothing, the result is told all the same: by this process. Another
        one finds by the command's id what was done."""
        self._noted[id_].result = self._signed(id_, done)
        try:
            self._save()
        except OSError as error:
            log.error("%s not written: %s", FILE, error.strerror)

    def _signed(self, id_: str, done: Done) -> CommandResult:
        at = datetime.now(BEIJING).isoformat(timespec="seconds")
        result = CommandResult.unsigned(id=id_, at=at, **vars(done))
        signature = self._key.sign(result.signed_bytes(terminal=self._terminal))
        return result.signed_with(signature)

    def _save(self) -> None:
        document = {
            id_: {
                "expires": one.expires,
                "taken": one.taken,
                "result": one.result.model_dump(mode="json") if one.result else None,
            }
            for id_, one in self._noted.items()
        }
        write_whole(self._file, json.dumps(document).encode("ascii"))


def _why_not(command: Command, effects: Mapping[str, Effect]) -> str | None:
    """Why this terminal does not obey a command; None if it does."""
    takes = KINDS.get(command.kind)
    if takes is None or command.kind not in effects:
        return "unknown_kind"
    if command.arguments.keys() != takes.keys():
        return "arguments"
    if any(value not in takes[name] for name, value in command.arguments.items()):
        return "arguments"
    return None


def _failed(error: Exception) -> Done:
    """By name only: its message may quote anything."""
    name = errno.errorcode.get(getattr(error, "errno", None) or 0, type(error).__name__)
    return Done(Outcome.FAILED, name)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _load(file: Path) -> dict[str, _Noted]:
    """A file that cannot be read names nothing: what the centre knows to have been seen here is not
    done again."""
    try:
        document: dict[str, Any] = json.loads(file.read_bytes())
        return {id_: _read(one) for id_, one in document.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ValidationError) as error:
        log.warning("%s unreadable: %s", FILE, type(error).__name__)
        return {}


def _read(one: dict[str, Any]) -> _Noted:
    result = one["result"]
    told = CommandResult.model_validate(result) if result is not None else None
    return _Noted(float(one["expires"]), told, bool(one["taken"]))
