"""The version of this program, as the fleet and the journal are told."""

from __future__ import annotations


def version() -> str:
    """E.g. "0.1.0"; "unpackaged" if it runs from a tree that was never installed."""
    from importlib import metadata  # brings the mail parser; home need not wait for it

    try:
        return metadata.version("sscard-kiosk")
    except metadata.PackageNotFoundError:
        return "unpackaged"
