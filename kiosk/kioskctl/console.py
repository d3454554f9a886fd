"""What the commands share: options, how anything is said, how something slow shows that it lives.

What is said comes from cards, devices, files and the centre: a card may hold a name like `[red]`,
or one that moves the cursor, sets the window's title or clears the screen. So nothing is markup
here, and characters that a terminal obeys are shown as U+FFFD. `styled` gives a colour.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from hardware.faults import DeviceFault

if TYPE_CHECKING:
    from kiosk.settings import Settings
    from kiosk.words import Words

NewState = Annotated[Path, typer.Option("--state", help="the state directory of the terminal")]
State = Annotated[
    Path,
    typer.Option("--state", exists=True, file_okay=False, help="the state directory"),
]
MaybeState = Annotated[
    Path | None,
    typer.Option(
        "--state", exists=True, file_okay=False, help="take the ports from this terminal's settings"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="for programs")]

#: Exit codes.
WRONG, IMPOSSIBLE = 1, 2

#: Characters that a terminal obeys instead of showing them, or that turn the order of what stands
#: around them: C0 but for the line's end and the tabulator, C1, marks of direction, and halves of
#: characters, which cannot be written at all.
_OBEYED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def plain(text: str) -> str:
    """A text that shows itself and does nothing else."""
    return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)


def styled(text: str, style: str = "") -> Text:
    """A text in a colour, whatever is in it."""
    return Text(plain(text), style)


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def out(said: RenderableType) -> None:
    """Say something on standard output."""
    _console().print(plain(said) if isinstance(said, str) else said)


def warn(said: RenderableType) -> None:
    """Say something on standard error."""
    _console(stderr=True).print(plain(said) if isinstance(said, str) else said)


def line(text: str) -> None:
    """One line of standard output as it is, for programs: neither folded nor filled."""
    typer.echo(plain(text))


def say_json(document: Any, indent: int | None = None) -> None:
    """JSON on standard output; a character that a terminal would obey is escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    typer.echo(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def table(*columns: str, header: bool = True) -> Table:
    """A table whose rows are filled by `row`. What is too long goes on below, not away."""
    made = Table(show_header=header)
    for column in columns:
        made.add_column(plain(column), overflow="fold")
    return made


def row(into: Table, *cells: str | Text) -> None:
    into.add_row(*(cell if isinstance(cell, Text) else styled(cell) for cell in cells))


def stop(what: str) -> typer.Exit:
    """For `raise`: says why the command cannot be carried out."""
    warn(Text.assemble(("kioskctl: ", "red"), plain(what)))
    return typer.Exit(IMPOSSIBLE)


def no_outbox(state: Path, error: Exception) -> typer.Exit:
    """For `raise`: why the outbox of this terminal cannot be used, of `NotEnrolled` and
    `OutboxUnavailable`, in words."""
    from kiosk.upkeep.doctor import Patient, examine

    settings = settings_of(state)
    words = words_of(settings)
    reason = f"fault.outbox_unavailable.reason.{getattr(error, 'reason', '')}"
    if words.has(reason):
        return stop(words.say(reason))
    why = detail_of(words, "not_enrolled", examine(Patient(state, settings), "enrolment").detail)
    return stop(why or words.say("fault.not_enrolled.technician"))


def settings_of(state: Path | None) -> Settings:
    """The settings of a terminal; the defaults without one. Ends the command if they are wrong."""
    from kiosk.settings import BadSettings, Settings, settings_in

    if state is None:
        return Settings()
    try:
        return settings_in(state)
    except BadSettings as bad:
        raise stop(str(bad)) from None


def words_of(settings: Settings) -> Words:
    from kiosk.words import Words

    return Words(settings.screen.language)


def secret(what: str, *, twice: bool = False) -> str:
    """A code or PIN that is asked for without showing it, or one line that was piped in. It is no
    option, which would stand in the shell's history and in the list of processes."""
    if sys.stdin.isatty():
        asked: str = typer.prompt(what, hide_input=True, confirmation_prompt=twice)
        return asked
    return sys.stdin.readline().strip()


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """A sign of life while something takes longer than a moment; only where somebody looks."""
    with _console(stderr=True).status(plain(doing)):
        yield


def detail_of(words: Words, fault: str | None, detail: str) -> str:
    """In words, if it is one of a fault's reasons that have some."""
    reason = f"fault.{fault}.reason.{detail}"
    return words.say(reason) if words.has(reason) else detail


@contextmanager
def faults_said(words: Words) -> Iterator[None]:
    """A fault of a device becomes its words and exit code 1."""
    try:
        yield
    except DeviceFault as fault:
        detail = f" ({detail_of(words, fault.code, fault.detail)})" if fault.detail else ""
        warn(Text.assemble((str(fault.code), "red"), plain(detail)))
        warn(words.say(f"fault.{fault.code}.technician"))
        warn(words.say(f"fault.{fault.code}.fix"))
        raise typer.Exit(WRONG) from None
