"""A bundle is the same bytes wherever it is packed, and unpacking takes nothing else.

The bad archives are written with the standard library's `tarfile`, as an attacker would.
"""

from __future__ import annotations

import io
import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from sync.bundle import BadBundle, pack, unpack


def lay_out(folder: Path) -> Path:
    """A folder with everything that a bundle may hold."""
    (folder / "lib" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "kiosk").write_bytes(b"#!/bin/sh\n")
    (folder / "kiosk").chmod(0o700)
    (folder / "lib" / "a.so").write_bytes(bytes(range(256)) * 9)
    (folder / "lib" / "deep" / "字.toml").write_bytes(b"")
    (folder / "lib-b").write_bytes(b"x" * 512)
    (folder / "lib" / "deep" / "link").symlink_to("../a.so")
    (folder / "lib" / ("n" * 60)).mkdir()
    (folder / "lib" / ("n" * 60) / ("m" * 60)).write_bytes(b"a name of more than 100 bytes")
    return folder


def packed(folder: Path) -> bytes:
    out = io.BytesIO()
    pack(folder, out)
    return out.getvalue()


class Dribbling(io.BytesIO):
    """A source that gives less than it is asked for, as a pipe does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 300))


def test_a_folder_has_one_bundle_whatever_its_times_owners_and_modes(tmp_path: Path) -> None:
    one, two = lay_out(tmp_path / "one"), lay_out(tmp_path / "two")
    for path in two.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (1, 1))
            path.chmod(path.stat().st_mode & 0o700)
    assert packed(one) == packed(two)
    (two / "lib-b").chmod(0o755)
    assert packed(one) != packed(two)


def test_what_was_unpacked_packs_to_the_same_bytes(tmp_path: Path) -> None:
    bundle = packed(lay_out(tmp_path / "one"))
    before = os.umask(0o027)
    try:
        unpack(Dribbling(bundle), tmp_path / "two")
    finally:
        os.umask(before)
    assert packed(tmp_path / "two") == bundle
    assert (tmp_path / "two/kiosk").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "two/lib/deep/link").read_bytes() == bytes(range(256)) * 9


def test_any_tar_program_reads_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(packed(lay_out(tmp_path / "one")))
    (tmp_path / "two").mkdir()
    subprocess.run(["tar", "-xf", "../b.tar"], cwd=tmp_path / "two", check=True)
    assert packed(tmp_path / "two") == (tmp_path / "b.tar").read_bytes()


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, 0o644 if kind == tarfile.REGTYPE else 0o755
    for key, value in more.items():
        setattr(info, key, value)
    return info


def archive(*members: tarfile.TarInfo, end: bytes = bytes(1024)) -> bytes:
    """Headers, and as much data as each says."""
    parts = []
    for info in members:
        data = b"d" * info.size
        parts += [info.tobuf(tarfile.USTAR_FORMAT), data, bytes(-len(data) % 512)]
    return b"".join(parts) + end


FOLDER = member("d", tarfile.DIRTYPE)
BAD = {
    "absolute": [member("/etc/cron.d/x")],
    "parent": [member("../x")],
    "parent inside": [FOLDER, member("d/../../x")],
    "dot": [member("./x")],
    "itself": [member(".", tarfile.DIRTYPE)],
    "empty name": [member("")],
    "doubled slash": [FOLDER, member("d//x")],
    "hard link": [member("a"), member("b", tarfile.LNKTYPE, linkname="a")],
    "hard link out": [member("b", tarfile.LNKTYPE, linkname="/etc/passwd")],
    "character device": [member("n", tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "block device": [member("n", tarfile.BLKTYPE, devmajor=8)],
    "fifo": [member("n", tarfile.FIFOTYPE)],
    "contiguous": [member("n", tarfile.CONTTYPE)],
    "long name of GNU": [member("n", tarfile.GNUTYPE_LONGNAME, size=9)],
    "pax header": [member("n", tarfile.XHDTYPE, size=9)],
    "absolute link": [member("l", tarfile.SYMTYPE, linkname="/etc")],
    "link out": [member("l", tarfile.SYMTYPE, linkname="..")],
    "link out from a folder": [FOLDER, member("d/l", tarfile.SYMTYPE, linkname="../../x")],
    "link out by another link": [
        FOLDER,
        member("d/l", tarfile.SYMTYPE, linkname=".."),
        member("x", tarfile.SYMTYPE, linkname="d/l/.."),
    ],
    "empty link": [member("l", tarfile.SYMTYPE)],
    "link to itself's folder": [member("l", tarfile.SYMTYPE, linkname=".")],
    "below a link": [
        FOLDER,
        member("e", tarfile.SYMTYPE, linkname="d"),
        member("e/x"),
    ],
    "below a file": [member("f"), member("f/x")],
    "in no folder": [member("nowhere/x")],
    "twice": [member("a"), member("a")],
    "not in order": [member("b"), member("a")],
    "set user id": [member("s", mode=0o4755)],
    "writable for all": [member("s", mode=0o666)],
    "of an owner": [member("s", uid=1000)],
    "of a named owner": [member("s", uname="root")],
    "with a time": [member("s", mtime=1)],
    "link with data": [member("l", tarfile.SYMTYPE, linkname="x", size=512)],
    "folder with data": [member("d", tarfile.DIRTYPE, size=512)],
}


@pytest.mark.parametrize("members", BAD.values(), ids=BAD.keys())
def test_nothing_else_is_unpacked(members: list[tarfile.TarInfo], tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    with pytest.raises(BadBundle):
        unpack(io.BytesIO(archive(*members)), inside / "slot")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert [path.name for path in inside.iterdir()] == ["slot"]


GOOD = archive(FOLDER, member("d/f", size=700), member("l", tarfile.SYMTYPE, linkname="d/f"))


def test_the_good_twin_of_the_bad_ones_is_unpacked(tmp_path: Path) -> None:
    unpack(io.BytesIO(GOOD), tmp_path / "slot")
    assert (tmp_path / "slot/l").read_bytes() == b"d" * 700


@pytest.mark.parametrize("length", [0, 1, 511, 512, 1024, 1500, len(GOOD) - 513, len(GOOD) - 1])
def test_an_end_that_comes_too_early_is_noticed(length: int, tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match=r"ends too early|header"):
        unpack(io.BytesIO(GOOD[:length]), tmp_path / "slot")


def test_what_comes_after_the_end_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(BadBundle, match="does not end"):
        unpack(io.BytesIO(GOOD + b"\0"), tmp_path / "slot")


def test_a_header_with_one_wrong_byte_is_refused(tmp_path: Path) -> None:
    link = len(GOOD) - 1024 - 512
    for at in range(0, 512, 5):
        wrong = bytearray(GOOD)
        wrong[link + at] ^= 1
        with pytest.raises(BadBundle):
            unpack(io.BytesIO(wrong), tmp_path / str(at))


class Endless:
    """A file that says it is small and never ends, or entries without end."""

    def __init__(self, block: bytes, given: bytes = b"") -> None:
        self.block, self.given, self.read_bytes = block, given, 0

    def read(self, size: int, /) -> bytes:
        while len(self.given) < size:
            self.given += self.block
        data, self.given = self.given[:size], self.given[size:]
        self.read_bytes += size
        return data


def test_data_without_end_stops_at_the_limit(tmp_path: Path) -> None:
    huge = Endless(b"d" * 4096, member("f", size=8_000_000_000).tobuf(tarfile.USTAR_FORMAT))
    with pytest.raises(BadBundle, match="larger than"):
        unpack(huge, tmp_path / "huge")
    assert huge.read_bytes == 512  # what it says of itself is enough
    many = archive(*(member(f"{number:04}", tarfile.DIRTYPE) for number in range(200)))
    with pytest.raises(BadBundle, match="larger than"):
        unpack(io.BytesIO(many), tmp_path / "sizes", size_limit=100 * 512)
    with pytest.raises(BadBundle, match="more than 100"):
        unpack(io.BytesIO(many), tmp_path / "entries", entry_limit=100)


def test_nothing_is_unpacked_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "slot").mkdir()
    with pytest.raises(FileExistsError):
        unpack(io.BytesIO(GOOD), tmp_path / "slot")


def test_a_folder_that_can_be_no_bundle_is_not_packed(tmp_path: Path) -> None:
    for number, target in enumerate(("/etc/passwd", "..", "a/../../b")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "l").symlink_to(target)
        with pytest.raises(BadBundle, match="leads out"):
            packed(folder)
    folder = tmp_path / "long"
    folder.mkdir()
    (folder / ("n" * 101)).touch()
    with pytest.raises(BadBundle, match="too long"):
        packed(folder)
    folder = tmp_path / "s"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
        with pytest.raises(BadBundle, match="neither"):
            packed(folder)
