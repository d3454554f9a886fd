"""Commands for the terminal as a whole: health, enrolment, technicians, the virtual devices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from kiosk.kioskctl.console import WRONG, Json, NewState, State, settings_of, stop, words_of
from kiosk.kioskctl.journal import record

if TYPE_CHECKING:
    from kiosk.words import Words

#: States of a device that need nobody.
_ALL_RIGHT = ("ready", "absent")


def register(app: typer.Typer) -> None:
    app.command()(health)
    app.command()(enrol)
    app.command("technician-hash")(technician_hash)
    app.command(context_settings={"ignore_unknown_options": True})(bench)


def health(state: State, as_json: Json = False) -> None:
    """Show the devices, what waits for the centre, and how the centre is reached."""
    from kiosk.upkeep.doctor import age_of, read_json

    rows = read_json(state / "health.json").get("health", [])
    agent, counts = read_json(state / "agent.json"), _outbox_counts(state)
    wrong = [row for row in rows if row["state"] not in _ALL_RIGHT]
    waits = counts is None or bool(counts["dead"])
    bad = bool(wrong) or not rows or waits or agent.get("central") != "ok"
    if as_json:
        found = {"devices": rows, "outbox": counts, "agent": agent}
        typer.echo(json.dumps(found, ensure_ascii=False))
        raise typer.Exit(WRONG if bad else 0)
    console = Console()
    if rows:
        console.print(_devices_table(rows, words_of(settings_of(state))))
        console.print(f"as kiosk run said {age_of(state / 'health.json'):.0f} s ago")
    else:
        console.print("[red]no health table: is kiosk run running?[/red]")
    if counts is None:
        console.print("[red]outbox: this terminal has not been enrolled[/red]")
    else:
        waiting = counts["queued"] + counts["sending"]
        console.print(
            f"outbox: {waiting} waiting (oldest {counts['oldest_s']} s), {counts['dead']} dead"
        )
    console.print(f"centre: {agent.get('central', 'never reached')}")
    raise typer.Exit(WRONG if bad else 0)


def _outbox_counts(state: Path) -> dict[str, Any] | None:
    """What waits; None before enrolment. Ends the command if the outbox cannot be opened."""
    from sync.identity import NotEnrolled, load_identity
    from sync.outbox import Outbox, OutboxUnavailable

    try:
        outbox = Outbox(state / "outbox.db", load_identity(state).terminal)
        counts = vars(outbox.counts_and_ages())
        outbox.close()
    except NotEnrolled:
        return None
    except OutboxUnavailable as error:
        raise stop(str(error)) from None
    return counts


def _devices_table(rows: list[dict[str, Any]], words: Words) -> Table:
    table = Table()
    for column in ("device", "state", "since", "is", "counted", "fault", "fix"):
        table.add_column(column, overflow="fold")
    for row in rows:
        fault = f"fault.{row['fault']}" if row["fault"] else ""
        colour = "green" if row["state"] in _ALL_RIGHT else "red"
        about = [row.get(name, "") for name in ("detail", "serial", "firmware")]
        counted = row.get("counters", {}).items()
        table.add_row(
            row["device"],
            f"[{colour}]{row['state']}[/{colour}]",
            row["since"].replace("T", " ").removesuffix("+08:00"),
            "\n".join(filter(None, about)),
            "\n".join(f"{name} {count}" for name, count in counted),
            words.say(f"{fault}.technician") if fault else "",
            words.say(f"{fault}.fix") if fault else "",
        )
    return table


def enrol(
    state: NewState,
    url: Annotated[str, typer.Option(help="address of the central server")],
    code: Annotated[str, typer.Option(prompt=True, hide_input=True, help="one-time code")],
    hall: Annotated[str, typer.Option(help="where the terminal stands")] = "",
) -> None:
    """Make this terminal known to the centre; keys and identity are kept in the state directory."""
    from sync.central import CentralRefused, CentralUnreachable
    from sync.enrolment import enrol as enrol_terminal

    state.mkdir(parents=True, exist_ok=True)
    try:
        identity = enrol_terminal(url, code, state, hall=hall)
    except (CentralRefused, CentralUnreachable) as error:
        raise stop(f"the centre did not enrol this terminal: {error}") from None
    record(state, "enrolled")
    Console().print(f"enrolled as terminal {identity.terminal}")


def technician_hash(
    technician: Annotated[str, typer.Argument(help="the technician's id, e.g. t001")],
    pin: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Print the line that admits a technician, for the section maintenance.technicians."""
    from kiosk.maintenance.technicians import hash_pin

    try:
        typer.echo(f'{technician} = "{hash_pin(pin)}"')
    except ValueError as wrong:
        raise stop(str(wrong)) from None


def bench(
    state: State,
    words: Annotated[list[str], typer.Argument(help="e.g. id put zhang, card pull, paper out")],
) -> None:
    """Move the virtual devices while the program runs: insert a card, empty the paper …"""
    from hardware.virtual.client import BenchClient, BenchError

    if not settings_of(state).virtual:
        raise stop("this terminal is in production: it has no virtual devices")
    try:
        answer = BenchClient(state / "bench.sock").do(words[0], *words[1:])
    except (BenchError, OSError) as error:
        raise stop(str(error)) from None
    typer.echo(json.dumps(answer, ensure_ascii=False))
