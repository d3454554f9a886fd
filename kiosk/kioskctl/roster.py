"""`kioskctl roster`: who may open the maintenance page, and who may vouch for a citizen.

A PIN is asked for without showing it, or read as one line of standard input; it is no argument and
no option, because those stand in the shell's history and in the list of processes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.kioskctl.console import (
    Json,
    State,
    out,
    row,
    say_json,
    settings_of,
    stop,
    table,
    words_of,
)
from kiosk.kioskctl.journal import record

if TYPE_CHECKING:
    from kiosk.maintenance.roster import Person
    from kiosk.words import Words

PersonId = Annotated[str, typer.Argument(metavar="ID", help="e.g. t001: letters, then digits")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="technicians and staff, with their PINs")
    group.command("add")(add)
    group.command("remove")(remove)
    group.command("list")(show)
    app.add_typer(group, name="roster")


def add(
    state: State,
    person: PersonId,
    role: Annotated[list[str] | None, typer.Option(help="technician, staff; both: twice")] = None,
) -> None:
    """Admit a person, or give them another PIN. The PIN is asked for, or read from a pipe."""
    from kiosk.maintenance.roster import (
        BadRoster,
        Person,
        Role,
        valid_id,
    )
    from sync.pins import can_be_typed, hash_pin

    roles = role or [Role.TECHNICIAN]
    if unknown := set(roles) - set(Role):
        raise stop(f"no role {', '.join(sorted(unknown))}; there is: {', '.join(Role)}")
    if not valid_id(person):
        raise stop("an id is one to 16 small letters, then up to six digits")
    if Role.STAFF in roles and not can_be_typed(person):
        raise stop("staff type their number at the terminal: s and one to six digits, e.g. s012")
    pin = _new_pin(words_of(settings_of(state)))
    new = Person(person, frozenset(map(Role, roles)), hash_pin(pin))
    try:
        _change(state, person, new)
    except (OSError, BadRoster) as error:
        raise stop(str(error)) from None
    record(state, "roster_changed", person=person, what="added")
    out(f"{person}: {', '.join(sorted(new.roles))}")


def remove(state: State, person: PersonId) -> None:
    """Admit a person no more."""
    from kiosk.maintenance.roster import ROSTER_FILE, BadRoster, read_roster

    try:
        if person not in read_roster(state / ROSTER_FILE):
            raise stop("nobody by this id is on the roster")
        _change(state, person, None)
    except (OSError, BadRoster) as error:
        raise stop(str(error)) from None
    record(state, "roster_changed", person=person, what="removed")
    out(f"{person} is no longer on the roster")


def show(state: State, as_json: Json = False) -> None:
    """Who is on the roster, with roles."""
    from kiosk.maintenance.roster import ROSTER_FILE, BadRoster, read_roster

    try:
        people = read_roster(state / ROSTER_FILE).values()
    except BadRoster as bad:
        raise stop(f"the roster cannot be read: {bad}") from None
    if as_json:
        say_json([{"id": one.id, "roles": sorted(one.roles)} for one in people])
        return
    listed = table("id", "roles")
    for one in people:
        row(listed, one.id, ", ".join(sorted(one.roles)))
    out(listed if people else "nobody is on the roster")


def _change(state: Path, person_id: str, person: Person | None) -> None:
    from kiosk.maintenance.roster import ROSTER_FILE, read_roster, write_roster

    people = read_roster(state / ROSTER_FILE)
    people.pop(person_id, None)
    if person is not None:
        people[person_id] = person
    write_roster(state / ROSTER_FILE, people.values())


def _new_pin(words: Words) -> str:
    """A PIN that is not among the likeliest. Ends the command with the reason otherwise."""
    from sync.pins import NotAPin, WeakPin, must_be_strong

    if sys.stdin.isatty():
        pin: str = typer.prompt("PIN", hide_input=True, confirmation_prompt=True)
    else:
        pin = sys.stdin.readline().strip()
    try:
        must_be_strong(pin)
    except NotAPin as wrong:
        raise stop(str(wrong)) from None
    except WeakPin as weak:
        raise stop(words.say(f"roster.weak.{weak.why}")) from None
    return pin
