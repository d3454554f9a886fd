"""What is plugged into this machine, whether or not the settings use it.

For the technician who has to find out which port is which; nothing is opened or disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plugged:
    """One thing found. `place` is what the settings would call it; "" if there is none and
    `detail` says why."""

    kind: str
    place: str
    detail: str = ""


def plugged_in() -> Iterator[Plugged]:
    """Serial ports, PC/SC readers and cameras, in this order."""
    yield from _serial_ports()
    yield from _card_readers()
    yield from _cameras()


def _serial_ports() -> Iterator[Plugged]:
    from serial.tools import list_ports

    for port in sorted(list_ports.comports()):
        # A board has numbered ports with nothing behind them; they say "n/a".
        if port.description != "n/a":
            yield Plugged("serial", port.device, port.description)


def _card_readers() -> Iterator[Plugged]:
    from smartcard import scard

    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if code != scard.SCARD_S_SUCCESS:
        yield Plugged("pcsc", "", "no service: is pcscd running?")
        return
    try:
        code, readers = scard.SCardListReaders(context, [])
        if code != scard.SCARD_S_SUCCESS:
            yield Plugged("pcsc", "", "the service sees no reader")
            return
        for reader in readers:
            yield Plugged("pcsc", str(reader))
    finally:
        scard.SCardReleaseContext(context)


def _cameras(system: Path = Path("/")) -> Iterator[Plugged]:
    lasting = {
        link.resolve().name: str(link) for link in (system / "dev/v4l/by-id").glob("*-index0")
    }
    for device in sorted((system / "sys/class/video4linux").glob("video*")):
        name = device / "name"
        detail = name.read_text(encoding="utf-8").strip() if name.is_file() else ""
        # The path by id stays the same whatever else is plugged in, and in which order.
        yield Plugged("camera", lasting.get(device.name, f"/dev/{device.name}"), detail)
