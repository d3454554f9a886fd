"""Codes that people read out and type in once: for a new terminal, for a script."""

from __future__ import annotations

import secrets

from sync.canonical import sha256_hex
from sync.sheet import ALPHABET


def fresh_code() -> str:
    """A new code of 59 bits, e.g. "K7WM-3QXA-9ZTB". Only its hash is ever kept."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))


def code_hash(code: str) -> str:
    """Of the code without what people add to or leave out of it."""
    return sha256_hex("".join(filter(str.isalnum, code)).upper().encode("utf-8"))
