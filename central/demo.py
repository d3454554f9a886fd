"""What a demonstration needs: persons to apply, a code to enrol with, an operator to look on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from central import fleet, unit_lists
from central.boot import write_secret
from central.keys import person_hash
from central.models import EnrolmentCode, RegisteredPerson, UnitList
from central.roles import Role, add_operator
from central.unit_files import Entry

if TYPE_CHECKING:
    from pathlib import Path

#: The unit of the demonstration, which does not exist.
UNIT = "示例公司"

CODE_FILE, OPERATOR_FILE = "enrolment-code", "operator.txt"


def prepare(folder: Path) -> None:
    """An unused enrolment code and an operator's account, in files beside the database.

    Nothing is done twice: a second start keeps the account, and the code until it is used.
    """
    code_file = folder / CODE_FILE
    if not code_file.exists() or not EnrolmentCode.objects.filter(used_by=None).exists():
        code_file.unlink(missing_ok=True)
        write_secret(code_file, f"{fleet.new_code()}\n".encode("ascii"))
    if not (folder / OPERATOR_FILE).exists():
        password = add_operator("operator", Role.ADMIN)
        write_secret(folder / OPERATOR_FILE, f"operator\n{password}\n".encode("ascii"))


def load_registry(file: Path) -> int:
    """Fill the registry from a JSON list of persons; returns how many.

    Each has id_number and name, and may have what `RegisteredPerson` has. Of the number only its
    keyed hash is kept. A person already there is replaced. Who is "listed" is on the list of
    a unit, which is taken in once.
    """
    persons = json.loads(file.read_text(encoding="utf-8"))
    who = ("id_number", "name")
    listed = [
        Entry(line, {**person.pop("listed"), **{name: person[name] for name in who}})
        for line, person in enumerate(persons, 2)
        if "listed" in person
    ]
    if listed and not UnitList.objects.exists():
        unit_lists.take_in(listed, UNIT, "演示")
    known: dict[str, dict[str, Any]] = {}
    for person in persons:  # what is said of somebody last counts
        known.setdefault(person_hash(person.pop("id_number")), {}).update(person)
    alike: dict[tuple[str, ...], list[RegisteredPerson]] = {}
    for key, said in known.items():
        alike.setdefault(tuple(sorted(said)), []).append(RegisteredPerson(person=key, **said))
    for fields, rows in alike.items():
        RegisteredPerson.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["person"], update_fields=fields
        )
    return len(persons)
