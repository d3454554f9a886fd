"""`kioskctl roster`: who may open the maintenance page, and who may vouch for a citizen.

A PIN is asked for without showing it, or read as one line of standard input (`console.secret`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.kioskctl.console import (
    Json,
    State,
    out,
    row,
    say_json,
    secret,
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
    _must_be_ours(state, person)
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

    _must_be_ours(state, person)
    try:
        if person not in read_roster(state / ROSTER_FILE):
            raise stop("nobody by this id is on the roster")
        _change(state, person, None)
    except (OSError, BadRoster) as error:
        raise stop(str(error)) from None
    record(state, "roster_changed", person=person, what="removed")
    out(f"{person} is no longer on the roster")


def show(state: State, as_json: Json = False) -> None:
    """Who is on the roster, with roles, and who put them there: somebody here, or the centre."""
    from kiosk.maintenance.roster import ROSTER_FILE, BadRoster, read_roster, said_by_centre

    try:
        here = read_roster(state / ROSTER_FILE)
    except BadRoster as bad:
        raise stop(f"the roster cannot be read: {bad}") from None
    theirs = said_by_centre(state)
    people = [(one, "centre" if one.id in theirs else "here") for one in (here | theirs).values()]
    if as_json:
        say_json([{"id": one.id, "roles": sorted(one.roles), "by": by} for one, by in people])
        return
    listed = table("id", "roles", "by")
    for one, by in people:
        row(listed, one.id, ", ".join(sorted(one.roles)) or "none: admitted no more", by)
    out(listed if people else "nobody is on the roster")


def _must_be_ours(state: Path, person: str) -> None:
    """Ends the command for whom the centre decides about: what is entered here would not count."""
    from kiosk.maintenance.roster import said_by_centre

    if person in said_by_centre(state):
        raise stop(
            f"the centre decides about {person} (`fleet person`), over what is entered here:"
            " ask it, or take another id"
        )


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

    pin = secret("PIN", twice=True)
    try:
        must_be_strong(pin)
    except NotAPin as wrong:
        raise stop(str(wrong)) from None
    except WeakPin as weak:
        raise stop(words.say(f"roster.weak.{weak.why}")) from None
    return pin
