"""What may be believed about releases: TUF's client, on the terminal's own root of trust.

In its folder:

    root.json       trusted: shipped with the installation, or given by the centre at first
    metadata/       the newest that was seen, so that nothing older counts

Whatever goes wrong is a word of `Why`; nothing that is not proven leaves this file.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tuf.api.exceptions import (
    DownloadError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
    SlowRetrievalError,
)
from tuf.api.metadata import Metadata, Root
from tuf.ngclient import Updater, UpdaterConfig

from sync.bundle import BadBundle
from sync.clock import RELEASED
from sync.identity import write_whole
from sync.updates.fetching import Halted
from sync.updates.stages import Stopped, Why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuf.api.metadata import TargetFile

    from sync.updates.fetching import Fetcher

log = logging.getLogger(__name__)

ROOT_FILE, METADATA = "root.json", "metadata"


class NoRoot(ValueError):
    """What was given as the root of trust is none."""


def checked_root(data: bytes) -> bytes:
    """The same, if it is a root that the holders of its own keys have signed: terminals with any
    other could never be updated again. Raises `NoRoot`."""
    try:
        root = Metadata[Root].from_bytes(data)
        root.signed.verify_delegate(Root.type, root.signed_bytes, root.signatures)
    except (RepositoryError, AttributeError, ValueError) as error:
        raise NoRoot(f"no signed root of trust: {error}") from None
    return data


def believe(folder: Path, root: bytes) -> None:
    """From now on this root is trusted, and no other. Raises `NoRoot` and `OSError`; what was
    trusted then stays."""
    root = checked_root(root)
    folder.mkdir(mode=0o700, exist_ok=True)
    write_whole(folder / ROOT_FILE, root, 0o600)


class Trusted:
    """One look at what was released. For the next look make another."""

    def __init__(
        self,
        folder: Path,
        metadata_url: str,
        targets_url: str,
        fetcher: Fetcher,
        not_before: float = RELEASED,
    ) -> None:
        """`not_before`: the earliest time that it can be (`sync.clock`). Raises `Stopped`."""
        if time.time() < not_before:
            # What has run out would look as if it had not.
            raise Stopped(Why.CLOCK)
        self._metadata, self._fetcher = folder / METADATA, fetcher
        with said_in_words():
            self._metadata.mkdir(parents=True, exist_ok=True)
            self._updater = Updater(
                str(self._metadata),
                metadata_url,
                target_base_url=targets_url,
                fetcher=fetcher,
                config=UpdaterConfig(max_root_rotations=64),
                bootstrap=_root(folder),
            )

    def refresh(self) -> None:
        """Learn what there is now. Raises `Stopped`."""
        with said_in_words():
            self._updater.refresh()
            folder = self._metadata
            # An older one could count as the newest that was seen.
            _flush(*folder.rglob("*.json"), folder, folder / "root_history")

    def find(self, name: str) -> TargetFile | None:
        """What was signed under this name. Raises `Stopped`."""
        with said_in_words():
            return self._updater.get_targetinfo(name)

    def download(self, target: TargetFile, to: Path) -> None:
        """Fetch a target, whole and proven. Raises `Stopped`."""
        with said_in_words():
            if self._updater.find_cached_target(target, str(to)) is None:
                self._updater.download_target(target, str(to))
                _flush(to, to.parent)
                self._fetcher.let_go()


@contextmanager
def said_in_words() -> Iterator[None]:
    """Raises `Stopped` for what python-tuf, the wire and the disk may do; passes on `Halted`
    and `BadBundle`."""
    try:
        yield
    except (Halted, BadBundle):
        raise
    except (DownloadError, RepositoryError, OSError, ValueError) as error:
        log.warning("update: %s: %s", type(error).__name__, error)
        raise Stopped(_why(error)) from error


def _why(error: Exception) -> Why:
    if isinstance(error, ExpiredMetadataError):
        return Why.EXPIRED
    if isinstance(error, RepositoryError | DownloadLengthMismatchError):
        return Why.UNTRUSTED
    if isinstance(error, SlowRetrievalError):
        return Why.SLOW
    if isinstance(error, DownloadError):
        return Why.UNREACHABLE
    if isinstance(error, OSError):
        return Why.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else Why.DISK
    return Why.UNTRUSTED


def _root(folder: Path) -> bytes:
    try:
        return (folder / ROOT_FILE).read_bytes()
    except FileNotFoundError:
        raise Stopped(Why.NO_ROOT) from None


def _flush(*paths: Path) -> None:
    """What python-tuf writes and does not flush, for a power cut. Raises `OSError`."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
