"""What a terminal is put together from, and who runs the jobs of each device.

Knows neither the operations nor the terminal, which both build on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hardware.faults import DeviceFault, FaultCode
from sync.journal import Unrecorded

if TYPE_CHECKING:
    from pathlib import Path

    from hardware.card.authenticator import CardCentre
    from hardware.supervision import HealthTable
    from kiosk.darkroom import Studio
    from kiosk.policy.shelf import Shelf
    from kiosk.settings import Settings
    from kiosk.upkeep.desired import Desired
    from kiosk.upkeep.journaling import Journalist
    from kiosk.words import Words
    from sync.central import CentralClient
    from sync.envelope import Sealer
    from sync.outbox import Outbox
    from sync.slots import Slots

T = TypeVar("T")


class Performer(Protocol):
    """Whoever runs jobs one after the other on a thread of its own, with its device open."""

    def submit(self, job: Callable[[Any], T]) -> Future[T]: ...


@dataclass(frozen=True)
class Nobody:
    """Stands for a device that this terminal does not have."""

    name: str

    def submit(self, job: Callable[[Any], T]) -> Future[T]:
        refused: Future[T] = Future()
        refused.set_exception(DeviceFault(FaultCode.DEVICE_MISSING, self.name, temporary=False))
        return refused


class Worker:
    """A performer without a device: jobs get None, on one thread."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)

    def submit(self, job: Callable[[Any], T]) -> Future[T]:
        return self._pool.submit(job, None)


def no_studio() -> Studio:
    """For a terminal that makes no photos."""
    from kiosk.darkroom import NoStudio

    return NoStudio()


class DeviceSet(Protocol):
    """The devices' loops by name; see `hardware.devices.Devices`."""

    @property
    def loops(self) -> Mapping[str, Performer]: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class Parts:
    """Everything a terminal needs; `kiosk.__main__` puts it together."""

    settings: Settings
    words: Words
    #: The policy packs; which of them rules depends on the day.
    packs: Shelf
    #: Folder of everything the terminal keeps.
    state: Path
    #: Six digits, as enrolled.
    terminal_id: str
    devices: DeviceSet
    health: HealthTable
    outbox: Outbox
    desired: Desired
    central: CentralClient | None = None
    #: Makes what seals to the centre's public key; called on a worker, because it loads much.
    sealer: Callable[[], Sealer] | None = None
    #: The way to the 加密机 behind the centre. None: there is none.
    card_centre: CardCentre | None = None
    #: Where the photos of one visit are made.
    studio: Callable[[], Studio] = no_studio
    #: Keeps what the terminal did.
    journal: Journalist = field(default_factory=Unrecorded)
    #: Where a new version is tried; None where the launcher did not start this program.
    slots: Slots | None = None
