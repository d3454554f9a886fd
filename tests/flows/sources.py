"""Which words the program says, as far as its source tells: ids written out, and patterns of ids.

`f"fault.{code}.citizen"` says every id that fits `fault.*.citizen`. What the explorer of services
has not heard must fit one of these, or nobody says it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

#: Where words are said.
ROOMS = ("kiosk", "screens", "hardware", "central", "docs")
_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_-]+)*\.?")


def unused(ids: Iterable[str], root: Path, explored: Iterable[str] = ()) -> list[str]:
    """Those of the ids that nothing in the source says.

    A literal says the id itself and, as its beginning, those below it: a page given "ending.idle"
    says "ending.idle.title". Not so below `explored` roots, whose pages the explorer has seen.
    """
    literals, patterns = _said(root)
    fits = [re.compile(pattern) for pattern in sorted(patterns)]
    roots = set(explored)

    def said(one: str) -> bool:
        if one in literals or any(pattern.fullmatch(one) for pattern in fits):
            return True
        if one.partition(".")[0] in roots:
            return False
        above = one.rpartition(".")[0]
        # One bare word may mean anything; two, "id_step", hardly.
        return ("." in above or "_" in above) and said(above)

    return sorted(one for one in ids if not said(one))


@cache
def _said(root: Path) -> tuple[set[str], set[str]]:
    """Literals that could be ids, and patterns of f-strings that begin like one."""
    literals: set[str] = set()
    patterns: set[str] = set()
    for room in ROOMS:
        for file in sorted((root / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    if _ID.fullmatch(node.value):
                        literals.add(node.value)
                elif isinstance(node, ast.JoinedStr):
                    patterns |= set(_patterns(node))
    return literals, patterns


def _patterns(node: ast.JoinedStr) -> Iterator[str]:
    parts = [
        re.escape(part.value) if isinstance(part, ast.Constant) else "[a-z0-9_.-]+"
        for part in node.values
        if not isinstance(part, ast.Constant) or isinstance(part.value, str)
    ]
    first = node.values[0]
    # A pattern that begins with a value would fit anything.
    if isinstance(first, ast.Constant) and re.match(r"[a-z_]+\.", str(first.value)):
        yield "".join(parts)
