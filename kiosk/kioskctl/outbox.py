"""`kioskctl outbox`: what waits for the centre, and the way to it without a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.clock import beijing_at
from kiosk.kioskctl.console import Json, State, line, no_outbox, out, row, say_json, stop, table
from kiosk.kioskctl.journal import record

if TYPE_CHECKING:
    from sync.outbox import Outbox


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="what waits for the centre")
    group.command("list")(show)
    group.command("requeue")(requeue)
    group.command("export")(export)
    group.command("adopt")(adopt)
    app.add_typer(group, name="outbox")


def show(state: State, as_json: Json = False) -> None:
    """What is on its way to the centre, and what the centre cannot use, with its reason."""
    with _outbox(state) as outbox:
        items = [*outbox.waiting(), *outbox.dead_letters()]
    if as_json:
        say_json([asdict(item) for item in items])
        return
    listed = table("number", "kind", "state", "since", "sent", "put off", "reason", "id")
    for item in items:
        since = f"{beijing_at(item.created_at):%Y-%m-%d %H:%M}"
        counts = (str(item.attempts), str(item.put_off))
        row(
            listed,
            *(item.receipt_no, item.kind, item.state, since, *counts, item.reason, item.id),
        )
    out(listed if items else "nothing is queued")


def requeue(state: State, item: Annotated[str, typer.Argument(help="id of a dead letter")]) -> None:
    """Send again what the centre could not use, once the reason is gone."""
    with _outbox(state) as outbox:
        if not outbox.requeue(item):
            raise stop("there is no such dead letter: `kioskctl outbox list` shows their ids")
    out(f"{item}: queued again, in its old place")


def adopt(state: State) -> None:
    """This copy of a state directory is the only one from now on: the original is out of use."""
    with _outbox(state) as outbox:
        if not outbox.adopt():
            raise stop("this state directory is no copy")
    record(state, "adopted")
    out("receipt numbers are given again; some were left out")


@contextmanager
def _outbox(state: Path) -> Iterator[Outbox]:
    from sync.identity import NotEnrolled, load_identity
    from sync.outbox import Outbox, OutboxUnavailable

    try:
        with closing(Outbox(state / "outbox.db", load_identity(state).terminal)) as outbox:
            yield outbox
    except (NotEnrolled, OutboxUnavailable) as error:
        raise no_outbox(state, error) from None


def export(
    state: State,
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="the media")],
) -> None:
    """Write everything still queued, sealed as it is, to removable media for the centre."""
    from sync.identity import NotEnrolled, load_identity
    from sync.removable import export as write_out
    from sync.signing import DeviceKey

    try:
        identity, key = load_identity(state), DeviceKey.load(state)
        with _outbox(state) as outbox:
            files = write_out(outbox, identity.terminal, key, folder)
    except (NotEnrolled, OSError) as error:
        raise stop(str(error)) from None
    record(state, "exported", files=len(files))
    for file in files:
        line(str(file))
    out(f"{len(files)} files" if files else "nothing is queued")
