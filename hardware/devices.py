"""The devices of one terminal: which there are, and a loop for each.

| name        | driver                        | fault that means it is not there |
|-------------|-------------------------------|----------------------------------|
| id_reader   | `hardware.id_reader.IdReader` | id_reader_offline                |
| card_reader | `hardware.card.reader`        | card_reader_offline              |
| printer     | `hardware.printer`            | printer_offline                  |
| camera      | `hardware.camera.Camera`      | camera_absent                    |
| scanner     | `hardware.scanner.Scanner`    | scanner_offline                  |
| pin_pad     | `hardware.pin_pad.PinPad`     | pin_pad_offline                  |
| page_printer  | `hardware.page_printer`         | page_printer_offline               |
| ups         | `hardware.ups.Ups`            | ups_offline                      |
| headset     | `hardware.headset`            | headset_offline                  |
| contacts    | `hardware.contacts`           | contacts_offline                 |

A terminal may have a second camera that looks down on paper (高拍仪), `document_camera`; the same
driver serves it. A terminal without an optional device (`hardware.faults.OPTIONAL`) is not said to
lack it.

A driver is imported when it is made, by its own loop: the first page is up before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from hardware.faults import OPTIONAL, Device
from hardware.supervision import DeviceLoop, DeviceState, Driver, HealthTable

if TYPE_CHECKING:
    from hardware.camera import Camera
    from hardware.card.reader import CardReader
    from hardware.contacts import ContactBoard
    from hardware.headset import HeadsetJack
    from hardware.id_reader import IdReader
    from hardware.page_printer import PagePrinter
    from hardware.pin_pad import PinPad
    from hardware.printer import ReceiptPrinter
    from hardware.scanner import Scanner
    from hardware.ups import Ups


class DeviceSettings(Protocol):
    """Where the devices are and how they are set; what each means stands in `kiosk.settings`."""

    @property
    def id_reader(self) -> str: ...
    @property
    def id_reader_baud(self) -> int: ...
    @property
    def id_reader_library(self) -> str: ...
    @property
    def wlt_library(self) -> str: ...
    @property
    def printer(self) -> str: ...
    @property
    def printer_baud(self) -> int: ...
    @property
    def printer_columns(self) -> int: ...
    @property
    def printer_model(self) -> str: ...
    @property
    def page_printer(self) -> str: ...
    @property
    def camera(self) -> str: ...
    @property
    def camera_width(self) -> int: ...
    @property
    def camera_height(self) -> int: ...
    @property
    def camera_rate(self) -> int: ...
    @property
    def camera_exposure(self) -> float: ...
    @property
    def camera_focus(self) -> int: ...
    @property
    def camera_power_line(self) -> int: ...
    @property
    def camera_rotation(self) -> int: ...
    @property
    def camera_white_balance(self) -> int: ...
    @property
    def document_camera(self) -> str: ...
    @property
    def scanner(self) -> str: ...
    @property
    def scanner_baud(self) -> int: ...
    @property
    def pin_pad(self) -> str: ...
    @property
    def ups(self) -> str: ...
    @property
    def headset(self) -> str: ...
    @property
    def headset_keys(self) -> str: ...
    @property
    def contacts(self) -> str: ...
    @property
    def contacts_baud(self) -> int: ...
    @property
    def contacts_address(self) -> int: ...
    @property
    def contacts_lines(self) -> Mapping[str, str]: ...
    @property
    def card(self) -> str: ...
    @property
    def card_library(self) -> str: ...
    @property
    def card_contact(self) -> str: ...
    @property
    def card_contactless(self) -> str: ...
    @property
    def psam(self) -> str: ...
    @property
    def card_authenticator(self) -> str: ...


def make_id_reader(settings: DeviceSettings) -> IdReader | None:
    """The driver as set, or None for a terminal without one; likewise below."""
    if not settings.id_reader:
        return None
    from hardware.id_reader import IdReader
    from hardware.vendor import ID_FAMILIES

    kind, _, port = settings.id_reader.partition(":")
    if kind in ID_FAMILIES:
        from hardware.vendor.sdt import SdtSam

        return IdReader(SdtSam(settings.id_reader_library, port), settings.wlt_library)
    from hardware.sam import SerialSam

    sam = SerialSam(settings.id_reader, settings.id_reader_baud)
    return IdReader(sam, settings.wlt_library)


def make_card_reader(settings: DeviceSettings) -> CardReader | None:
    """`card` is "pcsc", "icc:PORT", "dc:PORT", "direct:PORT", or "" for a terminal without one.
    Raises `ValueError` otherwise."""
    if not settings.card:
        return None
    from hardware.card.reader import CardReader

    if settings.card == "pcsc":
        from hardware.card.pcsc import PcscTransport, ReaderNames

        names = ReaderNames(settings.card_contact, settings.card_contactless, settings.psam)
        return CardReader(PcscTransport(names))
    kind, _, port = settings.card.partition(":")
    if kind == "direct" and port.isdigit():
        from hardware.card.direct import DirectTransport

        return CardReader(DirectTransport(int(port)))
    from hardware.vendor import CARD_FAMILIES, make_card_transport

    if kind in CARD_FAMILIES:
        near, psam = bool(settings.card_contactless), int(settings.psam or 0)
        return CardReader(make_card_transport(kind, settings.card_library, port, near, psam))
    raise ValueError(f"card reader {settings.card!r}: use pcsc, icc:PORT, dc:PORT, or direct:PORT")


def make_printer(settings: DeviceSettings) -> ReceiptPrinter | None:
    if not settings.printer:
        return None
    from hardware.printer import ReceiptPrinter

    return ReceiptPrinter(
        settings.printer,
        settings.printer_model,
        settings.printer_columns,
        settings.printer_baud,
    )


def make_page_printer(settings: DeviceSettings) -> PagePrinter | None:
    """Raises `ValueError`."""
    if not settings.page_printer:
        return None
    from hardware.page_printer import PagePrinter

    return PagePrinter(settings.page_printer)


def make_camera(settings: DeviceSettings) -> Camera | None:
    if not settings.camera:
        return None
    from hardware.camera import Camera, Wishes
    from hardware.camera_proof import prove

    wishes = Wishes(
        settings.camera_width,
        settings.camera_height,
        settings.camera_rate,
        settings.camera_exposure,
        settings.camera_white_balance,
        settings.camera_focus,
        settings.camera_power_line,
        settings.camera_rotation,
    )
    return Camera(settings.camera, wishes, prove)


def make_document_camera(settings: DeviceSettings) -> Camera | None:
    """Print needs pixels rather than pictures a second."""
    if not settings.document_camera:
        return None
    from hardware.camera import Camera, Wishes
    from hardware.camera_proof import prove

    return Camera(settings.document_camera, Wishes(1920, 1080, 15), prove)


def make_scanner(settings: DeviceSettings) -> Scanner | None:
    if not settings.scanner:
        return None
    from hardware.scanner import Scanner

    return Scanner(settings.scanner, settings.scanner_baud)


def make_pin_pad(settings: DeviceSettings) -> PinPad | None:
    if not settings.pin_pad:
        return None
    from hardware.pin_pad import PinPad

    return PinPad(settings.pin_pad)


def make_ups(settings: DeviceSettings) -> Ups | None:
    """Raises `ValueError`."""
    if not settings.ups:
        return None
    from hardware.ups import Ups

    return Ups(settings.ups)


def make_headset(settings: DeviceSettings) -> HeadsetJack | None:
    """Raises `ValueError`."""
    if not settings.headset:
        return None
    from hardware.headset import HeadsetJack

    return HeadsetJack(settings.headset, settings.headset_keys)


def make_contacts(settings: DeviceSettings) -> ContactBoard | None:
    """Raises `ValueError`."""
    if not settings.contacts:
        return None
    from hardware.contacts import ContactBoard, parse_lines

    lines = parse_lines(settings.contacts_lines)
    return ContactBoard(settings.contacts, settings.contacts_baud, settings.contacts_address, lines)


#: How each device's driver is made.
_MAKERS: Mapping[Device, Callable[[DeviceSettings], Driver | None]] = {
    Device.ID_READER: make_id_reader,
    Device.CARD_READER: make_card_reader,
    Device.PRINTER: make_printer,
    Device.CAMERA: make_camera,
    Device.DOCUMENT_CAMERA: make_document_camera,
    Device.PAGE_PRINTER: make_page_printer,
    Device.SCANNER: make_scanner,
    Device.PIN_PAD: make_pin_pad,
    Device.UPS: make_ups,
    Device.HEADSET: make_headset,
    Device.CONTACTS: make_contacts,
}


#: Seconds between two looks, of a device that is not looked at every two seconds: its look is a
#: listening.
_LOOKS_S: Mapping[str, float] = {Device.HEADSET: 0.0}


def make_drivers(settings: DeviceSettings) -> dict[Device, Driver | None]:
    """Every device; None for one that the terminal does not have."""
    return {name: make(settings) for name, make in _MAKERS.items()}


class Devices:
    """A loop for each device that is configured, and a row in the health table for every one."""

    def __init__(self, health: HealthTable, settings: DeviceSettings) -> None:
        self._settings = settings
        self._card_reader: CardReader | None = None
        self._loops: dict[str, DeviceLoop[Any]] = {}
        ports = {
            Device.ID_READER: settings.id_reader,
            Device.CARD_READER: settings.card,
            Device.PRINTER: settings.printer,
            Device.CAMERA: settings.camera,
            Device.DOCUMENT_CAMERA: settings.document_camera,
            Device.PAGE_PRINTER: settings.page_printer,
            Device.SCANNER: settings.scanner,
            Device.PIN_PAD: settings.pin_pad,
            Device.UPS: settings.ups,
            Device.HEADSET: settings.headset,
            Device.CONTACTS: settings.contacts,
        }
        for name, port in ports.items():
            if port:
                make, look_s = partial(self._make, name), _LOOKS_S.get(name, 2.0)
                self._loops[name] = DeviceLoop(name, make, health, poll_s=look_s)
            elif name not in OPTIONAL:
                health.put(name, DeviceState.ABSENT)

    @property
    def loops(self) -> Mapping[str, DeviceLoop[Any]]:
        return self._loops

    def start(self) -> None:
        for loop in self._loops.values():
            loop.start()

    def stop(self) -> None:
        """End all loops, each with its own patience."""
        for loop in self._loops.values():
            loop.stop()
        if self._card_reader is not None:
            self._card_reader.unwatch()

    def _make(self, name: Device) -> Driver | None:
        """On the device's own thread."""
        if name is not Device.CARD_READER:
            return _MAKERS[name](self._settings)
        self._card_reader = make_card_reader(self._settings)
        if self._card_reader is not None:
            # A reader that is plugged in, or a service that is back, is not waited for.
            self._card_reader.watch(self._loops[name].wake)
        return self._card_reader
