"""Commands for the terminal as a whole: health, the virtual devices."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from kiosk.kioskctl.console import (
    WRONG,
    Json,
    State,
    detail_of,
    out,
    row,
    say_json,
    settings_of,
    stop,
    styled,
    table,
    words_of,
)

if TYPE_CHECKING:
    from kiosk.upkeep.doctor import Finding
    from kiosk.words import Words

#: States of a device that need nobody.
_ALL_RIGHT = ("ready", "absent")

#: Checks of the doctor that look beneath what the two programs wrote, and open no device.
_EXAMINED = ("enrolment", "outbox", "screen", "agent", "policy")


def register(app: typer.Typer) -> None:
    app.command()(health)
    app.command(context_settings={"ignore_unknown_options": True})(bench)


def health(state: State, as_json: Json = False) -> None:
    """Show the devices, what waits for the centre, how the centre is reached, whose rules are in
    force; and what is wrong, with its reason."""
    from kiosk.upkeep.desired import MISSED
    from kiosk.upkeep.doctor import Patient, age_of, examine, health_rows, read_json

    settings = settings_of(state)
    words = words_of(settings)
    rows = health_rows(state)
    agent, counts = read_json(state / "agent.json"), _outbox_counts(state)
    # What the files say is worth as much as the programs that wrote them: they have to live.
    findings = [examine(Patient(state, settings), name) for name in _EXAMINED]
    wrong = [found for found in findings if found.fault is not None]
    heard_s = age_of(state / "desired.json")
    heard = heard_s <= settings.central.heartbeat_s * MISSED + 1.0
    bad = (
        any(found["state"] not in _ALL_RIGHT for found in rows)
        or bool(wrong)
        or not rows
        or not heard
        or agent.get("central") != "ok"
    )
    policy = findings[-1].detail
    if as_json:
        faults = [
            {"check": one.check, "fault": str(one.fault), "detail": one.detail} for one in wrong
        ]
        found = {"devices": rows, "outbox": counts, "agent": agent, "faults": faults}
        say_json({**found, "policy": policy})
        raise typer.Exit(WRONG if bad else 0)
    if rows:
        out(_devices_table(rows, words))
        out(f"as kiosk run said {age_of(state / 'health.json'):.0f} s ago")
    else:
        out(styled("no health table: is kiosk run running?", "red"))
    if counts is not None:
        waiting = counts["queued"] + counts["sending"]
        out(f"outbox: {waiting} waiting (oldest {counts['oldest_s']} s), {counts['dead']} dead")
    out(f"centre: {_centre(agent, words)}")
    out(f"policy: {policy}")
    if not heard:
        ago = "never" if heard_s == float("inf") else f"{heard_s:.0f} s ago"
        out(styled(f"the centre last answered a heartbeat: {ago}", "red"))
    for one in wrong:
        _say_fault(one, words)
    raise typer.Exit(WRONG if bad else 0)


def _centre(agent: dict[str, Any], words: Words) -> str:
    """How the agent reaches the centre: "ok", or why it does not."""
    said = str(agent.get("central", "never"))
    return said if said == "ok" else f"{said} {detail_of(words, 'centre_unreachable', said)}"


def _say_fault(found: Finding, words: Words) -> None:
    reason = detail_of(words, found.fault, found.detail)
    about = f"{words.say(f'doctor.{found.check}')} {found.fault}"
    out(styled(f"{about}: {words.say(f'fault.{found.fault}.technician')}", "red"))
    out(" ".join(filter(None, (reason, words.say(f"fault.{found.fault}.fix")))))


def _outbox_counts(state: Path) -> dict[str, Any] | None:
    """What waits; None where there is no outbox that can be asked: the findings say why."""
    from sync.identity import NotEnrolled, load_identity
    from sync.outbox import Outbox, OutboxUnavailable

    file = state / "outbox.db"
    try:
        terminal = load_identity(state).terminal
        if not file.exists():  # which makes none
            return None
        with closing(Outbox(file, terminal)) as outbox:
            return vars(outbox.counts_and_ages())
    except (NotEnrolled, OutboxUnavailable):
        return None


def _devices_table(rows: list[dict[str, Any]], words: Words) -> Table:
    made = table("device", "state", "since", "is", "counted", "fault", "fix")
    for found in rows:
        fault = f"fault.{found['fault']}"
        known = bool(found["fault"]) and words.has(f"{fault}.technician")
        about = [str(found.get(name, "")) for name in ("detail", "serial", "firmware")]
        counters = found.get("counters")
        counted = counters.items() if isinstance(counters, dict) else ()
        row(
            made,
            found["device"],
            styled(found["state"], "green" if found["state"] in _ALL_RIGHT else "red"),
            found["since"].replace("T", " ").removesuffix("+08:00"),
            "\n".join(filter(None, about)),
            "\n".join(f"{name} {count}" for name, count in counted),
            words.say(f"{fault}.technician") if known else found["fault"],
            words.say(f"{fault}.fix") if known else "",
        )
    return made


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
    say_json(answer)
