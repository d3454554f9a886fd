"""`kioskctl outbox`: what waits for the centre, and the way to it without a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kiosk.kioskctl.console import State, stop
from kiosk.kioskctl.journal import record


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="what waits for the centre")
    group.command("export")(export)
    app.add_typer(group, name="outbox")


def export(
    state: State,
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="the media")],
) -> None:
    """Write everything still queued, sealed as it is, to removable media for the centre."""
    from sync.identity import NotEnrolled, load_identity
    from sync.outbox import Outbox, OutboxUnavailable
    from sync.removable import export as write_out
    from sync.signing import DeviceKey

    try:
        identity, key = load_identity(state), DeviceKey.load(state)
        outbox = Outbox(state / "outbox.db", identity.terminal)
        files = write_out(outbox, identity.terminal, key, folder)
        outbox.close()
    except (NotEnrolled, OutboxUnavailable, OSError) as error:
        raise stop(str(error)) from None
    record(state, "exported", files=len(files))
    console = Console()
    for file in files:
        console.print(str(file))
    console.print(f"{len(files)} files" if files else "nothing is queued")
