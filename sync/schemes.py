"""Finds the code of one way of sealing (`sync.profiles`) by the id in the clear header."""

from __future__ import annotations

from sync.profiles import PROFILES, Scheme

__all__ = ["PROFILES", "Scheme", "scheme_of"]


def scheme_of(algorithm: str) -> Scheme:
    """The scheme with this id. Raises `ValueError` for one that this release does not know."""
    # Loaded here: a terminal needs one of them only.
    if algorithm == PROFILES["hybrid"]:
        from sync.hybrid import Hybrid

        return Hybrid()
    if algorithm == PROFILES["national"]:
        from sync.national import National

        return National()
    raise ValueError(f"sealing by {algorithm[:80]!r} is not known here")
