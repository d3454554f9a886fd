"""`kioskctl`: what a technician does over SSH.

| command                                   | what it does                                      |
|-------------------------------------------|---------------------------------------------------|
| kioskctl doctor --state DIR               | examines everything; the exit code says healthy   |
| kioskctl health --state DIR               | what the running programs last said               |
| kioskctl devices                          | what is plugged in, and what the settings call it |
| kioskctl card read, card watch            | the social security card in the reader            |
| kioskctl card unblock, pin-reset          | by a script of the centre, with a code from there |
| kioskctl id read                          | the resident ID card on the reader                |
| kioskctl print test                       | a page that uses everything a receipt uses        |
| kioskctl camera snap FILE                 | one picture                                       |
| kioskctl photo check, make, live          | pictures against the photo standard; a card photo |
| kioskctl outbox export --state DIR MEDIA  | everything queued, sealed, to carry to the centre |
| kioskctl journal verify --state DIR       | was the journal altered, and where first          |
| kioskctl journal show --state DIR         | what the terminal did                             |
| kioskctl enrol --state DIR --url URL      | makes this terminal's identity, by one-time code  |
| kioskctl trust --state DIR 1.root.json    | whose releases this terminal believes             |
| kioskctl retire --state DIR               | puts this terminal out of use                     |
| kioskctl roster add, remove, list         | technicians and staff, with their PINs            |
| kioskctl bench --state DIR VERB …         | moves the virtual devices (demo and test only)    |

Device commands take the ports from `--state DIR`'s settings, or as options of their own. While the
screen program runs it holds the serial devices, and these commands say so; while a visit runs they
do nothing. Whatever shows personal data or takes a picture stands in the journal.

Exit codes: 0 all right, 1 something is wrong (and said), 2 the command cannot be carried out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from hardware.faults import place_of
from kiosk.kioskctl import devices, doctor, enrol, journal, outbox, photo, roster, terminal
from kiosk.kioskctl.console import IMPOSSIBLE, plain, warn


class Careful(TyperGroup):
    """Takes no argument that a terminal would obey: whoever pasted one sees it, and an error
    message that repeats it moves nothing."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        for word in given:
            if plain(word) != word:
                warn(f"kioskctl: this argument holds characters that are no text: {word}")
                sys.exit(IMPOSSIBLE)
        return super().main(given, *more, **options)


app = typer.Typer(
    cls=Careful,
    no_args_is_help=True,
    add_completion=False,
    help="社保卡自助终端的维护命令",
    # A traceback shows every variable, the citizen's data among them.
    pretty_exceptions_enable=False,
)

for commands in (doctor, terminal, enrol, roster, outbox, journal, devices, photo):
    commands.register(app)


def main() -> None:
    try:
        app()
    except Exception as bug:  # noqa: BLE001 - its message and traceback may quote a citizen's data
        warn(f"kioskctl: a fault of this program: {place_of(bug)}")
        sys.exit(IMPOSSIBLE)
