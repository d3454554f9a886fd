"""What waits here about a person, sealed to the centre's own key: who copies the database reads
nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from central.keys import keyring
from sync.envelope import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping


def seal(purpose: str, plain: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What the seal binds in, and the sealed bytes; both are kept. `purpose`: what it is."""
    sealer = keyring().current_sealer()
    header = sealer.question_header("", purpose)
    return header.as_wire(), sealer.seal(header, dict(plain))


def opened(header: Mapping[str, Any], sealed: bytes) -> dict[str, Any]:
    """What was sealed; {} where it cannot be opened any more."""
    opener = keyring().opener(header["key_id"])
    try:
        return {} if opener is None else opener.open(dict(header), sealed)
    except Unreadable:
        return {}
