"""A bundle told by its difference from an older one.

A delta is a head and a row of pieces. Each piece makes the next bytes of the new bundle: a part of
the old one as it is, or new bytes packed by zstd (RFC 8878) with a part of the old bundle as raw
dictionary, as `zstd --patch-from` does it. Pieces follow the entries of the tar, so that memory is
needed for the largest file that changed, and not for two bundles.

    head    b"kiosk-delta-1\\n"
    piece   u8 kind, u64 offset and u64 length in the old bundle, u64 length of what it makes,
            u64 length of what follows packed (0 for a part as it is); big endian

Who applies one has checked that it was released, and checks the hash of what comes out.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import tarfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEAD = b"kiosk-delta-1\n"
_PIECE = struct.Struct(">BQQQQ")
_SAME, _PACKED = 1, 2

#: No piece makes more, and none needs more of the old bundle, bytes.
PIECE_LIMIT = 128 * 1024 * 1024
_CHUNK = 1 << 20

#: Entries without an older one of their name are packed together up to so many bytes.
_TOGETHER = 8 << 20

#: zstd indexes a dictionary of more than 16 MB only from this strategy on.
_LEVEL, _STRATEGY = 9, zstandard.STRATEGY_LAZY2
_LEAST_LOG, _MOST_LOG = 17, 26


class BadDelta(ValueError):
    """Says what is wrong with a delta, or that it is not for this bundle."""


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class _Span(NamedTuple):
    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


# -- at the centre ---------------------------------------------------------------------------------


def make(old: Path, new: Path, out: Sink) -> None:
    """Write the delta that makes `new` of `old`, both bundles. Raises `OSError` and, for what is no
    tar, `tarfile.TarError`."""
    with ExitStack() as stack:
        before, after = (_mapped(stack, path) for path in (old, new))
        entries = dict(_entries(old))
        out.write(_HEAD)
        writer = _Writer(before, after, out)
        for name, span in _entries(new):
            writer.add(span, entries.get(name))
        writer.flush()


def _entries(bundle: Path) -> Iterator[tuple[str, _Span]]:
    """Every entry with its header; at last the end of the file."""
    last = _Span(0, 0)
    with tarfile.open(bundle) as tar:
        for entry in tar:
            padded = entry.offset_data + -(-entry.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            last = _Span(entry.offset, padded)
            yield entry.name, last
    end = _Span(last.end, bundle.stat().st_size)
    if end.length:
        yield "", end


class _Writer:
    """Gathers neighbouring pieces of one kind and writes them as one."""

    def __init__(self, before: mmap.mmap, after: mmap.mmap, out: Sink) -> None:
        self._before, self._after, self._out = before, after, out
        #: What comes next, not yet written: a part of the old bundle, or of the new one.
        self._same: _Span | None = None
        self._fresh: _Span | None = None

    def add(self, span: _Span, old: _Span | None) -> None:
        if old is None:
            self._add_fresh(span)
        elif self._equal(span, old):
            self._add_same(old)
        else:
            self.flush()
            for at in range(0, span.length, PIECE_LIMIT):
                part = _Span(span.start + at, min(span.start + at + PIECE_LIMIT, span.end))
                begin = min(old.start + at, old.end)
                like = _Span(begin, min(begin + PIECE_LIMIT, old.end))
                self._pack(part, like)

    def flush(self) -> None:
        if self._same is not None:
            same, self._same = self._same, None
            self._out.write(_PIECE.pack(_SAME, same.start, same.length, same.length, 0))
        if self._fresh is not None:
            fresh, self._fresh = self._fresh, None
            for start in range(fresh.start, fresh.end, PIECE_LIMIT):
                self._pack(_Span(start, min(start + PIECE_LIMIT, fresh.end)), _Span(0, 0))

    def _add_same(self, old: _Span) -> None:
        if self._same is not None and self._same.end == old.start:
            self._same = _Span(self._same.start, old.end)
        else:
            self.flush()
            self._same = old

    def _add_fresh(self, span: _Span) -> None:
        fresh = self._fresh
        if fresh is not None and fresh.length + span.length <= _TOGETHER:
            self._fresh = _Span(fresh.start, span.end)
        else:
            self.flush()
            self._fresh = span

    def _equal(self, span: _Span, old: _Span) -> bool:
        if span.length != old.length:
            return False
        return all(
            self._after[span.start + at : min(span.start + at + _CHUNK, span.end)]
            == self._before[old.start + at : min(old.start + at + _CHUNK, old.end)]
            for at in range(0, span.length, _CHUNK)
        )

    def _pack(self, span: _Span, like: _Span) -> None:
        packed = _packed(self._after[span.start : span.end], self._before[like.start : like.end])
        piece = _PIECE.pack(_PACKED, like.start, like.length, span.length, len(packed))
        self._out.write(piece + packed)


def _packed(data: bytes, like: bytes) -> bytes:
    """Long-distance matching finds what moved far; the wide tables find all of the dictionary."""
    log = min(max((len(data) + len(like)).bit_length(), _LEAST_LOG), _MOST_LOG)
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
        window_log=max(len(data).bit_length(), _LEAST_LOG),
        hash_log=log,
        chain_log=log,
        strategy=_STRATEGY,
        enable_ldm=True,
    )
    packer = zstandard.ZstdCompressor(
        compression_params=parameters, dict_data=_dictionary(like) if like else None
    )
    return packer.compress(data)


# -- at the terminal -------------------------------------------------------------------------------


def apply(old: Path, delta: BinaryIO, out: Sink, size: int) -> None:
    """Write the new bundle. `size`: its length, bytes; more is never written.

    Raises `BadDelta` and `OSError`.
    """
    if delta.read(len(_HEAD)) != _HEAD:
        raise BadDelta("is no delta")
    left = size
    with old.open("rb") as base:
        while head := delta.read(_PIECE.size):
            if len(head) != _PIECE.size:
                raise BadDelta("ends too early")
            kind, start, length, makes, packed = _PIECE.unpack(head)
            left -= makes
            if left < 0:
                raise BadDelta(f"makes more than {size} bytes")
            base.seek(start)
            if kind == _SAME and makes == length and not packed:
                _copy(base, length, out)
            elif kind == _PACKED and max(length, makes, packed) <= PIECE_LIMIT:
                out.write(_made(_exactly(base, length), _exactly(delta, packed), makes))
            else:
                raise BadDelta("has a piece that is none")
    if left:
        raise BadDelta("makes too little")


def _made(like: bytes, packed: bytes, length: int) -> bytes:
    """What a piece makes. The frame says how long it is, before any memory is taken for it."""
    try:
        if zstandard.frame_content_size(packed) != length:
            raise BadDelta("has a piece of another length")
        unpacker = zstandard.ZstdDecompressor(
            dict_data=_dictionary(like) if like else None, max_window_size=2 * PIECE_LIMIT
        )
        return unpacker.decompress(packed, max_output_size=length)
    except zstandard.ZstdError as error:
        raise BadDelta(f"cannot be unpacked: {error}") from None


def _copy(base: BinaryIO, length: int, out: Sink) -> None:
    while length:
        data = _exactly(base, min(length, _CHUNK))
        out.write(data)
        length -= len(data)


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise BadDelta("is cut off, or for another bundle")
    return data


# -- both ------------------------------------------------------------------------------------------


def digest(path: Path) -> str:
    """SHA-256 of a file. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dictionary(data: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(data, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _mapped(stack: ExitStack, path: Path) -> mmap.mmap:
    file = stack.enter_context(path.open("rb"))
    return stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
