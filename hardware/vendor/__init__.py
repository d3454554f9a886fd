"""Readers that only their maker's library (.so) can speak to.

Which there are, and against what each was tried, stands in docs/devices.md.

Such libraries were seen to hang, to crash, to print and to write past their buffers. So none is
loaded into the kiosk: `child` is a process that calls it, `library` is the kiosk's side of that
process, and each family is a table of prototypes, as its header has them, with what they mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardware.vendor.cards import VendorTransport


#: As the settings name them: `devices.card`, `devices.id_reader`.
CARD_FAMILIES, ID_FAMILIES = ("icc", "dc"), ("sdt",)


def make_card_transport(
    family: str, library: str, port: str, near: bool, psam: int
) -> VendorTransport:
    """`family`: one of `CARD_FAMILIES`; `library`: path of the maker's .so; `port`: its own name
    for the reader, "" for the usual; `near`: whether cards are also held near; `psam`: the number
    of the slot of the PSAM, 0 for none."""
    from hardware.vendor import dc, icc
    from hardware.vendor.cards import VendorTransport
    from hardware.vendor.library import Library

    functions = {"icc": icc.FUNCTIONS, "dc": dc.FUNCTIONS}[family]
    made = Library(library, functions)
    reader = (icc.IccReader if family == "icc" else dc.DcReader)(made, port, psam)
    return VendorTransport(made, reader, near, psam > 0)
