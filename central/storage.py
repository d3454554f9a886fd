"""Files by the hash of their bytes: photos, frames, signatures. Rows stay light, and a file that is
sent twice is kept once.

    files/ab/abcdef…    0600; on disk before the row that names it is committed
"""

from __future__ import annotations

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from sync.canonical import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from central.cases import Case

#: The attachment that does not stay (`central.portrait`).
PORTRAIT = "portrait_wlt"

#: So many threads of a process wait for the disk.
_AT_ONCE = 16


def _path(sha256: str) -> Path:
    return Path(f"{settings.STATE}/files/{sha256[:2]}/{sha256}")


def has(sha256: str) -> bool:
    return _path(sha256).exists()


def keep(files: Mapping[str, bytes]) -> None:
    """Store bytes by their SHA-256. They are on disk when this returns. Raises `OSError`.

    All are flushed at once: the disk is waited for twice, and not twice for each.
    """
    paths = {sha256: _path(sha256) for sha256 in files}
    new = {path: files[sha256] for sha256, path in paths.items() if not path.exists()}
    beside = {path: path.with_name(f".{path.name}.{secrets.token_hex(4)}") for path in new}
    try:
        for path, data in new.items():
            _write(beside[path], data)
        _flush(beside.values())
        for path, written in beside.items():
            written.replace(path)
    except BaseException:
        for written in beside.values():
            written.unlink(missing_ok=True)
        raise
    # Also of what was there: who put it there may still wait for the disk.
    folders = {path.parent for path in paths.values()}
    _flush({*folders, *(above for folder in folders for above in folder.parents[:2])})


def _write(path: Path, data: bytes) -> None:
    try:
        descriptor = _created(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = _created(path)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _created(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def read(sha256: str) -> bytes:
    """Raises `OSError` where the file is gone or is not what it was."""
    data = _path(sha256).read_bytes()
    if sha256_hex(data) != sha256:
        raise OSError("altered")
    return data


def remove(sha256: str) -> None:
    """No case names it any more. Raises `OSError`."""
    path = _path(sha256)
    path.unlink(missing_ok=True)
    if path.parent.exists():
        _flush_one(path.parent)


def pictures_of(case: Case) -> dict[str, bytes]:
    """The attachments of a case by name. Raises `OSError` where a file is gone; the portrait's may
    be, where it went while a backup was written."""
    found = {}
    for row in case.attachments.all():
        try:
            found[row.name] = read(row.sha256)
        except FileNotFoundError:
            if row.name != PORTRAIT:
                raise
    return found


def _flush(paths: Iterable[Path]) -> None:
    """Have files and folders on disk; the file system writes what is asked for together at once."""
    list(_flushing().map(_flush_one, paths))


def _flush_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def _flushing() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, "flush")
