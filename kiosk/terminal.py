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
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from hardware.faults import Device, DeviceFault, place_of
from hardware.headset import PLUGGED
from hardware.supervision import DeviceState
from kiosk.clock import beijing_now
from kiosk.late import dataclass
from kiosk.maintenance import Maintenance
from kiosk.offers import Offer, Offers
from kiosk.operations.work import Operation, Work
from kiosk.parts import Nobody, Parts, Performer, Worker
from kiosk.photo.faces import Place
from kiosk.receipts import Letterhead
from kiosk.records.pins import Pins
from kiosk.records.submission import Submitted
from kiosk.services import businesses
from kiosk.upkeep import forgetting
from kiosk.upkeep.housekeeping import Housekeeping
from kiosk.upkeep.journaling import FaultRecord, VisitRecord, record_card_use
from kiosk.upkeep.left_behind import LeftBehind
from kiosk.upkeep.visit_lock import VisitLock
from kiosk.visit.flow import Event, Prompt, Visit
from kiosk.visit.prompts import CODE_READER, PAGE_CAMERA
from kiosk.visit.service import Context, Service, ShowsProgress

if TYPE_CHECKING:
    from kiosk.darkroom import Studio
    from kiosk.policy import Policy
    from kiosk.policy.shelf import RulesToday
    from sync.items import Past

log = logging.getLogger(__name__)

Report = Callable[[Any], None]
DoneWith = Callable[[Any], None]

#: The watchdog's relay hears of the screen so often, seconds.
_ALIVE_S = 2.0

#: Workers that no device stands behind.
_OFFICE = ("outbox", "central", "verifier", "studio")


@dataclass(frozen=True)
class QueueState:
    """What waits for the centre: how many, how long the oldest has waited, how many gave up."""

    waiting: int
    oldest_s: int
    dead: int


class Terminal:
    """See the module's docstring. Made quickly; `open` starts the devices."""

    def __init__(self, parts: Parts, clock: Callable[[], datetime] = beijing_now) -> None:
        self.parts = parts
        self.settings = parts.settings
        self.words = parts.words
        self.health = parts.health
        self.maintenance = Maintenance(parts, self.letterhead, clock, self.performer)
        self.health.listen(FaultRecord(parts.journal))
        self._clock = clock
        self._current: Operation | None = None
        #: Ids of what was submitted in this visit.
        self._submitted: list[str] = []
        self._untold: tuple[Past, ...] = ()
        self._said_alive_at = float("-inf")
        #: Of this visit, once something needs it.
        self._studio: Studio | None = None
        #: What is typed for a card in this visit, and wiped with it.
        self.pins = Pins()
        self._offers = Offers(parts, lambda: self.online, lambda: parts.packs.on(self._today()))
        self._housekeeping = Housekeeping(parts, self._offers)
        self._performers: dict[str, Performer] = {
            **parts.devices.loops,
            **{name: Worker(name) for name in _OFFICE},
        }
        loops = parts.devices.loops
        if camera := loops.get(Device.DOCUMENT_CAMERA) or loops.get(Device.CAMERA):
            self._performers[PAGE_CAMERA] = camera
        self._code_reader = Device.SCANNER if Device.SCANNER in loops else Device.CAMERA
        if reader := loops.get(self._code_reader):
            self._performers[CODE_READER] = reader
        #: Cards that were not taken; the screen calls `watch` when a visit has ended.
        self.left_behind = LeftBehind(self.performer, parts.health)
        self._visit_lock = VisitLock(parts.state)
        self.policy()

    def open(self) -> None:
        """Start the devices and the housekeeping; returns at once."""
        self.parts.devices.start()
        self._housekeeping.start()
        self._aside("outbox", self._look_for_untold)
        self._aside("outbox", self._load_ahead)

    def _aside(self, name: str, job: Callable[[None], None]) -> None:
        """Have something done that nobody waits for; what prevents it is logged."""
        self._performers[name].submit(job).add_done_callback(_log_trouble)

    def _look_for_untold(self, _: None) -> None:
        self._untold = tuple(self.parts.outbox.untold())

    def _load_ahead(self, _: None) -> None:
        """Import what the first citizen would otherwise wait for."""
        import kiosk.operations

        kiosk.operations.load_ahead(self.parts)

    def close(self) -> None:
        """Stop everything that `open` started."""
        self.wipe()
        self.left_behind.stop()
        self._housekeeping.stop()
        self.parts.devices.stop()
        self.parts.outbox.close()
        self.parts.journal.record("stopped")
        self.parts.journal.close()

    # -- what is offered ---------------------------------------------------------------------

    def services(self) -> tuple[Offer, ...]:
        """Every service, with why it is not open, as of now."""
        return self._offers.now()

    @property
    def online(self) -> bool:
        """Whether the centre answered the agent lately."""
        return self.parts.desired.fresh()

    def announcements(self) -> tuple[str, ...]:
        """What the centre has home say today (公告)."""
        return self.parts.desired.announcements(self.words.language, self._today())

    @property
    def restart_due(self) -> bool:
        """Whether the program should end as soon as nobody stands there."""
        return self._housekeeping.restart_due

    def queue(self) -> QueueState | None:
        """None: the outbox cannot be read, which a health row tells of."""
        from sync.outbox import OutboxUnavailable

        try:
            counts = self.parts.outbox.counts_and_ages()
        except OutboxUnavailable:
            return None
        return QueueState(counts.queued + counts.sending, counts.oldest_s, counts.dead)

    def policy(self) -> Policy:
        """The pack that rules today, whose words are said from now on."""
        policy = self.parts.packs.on(self._today())
        if policy is not self.words.policy:
            log.info("policy %s rules, in force from %s", policy.version, policy.effective)
            self.words.use(policy)
        return policy

    def rules_today(self) -> RulesToday:
        """Which pack rules today, whose it is and what comes next, for the maintenance page."""
        return self.parts.packs.rules_on(self._today())

    def letterhead(self) -> Letterhead:
        """What stands on every receipt of this terminal."""
        policy = self.policy()
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
        self.left_behind.stop()
        self._visit_lock.begin()
        self._tell_board(lambda board: board.visit(True))
        context = self._context()
        # Whoever touched the screen has had these numbers before them: home showed them.
        self._mark_told([past.id for past in self._untold])
        self._untold = ()

        def hear(event: Event) -> None:
            log.info("visit %s %s %s %s", service.id, event.kind, event.prompt, event.detail)
            if visit.outcome is not None and event.kind == "ended":
                record.ended(visit.outcome)
                self._told()
            if listen is not None:
                listen(event)

        self._aside("outbox", self._load_for_visit)
        if (central := self.parts.central) is not None:
            # 14 MB, which home does without: loaded while the citizen reads the first page.
            self._aside("central", lambda _: central.warm_up())
        if Device.CAMERA in service.needs:
            studio = self._studio_of_visit()
            self._aside("studio", lambda _: studio.open())
            self._aside("studio", _load_camera)
        visit = Visit(lambda: service(context), hear)
        record = VisitRecord(self.parts.journal, service.id)
        return visit

    def _context(self) -> Context:
        """What a service of a visit that begins now may depend on."""
        offers = self.services()
        open_now = [offer.service for offer in offers if offer.open]
        return Context(
            today=self._today(),
            policy=self.policy(),
            comparison=Place(self.settings.photo.comparison),
            printer=self.health.usable(Device.PRINTER),
            staffed=self.maintenance.staffed(),
            online=self.online,
            electronic=self._takes_codes(),
            cards=self._proves_cards(),
            visit=uuid.uuid4().hex,
            businesses=businesses(),
            closed=frozenset(offer.service.id for offer in offers if not offer.open),
            progress=next((one for one in open_now if issubclass(one, ShowsProgress)), None),
        )

    def _proves_cards(self) -> bool:
        """Whether a social security card may stand for the ID card: only an HSM tells which are
        genuine."""
        proves = self.settings.devices.card_authenticator == "hsm"
        return proves and self.online and self.health.usable(Device.CARD_READER)

    def _takes_codes(self) -> bool:
        """Whether an electronic card can be offered: nobody is asked for a code in vain."""
        reads = self.health.usable(self._code_reader)
        return reads and self.online and self.parts.desired.electronic_cards

    def _told(self) -> None:
        """However the visit ended, its last page had the number of what was submitted in it."""
        self._mark_told(self._submitted)
        self._submitted = []

    def _mark_told(self, items: Sequence[str]) -> None:
        told, outbox = tuple(items), self.parts.outbox

        def mark(_: None) -> None:
            for item in told:
                outbox.told(item)

        if told:
            self._aside("outbox", mark)

    def untold(self) -> tuple[str, ...]:
        """Numbers of what was submitted before the program was last ended, and that nobody has
        been told: the power went, or it was killed. Until the next visit begins."""
        return tuple(past.receipt_no for past in self._untold)

    def _load_for_visit(self, _: None) -> None:
        import kiosk.operations

        kiosk.operations.load_for_visit(self.words.policy)

    def _today(self) -> date:
        return self._clock().date()

    def wipe(self) -> None:
        """Forget the visit: stop what runs for it. Devices hold nothing beyond a job."""
        self._visit_lock.end()
        self._tell_board(lambda board: board.visit(False))
        self.pins.wipe()
        if self._current is not None:
            self._current.cancel()
            self._current = None
        # The same worker opens and closes, so that none is opened that nobody closes. An operation
        # that has not yet heard of the end keeps the closed one.
        studio, self._studio = self._studio, None
        if studio is not None:
            self._aside("studio", lambda _: studio.close())

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

        `done` gets the answer, or the exception that prevented it: a `DeviceFault` without its
        traceback, whose frames hold what the citizen said, or anything else, which is a bug. After
        `cancel` neither is called, except that the result of an effect is always told.
        """
        from kiosk.operations.table import perform

        operation = Operation(prompt)
        self._current = operation

        def say(event: Any) -> None:
            if not operation.cancelled():
                report(event)

        work = self._work(operation, say, self._studio_of_visit())
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
            if isinstance(error, DeviceFault):
                error.__traceback__ = None
            elif error is None and isinstance(answer := future.result(), Submitted):
                self._submitted.append(answer.id)
            done(future.result() if error is None else error)

        performer = self.performer(prompt.performed_by or "")
        performer.submit(lambda device: perform(prompt, device, work)).add_done_callback(finish)
        return operation

    def _studio_of_visit(self) -> Studio:
        if self._studio is None:
            self._studio = self.parts.studio()
        return self._studio

    def _work(self, operation: Operation, report: Report, studio: Studio) -> Work:
        return Work(
            parts=self.parts,
            report=report,
            cancelled=operation.cancelled,
            told=operation.told,
            now=self.now,
            online=lambda: self.online,
            letterhead=self.letterhead,
            studio=studio,
            pins=self.pins,
        )

    def watch_card(self, prompt: Prompt[Any], gone: Callable[[DeviceFault], None]) -> Operation:
        """While a prompt asks the citizen, see that the card it needs stays where it is. `gone` is
        called on the card reader's worker if it does not; never after `cancel`."""
        operation = self._current = Operation(prompt)
        insertion = prompt.needs_card()
        assert insertion is not None

        def ended(future: Future[None]) -> None:
            error = None if future.cancelled() else future.exception()
            if isinstance(error, DeviceFault) and not operation.cancelled():
                gone(error.bare())

        reader = self.performer(Device.CARD_READER)
        stay = reader.submit(lambda device: device.stay(insertion, operation.cancelled))
        stay.add_done_callback(ended)
        return operation

    def alive(self) -> None:
        """The screen ticks: the watchdog's relay hears of it, not more often than it needs."""
        if time.monotonic() - self._said_alive_at >= _ALIVE_S:
            self._said_alive_at = time.monotonic()
            self._tell_board(lambda board: board.alive())

    def _tell_board(self, job: Callable[[Any], None]) -> None:
        """Tell the board of contacts, where there is one that answers; nobody waits for it."""
        if (board := self._performers.get(Device.CONTACTS)) is not None:
            board.submit(job)

    def voice_output(self) -> str:
        """Where the voice goes now, as ALSA calls it: into a headset while a plug is in the jack;
        "" for the loudspeaker."""
        row = self.health.get(Device.HEADSET)
        plugged = row is not None and row.state is DeviceState.READY and row.detail == PLUGGED
        return self.settings.devices.headset_sound if plugged else ""

    def has_pin_pad(self) -> bool:
        """Whether a PIN is pressed on a PIN pad; else it is typed on the screen."""
        return self.health.usable(Device.PIN_PAD)

    def listen_to_pad(self, prompt: Prompt[Any], pressed: Callable[[str], None]) -> Operation:
        """Tell of each key of the PIN pad until it is cancelled; "" if the pad fails. Called on the
        pad's worker; never after `cancel`."""
        operation = Operation(prompt)

        def press(key: str) -> None:
            if not operation.cancelled():
                pressed(key)

        def ended(future: Future[None]) -> None:
            if not future.cancelled() and isinstance(future.exception(), DeviceFault):
                press("")

        pad = self.performer(Device.PIN_PAD)
        listening = pad.submit(lambda device: device.keys(operation.cancelled, press))
        listening.add_done_callback(ended)
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


def _load_camera(_: None) -> None:
    from hardware.camera import load

    load()


def _log_trouble(done: Future[None]) -> None:
    error = None if done.cancelled() else done.exception()
    if error is not None:
        log.error("not done: %s", place_of(error))


def _name(error: BaseException) -> str:
    return error.code if isinstance(error, DeviceFault) else type(error).__name__
