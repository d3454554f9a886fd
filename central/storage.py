"""Files by the hash of their bytes: photos, frames, signatures. Rows stay light, and a file that is
sent twice is kept once.

    files/ab/abcdef…    0600; on disk before the row that names it is committed
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from sync.canonical import sha256_hex

if TYPE_CHECKING:
    from central.cases import Case

#: The attachment that does not stay (`central.portrait`).
PORTRAIT = "portrait_wlt"


def _path(sha256: str) -> Path:
    return Path(settings.STATE) / "files" / sha256[:2] / sha256


def keep(data: bytes) -> str:
    """Store bytes; returns their SHA-256. They are on disk when this returns. Raises `OSError`."""
    sha256 = sha256_hex(data)
    path = _path(sha256)
    if path.exists():
        return sha256
    folder = path.parent
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = folder / f".{sha256}.{secrets.token_hex(4)}"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fdatasync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _flush(folder)
    if made:
        _flush(folder.parent)
    return sha256


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
        _flush(path.parent)


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


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
