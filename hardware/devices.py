"""The devices of one terminal: which there are, and a loop for each.

| name        | driver                        | fault that means it is not there |
|-------------|-------------------------------|----------------------------------|
| id_reader   | `hardware.id_reader.IdReader` | id_reader_offline                |
| card_reader | `hardware.card.reader`        | card_reader_offline              |
| printer     | `hardware.printer`            | printer_offline                  |
| camera      | `hardware.camera.Camera`      | camera_absent                    |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from hardware.camera import Camera
from hardware.card.reader import make_card_reader
from hardware.id_reader import IdReader
from hardware.printer import ReceiptPrinter
from hardware.supervision import DeviceLoop, DeviceState, Driver, HealthTable


class DeviceSettings(Protocol):
    """Where the devices are; an empty text means that the terminal has none."""

    @property
    def id_reader(self) -> str: ...
    @property
    def printer(self) -> str: ...
    @property
    def printer_columns(self) -> int: ...
    @property
    def camera(self) -> str: ...
    @property
    def card(self) -> str: ...


class Devices:
    """A loop for each device that is configured, and a row in the health table for every one."""

    def __init__(self, health: HealthTable, settings: DeviceSettings) -> None:
        drivers: dict[str, Driver | None] = {
            "id_reader": IdReader(settings.id_reader) if settings.id_reader else None,
            "card_reader": make_card_reader(settings.card),
            "printer": (
                ReceiptPrinter(settings.printer, settings.printer_columns)
                if settings.printer
                else None
            ),
            "camera": Camera(settings.camera) if settings.camera else None,
        }
        self._loops = {
            name: DeviceLoop(name, driver, health)
            for name, driver in drivers.items()
            if driver is not None
        }
        for name in drivers.keys() - self._loops.keys():
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
