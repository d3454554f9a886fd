"""`kioskctl`: what a technician does over SSH.

    kioskctl health --state DIR             devices, queue, the way to the centre
    kioskctl enrol --state DIR --url URL    makes this terminal's identity, with a one-time code
    kioskctl technician-hash                the line that admits a technician
    kioskctl bench --state DIR VERB …       moves the virtual devices (demo and test only)

Exit codes: 0 all right, 1 something is wrong (and said), 2 the command cannot be carried out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(no_args_is_help=True, add_completion=False, help="社保卡自助终端的维护命令")

State = Annotated[Path, typer.Option("--state", help="the state directory of the terminal")]
Json = Annotated[bool, typer.Option("--json", help="for programs")]

#: States of a device that need nobody.
_ALL_RIGHT = ("ready", "absent")


def main() -> None:
    app()


def _stop(what: str) -> typer.Exit:
    Console(stderr=True).print(f"[red]kioskctl:[/red] {what}")
    return typer.Exit(2)


def _read(file: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return document
    except FileNotFoundError:
        return {}
    except ValueError:
        raise _stop(f"{file} cannot be read") from None


@app.command()
def health(state: State, as_json: Json = False) -> None:
    """Show the devices, what waits for the centre, and how the centre is reached."""
    from kiosk.words import Words
    from sync.identity import NotEnrolled, load_identity
    from sync.outbox import Outbox, OutboxUnavailable

    rows = _read(state / "health.json").get("health", [])
    agent = _read(state / "agent.json")
    try:
        counts = vars(Outbox(state / "outbox.db", load_identity(state).terminal).counts_and_ages())
    except (NotEnrolled, OutboxUnavailable) as error:
        raise _stop(str(error)) from None
    wrong = [row for row in rows if row["state"] not in _ALL_RIGHT]
    bad = bool(wrong) or not rows or bool(counts["dead"]) or agent.get("central") != "ok"
    if as_json:
        typer.echo(
            json.dumps({"devices": rows, "outbox": counts, "agent": agent}, ensure_ascii=False)
        )
        raise typer.Exit(int(bad))
    words = Words()
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
    raise typer.Exit(int(bad))


@app.command()
def enrol(
    state: State,
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
        raise _stop(f"the centre did not enrol this terminal: {error}") from None
    Console().print(f"enrolled as terminal {identity.terminal}")


@app.command("technician-hash")
def technician_hash(
    technician: Annotated[str, typer.Argument(help="the technician's id, e.g. t001")],
    pin: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Print the line for [maintenance.technicians] in settings.toml."""
    from kiosk.maintenance.technicians import hash_pin

    try:
        typer.echo(f'{technician} = "{hash_pin(pin)}"')
    except ValueError as wrong:
        raise _stop(str(wrong)) from None


@app.command(context_settings={"ignore_unknown_options": True})
def bench(
    state: State,
    words: Annotated[list[str], typer.Argument(help="e.g. id put zhang, card pull, paper out")],
) -> None:
    """Move the virtual devices while the program runs: insert a card, empty the paper …"""
    from hardware.virtual.client import BenchClient, BenchError
    from kiosk.settings import BadSettings, load_settings

    try:
        if not load_settings(state / "settings.toml").virtual:
            raise _stop("this terminal is in production: it has no virtual devices")
        answer = BenchClient(state / "bench.sock").do(words[0], *words[1:])
    except (BadSettings, BenchError, OSError) as error:
        raise _stop(str(error)) from None
    typer.echo(json.dumps(answer, ensure_ascii=False))


if __name__ == "__main__":
    main()
