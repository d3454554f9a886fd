"""The shape of every message, and how two versions of it differ.

A change is harmless if either side may be the older one: a message or a field that may be missing
was added. Everything else needs a new major version (see `sync.contract`).
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from sync.header import EnvelopeHeader
from sync.messages import (
    API,
    CHECKPOINT_PURPOSE,
    EXPORT_PURPOSE,
    KEY_PURPOSE,
    SIGNATURE_TAG,
    SIGNED_COMPONENTS,
)
from tests.system.contract import samples

if TYPE_CHECKING:
    from collections.abc import Iterator


#: What else the two sides must have in common.
WIRE: dict[str, Any] = {
    "address": API,
    "signed": {"components": list(SIGNED_COMPONENTS), "tag": SIGNATURE_TAG},
    "purposes": [EXPORT_PURPOSE, CHECKPOINT_PURPOSE, KEY_PURPOSE],
    "header_fields": {field.name: str(field.type) for field in fields(EnvelopeHeader)},
}


def shape() -> dict[str, Any]:
    """JSON Schema of all messages of today's code, each under `$defs`; `WIRE` beside them."""
    models = {type(message) for _, message in [*samples.requests(), *samples.answers()]}
    listed = sorted(models, key=lambda model: model.__name__)
    _, schema = models_json_schema([(model, "serialization") for model in listed])
    _strip(schema)
    return {**schema, "wire": WIRE}


def _strip(schema: Any) -> None:
    """Without titles and descriptions: words may change at any time."""
    if isinstance(schema, dict):
        for name in ("title", "description"):
            if isinstance(schema.get(name), str):
                del schema[name]
        for inner in schema.values():
            _strip(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _strip(inner)


def breaks(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """What in `new` an older terminal or server could not live with, a line each."""
    for name, value in old["wire"].items():
        if name == "purposes":
            if not set(value) <= set(new["wire"][name]):
                yield "a purpose of signatures is gone"
        elif new["wire"].get(name) != value:
            yield f"{name} has changed"
    for name, was in old["$defs"].items():
        now = new["$defs"].get(name)
        if now is None:
            yield f"{name} is gone"
        elif "properties" not in was:
            if was != now:
                yield f"{name} has changed"
        else:
            yield from _broken_fields(name, was, now)


def _broken_fields(name: str, was: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    fields = now.get("properties", {})
    for field, shape in was["properties"].items():
        if field not in fields:
            yield f"{name}.{field} is gone"
        elif fields[field] != shape:
            yield f"{name}.{field} has changed"
    for field in fields:
        if field not in was["properties"] and "default" not in fields[field]:
            yield f"{name}.{field} is new and must be there"
