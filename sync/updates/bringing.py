"""A version is brought into the idle slot: looked for, fetched, made, proven, unpacked.

The whole bundle or a delta, whichever is smaller. What is there already is not fetched again,
wherever the power was cut before.

In its folder: `*.part` and `target` (fetched), `base.tar` (a slot packed again, which a delta is
the difference from), `bundle.tar` (what was made). They are gone when the version is in its slot.
"""

from __future__ import annotations

import logging
import platform
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import zstandard

from sync.bundle import BadBundle, pack
from sync.canonical import sha256_hex
from sync.identity import write_whole
from sync.updates import delta, sharing
from sync.updates.fetching import Fetcher
from sync.updates.names import about, delta_name, whole_name
from sync.updates.stages import Stage, Stopped, Why
from sync.updates.trusted import ROOT_FILE, Trusted, said_in_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from requests.auth import AuthBase
    from tuf.api.metadata import TargetFile

    from sync.bundle import Source
    from sync.slots import Slot, Trial
    from sync.updates.names import About

log = logging.getLogger(__name__)

#: Left free for what citizens submit, bytes.
RESERVE = 300_000_000

#: The first root of a centre is not longer, bytes.
_ROOT_LIMIT = 512_000

#: What zstd may need to unpack a whole bundle, bytes.
_WINDOW = 1 << 27
_CHUNK = 1 << 20


class Slots(Protocol):
    """What is needed of `sync.slots.Slots`."""

    def running(self) -> Slot: ...
    def idle(self) -> Slot: ...
    def trial(self) -> Trial | None: ...
    def failed(self) -> tuple[str, ...]: ...
    def put(self, tar: Source, version: str) -> None: ...
    def try_next(self, version: str) -> None: ...
    def call_off(self) -> bool: ...


@dataclass(frozen=True)
class Way:
    """How files are fetched."""

    #: Of the centre's files, without a slash at the end.
    url: str
    #: Signs requests to the centre.
    auth: AuthBase | None = None
    #: Bytes a second, so that the way of the citizens' matters is not filled; 0: as it goes.
    rate: int = 0
    #: Address of a terminal in the same hall that shares what it fetched; "": there is none.
    neighbour: str = ""
    #: Whether this is the terminal that shares (`sync.updates.sharing`).
    shares: bool = False
    #: The earliest time that it can be (`sync.clock`).
    not_before: float = 0.0


class _Choice(NamedTuple):
    """A target, and whether it is the difference from what lies in `base.tar`."""

    target: TargetFile
    is_delta: bool


class Bringer:
    """Brings versions into the idle slot of one terminal."""

    def __init__(self, folder: Path, way: Way, slots: Slots) -> None:
        self.folder, self._way, self._slots = folder, way, slots
        self.machine = platform.machine()
        self._fetcher: Fetcher | None = None
        #: The neighbour gave something wrong.
        self._alone = False
        #: Deltas out of which nothing could be made.
        self._broken: set[str] = set()

    @property
    def progress(self) -> int:
        """Percent of what is fetched just now."""
        fetcher = self._fetcher
        return fetcher.progress if fetcher else 0

    def bring(
        self,
        version: str,
        first_root: str,
        wait: Callable[[float], bool],
        at: Callable[[Stage], None],
    ) -> None:
        """`first_root`: SHA-256 of the root for a terminal that has none; `wait`: sleeps so many
        seconds, or returns True to stop; `at`: is told how far it is.

        Raises `Stopped`, `sync.updates.fetching.Halted`, `sync.slots.SlotBusy` and `OSError`.
        """
        at(Stage.FETCHING)
        way = self._way
        neighbour = "" if self._alone else way.neighbour
        self._fetcher = Fetcher(
            self.folder, way.auth, neighbour=neighbour, rate=way.rate, wait=wait
        )
        try:
            trusted = self._look(self._fetcher, first_root)
            whole, said = self._offered(trusted, version)
            choice = self._smaller(trusted, whole, said)
            self._must_fit(choice.target.length, said.size)
            try:
                trusted.download(choice.target, self.folder / "target")
            except Stopped as stopped:
                self._alone = self._alone or stopped.why is Why.UNTRUSTED
                raise
            at(Stage.UNPACKING)
            self._make(choice, said)
            with (self.folder / "bundle.tar").open("rb") as tar:
                self._slots.put(tar, version)
            if way.shares:
                sharing.keep(self.folder, self.folder / "target", choice.target)
        except BadBundle as bad:
            log.error("update: %s: %s", version, bad)
            raise Stopped(Why.BAD_BUNDLE) from None
        finally:
            self._fetcher.close()
            self._fetcher = None

    def tidy(self) -> None:
        """Nothing of what was fetched is needed any more. Raises `OSError`."""
        for file in self.folder.iterdir():
            if file.suffix in (".part", ".tar") or file.name == "target":
                file.unlink(missing_ok=True)

    def _look(self, fetcher: Fetcher, first_root: str) -> Trusted:
        base = self._way.url
        if not (self.folder / ROOT_FILE).exists() and first_root:
            # The centre signed which one it is; whoever was shipped with a root never comes here.
            with said_in_words():
                data = fetcher.download_bytes(f"{base}/metadata/1.root.json", _ROOT_LIMIT)
                if sha256_hex(data) != first_root:
                    raise Stopped(Why.UNTRUSTED)
                write_whole(self.folder / ROOT_FILE, data)
        trusted = Trusted(
            self.folder, f"{base}/metadata/", f"{base}/targets/", fetcher, self._way.not_before
        )
        trusted.refresh()
        return trusted

    def _offered(self, trusted: Trusted, version: str) -> tuple[TargetFile, About]:
        target = trusted.find(whole_name(version, self.machine))
        said = about(target.custom) if target is not None else None
        if target is None or said is None or said.version != version:
            raise Stopped(Why.NOT_OFFERED)
        return target, said

    def _smaller(self, trusted: Trusted, whole: TargetFile, said: About) -> _Choice:
        """A delta, if there is one from a slot that is as it was released."""
        for slot in (self._slots.running(), self._slots.idle()):
            if not slot.version:
                continue
            name = delta_name(said.version, slot.version, self.machine)
            target = trusted.find(name) if name not in self._broken else None
            of_it = about(target.custom) if target is not None else None
            if target is None or of_it is None or of_it.sha256 != said.sha256:
                continue
            if target.length < whole.length and self._is_base(slot, of_it):
                return _Choice(target, is_delta=True)
        return _Choice(whole, is_delta=False)

    def _is_base(self, slot: Slot, of_it: About) -> bool:
        """Pack a slot again, and see whether it is the bundle that a delta is the difference from:
        a file may have been lost, or a version may have been built twice."""
        self._must_fit(0, of_it.size)
        base = self.folder / "base.tar"
        try:
            with base.open("wb") as out:
                pack(slot.path, out)
        except BadBundle as bad:
            log.warning("update: %s is no base: %s", slot.version, bad)
            return False
        return delta.digest(base) == of_it.base

    def _make(self, choice: _Choice, said: About) -> None:
        """The bundle of what was fetched, proven once more. Raises `Stopped` and `BadBundle`."""
        bundle, fetched = self.folder / "bundle.tar", self.folder / "target"
        try:
            with said_in_words(), fetched.open("rb") as packed, bundle.open("wb") as out:
                if choice.is_delta:
                    self._apply(packed, out, said.size)
                else:
                    _unpack(packed, out, said.size)
            if delta.digest(bundle) != said.sha256:
                raise BadBundle("is not the one that was released")
        except (zstandard.ZstdError, BadBundle) as bad:
            fetched.unlink()
            if choice.is_delta:  # next time the whole bundle is taken
                self._broken.add(choice.target.path)
            raise BadBundle(str(bad)) from None

    def _apply(self, packed: BinaryIO, out: BinaryIO, size: int) -> None:
        try:
            delta.apply(self.folder / "base.tar", packed, out, size)
        except delta.BadDelta as bad:
            raise BadBundle(str(bad)) from None

    def _must_fit(self, fetched: int, size: int) -> None:
        """Twice what is fetched, the bundle and what it was made from, and the slot."""
        if shutil.disk_usage(self.folder).free < 2 * fetched + 3 * size + RESERVE:
            raise Stopped(Why.DISK_FULL)


def _unpack(packed: BinaryIO, out: delta.Sink, size: int) -> None:
    """Never more than `size` bytes, whatever is in it."""
    left = size
    with zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(packed) as reader:
        while data := reader.read(min(_CHUNK, left + 1)):
            left -= len(data)
            if left < 0:
                raise BadBundle(f"makes more than {size} bytes")
            out.write(data)
