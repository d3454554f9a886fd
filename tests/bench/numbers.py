"""The shape of every number of the bench."""

from __future__ import annotations

from typing import Any, TypeAlias

#: `value` (ours), `peer`, `ratio`, `limit` and whether it `holds`.
Number: TypeAlias = dict[str, Any]


def against_peer(value: float, peer: float, limit: float) -> Number:
    """Ours against a peer or a floor measured in the same run; at most `limit` times as much."""
    ratio = value / peer
    return {
        "value": round(value, 4),
        "peer": round(peer, 4),
        "ratio": round(ratio, 2),
        "limit": f"ratio <= {limit}",
        "holds": ratio <= limit,
    }


def at_most(value: float, limit: float, peer: float) -> Number:
    """Ours against a fixed limit, with a peer or a floor of the same run to judge it by."""
    return {
        "value": round(value, 4),
        "peer": round(peer, 4),
        "ratio": round(value / peer, 2) if peer else None,
        "limit": f"value <= {limit}",
        "holds": value <= limit,
    }


def at_least(value: float, limit: float, peer: float) -> Number:
    """Ours, at least a fixed limit, with a peer or a floor of the same run to judge it by."""
    return {
        "value": round(value, 4),
        "peer": round(peer, 4),
        "ratio": round(value / peer, 2) if peer else None,
        "limit": f"value >= {limit}",
        "holds": value >= limit,
    }
