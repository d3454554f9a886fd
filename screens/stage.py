"""The stage drives a `Visit` on the touch screen: it shows its prompts and runs their operations.

Three rules hold it together.

1. Exactly one page is shown. Only `_show` changes it, and it leaves the old page first.
2. Whatever comes from a worker thread (progress, an answer, a fault) goes through Kivy's clock,
   and counts only while the prompt it belongs to is still shown.
3. However a visit ends, `_finish` forgets it: page, operation, visit, and what the terminal holds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kivy.clock import Clock
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout

from hardware.faults import DeviceFault
from kiosk.upkeep import forgetting
from kiosk.visit.flow import Ending, Outcome, Visit
from kiosk.visit.prompts import Done
from kiosk.visit.service import Service
from screens import theme
from screens.actions import VisitActions
from screens.base import Page
from screens.corners import CornerPattern, corner
from screens.home import HomePage
from screens.registry import screen_class
from screens.scale import px
from screens.voice import Mute
from screens.widgets.header import Header
from screens.widgets.overlay import IdleWarning
from screens.widgets.progress import ProgressStrip

if TYPE_CHECKING:
    from kivy.input import MotionEvent

    from kiosk.operations.work import Operation
    from kiosk.terminal import Terminal
    from screens.voice import Voice

log = logging.getLogger(__name__)

TICK_S = 0.5

#: Until the page that took the visit's place is drawn and nothing refers to the old one.
FORGET_AFTER_S = 1.0


class Stage(FloatLayout):
    """The root widget. `clock` gives seconds of a monotonic clock."""

    def __init__(
        self,
        terminal: Terminal,
        clock: Callable[[], float] = time.monotonic,
        voice: Voice | Mute | None = None,
    ) -> None:
        super().__init__()
        self.terminal = terminal
        self.voice = voice or Mute()
        self.clock = clock
        self._visit: Visit | None = None
        self._service: type[Service] | None = None
        self._operation: Operation | None = None
        self._warning: IdleWarning | None = None
        self._corners = CornerPattern()
        #: Counts the pages shown; what was begun for an earlier page is stale.
        self._turn = 0
        self._shown_at = float("-inf")
        self.page: Page | None = None
        #: What is shown: a prompt's id, "home", "ending", "maintenance" …
        self.shown = ""
        settings = terminal.settings
        self._header = Header(
            terminal.words.say, settings.hall.name, terminal.letterhead().terminal
        )
        self._strip = ProgressStrip()
        self._slot = BoxLayout()
        column = BoxLayout(orientation="vertical")
        for part in (self._header, self._strip, self._slot):
            column.add_widget(part)
        self.add_widget(column)
        self.go_home()
        self._ticking = Clock.schedule_interval(self._tick, TICK_S)

    # -- pages -------------------------------------------------------------------------------

    def _show(self, name: str, page: Page) -> None:
        """Change the page: the only place that does."""
        self._leave_page()
        assert not self._slot.children, "two pages at once"
        self._slot.add_widget(page)
        self.page, self.shown = page, name
        self._shown_at = self.clock()

    def _leave_page(self) -> None:
        self._turn += 1
        if self._operation is not None:
            self._operation.cancel()
            self._operation = None
        self._hide_warning()
        if self.page is not None:
            self.page.leave()
            self._slot.remove_widget(self.page)
            self.page = None

    @property
    def settled(self) -> bool:
        """Whether touches count: not in the first moment of a page, so that a trembling second
        touch on 下一步 does not press what has just appeared under the finger."""
        return self.clock() - self._shown_at >= theme.DEBOUNCE_S

    def go_home(self) -> None:
        """Show home. Whatever was shown is forgotten."""
        self._strip.clear()
        self._header.at_home()
        self._show("home", HomePage(self.terminal, self.begin))

    def open_maintenance(self) -> None:
        """The technician's side of the machine; its first page asks for the PIN."""
        from screens.maintenance import MaintenancePage
        from screens.maintenance_pin import PinPage

        def enter() -> None:
            self._show("maintenance", MaintenancePage(self.terminal, self.go_home))

        words = self.terminal.words
        self._header.during_visit(words.say("maintenance.title"), self.go_home)
        self._show("maintenance.pin", PinPage(self.terminal, enter, self.go_home))

    # -- a visit -----------------------------------------------------------------------------

    def begin(self, service: type[Service]) -> None:
        """A citizen has chosen a service."""
        if self._visit is not None:
            return
        self._service = service
        self._visit = self.terminal.visit(service)
        self._header.during_visit(
            self.terminal.words.say(f"service.{service.id}.name"), self.cancel
        )
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
        self._show_stage(visit.stage)
        self._show(prompt.id, screen)
        visit.touched(self.clock())
        if prompt.performed_by is not None:
            self._start_operation(prompt)

    def _show_stage(self, stage: str) -> None:
        """Prompts before the first stage show no strip."""
        service = self._service
        if service is None or not stage:
            return
        say = self.terminal.words.say
        names = tuple(say(f"stage.{service.id}.{name}") for name in service.stages)
        self._strip.show(names, service.stages.index(stage))

    def _finish(self, outcome: Outcome) -> None:
        """The one place where the screen lets go of a visit."""
        was_result = isinstance(getattr(self.page, "prompt", None), Done)
        self._leave_page()
        self._visit = None
        self._service = None
        self.terminal.wipe()
        forgetting.overwrite_what_is_free()
        Clock.schedule_once(lambda _: self.terminal.forget(), FORGET_AFTER_S)
        # Who walks away from the result has finished, even without pressing 完成.
        left_result = outcome.ending is Ending.IDLE and was_result
        if outcome.ending in (Ending.DONE, Ending.CANCELLED) or left_result:
            self.go_home()
            return
        from screens.ending import EndingPage

        self._strip.clear()
        self._header.at_home()
        window = self.terminal.settings.hall.window
        self._show("ending", EndingPage(outcome, self.terminal.words, window, self.go_home))

    def cancel(self) -> None:
        """The citizen leaves."""
        if self._visit is not None and self._visit.cancel():
            self.follow()

    def broke(self, error: Exception) -> bool:
        """An exception nobody expected came out of Kivy's loop. Ends the visit.

        Returns False if there was nothing to end: then the program itself is broken.
        """
        if self._visit is None:
            if self.shown == "home":
                return False
            self.go_home()
            return True
        self._visit.crash(error)
        if self._visit.outcome is not None:
            self._finish(self._visit.outcome)
        return True

    # -- operations --------------------------------------------------------------------------

    def _start_operation(self, prompt: Any) -> None:
        turn = self._turn
        mailbox: list[Any] = []

        def report(event: Any) -> None:
            # On the worker. Only the newest event matters; at most one delivery is under way, so
            # a slow screen drops camera frames instead of falling behind.
            mailbox.append(event)
            if len(mailbox) == 1:
                Clock.schedule_once(deliver, 0)

        def deliver(_: float) -> None:
            event = mailbox[-1]
            mailbox.clear()
            if turn == self._turn and isinstance(self.page, Page):
                self.page.progress(event)

        def done(result: Any) -> None:
            Clock.schedule_once(lambda _: self._answered(turn, result), 0)

        self._operation = self.terminal.start(prompt, report, done)

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

    def tell(self, word: str) -> None:
        """Say a word to the running operation."""
        if self._operation is not None:
            self._operation.tell(word)

    # -- time and touch ----------------------------------------------------------------------

    def _tick(self, _: float) -> None:
        self._header.tick()
        self._header.show_online(self.terminal.online)
        visit = self._visit
        if visit is None:
            return
        seconds = visit.tick(self.clock())
        if visit.outcome is not None:
            self.follow()
        elif seconds is None:
            self._hide_warning()
        else:
            self._warn(visit, seconds)

    def _warn(self, visit: Visit, seconds: int) -> None:
        if self._warning is None:
            self._warning = IdleWarning(
                self.terminal.words.say, visit.committed, self._stay, self.cancel
            )
            self.add_widget(self._warning)
            self._shown_at = self.clock()
        self._warning.show(seconds)

    def _stay(self) -> None:
        if self._visit is not None:
            self._visit.touched(self.clock())
        self._hide_warning()

    def _hide_warning(self) -> None:
        if self._warning is not None:
            self.remove_widget(self._warning)
            self._warning = None
            self._shown_at = self.clock()

    @property
    def warned(self) -> bool:
        """Whether 您还在吗 covers the page."""
        return self._warning is not None

    def on_touch_down(self, touch: MotionEvent) -> bool:
        if not self.settled:
            return True
        now = self.clock()
        if self._warning is None and self._visit is not None:
            self._visit.touched(now)
        if self.shown == "home":
            where = corner(touch.x, touch.y, self.width, self.height, px(theme.CORNER))
            if self._corners.touched(where, now):
                self.open_maintenance()
                return True
        return bool(super().on_touch_down(touch))

    def close(self) -> None:
        """Stop ticking and let go of the page; for the end of the program and for tests."""
        self._ticking.cancel()
        if self._visit is not None:
            self._visit.cancel()
            self._visit = None
        self._leave_page()
        self.voice.close()
        self.terminal.wipe()
