"""What the commands share: options, how trouble is said, how something slow shows that it lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

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
    typer.Option("--state", exists=True, help="take the ports from this terminal's settings"),
]
Json = Annotated[bool, typer.Option("--json", help="for programs")]

#: Exit codes.
WRONG, IMPOSSIBLE = 1, 2


def stop(what: str) -> typer.Exit:
    """For `raise`: says why the command cannot be carried out."""
    Console(stderr=True).print(f"[red]kioskctl:[/red] {what}", highlight=False)
    return typer.Exit(IMPOSSIBLE)


def settings_of(state: Path | None) -> Settings:
    """The settings of a terminal; the defaults without one. Ends the command if they are wrong."""
    from kiosk.settings import BadSettings, Settings, load_settings

    if state is None:
        return Settings()
    file = state / "settings.toml"
    try:
        return load_settings(file if file.exists() else None)
    except BadSettings as bad:
        raise stop(str(bad)) from None


def words_of(settings: Settings) -> Words:
    from kiosk.words import Words
    from kiosk.words.standing import standing_facts

    return Words(settings.screen.language, standing=standing_facts(settings))


@contextmanager
def busy(doing: str) -> Iterator[None]:
    """A sign of life while something takes longer than a moment; only where somebody looks."""
    with Console(stderr=True).status(doing):
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
        console = Console(stderr=True, highlight=False)
        detail = f" ({detail_of(words, fault.code, fault.detail)})" if fault.detail else ""
        console.print(f"[red]{fault.code}[/red]{detail}", markup=True)
        console.print(words.say(f"fault.{fault.code}.technician"))
        console.print(words.say(f"fault.{fault.code}.fix"))
        raise typer.Exit(WRONG) from None
