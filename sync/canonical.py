"""One way to write a JSON value as bytes, so that a hash of it means the same everywhere.

The signature under a form covers the hash of these bytes (domain R-B9), and an envelope is sealed
together with the canonical bytes of its header. The form is that of RFC 8785 for the types used
here: keys sorted, no spaces, UTF-8. Floating-point numbers are refused, because their text differs
between languages; amounts and sizes are integers or strings.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What may be hashed. `Mapping` and `Sequence` so that typed dictionaries fit without a cast.
Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"


def canonical(value: Json) -> bytes:
    """The canonical bytes of `value`. Raises `TypeError` for what is not plain JSON, or a float."""
    _refuse_others(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def sha256_hex(value: bytes | Json) -> str:
    """SHA-256 in lower-case hexadecimal: of bytes as they are, of JSON in its canonical form."""
    data = value if isinstance(value, bytes) else canonical(value)
    return hashlib.sha256(data).hexdigest()


def _refuse_others(value: Json) -> None:
    if value is None or isinstance(value, (bool, int, str)):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError("keys must be text")
            _refuse_others(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _refuse_others(inner)
    else:
        # The value itself is not named: it may be personal.
        raise TypeError(f"{type(value).__name__} has no canonical form")
