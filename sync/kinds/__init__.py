"""The contract of each business, one module each: found by being there.

Both sides import them: the terminal seals what they describe, the centre checks it. A module's name
is the id of its kind; it may declare `KIND`, `QUESTIONS`, or both.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from sync.wire.kind import Kind, Question


@cache
def kinds() -> dict[str, Kind]:
    """Kind id -> what its envelopes hold."""
    found: dict[str, Kind] = {}
    for module in _modules():
        kind: Kind | None = getattr(module, "KIND", None)
        if kind is not None:
            if f"{__name__}.{kind.id}" != module.__name__:
                raise RuntimeError(f"{module.__name__} declares the kind {kind.id}")
            found[kind.id] = kind
    return found


@cache
def questions() -> dict[str, Question]:
    """Question id -> what is asked and answered."""
    found: dict[str, Question] = {}
    for module in _modules():
        for question in getattr(module, "QUESTIONS", ()):
            if not f"{__name__}.{question.id}".startswith(f"{module.__name__}."):
                raise RuntimeError(f"{module.__name__} declares the question {question.id}")
            found[question.id] = question
    return found


@cache
def _modules() -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]
