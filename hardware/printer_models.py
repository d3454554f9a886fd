"""What differs between receipt printers, as data: one file per kind in `hardware/models`.

Which one it is the settings say (`printer_model`); one that nobody described is `generic`. With
"ask" the printer is asked (GS I 67), which a simple one does not know and prints as two letters.
What a file holds comes from the maker's manual, which it names.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "models"

GENERIC, ASK = "generic", "ask"


class UnknownModel(ValueError):
    """No printer model of this name is described."""


@dataclass(frozen=True)
class PrinterModel:
    """One kind of printer. Bytes are written as hexadecimal text in the file."""

    id: str
    #: As technicians know it.
    title: str
    #: Characters of a line.
    columns: int
    #: The longest time that a line of text takes, seconds.
    line_s: float
    #: Feeds to the cutter and cuts; b"": it has none, and paper is torn off.
    cut: bytes
    #: Turns the double-byte mode on; b"": it is always on.
    chinese: bytes
    #: Whether it draws QR codes, and images (GS v 0).
    codes: bool
    images: bool = True
    #: Whether it knows sizes and weight.
    styles: bool = True
    #: How its answer to "what are you" begins.
    names: tuple[str, ...] = ()
    #: Whether it answers GS r; None: that is learned.
    queued: bool | None = None
    #: Throws away all that was sent; b"": it cannot, and staff must clear what is left.
    cancel: bytes = b""
    #: What it answers when that is done; b"": nothing, and the maker's word is believed.
    cancelled: bytes = b""
    #: Asks for the state of the paper's mouth; b"": it has no presenter.
    presenter: bytes = b""
    #: Takes back what nobody took from the mouth; b"": it cannot, or does so by itself.
    retract: bytes = b""

    @classmethod
    def read(cls, file: Path) -> PrinterModel:
        """Raises `ValueError` for a file that does not describe one."""
        given = tomllib.loads(file.read_text(encoding="utf-8"))
        known = {field.name: field for field in fields(cls)}
        if unknown := given.keys() - known.keys():
            raise ValueError(f"{file.name}: unknown {', '.join(sorted(unknown))}")
        values = {name: _value(known[name].type, value) for name, value in given.items()}
        return cls(id=file.stem, **values)


def _value(kind: Any, value: Any) -> Any:
    if kind == "bytes":
        return bytes.fromhex(value)
    return tuple(value) if isinstance(value, list) else value


@cache
def models() -> dict[str, PrinterModel]:
    """Id -> every model that is described."""
    return {file.stem: PrinterModel.read(file) for file in sorted(_FOLDER.glob("*.toml"))}


def model_named(name: str) -> PrinterModel:
    """Raises `UnknownModel`."""
    try:
        return models()[name]
    except KeyError:
        raise UnknownModel(f"printer model {name!r}: known are {', '.join(models())}") from None


def model_answering(said: str) -> PrinterModel:
    """The one whose printer says this of itself; `generic` for what nobody knows."""
    found = (m for m in models().values() for name in m.names if said.upper().startswith(name))
    return next(found, models()[GENERIC])
