"""What is plugged into this machine, whether or not the settings use it.

For the technician who has to find out which port is which; nothing is opened or disturbed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: USB vendor and product -> what the settings call it, and the setting with its maker's library.
_NEED_A_LIBRARY = {("0400", "c35a"): ("sdt:1001", "id_reader_library")}


@dataclass(frozen=True)
class Plugged:
    """One thing found. `place` is what the settings would call it; "" if there is none and
    `detail` says why."""

    kind: str
    place: str
    detail: str = ""


def plugged_in() -> Iterator[Plugged]:
    """Serial ports, PC/SC readers, readers that need their maker's library, printers at USB,
    cameras, keyboards and scanners that pass themselves off as one, headset jacks."""
    yield from _serial_ports()
    yield from _card_readers()
    yield from _with_a_library()
    yield from _printers()
    yield from _cameras()
    yield from _keyboards()
    yield from _headset_jacks()


def unsteady(port: str) -> bool:
    """Whether a port is named by a number that it may lose to another at the next start."""
    return re.fullmatch(r"/dev/(ttyUSB|ttyACM|usb/lp)[0-9]+", port) is not None


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


def _with_a_library(system: Path = Path("/")) -> Iterator[Plugged]:
    for device in sorted((system / "sys/bus/usb/devices").glob("*/idVendor")):
        product = device.with_name("idProduct")
        name = (_read(device), _read(product))
        if name in _NEED_A_LIBRARY:
            place, setting = _NEED_A_LIBRARY[name]
            yield Plugged("library", place, f"USB {':'.join(name)} needs {setting}")


def _printers(system: Path = Path("/")) -> Iterator[Plugged]:
    """By the socket, where the package's rule names it; else by what USB says of it."""
    lasting = {link.resolve().name: str(link) for link in (system / "dev/usb").glob("lp-*")}
    for device in sorted((system / "sys/class/usbmisc").glob("lp[0-9]*")):
        usb = (device / "device").resolve().parent
        name = f"usb:{_read(usb / 'idVendor')}:{_read(usb / 'idProduct')}"
        product = usb / "product"
        detail = product.read_text(encoding="utf-8").strip() if product.is_file() else name
        yield Plugged("printer", lasting.get(device.name, name), detail)


def _read(file: Path) -> str:
    return file.read_text(encoding="ascii").strip().lower() if file.is_file() else ""


def _cameras(system: Path = Path("/")) -> Iterator[Plugged]:
    lasting = {
        link.resolve().name: str(link) for link in (system / "dev/v4l/by-id").glob("*-index0")
    }
    for device in sorted((system / "sys/class/video4linux").glob("video*")):
        name = device / "name"
        detail = name.read_text(encoding="utf-8").strip() if name.is_file() else ""
        # The path by id stays the same whatever else is plugged in, and in which order.
        yield Plugged("camera", lasting.get(device.name, f"/dev/{device.name}"), detail)


def _keyboards(system: Path = Path("/")) -> Iterator[Plugged]:
    for device in sorted((system / "dev/input/by-id").glob("*-event-kbd")):
        yield Plugged("keyboard", str(device))


#: SW_HEADPHONE_INSERT (input.h), a bit of what an input device can tell of.
_HEADPHONE = 1 << 2


def _headset_jacks(system: Path = Path("/")) -> Iterator[Plugged]:
    """Jacks of sound chips. The kernel numbers them; a rule of udev gives one a lasting name."""
    named = system / "dev/input/headset"
    for device in sorted((system / "sys/class/input").glob("event*")):
        switches = _read(device / "device/capabilities/sw").split()
        if switches and int(switches[-1], 16) & _HEADPHONE:
            name = device / "device/name"
            detail = name.read_text(encoding="utf-8").strip() if name.is_file() else ""
            is_named = named.is_symlink() and named.resolve().name == device.name
            place = str(named) if is_named else f"/dev/input/{device.name}"
            yield Plugged("headset", place, detail)
