"""Commands for the terminal as a whole: health, enrolment, technicians, the virtual devices."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from kiosk.kioskctl.console import WRONG, Json, NewState, State, settings_of, stop, words_of

#: States of a device that need nobody.
_ALL_RIGHT = ("ready", "absent")


def register(app: typer.Typer) -> None:
    app.command()(health)
    app.command()(enrol)
    app.command("technician-hash")(technician_hash)
    app.command(context_settings={"ignore_unknown_options": True})(bench)


def health(state: State, as_json: Json = False) -> None:
    """Show the devices, what waits for the centre, and how the centre is reached."""
    from kiosk.doctor import read_json
    from sync.identity import NotEnrolled, load_identity
    from sync.outbox import Outbox, OutboxUnavailable

    rows = read_json(state / "health.json").get("health", [])
    agent = read_json(state / "agent.json")
    try:
        counts = vars(Outbox(state / "outbox.db", load_identity(state).terminal).counts_and_ages())
    except (NotEnrolled, OutboxUnavailable) as error:
        raise stop(str(error)) from None
    wrong = [row for row in rows if row["state"] not in _ALL_RIGHT]
    bad = bool(wrong) or not rows or bool(counts["dead"]) or agent.get("central") != "ok"
    if as_json:
        typer.echo(
            json.dumps({"devices": rows, "outbox": counts, "agent": agent}, ensure_ascii=False)
        )
        raise typer.Exit(WRONG if bad else 0)
    words = words_of(settings_of(state))
    table = Table("device", "state", "since", "fault", "fix")
    for row in rows:
        fault = row["fault"]
        meaning = words.say(f"fault.{fault}.technician") if fault else ""
        fix = words.say(f"fault.{fault}.fix") if fault else ""
        colour = "green" if row["state"] in _ALL_RIGHT else "red"
        table.add_row(
            row["device"], f"[{colour}]{row['state']}[/{colour}]", row["since"], meaning, fix
        )
    console = Console()
    console.print(table if rows else "[red]no health table: is kiosk run running?[/red]")
    waiting = counts["queued"] + counts["sending"]
    console.print(
        f"outbox: {waiting} waiting (oldest {counts['oldest_s']} s), {counts['dead']} dead"
    )
    console.print(f"centre: {agent.get('central', 'never reached')}")
    raise typer.Exit(WRONG if bad else 0)


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
    Console().print(f"enrolled as terminal {identity.terminal}")


def technician_hash(
    technician: Annotated[str, typer.Argument(help="the technician's id, e.g. t001")],
    pin: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Print the line for [maintenance.technicians] in settings.toml."""
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
