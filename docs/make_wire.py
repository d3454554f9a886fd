"""Writes docs/wire.md: what goes between a terminal and the centre, from the code that does it.

`python docs/make_wire.py` writes the page, `--check` says whether it is up to date. The doors are
those of sync/wire/doors.py, the kinds and questions those of sync/kinds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from sync.contract import CONTRACT
from sync.kinds import kinds, questions
from sync.wire.base import API, SIGNATURE_TAG, SIGNED_COMPONENTS
from sync.wire.doors import DOORS, Door
from sync.wire.envelopes import BATCH_BYTES, BATCH_LIMIT, SEALED_LIMIT
from sync.wire.release import FILES, PART

PAGE = Path(__file__).resolve().parent / "wire.md"

SIGNED = ", ".join(f"`{part}`" for part in SIGNED_COMPONENTS)

HEAD = f"""# The wire between terminal and centre

Made by docs/make_wire.py; do not edit. Contract {CONTRACT}; what may change without another version
stands in `sync/contract.py`. Every request is a POST of JSON to `{API}/<door>`, signed by the
terminal's key (RFC 9421, tag `{SIGNATURE_TAG}`, over {SIGNED}
and the digest of the body). A message's fields are in the file that is named beside it, under
`sync/wire` or `sync/kinds`. What citizens submit and ask is sealed once more, so that only the
centre reads it (`sync/envelope.py`): at most {BATCH_LIMIT} envelopes in a batch, of
{SEALED_LIMIT:,} bytes each and {BATCH_BYTES:,} together.

Files of releases are fetched with GET `{API}/{FILES}/metadata/…` and `…/targets/…`, signed in the
same way, targets in ranges of at most {PART:,} bytes (`sync/wire/release.py`, `sync/updates`).
"""


def named(message: type[BaseModel]) -> str:
    """A message and its file."""
    return f"`{message.__name__}` ({message.__module__.rpartition('.')[2]}.py)"


def door_row(door: Door) -> str:
    packed = "gzip or plain" if door.packed else "plain"
    cells = (f"`{door.path}`", door.about, named(door.request), named(door.answer))
    return f"| {' | '.join(cells)} | {door.limit:,} | {packed} |"


def render() -> str:
    return "\n".join([HEAD, *_doors(), "", *_kinds(), "", *_questions(), ""])


def _doors() -> Iterator[str]:
    yield "## Doors\n"
    yield "| door | what for | asks | is answered | largest body unpacked, bytes | body |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield from map(door_row, DOORS.values())


def _kinds() -> Iterator[str]:
    yield "## What is submitted\n"
    yield "| kind | document | evidence | pictures, at most bytes | signed | urgent |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for kind in kinds().values():
        pictures = ", ".join(
            f"{name} {picture.limit:,}{'' if picture.required else ' (may be missing)'}"
            for name, picture in kind.attachments.items()
        )
        models = f"{named(kind.document)} | {named(kind.evidence)}"
        signed, urgent = ("yes" if said else "no" for said in (kind.signed, kind.urgent))
        yield f"| `{kind.id}` | {models} | {pictures or 'none'} | {signed} | {urgent} |"


def _questions() -> Iterator[str]:
    yield "## What is asked\n"
    yield "| question | asks | reply |"
    yield "| --- | --- | --- |"
    for question in questions().values():
        yield f"| `{question.id}` | {named(question.asked)} | {named(question.reply)} |"


def main(arguments: list[str]) -> int:
    """Write the page, or with --check compare it. Returns the exit code."""
    page = render()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
            return 0
        print(f"{PAGE.name} is out of date: run python docs/make_wire.py", file=sys.stderr)
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
