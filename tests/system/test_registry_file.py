"""What a demonstration's list of persons makes of the registry, on either database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.system.people import Person

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.in_process import Centre

ONE, OTHER = Person("名册甲", "19510101", 1), Person("名册乙", "19510101", 3)


def test_a_list_replaces_what_it_says_and_leaves_the_rest(centre: Centre, tmp_path: Path) -> None:
    from central.demo import load_registry

    def loads(*persons: dict[str, Any]) -> int:
        file = tmp_path / "registry.json"
        file.write_text(json.dumps(persons), encoding="utf-8")
        return load_registry(file)

    def row(person: Person, **facts: Any) -> dict[str, Any]:
        return {"id_number": person.number, "name": person.name, **facts}

    first = row(ONE, card_state="1", card_made="2020-03-01")
    assert loads(first, row(OTHER), row(OTHER, insured=False)) == 3
    assert not centre.row(OTHER).insured, "whoever is named twice is one person"
    assert loads(row(ONE, phone="1"), row(OTHER, phone="2"), {**row(ONE), "phone": "3"}) == 3
    assert (centre.row(ONE).phone, centre.row(OTHER).phone) == ("3", "2")
    assert centre.row(ONE).card_made.isoformat() == "2020-03-01"
    centre.set_card(ONE, "3")
    assert loads(row(ONE, phone="13900000000")) == 1
    found = centre.row(ONE)
    assert (found.card_state, found.phone) == ("3", "13900000000")
    assert loads() == 0
