"""What a reader must make of the ID cards of the demo's personas."""

from __future__ import annotations

from hardware.id_documents import IdCard
from hardware.virtual.personas import IdPersona


def said_by(persona: IdPersona) -> IdCard:
    """The card as the driver gives it, without a portrait."""
    said = {name: value for name, value in vars(persona).items() if name not in _OTHERWISE}
    address = persona.new_address or persona.address
    return IdCard(printed_address=persona.address, address=address, **said)


_OTHERWISE = ("address", "new_address", "portrait")
