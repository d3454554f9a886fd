"""What can be read in the memory of another process: all that a core dump of it would hold."""

from __future__ import annotations

import array
import contextlib
import io
import itertools
import mmap
import re
from collections.abc import Iterator, Mapping

_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)")

#: Of a page in /proc/PID/pagemap: it is in memory, or in the page file.
_THERE = 3 << 62

#: As the ID card, the printer, the network, Python and files write text. Zeros are left out of
#: memory and text alike: so UTF-32 is found as UTF-16, digits in any of them, and all of it sooner.
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")


def found_in(pid: int, secrets: Mapping[str, str]) -> list[str]:
    """Where each secret can be read, e.g. "phone as utf-8 in [heap]"; never the secret itself.
    Raises `PermissionError` for who may not look (the process forbids it to all but root)."""
    needles = {
        text.encode(encoding).replace(b"\0", b""): f"{name} as {encoding}"
        for name, text in secrets.items()
        for encoding in reversed(ENCODINGS)
    }
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, place in _written(pid):
            content = b"".join(_read(memory, start, end)).translate(None, b"\0")
            for needle, what in needles.items():
                found += [f"{what} in {place or 'memory'}"] * content.count(needle)
    return found


def _read(memory: io.RawIOBase, start: int, end: int) -> Iterator[bytes]:
    """What stands there. A part that was given back since, or lies behind the end of its file, is
    read page by page: what cannot be read no dump would hold."""
    try:
        memory.seek(start)
        yield memory.read(end - start) or b""
    except OSError:
        for page in range(start, end, mmap.PAGESIZE):
            with contextlib.suppress(OSError):
                memory.seek(page)
                yield memory.read(mmap.PAGESIZE) or b""


def _written(pid: int) -> Iterator[tuple[int, int, str]]:
    """The parts that the process can write: first and last address, name. Of memory that is its
    own and no file's only what it ever touched: most of a thread's stack it never does."""
    with (
        open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps,
        open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pages,
    ):
        for line in maps:
            match = _REGION.match(line)
            assert match is not None, line
            first, last, rights, place = match.groups()
            start, end = int(first, 16), int(last, 16)
            if rights == "rw-p" and not place:
                yield from ((*part, place) for part in _touched(pages, start, end))
            elif rights.startswith("rw") and not place.startswith("/dev/"):
                yield start, end, place


def _touched(pages: io.RawIOBase, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of this one that are anywhere."""
    pages.seek(start // mmap.PAGESIZE * 8)
    said = array.array("Q", pages.read((end - start) // mmap.PAGESIZE * 8) or b"")
    for is_there, run in itertools.groupby(enumerate(said), lambda page: bool(page[1] & _THERE)):
        if is_there:
            numbers = [number for number, _ in run]
            yield start + numbers[0] * mmap.PAGESIZE, start + (numbers[-1] + 1) * mmap.PAGESIZE
