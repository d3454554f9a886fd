"""Policy packs: which of them a terminal should have, and one of them as it was issued.

A pack is a text that an authority set (`kiosk.policy`). The centre signs it, and it signs the list
of those that are wanted: the list goes to each terminal with the answer to a heartbeat, and the
terminal fetches what it has not got.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from sync.values import Base64, Code, Sha256
from sync.wire.base import Document, Message, Signed

#: Largest pack, bytes.
PACK_LIMIT = 256 * 1024


class Issued(Document):
    """One pack, by name and contents. `version` is a date, with a number where a day had several:
    "2026-11-28.2"."""

    version: Code
    sha256: Sha256
    size: Annotated[int, Field(ge=1)] = 1


class DesiredPacks(Signed):
    """The packs of a region, signed by the centre.

    A list is newer than another if (`epoch`, `number`) is greater. A terminal keeps to the newest
    that it has seen, so that an old list which somebody kept brings nothing back.
    """

    PURPOSE: ClassVar[str] = "kiosk-policy-packs-1"

    #: As in `sync.wire.envelopes.Standing`.
    epoch: Annotated[int, Field(ge=0)]
    #: Grows with each pack that is issued or withdrawn, of any region.
    number: Annotated[int, Field(ge=0)]
    #: Six digits of GB/T 2260.
    region: Code
    #: The one that rules today and those that will.
    packs: list[Issued] = []
    #: To be put away. A pack that is in neither list stays.
    withdrawn: list[Issued] = []


class PackQuestion(Message):
    """Asks for the pack with these contents."""

    sha256: Sha256


class Pack(Message):
    """A pack as it was issued, and the centre's signature (`kiosk.policy.shelf.PURPOSE`)."""

    data: Annotated[Base64, Field(max_length=PACK_LIMIT)]
    signature: Annotated[Base64, Field(max_length=64)]
