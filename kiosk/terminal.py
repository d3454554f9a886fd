"""One terminal: its devices, its outbox, and the operations that answer prompts.

A driver (the screen, the tour) asks for a `Visit` and, at each prompt that a device or the network
must answer, calls `start`. The operation then runs on that device's own worker and speaks to the
driver through two functions: `report` for progress, `done` for the answer or the exception. Both
are called on the worker; a screen brings them to its own thread.

What each operation does lies in `kiosk.operations`, one function per prompt. Here is only who runs
it, how it is cancelled, and what the rest of the program may know of the terminal's condition.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hardware.faults import Device, DeviceFault, FaultCode
from kiosk.clock import beijing_now
from kiosk.darkroom import NoStudio
from kiosk.maintenance import Maintenance
from kiosk.photo.verify import Place, effective_place
from kiosk.receipts import Letterhead
from kiosk.services import find_services
from kiosk.upkeep import forgetting
from kiosk.upkeep.housekeeping import Housekeeping
from kiosk.upkeep.journaling import FaultRecord, VisitRecord, record_card_use
from kiosk.visit.flow import Context, Event, Prompt, Service, Visit
from sync.journal import Unrecorded

if TYPE_CHECKING:
    from hardware.card.authenticator import CardCentre
    from hardware.supervision import HealthTable
    from kiosk.darkroom import Studio
    from kiosk.operations import Work
    from kiosk.policy import Policy
    from kiosk.settings import Settings
    from kiosk.upkeep.desired import Desired
    from kiosk.upkeep.journaling import Journalist
    from kiosk.words import Words
    from sync.central import CentralClient
    from sync.envelope import Sealer
    from sync.outbox import Outbox

log = logging.getLogger(__name__)
T = TypeVar("T")

Report = Callable[[Any], None]
DoneWith = Callable[[Any], None]


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


class Clerk:
    """A performer without a device: jobs get None, on one thread."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)

    def submit(self, job: Callable[[Any], T]) -> Future[T]:
        return self._pool.submit(job, None)


@dataclass
class Operation:
    """A prompt being answered by a device. The driver may cancel it or tell it a word."""

    prompt: Prompt[Any]
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _told: list[str] = field(default_factory=list)

    def cancel(self) -> None:
        """Stop as soon as the device allows; `done` is not called any more."""
        self._cancelled.set()

    def tell(self, word: str) -> None:
        """Say something to the operation, e.g. "now" to the camera."""
        self._told.append(word)

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def told(self) -> list[str]:
        """What was said since it was last asked, in order."""
        words = self._told[:]
        del self._told[: len(words)]
        return words


@dataclass(frozen=True)
class Offer:
    """A service on the home screen. `reason` is words to show when it is not open."""

    service: type[Service]
    open: bool
    reason: str = ""


@dataclass(frozen=True)
class QueueState:
    """What waits for the centre: how many, how long the oldest has waited, how many gave up."""

    waiting: int
    oldest_s: int
    dead: int


class DeviceSet(Protocol):
    """The devices' loops by name; see `hardware.devices.Devices`."""

    @property
    def loops(self) -> Mapping[str, Performer]: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class Parts:
    """What a terminal is put together from; `kiosk.__main__` does it."""

    settings: Settings
    words: Words
    policy: Policy
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
    studio: Callable[[], Studio] = NoStudio
    #: Keeps what the terminal did.
    journal: Journalist = field(default_factory=Unrecorded)


class Terminal:
    """See the module's docstring. Made quickly; `open` starts the devices."""

    def __init__(self, parts: Parts, clock: Callable[[], datetime] = beijing_now) -> None:
        self.parts = parts
        self.settings = parts.settings
        self.words = parts.words
        self.health = parts.health
        self.maintenance = Maintenance(self)
        self.health.listen(FaultRecord(parts.journal))
        self._clock = clock
        self._current: Operation | None = None
        self._studio = parts.studio()
        self._services = find_services()
        self._housekeeping = Housekeeping(self)
        self._performers: dict[str, Performer] = {
            **parts.devices.loops,
            "outbox": Clerk("outbox"),
            "central": Clerk("central"),
            "verifier": Clerk("verifier"),
            "studio": Clerk("studio"),
        }

    def open(self) -> None:
        """Start the devices and the housekeeping; returns at once."""
        self.parts.devices.start()
        self._housekeeping.start()
        for name in ("outbox", "central"):
            self._performers[name].submit(self._load_ahead)

    def _load_ahead(self, _: None) -> None:
        """Import what the first citizen would otherwise wait for."""
        import kiosk.operations

        kiosk.operations.load_ahead(self.parts)

    def close(self) -> None:
        """Stop everything that `open` started."""
        self.wipe()
        self._housekeeping.stop()
        self.parts.devices.stop()
        self.parts.outbox.close()
        self.parts.journal.record("stopped")
        self.parts.journal.close()

    # -- what is offered ---------------------------------------------------------------------

    def services(self) -> tuple[Offer, ...]:
        """Every service, with why it is not open, as of now."""
        return tuple(self._offer(service) for service in self._services)

    def _offer(self, service: type[Service]) -> Offer:
        if (reason := self.parts.desired.closed(service.id)) is not None:
            return Offer(service, False, reason or self.words.say("home.closed"))
        for device in sorted(service.needs):
            if not self.health.usable(device):
                return Offer(service, False, self.words.say(f"home.needs.{device}"))
        return Offer(service, True)

    @property
    def online(self) -> bool:
        """Whether the centre answered the agent lately."""
        return self.parts.desired.fresh()

    def queue(self) -> QueueState:
        counts = self.parts.outbox.counts_and_ages()
        return QueueState(counts.queued + counts.sending, counts.oldest_s, counts.dead)

    def letterhead(self) -> Letterhead:
        """What stands on every receipt of this terminal."""
        policy = self.parts.policy
        return Letterhead(
            hall=self.settings.hall.name,
            terminal=self.parts.terminal_id,
            policy_version=policy.version,
            hotline=policy.hotline,
        )

    def now(self) -> datetime:
        return self._clock()

    # -- visits ------------------------------------------------------------------------------

    def visit(self, service: type[Service], listen: Callable[[Event], None] | None = None) -> Visit:
        """A new visit for a service; the driver starts it. What it tells is also logged."""
        parts = self.parts
        place = effective_place(Place(self.settings.photo.comparison))
        context = Context(self._today(), parts.terminal_id, parts.policy, place)

        def hear(event: Event) -> None:
            log.info("visit %s %s %s %s", service.id, event.kind, event.prompt, event.detail)
            if visit.outcome is not None and event.kind == "ended":
                record.ended(visit.outcome)
            if listen is not None:
                listen(event)

        self._performers["outbox"].submit(self._load_for_visit)
        if Device.CAMERA in service.needs:
            studio = self._studio
            self._performers["studio"].submit(lambda _: studio.open())
        visit = Visit(lambda: service(context), hear)
        record = VisitRecord(self.parts.journal, service.id)
        return visit

    def _load_for_visit(self, _: None) -> None:
        import kiosk.operations

        kiosk.operations.load_for_visit()

    def _today(self) -> date:
        return self._clock().date()

    def wipe(self) -> None:
        """Forget the visit: stop what runs for it. Devices hold nothing beyond a job."""
        if self._current is not None:
            self._current.cancel()
            self._current = None
        # The same worker opens and closes, so that none is opened that nobody closes. An operation
        # that has not yet heard of the end keeps the closed one.
        studio, self._studio = self._studio, self.parts.studio()
        self._performers["studio"].submit(lambda _: studio.close())

    def forget(self) -> None:
        """Overwrite what a visit has left in memory, once its page is gone; to be called by the
        thread that made the widgets."""
        aside = [
            performer.submit(lambda _: forgetting.use_what_is_kept_aside())
            for performer in self._performers.values()
        ]
        forgetting.forget(aside)

    # -- operations --------------------------------------------------------------------------

    def start(self, prompt: Prompt[Any], report: Report, done: DoneWith) -> Operation:
        """Begin to answer a prompt on its own worker. Returns at once.

        `done` gets the answer, or the exception that prevented it: a `DeviceFault`, or anything
        else, which is a bug. Neither is called after `cancel`.
        """
        from kiosk.operations import perform

        operation = Operation(prompt)
        self._current = operation

        def say(event: Any) -> None:
            if not operation.cancelled():
                report(event)

        work = _work(self, operation, say, self._studio)
        started = time.monotonic()

        def finish(future: Future[Any]) -> None:
            if operation.cancelled() or future.cancelled():
                return
            error = future.exception()
            log.info(
                "operation %s %s in %.2f s",
                prompt.id,
                "answered" if error is None else _name(error),
                time.monotonic() - started,
            )
            record_card_use(self.parts.journal, prompt, error)
            done(future.result() if error is None else error)

        performer = self.performer(prompt.performed_by or "")
        performer.submit(lambda device: perform(prompt, device, work)).add_done_callback(finish)
        return operation

    def performer(self, name: str) -> Performer:
        """Who runs the jobs of a device; a device the terminal does not have refuses them."""
        return self._performers.get(name) or Nobody(name)

    def perform(self, prompt: Prompt[Any], report: Report = lambda event: None) -> Any:
        """Answer a prompt and wait for it; for tests and tools, never for a screen."""
        future: Future[Any] = Future()
        self.start(prompt, report, future.set_result)
        answer = future.result()
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _work(terminal: Terminal, operation: Operation, report: Report, studio: Studio) -> Work:
    from kiosk.operations import Work

    return Work(terminal, report, operation.cancelled, operation.told, studio)


def _name(error: BaseException) -> str:
    return error.code if isinstance(error, DeviceFault) else type(error).__name__
