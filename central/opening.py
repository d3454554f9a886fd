"""What commands share: what one makes sure of before it begins (the centre is there, which `serve`
alone makes; the port is free), how it asks for a secret, and how it ends."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from central.boot import DATABASE_VARIABLE, boot

_STATE = typer.Option("--state", help="Folder that holds central/.")
State = Annotated[Path, _STATE]
By = Annotated[str, typer.Option("--by", help="Who does it; stands in the list.")]


def group(name: str, what: str) -> typer.Typer:
    """Commands of one centre, whose --state stands before them: `NAME --state DIR COMMAND`. It is
    not opened yet: who asks for the help of a command needs no centre. See `open_of`."""
    app = typer.Typer(help=what, no_args_is_help=True)

    def remember(context: typer.Context, state: Annotated[Path | None, _STATE] = None) -> None:
        context.obj = (name, state)

    app.callback(help=what)(remember)
    return app


def open_of(context: typer.Context) -> Path:
    """The centre that a command of a `group` is for, opened as `open_centre` does."""
    name, state = context.obj
    if state is None:
        raise typer.BadParameter(f"{name} --state DIR …: which centre?")
    return open_centre(state)


def stop(text: str, code: int = 2) -> typer.Exit:
    """Say on the error stream why a command ends; to be raised."""
    typer.echo(text, err=True)
    return typer.Exit(code)


def note(text: str) -> None:
    """Say on the error stream what was done, where standard output is what programs take."""
    typer.echo(text, err=True)


def say_all(lines: Iterable[str], none: str) -> None:
    """Print a list, one a line; `none` where it is empty."""
    said = False
    for line in lines:
        typer.echo(line)
        said = True
    if not said:
        typer.echo(none)


def secret(what: str, *, twice: bool = True) -> str:
    """A PIN or passphrase that is asked for without showing it, or one line that was piped in."""
    if sys.stdin.isatty():
        asked: str = typer.prompt(what, hide_input=True, confirmation_prompt=twice)
        return asked
    return sys.stdin.readline().strip()


def open_centre(state: Path) -> Path:
    """As `boot`, but ends the command where `state` holds no centre: a mistyped folder must not
    become an empty one that has no alarms and whose backup lacks everything."""
    needed = ["django.secret"]
    if not os.environ.get(DATABASE_VARIABLE):
        needed.append("central.db")
    if missing := [name for name in needed if not (state / "central" / name).is_file()]:
        raise stop(
            f"no centre here: {state / 'central'} lacks {', '.join(missing)}"
            " (`central serve --state DIR` makes a new centre)"
        )
    return boot(state)


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Ends the command where another program listens: workers share
    a port (SO_REUSEPORT), so a second server would take a part of the traffic unnoticed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # Connections of a server that has ended may linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = "port in use 端口已被占用" if error.errno == errno.EADDRINUSE else str(error)
            raise stop(f"{host}:{port}: {why}", 1) from None
        bound: int = probe.getsockname()[1]
        return bound
