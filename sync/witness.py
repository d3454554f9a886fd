"""What a copy of the outbox does not have, kept beside it: `outbox.db.witness`.

Receipt numbers must not come twice, but files can be copied: an old copy of the database put back
in its place, or the whole folder on a second machine. The witness says which machine and which
file it is itself, and how far the numbers have come:

    {"owner": "020001", "inode": 1312, "cards": ["5b3e0a91"], "system": "0c7f…", "number": 12}

- `number` below which the database ends: the database is an old copy.
- Another inode, or no network card in common: the folder is a copy (a restored one too). Nobody can
  tell which of the two is the right one, so a copy gives no numbers until a technician says that
  the other is out of use (`adopt`), or it is enrolled anew and so becomes another owner.

The number is written after each commit and not flushed, which costs microseconds. After a power
cut it may lag, never lead: then `sync.expected` catches an old copy that lacks more than a block.
A whole folder written back over itself in place, inodes and all, cannot be told from here; the
centre can, and says so with the next heartbeat (`Outbox.centre_knows`), of which the witness hears
too. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

log = logging.getLogger(__name__)

#: One sector, so that a disk writes all of it or nothing.
_BYTES = 512

#: From here on no number was ever given.
_NO_NUMBER = 2**53

#: Names of no more network cards are kept than fit.
_CARDS = 16

_NETWORK = Path("/sys/class/net")
_MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True)
class _Record:
    owner: str
    number: int
    inode: int
    #: Digests of the addresses of the network cards that are built in. They are the same for every
    #: user, and not in a disk image.
    cards: list[str]
    #: Digest of the id that the system gave itself at its installation.
    system: str

    @classmethod
    def read(cls, data: bytes) -> _Record | None:
        """None for what is no record."""
        try:
            found = json.loads(data)
            number = int(found["number"])
            if not 0 <= number < _NO_NUMBER:
                return None
            return cls(
                str(found["owner"]),
                number,
                int(found["inode"]),
                [str(card) for card in found["cards"]],
                str(found["system"]),
            )
        except (ValueError, TypeError, KeyError, OverflowError):
            return None

    def is_in_the_place_of(self, other: _Record) -> bool:
        """Whether both are the same file on the same machine. The cards decide; where one has
        none, because it was read while the machine started, the system does."""
        if self.cards and other.cards:
            same = bool(set(self.cards) & set(other.cards))
        else:
            same = self.system == other.system
        return same and self.inode == other.inode

    def padded(self) -> bytes:
        return json.dumps(asdict(self)).encode("ascii").ljust(_BYTES - 1) + b"\n"


class Witness:
    """One such file. `owner`: whose numbers these are, the terminal."""

    def __init__(self, path: Path, owner: str) -> None:
        self._path, self._owner = path, owner
        self._descriptor = -1
        self._record: _Record | None = None
        #: This is a copy.
        self.copied = False

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def open(self, *, new: bool) -> int | None:
        """Look at the file; returns the number it bears witness to, None if it cannot.

        `new`: the database has given no number yet, so there may be none. Raises `OSError`.
        """
        self.close()
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        found = os.pread(self._descriptor, _BYTES, 0)
        record = _Record.read(found)
        number = None if record is None else record.number
        if record is not None and record.owner == self._owner:
            self._record, self.copied = record, not self._placed(0).is_in_the_place_of(record)
            return number
        # Made with the database, before any number: a database without it was copied without it.
        # A spoilt one says nothing of copies. Who is enrolled anew shares no number with the owner
        # before, but goes on counting in the same database.
        self.copied = not new and not found
        if not self.copied:
            self._write(self._placed(number or 0), flush=True)
        return number

    def _placed(self, number: int) -> _Record:
        return _Record(self._owner, number, *place(self._descriptor))

    def reached(self, number: int) -> None:
        """This number was given, for good. Never raises: nothing hangs on one such write."""
        if self._record is None or self.copied:
            return
        try:
            # Another process may have written meanwhile.
            there = _Record.read(os.pread(self._descriptor, _BYTES, 0))
            if there is None or number > there.number:
                self._write(replace(self._record, number=number), flush=False)
        except OSError as error:
            log.warning("%s not written: %s", self._path.name, error.strerror)

    def adopt(self, number: int) -> None:
        """This is the only one from now on. Raises `OSError`."""
        self._write(self._placed(number), flush=True)
        self.copied = False

    def _write(self, record: _Record, *, flush: bool) -> None:
        os.pwrite(self._descriptor, record.padded(), 0)
        if flush:
            os.fsync(self._descriptor)
        self._record = record


def place(descriptor: int) -> tuple[int, list[str], str]:
    """Inode of an open file, names of the network cards, name of the system; the last two tell
    nobody an address."""
    cards = sorted(filter(None, map(_built_in, _NETWORK.glob("*/address"))))[:_CARDS]
    return os.fstat(descriptor).st_ino, [_digest(card) for card in cards], _system()


def _system() -> str:
    try:
        return _digest(_MACHINE_ID.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ""


def _built_in(address: Path) -> str:
    """The address of a network card, "" if it has none of its own or can be pulled out."""
    device = address.with_name("device")
    try:
        own = address.with_name("addr_assign_type").read_text().strip() == "0"
        if not own or "/usb" in os.fspath(device.resolve(strict=True)):
            return ""
        return address.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]
