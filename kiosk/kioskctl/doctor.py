"""`kioskctl doctor`: every check of `kiosk.upkeep.doctor`, as a table or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from kiosk.kioskctl.console import (
    WRONG,
    Json,
    State,
    busy,
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


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    state: State,
    only: Annotated[list[str] | None, typer.Option(help="one check; may be given again")] = None,
    as_json: Json = False,
) -> None:
    """Examine the terminal: enrolment, outbox, centre, programs, every device."""
    from kiosk.upkeep.doctor import CHECKS, Patient, examine

    settings = settings_of(state)
    words = words_of(settings)
    if unknown := set(only or ()) - CHECKS.keys():
        raise stop(f"no check {', '.join(sorted(unknown))}; there is: {', '.join(CHECKS)}")
    patient = Patient(state, settings)
    findings = []
    for name in only or CHECKS:
        with busy(words.say("doctor.examining", what=words.say(f"doctor.{name}"))):
            findings.append(examine(patient, name))
    if as_json:
        say_json([_row(finding) for finding in findings])
    else:
        out(_table(findings, words))
    raise typer.Exit(0 if all(finding.healthy for finding in findings) else WRONG)


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "state": _state(finding),
        "fault": finding.fault or "",
        "detail": finding.detail,
    }


def _state(finding: Finding) -> str:
    if not finding.present:
        return "absent"
    if finding.healthy:
        return "healthy"
    return "broken" if finding.serious else "warning"


_COLOURS = {"absent": "dim", "healthy": "green", "broken": "red", "warning": "yellow"}


def _table(findings: list[Finding], words: Words) -> Table:
    columns = ("what", "state", "detail", "meaning", "fix")
    # Chinese has no blanks to break a line at, so it is folded.
    made = table(*(words.say(f"doctor.column_{column}") for column in columns))
    for finding in findings:
        state = _state(finding)
        fault = f"fault.{finding.fault}"
        row(
            made,
            words.say(f"doctor.{finding.check}"),
            styled(words.say(f"doctor.{state}"), _COLOURS[state]),
            detail_of(words, finding.fault, finding.detail),
            words.say(f"{fault}.technician") if finding.fault else "",
            words.say(f"{fault}.fix") if finding.fault else "",
        )
    return made
