"""A business is one file on each side: nothing else in the product knows it (DESIGN idea 5).

The businesses are enumerated from the code, so a new one is held to this by being there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from kiosk.services import find_services

ROOT = Path(__file__).parents[2]
ROOMS = ("central", "hardware", "kiosk", "screens", "sync")

#: What one business may consist of.
PLACES = ("sync/kinds", "central/business", "kiosk/services")

#: Lines of a service.
LONGEST_SERVICE = 150

#: Where one business may speak of another: what follows from it at the centre, and the tour.
MAY_NAME_OTHERS = ("central/business", "kiosk/demo")

#: Steps that have a question of their own at the centre: those who take the step name it.
STEPS = {file.stem for file in (ROOT / "kiosk/steps").glob("*.py")}

BUSINESSES = sorted(
    {service.id for service in find_services()}
    | {file.stem for place in PLACES[:2] for file in (ROOT / place).glob("*.py")} - STEPS
)


def named(file: Path) -> Iterator[str]:
    """What a file names: every text of its code but docstrings, every module it imports."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in prose:
                yield node.value
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.rpartition(".")[2]
            yield from (alias.name for alias in node.names)


def knows(names: Iterable[str], business: str) -> bool:
    return any(text == business or text.startswith(f"{business}.") for text in names)


@cache
def sources() -> dict[Path, frozenset[str]]:
    """Every file of the product that could name a business, and what it names."""
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    some = re.compile("|".join(map(re.escape, BUSINESSES)))
    return {file: frozenset(named(file)) for file in files if some.search(file.read_text("utf-8"))}


@pytest.mark.parametrize("business", BUSINESSES)
def test_a_business_is_known_to_its_own_files_only(business: str) -> None:
    own = {ROOT / place / f"{business}.py" for place in PLACES}
    strangers = [
        file.relative_to(ROOT).as_posix()
        for file, names in sources().items()
        if file not in own and knows(names, business)
    ]
    assert [file for file in strangers if not file.startswith(MAY_NAME_OTHERS)] == []


@pytest.mark.parametrize("business", ["loss_report", "loss_withdrawal"])
def test_a_business_with_a_transaction_is_three_modules_its_words_and_a_flow_test(
    business: str,
) -> None:
    """The five new files of docs/new-service.md."""
    assert [place for place in PLACES if not (ROOT / place / f"{business}.py").exists()] == []
    for language in ("zh_CN", "en"):
        words = "".join(file.read_text() for file in (ROOT / "kiosk/words" / language).glob("*"))
        assert f"[service.{business}]" in words
    flows = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    assert f"kiosk.services.{business} import" in flows


def test_a_service_is_read_at_one_sitting() -> None:
    longest = {
        file.name: len(file.read_text(encoding="utf-8").splitlines())
        for file in (ROOT / "kiosk/services").glob("*.py")
    }
    assert [name for name, lines in longest.items() if lines > LONGEST_SERVICE] == []


def test_a_stranger_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    for code in (
        'KINDS = {"loss_report": 1}',
        'ask("loss_report.card")',
        "from sync.kinds import loss_report",
        "from kiosk.services.loss_report import ReportLoss",
    ):
        file.write_text(code)
        assert knows(named(file), "loss_report"), code
    file.write_text('"""As loss_report does."""\nx = "loss_reports"  # loss_report\n')
    assert not knows(named(file), "loss_report")
