"""A bundle: one release of the terminal's program as one tar file that depends on nothing else.

A folder has exactly one bundle: entries sorted by name, time 0, owner 0, modes 0644 or 0755, USTAR
(POSIX.1-1988) headers without extensions. So two builds can be compared by their hash, and a slot
that runs, packed again, gives the bytes that were downloaded: it is the base of a delta.

`unpack` takes only what `pack` would have written, byte for byte of every header, and therefore no
device, hard link, absolute name, `..`, entry below a link, sparse file or second entry of a name.
A symbolic link (PyInstaller makes some between libraries) has to lead to a place inside.

Standard library only: the installer runs this file without the bundle (sync/launcher.py).
"""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Largest bundle that is unpacked, bytes, and most entries in it: some four times what we ship.
SIZE_LIMIT = 2_000_000_000
ENTRY_LIMIT = 50_000

_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 1 << 20
_END = bytes(2 * _BLOCK)


class BadBundle(ValueError):
    """Says what is wrong with a bundle, or with a folder that cannot be one."""


class Source(Protocol):
    """Where a bundle is read from: a file, or a stream that is still being made."""

    def read(self, size: int, /) -> bytes: ...


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


def pack(directory: Path, out: Sink) -> None:
    """Write the bundle of a folder. Raises `BadBundle` and `OSError`."""
    for path in _entries(directory):
        name = path.relative_to(directory).as_posix()
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                runs = bool(found.st_mode & stat.S_IXUSR)
                out.write(_header(name, tarfile.REGTYPE, size, executable=runs))
                left = size
                while left and (data := file.read(min(left, _CHUNK))):
                    out.write(data)
                    left -= len(data)
            if left:
                raise BadBundle(f"{name} was changed while it was packed")
            out.write(bytes(-size % _BLOCK))
        elif stat.S_ISDIR(found.st_mode):
            out.write(_header(name, tarfile.DIRTYPE))
        elif stat.S_ISLNK(found.st_mode):
            target = str(path.readlink())
            _check_link(PurePosixPath(name), target)
            out.write(_header(name, tarfile.SYMTYPE, target=target))
        else:
            raise BadBundle(f"{name} is neither a file, a folder nor a link")
    out.write(_END)


def unpack(
    tar: Source,
    directory: Path,
    size_limit: int = SIZE_LIMIT,
    entry_limit: int = ENTRY_LIMIT,
) -> None:
    """Make a folder, which must not be there yet, of a bundle. When this returns, all of it is
    durable but the folder's own name, which is for the caller to flush.

    Raises `BadBundle` and `OSError`; what was made until then stays, for the caller to remove.
    """
    directory.mkdir(mode=0o755)
    folders = {PurePosixPath("."): directory}
    last: tuple[str, ...] = ()
    left = size_limit
    for _ in range(entry_limit):
        info = _next_entry(tar)
        if info is None:
            break
        name = PurePosixPath(info.name)
        left -= _BLOCK + info.size
        if left < 0:
            raise BadBundle(f"is larger than {size_limit} bytes")
        if not name.parts > last:
            raise BadBundle(f"{info.name} is not in order")
        last = name.parts
        if name.parent not in folders:
            raise BadBundle(f"{info.name} is in no folder of the bundle")
        path = directory / name
        if info.isdir():
            path.mkdir(mode=0o755)
            folders[name] = path
        elif info.issym():
            path.symlink_to(info.linkname)
        else:
            _write_file(tar, path, info)
    else:
        raise BadBundle(f"has more than {entry_limit} entries")
    for folder in reversed(folders.values()):
        flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(directory: Path) -> Iterator[Path]:
    """Everything below a folder, each folder before what is in it, by name."""
    for path in sorted(directory.iterdir(), key=lambda path: path.name):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _entries(path)


def _header(
    name: str, kind: bytes, size: int = 0, *, target: str = "", executable: bool = False
) -> bytes:
    """The one header for an entry."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    info.mode = 0o644 if kind == tarfile.REGTYPE and not executable else 0o755
    try:
        return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    except ValueError as error:  # too long, or not UTF-8
        raise BadBundle(f"{name!a}: {error}") from None


def _next_entry(tar: Source) -> tarfile.TarInfo | None:
    """The next entry, whose header is the one that `pack` writes; None at the end."""
    block = _exactly(tar, _BLOCK)
    if block == bytes(_BLOCK):
        if _exactly(tar, _BLOCK) != bytes(_BLOCK) or tar.read(1):
            raise BadBundle("does not end where it says")
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise BadBundle(f"has a broken header: {error}") from None
    name = PurePosixPath(info.name)
    plain = str(name) == info.name and not name.is_absolute() and name.parts
    if not plain or ".." in name.parts:
        raise BadBundle(f"{info.name!a} is no name in a bundle")
    if info.type == tarfile.SYMTYPE:
        _check_link(name, info.linkname)
    elif info.type not in (tarfile.REGTYPE, tarfile.DIRTYPE):
        raise BadBundle(f"{info.name} is neither a file, a folder nor a link")
    executable = info.mode == 0o755
    size, target = info.size, info.linkname
    if size < 0 or block != _header(
        info.name, info.type, size, target=target, executable=executable
    ):
        raise BadBundle(f"{info.name} has another header than a bundle's")
    if info.type != tarfile.REGTYPE and size:
        raise BadBundle(f"{info.name} holds data and is no file")
    return info


def _check_link(name: PurePosixPath, target: str) -> None:
    """A link may go up, then down: the folders above it are no links, so `..` at the beginning
    leads where it says; further on it could follow another link first."""
    way = PurePosixPath(target)
    up = 0
    while up < len(way.parts) and way.parts[up] == "..":
        up += 1
    if way.is_absolute() or up > len(name.parts) - 1 or ".." in way.parts[up:] or not way.parts:
        raise BadBundle(f"the link {name} leads out of the bundle")


def _write_file(tar: Source, path: Path, info: tarfile.TarInfo) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, info.mode)
    with os.fdopen(descriptor, "wb") as file:
        left = info.size
        while left:
            data = _exactly(tar, min(left, _CHUNK))
            file.write(data)
            left -= len(data)
        file.flush()
        os.fchmod(file.fileno(), info.mode)
        os.fsync(file.fileno())
    _exactly(tar, -info.size % _BLOCK)


def _exactly(tar: Source, size: int) -> bytes:
    """So many bytes, however the source hands them out."""
    parts = []
    while size:
        data = tar.read(size)
        if not data:
            raise BadBundle("ends too early")
        parts.append(data)
        size -= len(data)
    return b"".join(parts)
