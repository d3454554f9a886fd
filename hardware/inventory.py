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


def unsteady(port: str) -> bool:
    """Whether a serial port is named by a number that it may lose to another at the next start."""
    return Path(port).name.startswith(("ttyUSB", "ttyACM")) and Path(port).parent == Path("/dev")


def _serial_ports(system: Path = Path("/")) -> Iterator[Plugged]:
    from serial.tools import list_ports

    # By the socket it is plugged into; by what it says of itself where the system knows no socket.
    lasting = {
        link.resolve(): str(link)
        for folder in ("by-id", "by-path")
        for link in sorted((system / "dev/serial" / folder).glob("*"))
    }
    for port in sorted(list_ports.comports(), key=lambda port: str(port.device)):
        # A board has numbered ports with nothing behind them; they say "n/a".
        if port.description != "n/a":
            place = lasting.get(Path(port.device).resolve(), port.device)
            yield Plugged("serial", place, port.description)


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
