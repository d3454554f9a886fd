"""docs/requirements.md has every requirement there is, and what it names is there.

That the files and tests exist is checked for all documents in `tests/flows/test_docs.py`; here,
that no requirement is left out and none is called met without saying where and by which test.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs/requirements.md"

#: Group of the domain catalogue -> its last number: 119 of the client's documents, and 23 more.
LAST = {"A": 11, "B": 16, "C": 14, "D": 24, "E": 11, "F": 15}
LAST |= {"G": 17, "H": 7, "I": 7, "J": 8, "K": 12}
IDS = [f"R-{group}{number}" for group, last in LAST.items() for number in range(1, last + 1)]


def rows(text: str) -> list[tuple[str, ...]]:
    """(id, demands, met in, tested in) of each requirement."""
    lines = [line for line in text.splitlines() if line.startswith("| R-")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def faults(row: tuple[str, ...]) -> list[str]:
    """What is wrong with one row."""
    if len(row) != 4:
        return ["has not four cells"]
    _, demands, met, tested = row
    if not demands or not met:
        return ["says nothing"]
    if re.match(r"not yet|refused[:,] ", met):
        return []
    wrong = []
    if not re.search(r"`[\w/]+(\.\w+)?`|\]\(\w[\w-]*\.md\)", met):
        wrong.append("is met nowhere")
    if not re.search(r"`(tests/[\w/.]+|test_\w+)`", tested):
        wrong.append("has no test")
    return wrong


FOUND = rows(DOCUMENT.read_text(encoding="utf-8"))


def test_every_requirement_has_one_row_in_order() -> None:
    assert len(IDS) == 142
    assert [row[0] for row in FOUND] == IDS


@pytest.mark.parametrize("row", FOUND, ids=lambda row: str(row[0]))
def test_a_requirement_says_where_it_is_met_and_tested_or_why_not(row: tuple[str, ...]) -> None:
    assert faults(row) == []


def test_a_row_that_says_same_or_nothing_is_found_out() -> None:
    """「same」 pointed at whatever row stood above it."""
    assert faults(("R-B11", "nothing typed", "`kiosk/services`", "same")) == ["has no test"]
    assert faults(("R-B12", "named", "same", "`test_some`")) == ["is met nowhere"]
    assert faults(("R-B13", "named", "", "")) == ["says nothing"]
    assert faults(("R-B14", "a notice", "not yet: no port", "")) == []
    assert rows("| R-A1 | a | b | c |\n| §2.5 | a | b | c |") == [("R-A1", "a", "b", "c")]
