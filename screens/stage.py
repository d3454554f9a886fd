"""The stage drives a `Visit` on the touch screen: it shows its prompts and runs their operations.

Two rules hold it together.

1. Whatever comes from a worker thread (progress, an answer, a fault) goes through Kivy's clock,
   and counts only while the prompt it belongs to is still shown.
2. However a visit ends, `_finish` forgets it: page, operation, visit, and what the terminal holds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kivy.base import stopTouchApp
from kivy.clock import Clock

from hardware.faults import DeviceFault
from kiosk.upkeep import forgetting
from kiosk.upkeep.left_behind import PATIENCE_S
from kiosk.visit.flow import Ending, Outcome, Prompt, Visit
from kiosk.visit.prompts import Done, EnterPin
from kiosk.visit.service import Service
from screens import theme
from screens.actions import VisitActions
from screens.base import Page
from screens.corners import CornerPattern, corner
from screens.frame import Frame
from screens.home import HomePage
from screens.mailbox import Mailbox
from screens.registry import screen_class
from screens.scale import px
from screens.voice import Mute
from screens.widgets.overlay import IdleWarning, LeaveQuestion

if TYPE_CHECKING:
    from kivy.input import MotionEvent

    from kiosk.operations.work import Operation
    from kiosk.terminal import Terminal
    from kiosk.upkeep.left_behind import Left
    from screens.voice import Voice

log = logging.getLogger(__name__)

TICK_S = 0.5

#: Home is shown, and nobody has touched it, for so long before the program ends for another
#: version, seconds.
QUIET_S = 60.0

#: Endings after which the same service may be tried again at once.
AGAIN = frozenset({Ending.FAULT, Ending.CRASHED})

#: Until the page that took the visit's place is drawn and nothing refers to the old one.
FORGET_AFTER_S = 1.0


class Stage(Frame):
    """The root widget."""

    def __init__(
        self,
        terminal: Terminal,
        clock: Callable[[], float] = time.monotonic,
        voice: Voice | Mute | None = None,
    ) -> None:
        super().__init__(terminal, clock)
        self.voice = voice or Mute()
        #: Where the voice went at the last look.
        self._output = ""
        self._visit: Visit | None = None
        self._service: type[Service] | None = None
        #: Id of the service that the header names.
        self._named = ""
        self._operation: Operation | None = None
        #: Listens to the PIN pad.
        self._pad: Operation | None = None
        self._corners = CornerPattern()
        self._began_at = clock()
        self.go_home()
        self._ticking = Clock.schedule_interval(self._tick, TICK_S)

    # -- pages without a visit ---------------------------------------------------------------

    def leave_page(self) -> None:
        for operation in (self._operation, self._pad):
            if operation is not None:
                operation.cancel()
        self._operation = self._pad = None
        super().leave_page()

    def go_home(self) -> None:
        """Show home."""
        self._touched_at = self.clock()
        running_s = self.clock() - self._began_at
        # Before it is in the window it has no size of its own.
        room = tuple(self.size) if self.parent else None
        page = HomePage(self.terminal, self.begin, running_s=running_s, room=room)
        self.show_outside_visit("home", page)

    def open_maintenance(self) -> None:
        """The technician's side of the machine; its first page asks for the PIN."""
        from screens.maintenance import MaintenancePage
        from screens.maintenance_pin import PinPage

        def enter() -> None:
            self.show("maintenance", MaintenancePage(self.terminal, self.go_home))

        words = self.terminal.words
        self._header.during_visit(words.say("maintenance.title"), self.go_home)
        self.show("maintenance.pin", PinPage(self.terminal, enter, self.go_home))

    # -- a visit -----------------------------------------------------------------------------

    def begin(self, service: type[Service]) -> None:
        """A citizen has chosen a service."""
        if self._visit is not None:
            return
        self._service = service
        self._visit = self.terminal.visit(service)
        self._named = ""
        self._visit.start(self.clock())
        self.follow()

    def follow(self) -> None:
        """Show where the visit stands now: its next prompt, or how it ended."""
        visit = self._visit
        assert visit is not None
        if visit.outcome is not None:
            self._finish(visit.outcome)
            return
        prompt = visit.prompt
        assert prompt is not None
        actions = VisitActions(self, visit)
        screen = screen_class(type(prompt))(prompt, visit.suggestion, self.terminal.words, actions)
        self._show_stage(visit)
        self._header.allow_leave(visit.can_leave)
        self.show(prompt.id, screen)
        visit.touched(self.clock())
        if prompt.performed_by is not None:
            self._start_operation(prompt)
        elif prompt.needs_card() is not None:
            self._watch_card(prompt)
        if isinstance(prompt, EnterPin) and self.terminal.has_pin_pad():
            self._listen_to_pad(prompt)

    def _show_stage(self, visit: Visit) -> None:
        """Name the service that is under way, and show how far it is. Prompts before the first
        stage show no strip."""
        service, say = visit.under_way, self.terminal.words.say
        if service is None:
            return
        if service.id != self._named:
            self._named = service.id
            self._header.during_visit(say(f"service.{service.id}.name"), self._ask_to_leave)
        if service.stage:
            names = tuple(say(f"stage.{service.id}.{name}") for name in service.stages)
            self._strip.show(names, service.stages.index(service.stage))

    def _finish(self, outcome: Outcome) -> None:
        """The one place where the screen lets go of a visit."""
        saw_result = isinstance(getattr(self.page, "prompt", None), Done)
        service = self._service
        self.leave_page()
        self._visit = None
        self._service = None
        self.terminal.wipe()
        forgetting.overwrite_what_is_free()
        Clock.schedule_once(lambda _: self.terminal.forget(), FORGET_AFTER_S)
        if _needs_no_words(outcome, saw_result):
            self._home_with_nothing_left()
            return
        from screens.ending import EndingPage

        page = EndingPage(outcome, self.terminal.words, self._home_with_nothing_left)
        self._look_into_the_readers(page.stays_s)
        if service is not None and not outcome.committed and outcome.ending in AGAIN:
            page.offer_again(lambda: self._is_open(service), lambda: self.begin(service))
        self.show_outside_visit("ending", page)

    def _home_with_nothing_left(self) -> None:
        """The visit is over and its end was read: what lies there yet has the page to itself."""
        self.go_home()
        self._look_into_the_readers(PATIENCE_S)

    def _look_into_the_readers(self, patience_s: float) -> None:
        self.terminal.left_behind.watch(
            lambda left: Clock.schedule_once(lambda _: self._remains(left), 0), patience_s
        )

    def _remains(self, left: Left) -> None:
        """A reader says what still lies in it. While it is read how the visit ended, a line of
        that page and the voice say so; then it has a page of its own."""
        if self._visit is not None or self.page is None:
            return
        if self.shown == "ending":
            if self.page.tell(left):
                self.voice.say("left_behind.title")
            return
        if self.shown not in ("home", "left_behind"):
            return
        if not left.where or not left.seconds:
            if self.shown == "left_behind":
                self.go_home()
            return
        if self.shown == "home":
            from screens.left_behind import LeftBehindPage

            page = LeftBehindPage(self.terminal.words, self.voice.say, self.voice.hush)
            self.show_outside_visit("left_behind", page)
        self.page.tell(left)

    def _is_open(self, service: type[Service]) -> bool:
        return any(offer.open for offer in self.terminal.services() if offer.service is service)

    def _ask_to_leave(self) -> None:
        """退出 was pressed. Asks once when something was entered that would be lost."""
        visit = self._visit
        if visit is None or self.cover is not None:
            return
        if not visit.entered:
            self.cancel()
        else:
            # Offline nobody could take the answers.
            keep = self._keep if visit.can_keep and self.terminal.online else None
            self.put_over(LeaveQuestion(self.terminal.words.say, self._stay, self.cancel, keep))

    def _keep(self) -> None:
        """The citizen leaves and wants to go on another day."""
        if self._visit is not None and self._visit.keep():
            self.follow()

    def cancel(self) -> None:
        """The citizen leaves. Nobody leaves while something takes effect."""
        if self._visit is not None and self._visit.cancel():
            self.follow()

    def broke(self, error: Exception) -> bool:
        """An unforeseen exception came out of Kivy's loop. Ends the visit.

        Returns False if there was nothing to end: then the program itself is broken.
        """
        if self._visit is None:
            if self.shown == "home":
                return False
            self.go_home()
            return True
        self._visit.crash(error)
        # During an effect the visit ends when its result is known.
        if self._visit.outcome is not None:
            self._finish(self._visit.outcome)
        return True

    # -- operations --------------------------------------------------------------------------

    def _start_operation(self, prompt: Prompt[Any]) -> None:
        turn = self._turn

        def deliver(_: float) -> None:
            event = mailbox.take()
            if turn == self._turn and isinstance(self.page, Page):
                self.page.reported(event)

        def done(result: Any) -> None:
            Clock.schedule_once(lambda _: self._answered(turn, result), 0)

        # Both are called on the worker.
        mailbox = Mailbox(lambda: Clock.schedule_once(deliver, 0))
        self._operation = self.terminal.start(prompt, mailbox.put, done)

    def _answered(self, turn: int, result: Any) -> None:
        """An operation's answer or exception, now in Kivy's thread."""
        visit = self._visit
        if turn != self._turn or visit is None:
            return
        if isinstance(result, DeviceFault):
            visit.fault(result)
        elif isinstance(result, BaseException):
            visit.failed(result)
        else:
            visit.answer(result)
        self.follow()

    def _watch_card(self, prompt: Prompt[Any]) -> None:
        """The citizen is asked something for which the card has to stay in."""
        turn = self._turn
        self._operation = self.terminal.watch_card(
            prompt, lambda fault: Clock.schedule_once(lambda _: self._card_gone(turn, fault), 0)
        )

    def _listen_to_pad(self, prompt: EnterPin) -> None:
        turn = self._turn

        def press(key: str) -> None:
            page = self.page
            if turn == self._turn and self._visit is not None and page is not None:
                if self.cover is None:
                    self._visit.touched(self.clock())
                page.pressed(key)

        self._pad = self.terminal.listen_to_pad(
            prompt, lambda key: Clock.schedule_once(lambda _: press(key), 0)
        )

    def _card_gone(self, turn: int, fault: DeviceFault) -> None:
        visit = self._visit
        if turn == self._turn and visit is not None and visit.interrupt(fault):
            self.follow()

    def tell(self, word: str) -> None:
        """Say a word to the running operation."""
        if self._operation is not None:
            self._operation.tell(word)

    # -- time and touch ----------------------------------------------------------------------

    def _tick(self, _: float) -> None:
        self.terminal.alive()
        self._header.tick()
        self._header.show_online(self.terminal.online)
        visit = self._visit
        self._greet()
        if visit is None:
            self._end_if_due()
            return
        seconds = visit.tick(self.clock())
        if visit.outcome is not None:
            self.follow()
        elif seconds is not None:
            self._warn(visit, seconds)
        elif self.warned:
            self.uncover()

    def _greet(self) -> None:
        """A plug goes into the headset jack: whoever does not see hears that it is there."""
        output = self.terminal.voice_output()
        if output and not self._output and self.shown == "home":
            self.voice.say("headset.plugged")
        self._output = output

    def _end_if_due(self) -> None:
        """The program is to be started anew: between two visits, and while nobody looks at home.
        Touches come on this same thread, so nobody begins a visit meanwhile."""
        quiet_s = self.clock() - self._touched_at
        if self.shown == "home" and quiet_s >= QUIET_S and self.terminal.restart_due:
            log.info("ends, to be started anew")
            stopTouchApp()

    def _warn(self, visit: Visit, seconds: int) -> None:
        if not isinstance(self.cover, IdleWarning):
            say = self.terminal.words.say
            self.put_over(IdleWarning(say, visit, self._stay, self.cancel))
        assert isinstance(self.cover, IdleWarning)
        self.cover.show(seconds)

    def _stay(self) -> None:
        if self._visit is not None:
            self._visit.stay(self.clock())
        self.uncover()

    @property
    def warned(self) -> bool:
        """Whether 您还在吗 covers the page."""
        return isinstance(self.cover, IdleWarning)

    def present(self) -> None:
        # What covers the page must be answered itself.
        if self.cover is None and self._visit is not None:
            self._visit.touched(self.clock())
        super().present()

    def on_touch_down(self, touch: MotionEvent) -> bool:
        self._touched_at = self.clock()
        if self.shown == "home" and self.settled:
            where = corner(touch.x, touch.y, self.width, self.height, px(theme.CORNER))
            if self._corners.touched(where, self.clock()):
                self.open_maintenance()
                return True
        return super().on_touch_down(touch)

    def close(self) -> None:
        """Stop ticking and let go of the page; for the end of the program and for tests."""
        self._ticking.cancel()
        if self._visit is not None:
            self._visit.cancel()
            self._visit = None
        self.leave_page()
        self.voice.close()
        self.terminal.wipe()


def _needs_no_words(outcome: Outcome, saw_result: bool) -> bool:
    """Whether the citizen knows how it ended, so that home follows. Who leaves after something was
    committed must still be given the number; who walks away from the result has had it."""
    if outcome.ending is Ending.DONE:
        return True
    if outcome.ending in (Ending.CANCELLED, Ending.IDLE) and saw_result:
        return True
    return outcome.ending is Ending.CANCELLED and not outcome.committed
