"""The engine that runs a service: prompts are awaited, a visit sends the answers in.

A service is a coroutine that awaits prompts (`kiosk.visit.prompts`). It knows no widget, thread or
device, so the same service runs on the touch screen, in a flow test and in the scripted tour. Each
of these is a *driver*: it looks at `Visit.prompt` and calls `Visit.answer`.

The one clever idea is **Back by replay**. A coroutine cannot be run backwards, so the visit keeps
every (prompt, reply) pair. Back starts the service again from the top, feeds it the recorded
replies up to the last prompt that asked the citizen something, and shows that prompt again, filled
with what was said. A service must therefore be deterministic: date, policy and terminal come in
through its context; everything else is a reply. A replay that asks anything else than before ends
the visit, because one question's reply must never answer another.

What was said behind the point of return is kept as *earlier* replies:

- A device or the network is not asked twice: an equal prompt gets its earlier reply.
- The citizen is asked again, and the prompt is filled with the earlier reply.

A service that must know what was left behind, such as a face that did not match, asks by `Recall`.

**Revise** is the same replay for one step in the middle ("change my address" on the review page). A
step's prompts have ids that begin with its name. All of them are put again, filled. Behind the step
every *equal* question keeps its reply by itself, and only a question that reads differently is put
to the citizen. Back from the first question of the step returns to the review, unchanged.

**Suggestions**: a prompt may be filled by what an earlier one offers (`Prompt.offers`): what was
left unfinished another day. It is filled, never answered.

**Effects** (submit, print, write, pay) happen once and are always waited for. While one is open
nobody leaves and no time runs; whatever wants to end the visit waits until its result is known.
After an effect that commits, or that writes to a card, there is no way back past it; every ending
knows the number of what was committed.

Whatever ends a visit (the service's last line, 退出, idle time, a device fault nobody caught, a
bug) goes through `Visit._end`, which forgets everything the citizen said. No exception that leaves
here keeps a traceback, because its frames hold what the citizen said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Generator, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from hardware.faults import DeviceFault, FaultCode
from kiosk.late import dataclass

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
    event and the test selector. The part before the first dot names the step it belongs to.
    """

    id: str
    #: The worker that answers: a device's name, "outbox" or "central"; None: the citizen.
    performed_by: ClassVar[str | None] = None
    #: Whether the citizen decides something here; Back stops only at prompts that ask.
    asks: ClassVar[bool] = True
    #: Whether the citizen would lose work by leaving once this is answered.
    enters: ClassVar[bool] = False
    #: Whether answering it has an effect outside the visit, which happens once.
    effect: ClassVar[bool] = False
    #: Whether that effect cannot be taken back: the transaction is promised.
    commits: ClassVar[bool] = False
    #: Whether there is no way back past it, though nothing was promised: a card was written to.
    final: ClassVar[bool] = False
    #: Seconds without a touch before the visit warns; None while the citizen must not be hurried.
    idle_s: ClassVar[float | None] = 90.0

    def check(self, answer: A) -> A:
        """Return the answer as the service will see it, or raise `Unacceptable`.

        Every driver's answer passes here, so a rule cannot be forgotten by a screen.
        """
        return answer

    def may_wait(self) -> bool:
        """Whether the answer may wait for another day: plain text, no proof, consent or secret."""
        return False

    def silence_s(self) -> float | None:
        """`idle_s` of this very prompt."""
        return self.idle_s

    def number_of(self, answer: A) -> str:
        """The receipt number that an answer to a committing prompt promises."""
        return ""

    def offers(self, answer: A) -> Mapping[str, Any]:
        """Prompt id -> what it is to be filled with after this answer."""
        return {}

    def needs_card(self) -> int | None:
        """The presentation of a card (`SocialCard.insertion`) that has to stay where it is while
        this is asked; whoever drives the visit interrupts it when that card moves."""
        return None

    def __await__(self) -> Generator[Prompt[Any], Any, A]:
        answer: A = yield self
        return answer


class Performed(Prompt[A]):
    """A prompt that a worker answers: Back does not stop there, and nobody is hurried through it.
    Subclasses name the worker in `performed_by`.
    """

    asks: ClassVar[bool] = False
    idle_s: ClassVar[float | None] = None


@dataclass(frozen=True)
class Recall(Prompt[tuple["Said", ...]]):
    """Everything that workers answered in this visit to the prompts with this id, also what Back
    has left behind: evidence of the visit, not of its last answers. The visit answers it itself,
    each time anew."""

    id: str

    asks: ClassVar[bool] = False


class Run(Protocol):
    """One run of a service, see `kiosk.visit.service.Service`."""

    @property
    def id(self) -> str: ...
    @property
    def stages(self) -> tuple[str, ...]: ...
    @property
    def under_way(self) -> Run: ...
    @property
    def stage(self) -> str: ...
    @property
    def resumable(self) -> bool: ...
    def run(self) -> Coroutine[Prompt[Any], Any, None]: ...


class VisitEnded(BaseException):
    """Thrown at the await when a visit is ended from outside. Not an `Exception`, so that a
    service which handles device faults cannot swallow it by accident."""


class Cancelled(VisitEnded):
    """The citizen pressed 退出."""


class IdledOut(VisitEnded):
    """Nobody touched the screen and nobody answered the warning."""


class KeepForLater(BaseException):
    """Thrown at the await when the citizen leaves and wants to go on another day, with the answers
    that may wait: prompt id -> answer."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__("kept for later")
        self.answers = answers


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
    #: The receipt number of what was submitted, "" if nothing was.
    number: str = ""
    #: Id of the service in which it ended, which may be another than it began in.
    service: str = ""


@dataclass(frozen=True)
class Event:
    """What a visit tells its listener: a kind and ids, never an answer."""

    kind: str
    prompt: str = ""
    detail: str = ""


#: Seconds the warning "are you still there?" stays up before the visit is given up.
IDLE_WARNING_S = 30.0

#: Seconds a page stays, however much it is touched, until the warning is shown: most pages show
#: something of somebody.
PAGE_S = 300.0

#: How often 「我还要继续」 extends one page (WCAG 2.2.1 asks for ten times).
MOST_EXTENSIONS = 10

#: A prompt and the reply to it; a fault is a reply, too.
Said = tuple[Prompt[Any], Any]


@dataclass(frozen=True)
class _Revision:
    """A step that is being changed, and the way back to where the change was asked for."""

    step: str
    #: How many replies stand before the first prompt of the step.
    begins: int
    #: Everything said until the review.
    before: tuple[Said, ...]
    review: str

    def covers(self, prompt: Prompt[Any]) -> bool:
        return in_step(prompt.id, self.step)


def in_step(prompt_id: str, step: str) -> bool:
    """Whether a prompt belongs to a step: its id is the step's name or begins with it and a dot."""
    return prompt_id == step or prompt_id.startswith(f"{step}.")


def _ignore(event: Event) -> None:
    """Listener of a visit that nobody listens to."""


class Visit:
    """One citizen's run through one service; the only interface a driver needs.

    A driver calls `start`, shows `prompt` (filled with `suggestion`), and calls `answer`, `back`,
    `revise`, `cancel`, `fault`, `failed` or `interrupt` until `outcome` is set. It calls `tick`
    about once a second, `touched` for touches that count, and `stay` when the citizen answers the
    idle warning. Times are seconds of any monotonic clock.
    """

    def __init__(
        self,
        begin: Callable[[], Run],
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
        self._service: Run | None = None
        self._coroutine: Coroutine[Prompt[Any], Any, None] | None = None
        self._said: list[Said] = []
        #: What workers answered, for `Recall`.
        self._seen: list[Said] = []
        self._earlier: list[Said] = []
        self._revision: _Revision | None = None
        self._number = ""
        self._committed = False
        self._floor = 0
        #: From which reply on they may wait for another day; None before it is known under whom.
        self._keeps_from: int | None = None
        #: The run whose answers these are: where one goes on in another service, they are its own.
        self._keeps_of: Run | None = None
        self._touched_at = 0.0
        self._shown_at: float | None = None
        self._extensions = 0
        self._ending: BaseException | None = None
        self.prompt: Prompt[Any] | None = None
        self.suggestion: Any = None

    # -- what a driver asks ------------------------------------------------------------------

    @property
    def under_way(self) -> Run | None:
        """The service that is under way: where one goes on in another, that one."""
        return None if self._service is None else self._service.under_way

    @property
    def stage(self) -> str:
        """The stage of the progress strip the service is at; "" before the first."""
        return "" if self.under_way is None else self.under_way.stage

    @property
    def can_go_back(self) -> bool:
        return not self._in_effect and (self._abandons_revision or self._last_asked() is not None)

    @property
    def can_leave(self) -> bool:
        """Whether 退出 does anything now: nobody leaves in the instant of an effect."""
        return self.prompt is not None and not self._in_effect

    @property
    def entered(self) -> bool:
        """Whether leaving now would lose something the citizen did; then 退出 asks once."""
        return not self.committed and any(prompt.enters for prompt, _ in self._said)

    @property
    def can_keep(self) -> bool:
        """Whether the answers so far can wait for another day."""
        known = self.under_way is not None and self.under_way.resumable
        return known and self.can_leave and self.entered

    @property
    def committed(self) -> bool:
        """Whether something was submitted in this visit."""
        return self._committed

    # -- what a driver does ------------------------------------------------------------------

    def start(self, now: float = 0.0) -> None:
        """Run the service up to its first prompt."""
        if self._coroutine is not None or self.outcome is not None:
            raise RuntimeError("a visit starts once")
        self._touched_at = now
        self._begin_run()
        self._go_on()

    def answer(self, value: Any) -> None:
        """Answer the current prompt. Raises `Unacceptable` and stays there if it breaks a rule."""
        prompt = self._open_prompt()
        value = prompt.check(value)
        self._said.append((prompt, value))
        if prompt.performed_by is not None and not prompt.effect:
            self._seen.append((prompt, value))
        if prompt.commits or prompt.final:
            self._floor = len(self._said)
            self._earlier.clear()
            self._revision = None
        if prompt.commits:
            self._committed = True
            self._number = prompt.number_of(value) or self._number
        self._reply(value)

    def fault(self, fault: DeviceFault) -> None:
        """Answer the current prompt with a device fault; a service may catch it at the await."""
        prompt = self._open_prompt()
        self._listen(Event("fault", prompt.id, fault.code))
        kept = fault.bare()
        self._said.append((prompt, kept))
        self._reply(kept)

    def failed(self, error: BaseException) -> None:
        """The operation of the current prompt failed in a way nobody foresaw: the visit ends."""
        self._open_prompt()
        self._stop(self._ending or _where(error))

    def interrupt(self, fault: DeviceFault) -> bool:
        """A device event (the card was pulled) reaches whatever prompt is open, also one that asks
        the citizen. Returns False during an effect, whose own result tells."""
        if self.prompt is None or self._in_effect:
            return False
        self.fault(fault)
        return True

    def cancel(self) -> bool:
        """End the visit because the citizen wants to leave. Returns False during an effect: what
        is being done is done, and its result is shown."""
        if self._in_effect:
            return False
        self._stop(Cancelled())
        return True

    def keep(self) -> bool:
        """The citizen leaves and wants to go on another day. The service says what came of it;
        there is no way back into what was left. Returns False where `can_keep` is."""
        if not self.can_keep:
            return False
        kept = self._said[self._keeps_from :]
        answers = {prompt.id: reply for prompt, reply in kept if prompt.may_wait()}
        self._said, self._earlier, self._revision = [], [], None
        self._send(KeepForLater(answers))
        self._go_on()
        return True

    def crash(self, error: BaseException) -> None:
        """End the visit because the driver failed. During an effect it ends with its result."""
        if self._in_effect:
            self._ending = _where(error)
        else:
            self._stop(_where(error))

    def back(self) -> None:
        """Show the last prompt that asked the citizen something, filled with what was said."""
        if self._in_effect:
            raise RuntimeError("there is no way back from here")
        if self._abandons_revision:
            assert self._revision is not None
            before, self._revision = self._revision.before, None
            self._earlier.clear()
            self._replay(before)
            self._shown_again(None)
            return
        index = self._last_asked()
        if index is None:
            raise RuntimeError("there is no way back from here")
        self._return_to(index)

    def revise(self, step: str) -> None:
        """Put all prompts of a step again, and keep every later reply to an equal question."""
        review = self._open_prompt()
        for index in range(self._floor, len(self._said)):
            if self._said[index][0].asks and in_step(self._said[index][0].id, step):
                self._revision = _Revision(step, index, tuple(self._said), review.id)
                self._return_to(index)
                return
        raise RuntimeError(f"{step} was not answered, or can no longer be changed")

    # -- time --------------------------------------------------------------------------------

    def touched(self, now: float) -> None:
        """The citizen is there: start the idle time again."""
        self._touched_at = now
        if self._shown_at is None:
            self._shown_at = now

    def stay(self, now: float) -> None:
        """The citizen answered the idle warning: the page's own limit begins again as well, up to
        `MOST_EXTENSIONS` times."""
        self._touched_at = now
        if self._extensions < MOST_EXTENSIONS:
            self._extensions += 1
            self._shown_at = now

    def tick(self, now: float) -> int | None:
        """Let time pass. Returns the seconds left on the idle warning, None while none is due."""
        prompt = self.prompt
        if prompt is None:
            return None
        if self._shown_at is None:
            self._shown_at = now
        idle_s = prompt.silence_s()
        if idle_s is None or prompt.effect:
            self._touched_at = self._shown_at = now
            return None
        silent = max(
            now - self._touched_at - idle_s * self._patience,
            now - self._shown_at - PAGE_S * self._patience,
        )
        if silent < 0:
            return None
        left = IDLE_WARNING_S * self._patience - silent
        if left <= 0:
            self._stop(IdledOut())
            return None
        return math.ceil(left)

    # -- how it is done ----------------------------------------------------------------------

    @property
    def _in_effect(self) -> bool:
        return self.prompt is not None and self.prompt.effect

    @property
    def _abandons_revision(self) -> bool:
        """Whether Back gives up the revision: nothing of the step was answered anew yet."""
        revision = self._revision
        return revision is not None and not any(
            _was_asked(said) for said in self._said[revision.begins :]
        )

    def _open_prompt(self) -> Prompt[Any]:
        if self.prompt is None:
            raise RuntimeError("the visit has no open prompt")
        return self.prompt

    def _last_asked(self) -> int | None:
        for index in range(len(self._said) - 1, self._floor - 1, -1):
            if _was_asked(self._said[index]):
                return index
        return None

    def _return_to(self, index: int) -> None:
        """Replay the service up to, and without, the reply at `index`; show that prompt filled."""
        behind = self._said[index:]
        # The newest reply wins over one from an earlier return.
        self._earlier = behind + [
            old for old in self._earlier if all(old[0] != new for new, _ in behind)
        ]
        suggestion = behind[0][1]
        self._replay(self._said[:index])
        self._shown_again(suggestion)

    def _replay(self, replies: list[Said] | tuple[Said, ...]) -> None:
        if self._coroutine is not None:
            self._coroutine.close()
        self._said = []
        self._begin_run()
        for prompt, reply in replies:
            if self.prompt != prompt:
                if self.outcome is None:
                    self._stop(RuntimeError(f"service not deterministic at {prompt.id}"))
                return
            self._said.append((prompt, reply))
            self._send(reply)

    def _shown_again(self, suggestion: Any) -> None:
        if self.prompt is None:
            return
        self.suggestion = None if isinstance(suggestion, DeviceFault) else suggestion
        self._fresh_page()
        self._listen(Event("shown again", self.prompt.id))

    def _begin_run(self) -> None:
        self._service, self._keeps_from = self._begin(), None
        self._coroutine = self._service.run()
        self._send(None)

    def _reply(self, reply: Any) -> None:
        """Send a reply in, unless the visit was to end with the effect that it tells of."""
        if self._ending is not None:
            self._stop(self._ending)
            return
        self._send(reply)
        self._go_on()

    def _go_on(self) -> None:
        """Answer from what was said earlier as long as it fits, then show the open prompt."""
        while self.prompt is not None:
            kept = self._recalled(self.prompt) or self._kept(self.prompt)
            if kept is None:
                self._fresh_page()
                self._listen(Event("shown", self.prompt.id))
                return
            self._said.append((self.prompt, kept[0]))
            self._send(kept[0])

    def _fresh_page(self) -> None:
        self._shown_at = None
        self._extensions = 0

    def _recalled(self, prompt: Prompt[Any]) -> tuple[Any] | None:
        """The reply to a `Recall`, in a tuple."""
        if not isinstance(prompt, Recall):
            return None
        return (tuple(said for said in self._seen if said[0].id == prompt.id),)

    def _kept(self, prompt: Prompt[Any]) -> tuple[Any] | None:
        """The reply to use again for a prompt, in a tuple; else set the suggestion."""
        self.suggestion = None
        if self._revision is not None and prompt.id == self._revision.review:
            self._revision = None
            self._earlier.clear()
        by_itself = not prompt.asks and prompt.performed_by is not None
        if self._revision is not None and not self._revision.covers(prompt):
            by_itself = True
        for index, (earlier, reply) in enumerate(self._earlier):
            if by_itself and earlier == prompt and not isinstance(reply, DeviceFault):
                del self._earlier[index]
                return (reply,)
        if prompt.asks and prompt.performed_by is None:
            self.suggestion = next(
                (
                    reply
                    for earlier, reply in self._earlier
                    if earlier.id == prompt.id and not isinstance(reply, DeviceFault)
                ),
                self._offered(prompt),
            )
        return None

    def _offered(self, prompt: Prompt[Any]) -> Any:
        """What an earlier prompt offers to fill this one with, if its rules still take it."""
        for earlier, reply in self._said:
            if not isinstance(reply, DeviceFault) and prompt.id in (found := earlier.offers(reply)):
                try:
                    return prompt.check(found[prompt.id])
                except (Unacceptable, AttributeError, TypeError):
                    return None  # another release kept something of another shape
        return None

    def _send(self, reply: Any) -> None:
        coroutine = self._coroutine
        assert coroutine is not None
        self.prompt = None
        try:
            if isinstance(reply, DeviceFault):
                # A copy: what is thrown gets a traceback, whose frames hold what the citizen said.
                self.prompt = coroutine.throw(reply.bare())
            elif isinstance(reply, KeepForLater):
                self.prompt = coroutine.throw(reply)
            else:
                self.prompt = coroutine.send(reply)
        except StopIteration:
            self._end(Ending.DONE)
        except DeviceFault as fault:
            fault.__traceback__ = None
            self._end(Ending.FAULT, fault.code)
        except Exception as error:  # noqa: BLE001 - any bug of a service ends its visit, here
            self._crashed(error)
        run = self.under_way
        if run is not self._keeps_of:
            self._keeps_of, self._keeps_from = run, None
        if run is not None and run.resumable and self._keeps_from is None:
            self._keeps_from = len(self._said)

    def _stop(self, reason: BaseException) -> None:
        """Throw the reason in so that the service's own `finally` blocks run, then end."""
        coroutine = self._coroutine
        if coroutine is None or self.outcome is not None:
            return
        try:
            coroutine.throw(reason)
        except (VisitEnded, StopIteration) as ended:
            ended.__traceback__ = None  # the service has ended, as it was told to
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
        self._listen(Event("crashed", detail=str(_where(error))))
        self._end(Ending.CRASHED)

    def _end(self, ending: Ending, fault: FaultCode | None = None) -> None:
        """The one place where every visit ends, and is wiped."""
        service = "" if self.under_way is None else self.under_way.id
        outcome = Outcome(ending, fault, self.committed, self._number, service)
        coroutine = self._coroutine
        self._forget()
        self.outcome = outcome
        if coroutine is not None:
            try:
                coroutine.close()
            except RuntimeError as clings:
                # A service that awaits again while it is being ended; the visit is over for it.
                clings.__traceback__ = None
                self._listen(Event("service would not end"))
        self._listen(Event("ended", detail=ending))


class Broke(Exception):
    """Stands for an unforeseen exception: its type and place, without message and frames."""


def _where(error: BaseException) -> Broke:
    """The exception without what it may quote; lets go of its frames."""
    trace, error.__traceback__, error.__context__ = error.__traceback__, None, None
    if isinstance(error, Broke):
        return error
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return Broke(f"{type(error).__name__} at {where}")


def _was_asked(said: Said) -> bool:
    prompt, reply = said
    return prompt.asks and not isinstance(reply, DeviceFault)
