"""What the commands of the centre do at a terminal (`sync.commands`). Each may be begun twice.

What the screen process has to do is handed over as a file in `wanted/`, named by the command's id.
The screen process takes it up when nobody is being served, and says so by another name:

    wanted/ID.restart   the screen is to end, when home has been left alone; not after this time
                        (seconds since 1970)
    wanted/ID.done      a screen process that was started after that has begun

so that the screen is restarted once, whoever was killed meanwhile, by whatever.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sync.canonical import sha256_hex
from sync.collecting import collect
from sync.commands import Done, Effect, NotYet
from sync.faults import CentralUnreachable
from sync.identity import write_whole
from sync.marks import RETIRED_FILE, WANTED
from sync.signing import DeviceKey
from sync.transport import Transport
from sync.wire.desired import NewKey, Outcome
from sync.wire.envelopes import Piece, PieceAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

    from sync.outbox import Outbox
    from sync.wire.desired import Command

COLLECTED = "collected"

#: A few seconds on a line of 64 kbit/s, bytes; and for how long one is waited for, seconds.
_PIECE_BYTES, _PIECE_S = 16 * 1024, 30.0

#: What was asked is kept for so long, seconds: longer than any command is good for.
_KEPT_S = 60 * 86_400.0


def effects_of(
    state: Path,
    terminal: str,
    outbox: Outbox,
    transport: Callable[[], Transport],
    stop: Event,
    self_test: Callable[[], str] | None,
    tpm: str = "",
) -> Mapping[str, Effect]:
    """Kind of command -> what it does. `transport`: makes one; `stop`: ends the agent; `self_test`:
    returns what is wrong, as codes of faults, "" for nothing; `tpm`: what the next device key is
    sealed to, "" for nothing."""

    def restart(command: Command) -> Done:
        if command.arguments["what"] == "agent":
            return _restarted_agent(state, command, stop)
        return _restarted_screen(state, command)

    def collect_logs(command: Command) -> Done:
        return _collected(state, command, transport)

    def resend(command: Command) -> Done:
        letters = outbox.dead_letters()
        sent = sum(outbox.requeue(letter.id) for letter in letters)
        return Done(detail=str(sent))

    def rotate_key(command: Command) -> Done:
        key = DeviceKey.following(state, tpm)
        shown = NewKey.unsigned(command=command.id, public_key_sha256=sha256_hex(key.public))
        signature = key.sign(shown.signed_bytes(terminal=terminal))
        return Done(new_public_key=key.public, new_key_signature=signature)

    def retire(command: Command) -> Done:
        retire_terminal(state)
        return Done()

    effects: dict[str, Effect] = {
        "restart": restart,
        "collect_logs": collect_logs,
        "resend": resend,
        "rotate_key": rotate_key,
        "retire": retire,
    }
    if self_test is not None:
        effects["self_test"] = lambda _: _tested(self_test())
    return effects


def retire_terminal(state: Path) -> None:
    """Out of use from now on; what waits stays, to be exported. Raises `OSError`."""
    if not (state / RETIRED_FILE).exists():
        write_whole(state / RETIRED_FILE, b"")


def _tested(wrong: str) -> Done:
    return Done(Outcome.FAILED if wrong else Outcome.DONE, wrong)


def _restarted_screen(state: Path, command: Command) -> Done:
    folder = _wanted(state)
    asked, done = (folder / f"{command.id}.{word}" for word in ("restart", "done"))
    if done.exists():
        return Done()
    if not asked.exists():
        write_whole(asked, str(datetime.fromisoformat(command.expires).timestamp()).encode("ascii"))
    raise NotYet


def _restarted_agent(state: Path, command: Command, stop: Event) -> Done:
    """The one that finds the mark of another process is the new one."""
    mark = _wanted(state) / f"{command.id}.agent"
    me = f"{os.getpid()} {Path('/proc/self/stat').read_text().rpartition(')')[2].split()[19]}"
    if mark.exists() and mark.read_text(encoding="ascii") != me:
        return Done()
    write_whole(mark, me.encode("ascii"))
    stop.set()
    raise NotYet


def _collected(state: Path, command: Command, transport: Callable[[], Transport]) -> Done:
    """Collected once: what was sent in part goes on from there."""
    file = state / COLLECTED / f"{command.id}.gz"
    file.parent.mkdir(exist_ok=True)
    for left in file.parent.iterdir():
        if left != file:
            left.unlink(missing_ok=True)
    if not file.exists():
        write_whole(file, collect(state), 0o600)
    data = file.read_bytes()
    line = transport()
    try:
        _send(line, command.id, data)
    except CentralUnreachable:
        raise NotYet from None
    finally:
        line.close()
    return Done(detail=str(len(data)), attachment_sha256=sha256_hex(data))


def _wanted(state: Path) -> Path:
    """The folder, without what was asked long ago."""
    folder = state / WANTED
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        if time.time() - left.stat().st_mtime > _KEPT_S:
            left.unlink(missing_ok=True)
    return folder


def _send(line: Transport, id_: str, data: bytes) -> None:
    """Raises `CentralUnreachable`; the next try goes on where this one ended."""

    def send(offset: int, length: int) -> int:
        piece = Piece(id=id_, total=len(data), offset=offset, data=data[offset : offset + length])
        return line.post("pieces", piece, PieceAnswer, _PIECE_S).held

    held = send(0, 0)
    while held < len(data):
        before, held = held, send(held, _PIECE_BYTES)
        if held <= before:
            raise CentralUnreachable("not_the_centre")
