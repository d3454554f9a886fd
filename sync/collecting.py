"""What of the logs goes to the centre: the newest lines, and nothing personal.

Logs hold ids, counts and durations, by rule. This does not rely on it: a line goes only if it
begins like one of ours (so no traceback, which quotes values), and what could be a name, an
identity number, a telephone or a card number in it is blotted out. Standard library only.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path

LOGS = "logs"

#: Most that is sent, bytes before packing, shared by all files alike: it packs to a tenth.
_MOST = 2_000_000
#: What is packed may have this size at most; older lines are left out until it has.
_PACKED = 400_000

#: "2026-11-28 13:20:44,123 INFO kiosk.terminal …"
_OURS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [a-z_.A-Z0-9]+ ")

#: Chinese characters in a row; six or more digits, with what people put between them; a card's
#: letter and eight digits. Ids of items are kept: their groups are hexadecimal and hyphenated.
_ITEM = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_BLOT = re.compile(
    rf"(?P<keep>\b{_ITEM}\b)"
    r"|[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
    r"|[0-9](?:[ .-]?[0-9]){5,}[xX]?"
)
_BLOTTED = "#"


def blotted(line: str) -> str:
    """A line of a log without what could be personal; "" if it is none of ours."""
    begins = _OURS.match(line)
    if begins is None:
        return ""
    rest = _BLOT.sub(lambda found: found["keep"] or _BLOTTED, line[begins.end() :])
    return begins[0] + rest


def collect(state: Path) -> bytes:
    """The newest lines of every log, packed (gzip), at most `ATTACHMENT_LIMIT` with certainty.
    Raises `OSError`."""
    files = sorted((state / LOGS).glob("*.log"))
    share = _MOST // max(1, len(files))
    while True:
        text = "".join(f"== {file.name}\n{_tail(file, share)}" for file in files)
        packed = gzip.compress(text.encode("utf-8"), mtime=0)
        if len(packed) <= _PACKED or share < 1000:
            return packed
        share //= 2


def _tail(file: Path, size: int) -> str:
    with file.open("rb") as log:
        end = log.seek(0, 2)
        log.seek(max(0, end - size))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return "".join(f"{line}\n" for line in map(blotted, lines) if line)
