"""Noto Sans SC with a table less to read: `python -m screens.typeface FILE` writes it.

The published file says for each glyph its number in Adobe's collection ("charset", Adobe Technical
Note #5176, §13), in 13,600 ranges. FreeType reads them one by one whenever the face is opened in
another size, by two system calls each: 8 ms of 10, and home has five sizes. Nobody here asks for
these numbers: a character is found by `cmap`, which leads to the glyph itself. So the table is put
as one range, in its place; not one other byte of the file changes, and nothing that is drawn.

`./run` writes it to `.fonts`, `kiosk.spec` into the bundle; without it the published one is used.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

from screens.resources import resource
from sync.identity import write_whole

PACKAGE, FILE = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"

#: Operators of a Top DICT (Technical Note #5176, table 9): where a table begins in the CFF.
_CHARSET, _CHAR_STRINGS = 15, 17


def path() -> Path:
    """The file to open: the one written here, if it was. Raises `FileNotFoundError`."""
    written = Path(__file__).parents[1] / ".fonts" / FILE
    return written if written.is_file() else resource(PACKAGE, FILE)


def with_one_range(font: bytes) -> bytes:
    """The font with the charset of its CFF table as one range of all glyphs."""
    cff = _table(font, b"CFF ")
    _, top = _index(font, cff + font[cff + 2])
    begin, end = _index(font, top)[0][0]
    places = _dict(font[begin:end])
    charset = cff + places[_CHARSET]
    glyphs = _number(font, cff + places[_CHAR_STRINGS], 2)
    # Format 2: of the glyphs after .notdef, the first number and how many follow it.
    one = b"\x02" + (1).to_bytes(2, "big") + (glyphs - 2).to_bytes(2, "big")
    return font[:charset] + one + font[charset + len(one) :]


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _table(font: bytes, tag: bytes) -> int:
    """Where a table of the font begins (OpenType, "Table Directory")."""
    for row in range(12, 12 + 16 * _number(font, 4, 2), 16):
        if font[row : row + 4] == tag:
            return _number(font, row + 8, 4)
    raise ValueError(f"no table {tag.decode()}")


def _index(font: bytes, at: int) -> tuple[list[tuple[int, int]], int]:
    """Where the entries of an INDEX (§5) begin and end, and where it ends itself."""
    count, size = _number(font, at, 2), font[at + 2]
    if not count:
        return [], at + 2
    ends = [_number(font, at + 3 + size * entry, size) for entry in range(count + 1)]
    before = at + 3 + size * (count + 1) - 1
    places = [before + end for end in ends]
    return list(pairwise(places)), places[-1]


def _dict(data: bytes) -> dict[int, int]:
    """Operator of one byte -> its last operand, of a DICT (§4)."""
    found: dict[int, int] = {}
    last = at = 0
    while at < len(data):
        first = data[at]
        if first <= 21:
            found[first] = last
            at += 2 if first == 12 else 1
        elif first == 30:  # a real number: until a nibble of 15
            while data[at] & 15 != 15:
                at += 1
            at += 1
        elif first in (28, 29):
            size = {28: 2, 29: 4}[first]
            last = int.from_bytes(data[at + 1 : at + 1 + size], "big", signed=True)
            at += 1 + size
        elif first <= 246:
            last = first - 139
            at += 1
        else:
            size = (first - 247) % 4 * 256 + data[at + 1] + 108
            last = size if first <= 250 else -size
            at += 2
    return found


def write(file: Path) -> None:
    """Write it, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, with_one_range(resource(PACKAGE, FILE).read_bytes()))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
