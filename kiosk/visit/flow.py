"""The engine that runs a service: prompts are awaited, a visit sends the answers in.

A service is a coroutine that awaits prompts (see `kiosk.visit.prompts`). It knows no widget,
thread or device, so the same service runs on the touch screen, in a flow test and in the scripted
tour; each of them is a *driver* that looks at `Visit.prompt` and calls `Visit.answer`.

The one clever idea is **Back by replay**. A coroutine cannot be run backwards, so the visit keeps
every (prompt, reply) pair. Back starts the service again from the top, feeds it the recorded
replies up to the last prompt that asked the citizen something, and shows that prompt again with
what was entered. Nothing is performed twice, because side effects belong to operations and an
operation's reply is fed back like any other. A service must therefore be deterministic: the date,
the policy and the terminal come in through `Context`; everything else is an answer.

`revise` is the same replay for one answer in the middle ("change my telephone" on the review page).
The later replies are kept and used again for as long as the service asks *equal* questions; the
first question that reads differently is put to the citizen.

After a prompt that commits (`Submit`) there is no way back past it.

Whatever ends a visit (the service's last line, cancel, idle time-out, a device fault nobody
caught, a bug) goes through `Visit._end`, which forgets everything the citizen said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from hardware.faults import Device, DeviceFault, FaultCode

if TYPE_CHECKING:
    from datetime import date

    from kiosk.policy import Policy

A = TypeVar("A")


class Unacceptable(Exception):
    """An answer that breaks its prompt's rule. `message` is the id of the words that say why."""

    def __init__(self, message: str, field: str | None = None, **facts: str | int) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.facts = facts


class Prompt(Generic[A]):
    """One thing put to the citizen, or to a device, whose answer has type `A`.

    Subclasses are frozen dataclasses with an `id`: the message id that names the words, the log
    event and the test selector.
    """

    id: str
    #: The worker that answers: a device's name, "outbox" or "central"; None: the citizen.
    performed_by: ClassVar[str | None] = None
    #: Whether the citizen decides something here; Back stops only at prompts that ask.
    asks: ClassVar[bool] = True
    #: Whether the answer takes effect outside the visit and cannot be taken back.
    commits: ClassVar[bool] = False
    #: Seconds without a touch before the visit warns; None while the citizen must not be hurried.
    idle_s: ClassVar[float | None] = 90.0

    def check(self, answer: A) -> A:
        """Return the answer as the service will see it, or raise `Unacceptable`.

        Every driver's answer passes here, so a rule cannot be forgotten by a screen.
        """
        return answer

    def __await__(self) -> Generator[Prompt[Any], Any, A]:
        answer: A = yield self
        return answer


@dataclass(frozen=True)
class Context:
    """All that a service may depend on besides its answers."""

    today: date
    terminal: str
    policy: Policy
    #: Where faces are compared, see `kiosk.photo.verify.Place`.
    comparison: str = "none"


class Service:
    """One thing a citizen can come for. Subclasses live one to a file in `kiosk/services/`."""

    #: Names the service in the menu, the words, the log and the centre's settings.
    id: ClassVar[str]
    #: Icon name of the tile on the home screen.
    icon: ClassVar[str]
    #: Place in the menu, small first.
    order: ClassVar[int] = 100
    #: Devices without which the service is not offered.
    needs: ClassVar[frozenset[Device]] = frozenset()
    #: Stages shown in the progress strip: stage id -> ids of its prompts.
    stages: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init__(self, context: Context) -> None:
        self.context = context

    async def serve(self) -> None:
        raise NotImplementedError

    @classmethod
    def stage_of(cls, prompt_id: str) -> int | None:
        """Index into `stages` of the stage a prompt belongs to, None if it is in none."""
        for index, prompts in enumerate(cls.stages.values()):
            if prompt_id in prompts:
                return index
        return None


class VisitEnded(BaseException):
    """Thrown at the await when a visit is ended from outside. Not an `Exception`, so that a
    service which handles device faults cannot swallow it by accident."""


class Cancelled(VisitEnded):
    """The citizen pressed 退出."""


class IdledOut(VisitEnded):
    """Nobody touched the screen and nobody answered the warning."""


class Ending(StrEnum):
    """How a visit ended."""

    DONE = "done"
    CANCELLED = "cancelled"
    IDLE = "idle"
    FAULT = "fault"
    CRASHED = "crashed"


@dataclass(frozen=True)
class Outcome:
    """What is left of a visit once it is over. Holds nothing about the citizen."""

    ending: Ending
    #: The device fault that ended it, with `Ending.FAULT`.
    fault: FaultCode | None = None
    #: Whether something had been submitted: then the words must not say that nothing happened.
    committed: bool = False


@dataclass(frozen=True)
class Event:
    """What a visit tells its listener: a kind and ids, never an answer."""

    kind: str
    prompt: str = ""
    detail: str = ""


#: Seconds the warning "are you still there?" stays up before the visit is given up.
IDLE_WARNING_S = 30.0


def _ignore(event: Event) -> None:
    """Listener of a visit that nobody listens to."""


class Visit:
    """One citizen's run through one service; the only interface a driver needs.

    A driver calls `start`, shows `prompt` (filled with `suggestion`), and calls `answer`, `back`,
    `revise`, `cancel` or `fault` until `outcome` is set. It calls `tick` about once a second and
    `touched` for every touch. Times are seconds of any monotonic clock.
    """

    def __init__(
        self,
        begin: Callable[[], Service],
        listen: Callable[[Event], None] = _ignore,
        *,
        patience: float = 1.0,
    ) -> None:
        """`begin` makes a fresh service for each replay; `patience` stretches idle times (2.0 in
        长者模式, domain §2.5)."""
        self._begin = begin
        self._listen = listen
        self._patience = patience
        self.outcome: Outcome | None = None
        self._forget()

    def _forget(self) -> None:
        """Drop everything the citizen said or showed, and everything derived from it."""
        self._coroutine: Coroutine[Prompt[Any], Any, None] | None = None
        self._said: list[tuple[Prompt[Any], Any]] = []
        self._dropped: list[tuple[Prompt[Any], Any]] = []
        self._revising = False
        self._floor = 0
        self._touched_at = 0.0
        self.prompt: Prompt[Any] | None = None
        self.suggestion: Any = None

    # -- what a driver does ------------------------------------------------------------------

    def start(self, now: float = 0.0) -> None:
        """Run the service up to its first prompt."""
        if self._coroutine is not None or self.outcome is not None:
            raise RuntimeError("a visit starts once")
        self._touched_at = now
        self._coroutine = self._begin().serve()
        self._resume(None)

    def answer(self, value: Any) -> None:
        """Answer the current prompt. Raises `Unacceptable` and stays there if it breaks a rule."""
        prompt = self._open_prompt()
        value = prompt.check(value)
        self._said.append((prompt, value))
        if prompt.commits:
            self._floor = len(self._said)
            self._dropped.clear()
        self._resume(value)

    def fault(self, fault: DeviceFault) -> None:
        """Answer the current prompt with a device fault; a service may catch it at the await."""
        prompt = self._open_prompt()
        self._listen(Event("fault", prompt.id, fault.code))
        self._said.append((prompt, fault))
        self._resume(fault)

    def cancel(self) -> None:
        """End the visit because the citizen wants to leave."""
        self._stop(Cancelled())

    def crash(self, error: BaseException) -> None:
        """End the visit because an operation failed in a way nobody foresaw."""
        self._stop(error)

    @property
    def can_go_back(self) -> bool:
        return self._last_asked() is not None

    @property
    def committed(self) -> bool:
        """Whether something was submitted in this visit."""
        return self._floor > 0

    def back(self) -> None:
        """Show the last prompt that asked the citizen something, filled with what was said."""
        index = self._last_asked()
        if index is None:
            raise RuntimeError("there is no way back from here")
        self._rewind(index, revising=False)

    def revise(self, prompt_id: str) -> None:
        """Go back to one prompt and keep every later answer whose question stays the same."""
        for index in range(self._floor, len(self._said)):
            if self._said[index][0].id == prompt_id:
                self._rewind(index, revising=True)
                return
        raise RuntimeError(f"{prompt_id} was not answered, or can no longer be changed")

    def touched(self, now: float) -> None:
        """The citizen is there: start the idle time again."""
        self._touched_at = now

    def tick(self, now: float) -> int | None:
        """Let time pass. Returns the seconds left on the idle warning, None while none is due."""
        if self.prompt is None:
            return None
        if self.prompt.idle_s is None:
            self._touched_at = now
            return None
        silent = now - self._touched_at - self.prompt.idle_s * self._patience
        if silent < 0:
            return None
        left = IDLE_WARNING_S * self._patience - silent
        if left <= 0:
            self._stop(IdledOut())
            return None
        return math.ceil(left)

    # -- how it is done ----------------------------------------------------------------------

    def _open_prompt(self) -> Prompt[Any]:
        if self.prompt is None:
            raise RuntimeError("the visit has no open prompt")
        return self.prompt

    def _last_asked(self) -> int | None:
        for index in range(len(self._said) - 1, self._floor - 1, -1):
            if self._said[index][0].asks:
                return index
        return None

    def _rewind(self, index: int, *, revising: bool) -> None:
        """Replay the service up to, and without, the reply at `index`."""
        replies = self._said[:index]
        # What was dropped earlier stays behind what is dropped now: the newest answer wins.
        dropped = self._said[index:]
        newer = {prompt.id for prompt, _ in dropped}
        self._dropped = dropped + [kept for kept in self._dropped if kept[0].id not in newer]
        suggestion = dropped[0][1]
        if self._coroutine is not None:
            self._coroutine.close()
        self._said = []
        self._revising = False
        self._coroutine = self._begin().serve()
        self._send(None)
        for prompt, reply in replies:
            # A service that asks something else when replayed has a bug that would put one
            # question's answer to another: stop rather than go on with wrong data.
            if self.prompt is None or type(self.prompt) is not type(prompt):
                if self.outcome is None:
                    self._stop(RuntimeError(f"service not deterministic at {prompt.id}"))
                return
            self._said.append((self.prompt, reply))
            self._send(reply)
        self._revising = revising
        if self.prompt is not None:
            self.suggestion = None if isinstance(suggestion, DeviceFault) else suggestion
            self._listen(Event("shown again", self.prompt.id))

    def _resume(self, reply: Any) -> None:
        """Send a reply in, then answer from what was said before a revision, if it still fits."""
        self._send(reply)
        while self.prompt is not None:
            kept = self._kept(self.prompt)
            if kept is None:
                self._listen(Event("shown", self.prompt.id))
                return
            self._said.append((self.prompt, kept[0]))
            self._send(kept[0])

    def _kept(self, prompt: Prompt[Any]) -> tuple[Any] | None:
        """The reply to use again for a prompt, in a tuple; else set the suggestion."""
        self.suggestion = None
        for index, (earlier, reply) in enumerate(self._dropped):
            if earlier.id != prompt.id or isinstance(reply, DeviceFault):
                continue
            if self._revising and earlier == prompt:
                del self._dropped[index]
                return (reply,)
            if prompt.asks and prompt.performed_by is None:
                self.suggestion = reply
            return None
        return None

    def _send(self, reply: Any) -> None:
        coroutine = self._coroutine
        assert coroutine is not None
        self.prompt = None
        try:
            if isinstance(reply, BaseException):
                self.prompt = coroutine.throw(reply)
            else:
                self.prompt = coroutine.send(reply)
        except StopIteration:
            self._end(Ending.DONE)
        except DeviceFault as fault:
            self._end(Ending.FAULT, fault.code)
        except Exception as error:  # noqa: BLE001 - any bug of a service ends its visit, here
            self._crashed(error)

    def _stop(self, reason: BaseException) -> None:
        """Throw the reason in so that the service's own `finally` blocks run, then end."""
        coroutine = self._coroutine
        if coroutine is None or self.outcome is not None:
            return
        try:
            coroutine.throw(reason)
        except (VisitEnded, StopIteration):
            pass  # the service has ended, as it was told to
        except Exception as error:  # noqa: BLE001 - any bug of a service ends its visit, here
            reason = error
        if isinstance(reason, Cancelled):
            self._end(Ending.CANCELLED)
        elif isinstance(reason, IdledOut):
            self._end(Ending.IDLE)
        else:
            self._crashed(reason)

    def _crashed(self, error: BaseException) -> None:
        """Say where it broke. The message is left out: it may quote what the citizen entered."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = ""
        if trace is not None:
            where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        self._listen(Event("crashed", detail=f"{type(error).__name__} at {where}"))
        self._end(Ending.CRASHED)

    def _end(self, ending: Ending, fault: FaultCode | None = None) -> None:
        """The one place where every visit ends, and is wiped."""
        outcome = Outcome(ending, fault, committed=self.committed)
        coroutine = self._coroutine
        self._forget()
        self.outcome = outcome
        if coroutine is not None:
            try:
                coroutine.close()
            except RuntimeError:
                # A service that awaits again while it is being ended; the visit is over for it.
                self._listen(Event("service would not end"))
        self._listen(Event("ended", detail=ending))
