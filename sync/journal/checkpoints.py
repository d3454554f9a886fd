"""Signs the end of the journal and has the centre vouch for it.

What was signed is kept in `checkpoints.json` beside the journal, with what the centre last said; a
checkpoint at the centre is out of reach of whoever holds the terminal. Between two checkpoints
nothing vouches for the newest entries, so they are made as soon as there is something new and the
last one is old enough.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ValidationError

from sync.header import BEIJING
from sync.identity import write_whole
from sync.journal.check import Vouched, check
from sync.journal.lines import Position, hash_at
from sync.wire.journal import Checkpoint, CheckpointAnswer, CheckpointVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from sync.journal.writer import Journal
    from sync.signing import DeviceKey
    from sync.transport import Transport

log = logging.getLogger(__name__)

FILE = "checkpoints.json"

#: So many are kept on the terminal; the centre keeps its own.
KEPT = 200

#: Between two looks at the whole journal, seconds.
CHECK_EVERY_S = 86_400.0

_TIMEOUT_S = 10.0


class Kept(BaseModel):
    """What `checkpoints.json` holds."""

    checkpoints: list[Checkpoint] = []
    #: The last end that the centre took; 0: none.
    held_seq: int = 0
    #: Whether the centre said that the journal contradicts what it holds.
    altered: bool = False


def load(folder: Path) -> Kept:
    """What was kept. One that cannot be read is as good as none: the centre has its own."""
    try:
        return Kept.model_validate_json((folder / FILE).read_bytes())
    except FileNotFoundError:
        return Kept()
    except (OSError, ValidationError) as error:
        log.warning("%s unreadable: %s", FILE, type(error).__name__)
        return Kept()


def vouched(folder: Path, *public_keys: bytes) -> list[Vouched]:
    """The kept checkpoints for `sync.journal.check`. `public_keys`: of the terminal, now and
    before (Ed25519, 32 bytes)."""
    keys = [Ed25519PublicKey.from_public_bytes(key) for key in public_keys]
    return [
        Vouched(Position(one.seq, one.hash), any(genuine(one, key) for key in keys))
        for one in load(folder).checkpoints
    ]


def genuine(checkpoint: Checkpoint, key: Ed25519PublicKey) -> bool:
    """Whether its signature is by this key."""
    try:
        key.verify(checkpoint.signature, checkpoint.signed_bytes())
    except InvalidSignature:
        return False
    return True


class Watch:
    """Checks the whole journal once a day, on a thread of its own: it may be some seconds long."""

    def __init__(self, folder: Path, *public_keys: bytes) -> None:
        self._folder, self._public_keys = folder, public_keys
        self._next = 0.0
        self._thread: threading.Thread | None = None
        #: The first entry found altered; 0: none, as far as was looked.
        self.altered_seq = 0

    def look(self, *, at_once: bool = False) -> None:
        """Begin to look, if it is time and nobody is looking."""
        if self._thread is not None and self._thread.is_alive():
            return
        if time.monotonic() < self._next and not at_once:
            return
        self._next = time.monotonic() + CHECK_EVERY_S
        self._thread = threading.Thread(target=self._look, name="journal-check", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until nobody is looking."""
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        try:
            found = check(self._folder, vouched(self._folder, *self._public_keys))
        except OSError as error:
            log.error("journal not checked: %s", error.strerror)
            return
        self.altered_seq = found.altered.seq if found.altered else 0
        if found.altered is not None:
            log.error("journal altered: entry %d %s", found.altered.seq, found.altered.what)


class Checkpoints:
    """The agent's side of it."""

    def __init__(
        self, folder: Path, journal: Journal, terminal: str, key: DeviceKey, every_s: float
    ) -> None:
        """`every_s`: seconds between two checkpoints, if there is something new."""
        self._folder, self._journal = folder, journal
        self._terminal, self._key = terminal, key
        self._every_s = every_s
        self._due_at = 0.0
        #: What the centre has answered: the end, and what was found altered.
        self._last_sent = (0, 0)
        self.watch = Watch(folder, *key.publics)
        self.kept = load(folder)

    def due(self) -> bool:
        return time.monotonic() >= self._due_at

    def send(self, transport: Transport) -> bool:
        """Make a checkpoint if there is something new and show it to the centre.

        Returns whether the centre has said, now and not before, that the journal was altered.
        Raises `CentralUnreachable` and `OSError`.
        """
        self._due_at = time.monotonic() + self._every_s
        self.watch.look()
        end, altered = self._journal.position(), self.watch.altered_seq
        if not end.seq or (end.seq, altered) == self._last_sent:
            return False
        answer = self._show(transport, end, self.kept.held_seq)
        if answer.verdict is CheckpointVerdict.COMPARE:
            answer = self._show(transport, end, answer.held_seq)
        self._last_sent = (end.seq, altered)
        was_altered = self.kept.altered
        self.kept.altered = answer.verdict is CheckpointVerdict.ALTERED
        if answer.verdict is CheckpointVerdict.TAKEN:
            self.kept.held_seq = end.seq
        self._keep()
        log.info("journal up to entry %d: %s", end.seq, answer.verdict)
        return self.kept.altered and not was_altered

    def _show(self, transport: Transport, end: Position, since: int) -> CheckpointAnswer:
        checkpoint = self._signed(end, since)
        self.kept.checkpoints = [*self.kept.checkpoints, checkpoint][-KEPT:]
        self._keep()
        return transport.post("journal", checkpoint, CheckpointAnswer, _TIMEOUT_S)

    def _signed(self, end: Position, since: int) -> Checkpoint:
        unsigned = Checkpoint.unsigned(
            terminal=self._terminal,
            device_key_id=self._key.id,
            seq=end.seq,
            hash=end.hash,
            made=datetime.now(BEIJING).isoformat(timespec="seconds"),
            since_seq=since,
            since_hash=hash_at(self._folder, since),
            altered_seq=self.watch.altered_seq,
        )
        signature = self._key.sign(unsigned.signed_bytes())
        return unsigned.signed_with(signature)

    def _keep(self) -> None:
        write_whole(self._folder / FILE, self.kept.model_dump_json().encode("ascii"))
