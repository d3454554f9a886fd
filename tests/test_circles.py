"""No circle of files: whoever reads one file need not read a second one that needs the first.

An import counts wherever it stands, also inside a function or for the types only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import grimp

ROOMS = ("central", "hardware", "kiosk", "screens", "sync")


@cache
def imports() -> Mapping[str, frozenset[str]]:
    """Module -> the modules that it imports itself."""
    graph = grimp.build_graph(*ROOMS)
    return {
        name: frozenset(graph.find_modules_directly_imported_by(name)) for name in graph.modules
    }


def circles(edges: Mapping[str, Iterable[str]]) -> Iterator[frozenset[str]]:
    """The largest sets of modules each of which leads to every other of its set."""
    reach: dict[str, set[str]] = {}
    for start in edges:
        seen: set[str] = set()
        ahead = list(edges[start])
        while ahead:
            module = ahead.pop()
            if module not in seen:
                seen.add(module)
                ahead += edges.get(module, ())
        reach[start] = seen
    told: set[str] = set()
    for module, reached in reach.items():
        if module in reached and module not in told:
            circle = frozenset(other for other in reached if module in reach.get(other, ()))
            told |= circle
            yield circle


def test_no_circle_of_files() -> None:
    assert list(circles(imports())) == []


def test_a_circle_is_found_wherever_it_is_entered() -> None:
    edges = {"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": [], "e": ["e"], "f": ["a"]}
    assert set(circles(edges)) == {frozenset({"b", "c"}), frozenset({"e"})}
