"""The outside systems: for each a protocol, an implementation for the demonstration, and a contract
that every implementation must pass (`tests/system/test_ports.py`)."""

from __future__ import annotations


class NotNow(Exception):
    """An outside system cannot answer. The text is a word that the terminal is told; what it sent
    comes again."""
