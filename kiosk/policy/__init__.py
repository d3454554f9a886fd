"""Rules that an authority sets: data with a source and an effective date, never constants in code.

The client's own documents contradict each other in places (domain §1.12), so what a city decides
lies in one file, and its version goes into every transaction and onto every receipt. Where the
packs of a terminal come from: `kiosk.policy.shelf`. What a pack may say: `kiosk.policy.pack`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kiosk.policy.name import Name
from kiosk.policy.pack import Area, Bank, Outlet, Policy, read_pack
from kiosk.policy.table import BadPolicy, Days, Fee, Table

__all__ = [
    "BUILT_IN",
    "Area",
    "BadPolicy",
    "Bank",
    "Days",
    "Fee",
    "Name",
    "Outlet",
    "Policy",
    "Table",
    "load_policy",
    "read_pack",
]

#: The pack that the program brings along: the demo's, and it says so.
BUILT_IN = Path(__file__).parent / "tangshan.toml"


@cache
def load_policy(file: Path = BUILT_IN) -> Policy:
    """Read a pack without asking who made it; once a file. Raises `BadPolicy` and `OSError`.

    What the centre issued is read by `kiosk.policy.shelf.Shelf`, which checks its signature.
    """
    return read_pack(file.read_bytes(), file.name)
