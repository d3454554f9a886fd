"""The engine: answers in, prompts out, Back by replay, one place where every visit ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.records.citizen import Citizen
from kiosk.records.submission import Reply
from kiosk.visit.flow import (
    IDLE_WARNING_S,
    MOST_EXTENSIONS,
    PAGE_S,
    Ending,
    Event,
    Performed,
    Prompt,
    Recall,
    Unacceptable,
    Visit,
)
from kiosk.visit.prompts import Advice, Choice, Field, Form, Option, Review, Row
from kiosk.visit.service import GoOn, Leave, Service
from tests.flows.counter import CONTEXT, PHONE, TODAY, ZHANG

YES_NO = (Option("yes"), Option("no"))


@dataclass(frozen=True)
class Measure(Performed[int]):
    """An operation that a device answers."""

    id: str
    of: str = ""
    performed_by: ClassVar[str | None] = "scale"
    idle_s: ClassVar[float | None] = 90.0


@dataclass(frozen=True)
class Commit(Performed[str]):
    id: str
    what: str
    performed_by: ClassVar[str | None] = "outbox"
    effect: ClassVar[bool] = True
    commits: ClassVar[bool] = True

    def number_of(self, answer: str) -> str:
        return f"number of {answer}"


class Weigh(Service):
    """Ask, measure, ask, commit, ask."""

    id = "weigh"
    icon = "scale"
    made: ClassVar[int] = 0

    async def serve(self) -> None:
        type(self).made += 1
        first = await Choice("first", YES_NO)
        weight = await Measure("measure", of=first)
        second = await Choice("second", (*YES_NO, Option(str(weight))))
        await Choice("third", YES_NO)
        await Commit("commit", f"{first}{second}")
        await Choice("fourth", YES_NO)


def begin(service: type[Service] = Weigh, **more: Any) -> tuple[Visit, list[Event]]:
    events: list[Event] = []
    visit = Visit(lambda: service(CONTEXT), events.append, **more)
    visit.start(now=0.0)
    return visit, events


def answer_all(visit: Visit, *answers: Any) -> None:
    for answer in answers:
        visit.answer(answer)


def at(visit: Visit) -> str | None:
    return visit.prompt.id if visit.prompt else None


def test_a_service_is_run_to_its_end_by_answers() -> None:
    visit, events = begin()
    answer_all(visit, "yes", 7, "7", "no", "done", "yes")
    assert visit.outcome is not None
    assert (visit.outcome.ending, visit.outcome.committed) == (Ending.DONE, True)
    assert [event.prompt for event in events if event.kind == "shown"] == [
        "first",
        "measure",
        "second",
        "third",
        "commit",
        "fourth",
    ]


def test_an_answer_that_breaks_the_rule_leaves_the_prompt_open() -> None:
    visit, _ = begin()
    with pytest.raises(Unacceptable):
        visit.answer("perhaps")
    assert at(visit) == "first"


def test_back_shows_the_last_question_with_what_was_said_and_skips_operations() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7)
    assert at(visit) == "second"
    visit.back()
    assert (at(visit), visit.suggestion) == ("first", "yes")
    assert not visit.can_go_back


def test_back_replays_and_does_not_perform_operations_again() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7, "7")
    visit.back()
    assert (at(visit), visit.suggestion) == ("second", "7")
    visit.answer("7")
    assert at(visit) == "third"


def test_going_forward_after_back_does_not_measure_again_and_suggests_later_answers() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7, "7")
    visit.back()
    visit.back()
    visit.answer("yes")
    assert (at(visit), visit.suggestion) == ("second", "7")


def test_going_forward_after_back_measures_what_was_not_measured_yet() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7, "7")
    visit.back()
    visit.back()
    visit.answer("no")
    assert visit.prompt == Measure("measure", of="no")
    visit.answer(8)
    assert (at(visit), visit.suggestion) == ("second", "7")


def test_revise_keeps_every_later_answer_whose_question_is_the_same() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7, "7")
    visit.revise("first")
    assert at(visit) == "first"
    visit.answer("yes")
    assert at(visit) == "third", "nothing changed: measuring and the second answer stand"


def test_revise_asks_again_what_reads_differently() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7, "7")
    visit.revise("first")
    visit.answer("no")
    assert at(visit) == "measure", "another thing is measured now"
    visit.answer(8)
    assert (at(visit), visit.suggestion) == ("second", "7")


def test_there_is_no_way_back_past_a_commit() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7, "7")
    assert visit.can_go_back
    answer_all(visit, "no", "stored")
    assert at(visit) == "fourth"
    assert not visit.can_go_back
    with pytest.raises(RuntimeError):
        visit.back()
    with pytest.raises(RuntimeError):
        visit.revise("first")


class Careful(Service):
    """Catches the fault of one operation and goes on."""

    id = "careful"
    icon = "scale"

    async def serve(self) -> None:
        await Choice("before", YES_NO)
        try:
            await Measure("measure")
        except DeviceFault as fault:
            await Choice(f"after.{fault.code}", YES_NO)
            await Choice("last", YES_NO)


def test_a_caught_fault_is_replayed_like_an_answer() -> None:
    visit, _ = begin(Careful)
    visit.answer("yes")
    visit.fault(DeviceFault(FaultCode.PRINTER_PAPER_OUT))
    visit.answer("no")
    visit.back()
    assert (at(visit), visit.suggestion) == (f"after.{FaultCode.PRINTER_PAPER_OUT}", "no")


@pytest.mark.parametrize("other", [Measure("a"), Choice("b", YES_NO), Choice("a", YES_NO[:1])])
def test_a_service_that_is_not_deterministic_is_stopped_not_trusted(other: Prompt[Any]) -> None:
    """Also where it asks another thing of the same kind: its answer would go to the wrong one."""
    runs = 0

    class Moody(Service):
        """Asks something else when it is replayed."""

        id = "moody"
        icon = "scale"

        async def serve(self) -> None:
            nonlocal runs
            runs += 1
            await (Choice("a", YES_NO) if runs == 1 else other)
            await Choice("b", YES_NO)
            await Choice("c", YES_NO)

    visit, events = begin(Moody)
    answer_all(visit, "yes", "yes")
    visit.back()
    assert visit.outcome is not None
    assert visit.outcome.ending is Ending.CRASHED
    assert any("RuntimeError" in event.detail for event in events)


@pytest.mark.parametrize("steps", range(5))
def test_whatever_ends_a_visit_wipes_it_attribute_by_attribute(steps: int) -> None:
    """Every attribute is as in a visit that never started, except those that hold no answer."""
    fresh = vars(Visit(lambda: Weigh(CONTEXT)))
    allowed = {"outcome", "_begin", "_listen", "_patience"}

    def walked() -> Visit:
        visit, _ = begin()
        answer_all(visit, *("yes", 7, "7", "no", "stored")[:steps])
        if visit.can_go_back:
            visit.back()
        return visit

    endings = {
        Ending.CANCELLED: lambda visit: visit.cancel(),
        Ending.IDLE: lambda visit: visit.tick(1e6),
        Ending.FAULT: lambda visit: visit.fault(DeviceFault(FaultCode.CAMERA_NO_FRAMES)),
        Ending.CRASHED: lambda visit: visit.failed(ValueError("130299195703160119")),
    }
    for ending, end in endings.items():
        visit = walked()
        if ending is Ending.IDLE and visit.prompt is not None and visit.prompt.idle_s is None:
            continue  # while it is being stored, nobody is hurried
        if ending is Ending.CANCELLED and not visit.can_leave:
            continue  # in the instant of an effect nobody leaves
        end(visit)
        assert visit.outcome is not None
        assert visit.outcome.ending is ending
        left = {key: value for key, value in vars(visit).items() if key not in allowed}
        assert left == {key: value for key, value in fresh.items() if key not in allowed}


def test_a_crash_is_told_without_quoting_what_was_entered() -> None:
    class Broken(Service):
        id = "broken"
        icon = "scale"

        async def serve(self) -> None:
            secret = await Choice("first", YES_NO)
            raise ValueError(f"cannot handle {secret}")

    visit, events = begin(Broken)
    visit.answer("yes")
    assert visit.outcome is not None
    assert visit.outcome.ending is Ending.CRASHED
    crash = next(event for event in events if event.kind == "crashed")
    assert crash.detail.startswith("ValueError at ")
    assert "handle" not in crash.detail and "yes" not in crash.detail


def test_a_service_cannot_swallow_the_end_of_its_visit() -> None:
    class Clinging(Service):
        id = "clinging"
        icon = "scale"

        async def serve(self) -> None:
            while True:
                try:
                    await Choice("first", YES_NO)
                except Exception:  # noqa: BLE001 - the mistake under test
                    continue

    visit, _ = begin(Clinging)
    visit.cancel()
    assert visit.outcome is not None
    assert visit.outcome.ending is Ending.CANCELLED


def test_an_uncaught_device_fault_ends_the_visit_with_its_code() -> None:
    visit, _ = begin()
    visit.answer("yes")
    visit.fault(DeviceFault(FaultCode.CARD_PULLED))
    assert visit.outcome is not None
    assert (visit.outcome.ending, visit.outcome.fault) == (Ending.FAULT, FaultCode.CARD_PULLED)


def test_idle_warns_then_ends_and_a_touch_extends_it() -> None:
    visit, _ = begin()
    now = 0.0
    for _ in range(3):
        assert visit.tick(now + 89.9) is None
        now += 90.5
        assert visit.tick(now) == 30
        visit.touched(now)
    assert visit.tick(now + 119.0) == 1
    assert visit.tick(now + 120.0) is None
    assert visit.outcome is not None
    assert visit.outcome.ending is Ending.IDLE


def test_patience_doubles_every_time_in_elder_mode() -> None:
    visit, _ = begin(patience=2.0)
    assert visit.tick(179.0) is None
    assert visit.tick(180.0) == 60
    assert visit.tick(239.0) == 1


class Show(Service):
    """A page with personal data."""

    id = "show"
    icon = "scale"

    async def serve(self) -> None:
        await Review("review", (Row("form.name", "张建国"),))
        await Review("again", (Row("form.name", "张建国"),))


def test_touches_do_not_keep_a_page_open_for_ever() -> None:
    """✗ A touch every minute kept an ID number on the screen for a day."""
    visit, _ = begin(Show)
    now, warned = 0.0, None
    while warned is None:
        visit.touched(now)
        now += 60.0
        warned = visit.tick(now)
        assert now <= PAGE_S
    assert now == PAGE_S
    visit.touched(now)
    assert visit.tick(now + IDLE_WARNING_S) is None
    assert visit.outcome is not None and visit.outcome.ending is Ending.IDLE


def test_who_answers_the_warning_stays_ten_times_and_a_new_page_begins_anew() -> None:
    visit, _ = begin(Show)
    visit.tick(0.0)
    now = 0.0
    for _ in range(MOST_EXTENSIONS):
        now += PAGE_S + 1
        visit.touched(now)
        assert visit.tick(now) is not None
        visit.stay(now)
        assert visit.tick(now) is None
    visit.stay(now + PAGE_S)
    assert visit.tick(now + PAGE_S) is not None, "the eleventh time changes nothing"
    visit.answer(True)
    visit.touched(now + PAGE_S)
    assert visit.tick(now + PAGE_S) is None


def test_nobody_is_hurried_while_something_is_being_stored() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7, "7", "no")
    assert visit.prompt == replace(Commit("commit", "yes7"))
    assert visit.tick(10_000.0) is None
    visit.answer("stored")
    assert visit.tick(10_089.0) is None, "the idle time starts when the citizen is asked again"


def test_flows_import_neither_kivy_nor_a_driver_library() -> None:
    """In a process of its own, because other tests of this run may have imported them."""
    code = (
        "import sys, kiosk.terminal, kiosk.operations, kiosk.services as s; s.find_services();"
        "print([m for m in ('kivy', 'serial', 'smartcard', 'cv2', 'pydantic', 'requests', 'numpy',"
        "'PIL', 'cryptography') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"


# -- effects -------------------------------------------------------------------------------------


def at_commit() -> tuple[Visit, list[Event]]:
    visit, events = begin()
    answer_all(visit, "yes", 7, "7", "no")
    assert at(visit) == "commit"
    return visit, events


def test_nobody_leaves_in_the_instant_of_an_effect() -> None:
    visit, _ = at_commit()
    assert not visit.can_leave
    assert not visit.cancel()
    assert not visit.can_go_back
    with pytest.raises(RuntimeError):
        visit.back()
    assert visit.tick(1e9) is None
    assert not visit.interrupt(DeviceFault(FaultCode.CARD_PULLED))
    assert at(visit) == "commit"
    visit.answer("stored")
    assert at(visit) == "fourth" and visit.can_leave
    visit.cancel()
    assert visit.outcome is not None
    assert (visit.outcome.ending, visit.outcome.number) == (Ending.CANCELLED, "number of stored")


def test_a_driver_that_breaks_during_an_effect_waits_for_its_result() -> None:
    for settle, committed in (
        (lambda visit: visit.answer("stored"), True),
        (lambda visit: visit.fault(DeviceFault(FaultCode.OUTBOX_UNAVAILABLE)), False),
        (lambda visit: visit.failed(RuntimeError()), False),
    ):
        visit, _ = at_commit()
        visit.crash(ValueError("secret"))
        assert visit.outcome is None
        settle(visit)
        assert visit.outcome is not None
        assert visit.outcome.ending is Ending.CRASHED
        assert visit.outcome.committed is committed


def test_every_ending_after_a_commit_has_the_number() -> None:
    for end in (
        lambda visit: visit.answer("yes"),
        lambda visit: visit.cancel(),
        lambda visit: visit.tick(1e9),
        lambda visit: visit.fault(DeviceFault(FaultCode.PRINTER_PAPER_OUT)),
        lambda visit: visit.failed(ValueError()),
        lambda visit: visit.crash(ValueError()),
        lambda visit: visit.interrupt(DeviceFault(FaultCode.CARD_PULLED)),
    ):
        visit, _ = at_commit()
        visit.answer("stored")
        visit.tick(0.0)
        end(visit)
        assert visit.outcome is not None
        assert visit.outcome.number == "number of stored"


# -- events of a device --------------------------------------------------------------------------


def test_a_pulled_card_reaches_a_question_that_is_put_to_the_citizen() -> None:
    visit, events = begin(Careful)
    visit.answer("yes")
    visit.answer(7) if at(visit) != "measure" else visit.fault(DeviceFault(FaultCode.CARD_MUTE))
    assert at(visit) == f"after.{FaultCode.CARD_MUTE}"
    assert visit.interrupt(DeviceFault(FaultCode.CARD_PULLED))
    assert visit.outcome is not None and visit.outcome.fault is FaultCode.CARD_PULLED
    assert ("fault", FaultCode.CARD_PULLED) in [(event.kind, event.detail) for event in events]


def test_back_passes_over_a_question_that_a_device_interrupted() -> None:
    class Holding(Service):
        id = "holding"
        icon = "scale"

        async def serve(self) -> None:
            await Choice("first", YES_NO)
            try:
                await Choice("while.card.is.in", YES_NO)
            except DeviceFault:
                await Choice("put.back", YES_NO)

    visit, _ = begin(Holding)
    visit.answer("yes")
    visit.interrupt(DeviceFault(FaultCode.CARD_PULLED))
    assert at(visit) == "put.back"
    visit.back()
    assert (at(visit), visit.suggestion) == ("first", "yes")
    visit.answer("no")
    assert at(visit) == "while.card.is.in"


# -- dead ends -----------------------------------------------------------------------------------


class Refusing(Service):
    id = "refusing"
    icon = "scale"
    stages = ("ask",)

    async def serve(self) -> None:
        self.at("ask")
        if await Choice("sure", YES_NO) == "no":
            raise Leave
        raise Leave("refused.mismatch", icon="alert", facts={"n": 1})


def test_a_dead_end_is_shown_with_its_words_and_its_facts() -> None:
    visit, _ = begin(Refusing)
    assert visit.stage == "ask"
    visit.answer("yes")
    prompt = visit.prompt
    assert prompt is not None
    assert (prompt.id, prompt.icon, prompt.facts) == ("refused.mismatch", "alert", {"n": 1})  # type: ignore[attr-defined]
    visit.back()
    assert at(visit) == "sure"
    visit.answer("yes")
    visit.answer(True)
    assert visit.outcome is not None and visit.outcome.ending is Ending.DONE


def test_who_chose_to_leave_goes_home_at_once() -> None:
    visit, _ = begin(Refusing)
    visit.answer("no")
    assert visit.outcome is not None and visit.outcome.ending is Ending.DONE


def test_a_stage_that_a_service_does_not_have_is_a_bug() -> None:
    with pytest.raises(ValueError, match="refusing has no stage nowhere"):
        Refusing(CONTEXT).at("nowhere")


# -- what is kept in memory ----------------------------------------------------------------------


@dataclass(frozen=True)
class Secret:
    """Something that must not stay."""

    text: str = field(default="", repr=False)


def test_no_fault_keeps_the_frames_of_the_service() -> None:
    """The fault of a receipt held the service's locals by its traceback."""
    import gc

    class Holds(Service):
        id = "holds"
        icon = "scale"

        async def serve(self) -> None:
            secret = Secret("x")
            try:
                await Measure("measure")
            except DeviceFault:
                await Choice("first", YES_NO)
            await Measure(f"again{len(secret.text)}")

    fault = DeviceFault(FaultCode.PRINTER_PAPER_OUT)
    for end in (
        lambda visit: visit.fault(fault),
        lambda visit: visit.failed(ValueError()),
        lambda visit: visit.cancel(),
        lambda visit: visit.tick(1e9),
        lambda visit: visit.interrupt(fault),
    ):
        visit, _ = begin(Holds)
        visit.tick(0.0)
        visit.fault(fault)
        visit.answer("yes")
        end(visit)
        assert visit.outcome is not None
        assert fault.__traceback__ is None
        assert not any(type(thing) is Secret for thing in gc.get_objects()), end


# -- a step is changed ---------------------------------------------------------------------------


class Counter(Service):
    """Two steps, a question between them, and a review."""

    id = "counter"
    icon = "scale"

    async def serve(self) -> None:
        place = await Choice("place.kind", YES_NO)
        street = await Choice(f"place.{place}", (*YES_NO, Option("maybe")))
        weight = await Measure("measure", of=street)
        await Choice("between", YES_NO)
        await Choice("outlet", (*YES_NO, Option(street)))
        await Choice("review", (Option("ok"), Option(f"{street}{weight}")))
        await Choice("after", YES_NO)


def reviewing() -> tuple[Visit, list[Event]]:
    visit, events = begin(Counter)
    answer_all(visit, "yes", "no", 7, "yes", "yes")
    assert at(visit) == "review"
    return visit, events


def test_a_step_is_put_again_as_a_whole_and_filled() -> None:
    visit, events = reviewing()
    visit.revise("place")
    assert (at(visit), visit.suggestion) == ("place.kind", "yes")
    assert events[-1] == Event("shown again", "place.kind")
    visit.answer("yes")
    assert (at(visit), visit.suggestion) == ("place.yes", "no")
    visit.answer("no")
    assert (at(visit), visit.suggestion) == ("review", None), "nothing behind it has changed"


def test_behind_a_changed_step_only_what_reads_differently_is_asked() -> None:
    visit, _ = reviewing()
    visit.revise("place")
    visit.answer("yes")
    visit.answer("maybe")
    assert visit.prompt == Measure("measure", of="maybe")
    visit.answer(8)
    assert (at(visit), visit.suggestion) == ("outlet", "yes"), "between was not asked again"
    visit.answer("maybe")
    assert at(visit) == "review"
    visit.answer("ok")
    visit.back()
    assert (at(visit), visit.suggestion) == ("review", "ok")


def test_a_single_question_can_be_changed() -> None:
    visit, _ = reviewing()
    visit.revise("between")
    assert at(visit) == "between"
    visit.answer("no")
    assert at(visit) == "review"


def test_after_the_review_was_reached_again_the_change_is_over() -> None:
    visit, _ = reviewing()
    visit.revise("between")
    visit.answer("no")
    visit.back()
    assert (at(visit), visit.suggestion) == ("outlet", "yes")
    visit.back()
    assert (at(visit), visit.suggestion) == ("between", "no")
    visit.answer("yes")
    assert at(visit) == "outlet", "Back is no change: the citizen is asked again"


@pytest.mark.parametrize("answers", [(), ("yes",), ("no", "yes"), ("no", "maybe", 9)])
def test_back_out_of_a_change_leads_to_the_review_as_it_was(answers: tuple[Any, ...]) -> None:
    visit, _ = reviewing()
    before = visit.prompt
    visit.revise("place")
    answer_all(visit, *answers)
    while at(visit) != "review":
        visit.back()
    assert visit.prompt == before
    assert visit.suggestion is None
    visit.answer("ok")
    assert at(visit) == "after"


def test_what_was_not_answered_cannot_be_changed() -> None:
    visit, _ = reviewing()
    with pytest.raises(RuntimeError, match="pla was not answered, or can no longer be changed"):
        visit.revise("pla")
    with pytest.raises(RuntimeError, match="measure was not answered"):
        visit.revise("measure")


# -- what a driver is told -----------------------------------------------------------------------


def test_a_refused_answer_says_which_words_which_box_and_which_facts() -> None:
    error = Unacceptable("field.too_long", "estate", longest=30)
    assert str(error) == "field.too_long"
    assert (error.message, error.field, error.facts) == (
        "field.too_long",
        "estate",
        {"longest": 30},
    )


def test_every_event_of_a_visit() -> None:
    visit, events = begin()
    answer_all(visit, "yes", 7)
    visit.back()
    visit.answer("yes")
    visit.fault(DeviceFault(FaultCode.INTERNAL, "why"))
    assert events == [
        Event("shown", "first"),
        Event("shown", "measure"),
        Event("shown", "second"),
        Event("shown again", "first"),
        Event("shown", "second"),
        Event("fault", "second", FaultCode.INTERNAL),
        Event("ended", "", Ending.FAULT),
    ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_service_that_clings_is_told_of() -> None:
    class Clinging(Service):
        id = "clinging"
        icon = "scale"

        async def serve(self) -> None:
            while True:
                try:
                    await Choice("first", YES_NO)
                except BaseException:  # noqa: BLE001 - the mistake under test
                    continue

    visit, events = begin(Clinging)
    assert visit.cancel()
    assert visit.outcome is not None and visit.outcome.ending is Ending.CANCELLED
    assert events[-2:] == [Event("service would not end"), Event("ended", "", Ending.CANCELLED)]


def test_a_fault_keeps_its_detail_and_whether_it_passes() -> None:
    caught: list[DeviceFault] = []

    class Listens(Service):
        id = "listens"
        icon = "scale"

        async def serve(self) -> None:
            try:
                await Measure("measure")
            except DeviceFault as fault:
                caught.append(fault)

    visit, _ = begin(Listens)
    visit.fault(DeviceFault(FaultCode.PSAM_UNFIT, "6A82", temporary=False))
    assert [(f.code, f.detail, f.temporary) for f in caught] == [
        (FaultCode.PSAM_UNFIT, "6A82", False)
    ]


@pytest.mark.parametrize("way", ["failed", "crash"])
def test_a_crash_is_named_by_type_and_place(way: str) -> None:
    visit, events = begin()
    try:
        int("x")
    except ValueError as error:
        getattr(visit, way)(error)
    (crash,) = [event for event in events if event.kind == "crashed"]
    assert crash.detail.startswith(f"ValueError at {__file__}:")


def test_an_exception_that_was_never_raised_has_no_place() -> None:
    visit, events = begin()
    visit.failed(ValueError("secret"))
    assert [event.detail for event in events if event.kind == "crashed"] == ["ValueError at "]


def test_a_driver_that_breaks_in_an_effect_is_named_when_it_ends() -> None:
    visit, events = at_commit()
    visit.crash(KeyError("secret"))
    visit.answer("stored")
    (crash,) = [event for event in events if event.kind == "crashed"]
    assert crash.detail == "KeyError at "


def test_misuse_is_named() -> None:
    visit, _ = begin()
    with pytest.raises(RuntimeError, match=r"^a visit starts once$"):
        visit.start()
    with pytest.raises(RuntimeError, match=r"^there is no way back from here$"):
        visit.back()
    visit.cancel()
    with pytest.raises(RuntimeError, match=r"^the visit has no open prompt$"):
        visit.answer("yes")
    with pytest.raises(RuntimeError, match=r"^a visit starts once$"):
        visit.start()
    assert visit.tick(1e9) is None


def test_a_prompt_that_nobody_answers_by_a_device_is_never_answered_by_itself() -> None:
    """An advice asks nothing, but somebody has to read it each time."""

    class Advising(Service):
        id = "advising"
        icon = "scale"

        async def serve(self) -> None:
            await Choice("first", YES_NO)
            await Advice("read.this")
            await Choice("second", YES_NO)

    visit, _ = begin(Advising)
    answer_all(visit, "yes", True)
    visit.back()
    visit.answer("yes")
    assert (at(visit), visit.suggestion) == ("read.this", None)


def test_patience_stretches_the_limit_of_a_page_as_well() -> None:
    visit, _ = begin(Show, patience=2.0)
    visit.tick(0.0)
    visit.touched(PAGE_S * 2 - 1)
    assert visit.tick(PAGE_S * 2 - 1) is None
    assert visit.tick(PAGE_S * 2) == 2 * IDLE_WARNING_S


def test_the_idle_time_begins_with_the_start() -> None:
    visit = Visit(lambda: Weigh(CONTEXT))
    visit.start(now=1000.0)
    assert visit.tick(1000.0 + 89.9) is None
    assert visit.tick(1000.0 + 90.0) == 30


def test_a_fresh_visit_has_nothing_in_it() -> None:
    visit = Visit(lambda: Weigh(CONTEXT))
    assert (visit.stage, visit.prompt, visit.suggestion, visit.outcome) == ("", None, None, None)
    assert not visit.can_leave and not visit.can_go_back and not visit.entered
    visit.start()
    assert visit.cancel()
    assert visit.outcome is not None and visit.outcome.number == ""


# -- what a visit knows of its service -----------------------------------------------------------


class Elsewhere(Service):
    """In which a citizen goes on."""

    id = "elsewhere"
    icon = "scale"

    async def take_up(self, *known: Any) -> None:
        self.holder = known[0]
        await Choice("elsewhere.how", YES_NO)
        await Choice("elsewhere.why", YES_NO)


class Onward(Service):
    """Types something, and leads to another service."""

    id = "onward"
    icon = "scale"

    async def serve(self) -> None:
        self.holder = Citizen.from_id_card(ZHANG, TODAY)
        await Form("onward.number", (Field("phone", "mobile", "digits"),))
        await Choice("onward.kind", YES_NO)
        raise GoOn(Elsewhere, self.holder)


def test_an_outcome_names_the_service_in_which_it_ended() -> None:
    visit, _ = begin(Onward)
    answer_all(visit, PHONE, "yes")
    visit.cancel()
    assert visit.outcome is not None and visit.outcome.service == "elsewhere"
    visit, _ = begin(Onward)
    visit.cancel()
    assert visit.outcome is not None and visit.outcome.service == "onward"


def test_a_prompt_that_commits_without_a_number_promises_none() -> None:
    class Plain(Performed[str]):
        id = "plain"
        effect = commits = True

    class Commits(Service):
        id = "commits"
        icon = "scale"

        async def serve(self) -> None:
            await Plain()

    visit, _ = begin(Commits)
    visit.answer("stored")
    assert visit.outcome is not None
    assert (visit.outcome.committed, visit.outcome.number) == (True, "")


def test_what_has_not_begun_has_nothing_to_end() -> None:
    visit = Visit(lambda: Weigh(CONTEXT))
    assert visit.cancel() and visit.outcome is None
    visit.start()
    assert at(visit) == "first"


def test_nobody_is_hurried_while_a_device_works() -> None:
    class Unhurried(Performed[int]):
        id = "unhurried"

    class Works(Service):
        id = "works"
        icon = "scale"

        async def serve(self) -> None:
            await Unhurried()

    visit, _ = begin(Works)
    assert visit.tick(10_000.0) is None and at(visit) == "unhurried"


def test_a_visit_that_is_told_no_time_starts_at_nought() -> None:
    visit = Visit(lambda: Weigh(CONTEXT))
    visit.start()
    assert visit.tick(90.0) == 30


def test_who_answers_the_warning_has_the_time_of_a_page_from_then_on() -> None:
    visit, _ = begin(Show)
    visit.tick(0.0)
    visit.stay(PAGE_S)
    visit.touched(2 * PAGE_S)
    assert visit.tick(2 * PAGE_S) == IDLE_WARNING_S


def test_a_crash_is_placed_where_it_was_raised_not_where_it_came_through() -> None:
    def breaks() -> None:
        raise ValueError

    visit, events = begin()
    try:
        breaks()
    except ValueError as error:
        visit.failed(error)
    (crash,) = [event for event in events if event.kind == "crashed"]
    assert crash.detail == f"ValueError at {__file__}:{breaks.__code__.co_firstlineno + 1}"


def test_during_an_effect_no_way_back_is_said() -> None:
    visit, _ = at_commit()
    with pytest.raises(RuntimeError, match=r"^there is no way back from here$"):
        visit.back()


def test_back_out_of_a_change_in_the_middle_leads_to_the_review_too() -> None:
    visit, _ = reviewing()
    visit.revise("outlet")
    assert (at(visit), visit.suggestion) == ("outlet", "yes")
    visit.back()
    assert at(visit) == "review"


def test_a_changed_step_that_began_with_a_fault_is_filled_with_nothing() -> None:
    class Held(Service):
        id = "held"
        icon = "scale"

        async def serve(self) -> None:
            try:
                await Choice("place.held", YES_NO)
            except DeviceFault:
                await Choice("place.again", YES_NO)
            await Choice("review", YES_NO)

    visit, _ = begin(Held)
    visit.interrupt(DeviceFault(FaultCode.CARD_PULLED))
    visit.answer("yes")
    visit.revise("place")
    assert (at(visit), visit.suggestion) == ("place.held", None)


# -- what Back has left behind -------------------------------------------------------------------


def test_what_workers_answered_is_recalled_also_where_back_has_been() -> None:
    recalled: list[Any] = []

    class Remembers(Service):
        id = "remembers"
        icon = "scale"

        async def serve(self) -> None:
            of = await Choice("of", YES_NO)
            await Measure("measure", of)
            await Measure("other")
            await Choice("last", YES_NO)
            recalled[:] = await Recall("measure")
            await Choice("after", YES_NO)

    visit, _ = begin(Remembers)
    answer_all(visit, "yes", 7, 1, "yes")
    assert recalled == [(Measure("measure", "yes"), 7)]
    visit.back()
    visit.back()
    answer_all(visit, "no", 8, "yes")
    assert recalled == [(Measure("measure", "yes"), 7), (Measure("measure", "no"), 8)]


def test_an_effect_is_not_recalled() -> None:
    recalled: list[Any] = [None]

    class Remembers(Service):
        id = "remembers"
        icon = "scale"

        async def serve(self) -> None:
            await Commit("commit", "x")
            recalled[:] = await Recall("commit")
            await Choice("after", YES_NO)

    visit, _ = begin(Remembers)
    visit.answer("stored")
    assert at(visit) == "after" and recalled == []


# -- what waits for another day ------------------------------------------------------------------


@dataclass(frozen=True)
class Mark(Prompt[str]):
    """Asks, and its answer may not wait."""

    id: str


class Waits(Service):
    """Asks before and after it is known under whom answers may wait."""

    id = "waits"
    icon = "scale"

    async def serve(self) -> None:
        await Choice("before", YES_NO)
        await Mark("who")
        self.holder = Citizen.from_id_card(ZHANG, TODAY)
        await Choice("kind", YES_NO)
        await Mark("mark")
        await Form("number", (Field("phone", "mobile", "digits"),))
        await Choice("last", YES_NO)


def waiting() -> Visit:
    visit, _ = begin(Waits)
    answer_all(visit, "yes", "me", "no", "x", PHONE)
    assert at(visit) == "last"
    return visit


def test_what_was_answered_since_it_is_known_under_whom_waits_and_nothing_else() -> None:
    visit = waiting()
    assert visit.can_keep and visit.keep()
    assert at(visit) == "unfinished.keep"
    question = visit.prompt.question  # type: ignore[union-attr]
    assert json.loads(question.fields["answers"]) == {"kind": "no", "number": PHONE}


def test_there_is_no_way_back_into_what_was_left() -> None:
    visit = waiting()
    visit.keep()
    visit.answer(Reply({"until": "2026-12-01"}))
    assert at(visit) == "unfinished.kept" and not visit.can_go_back
    visit.answer(True)
    assert visit.outcome is not None and visit.outcome.ending is Ending.DONE


def test_where_nothing_can_wait_nobody_leaves_by_it() -> None:
    visit, _ = begin(Waits)
    for answer in ("yes", "me", "no", "x"):
        assert not visit.can_keep and not visit.keep()
        visit.answer(answer)
    assert at(visit) == "number", "nothing was typed yet, and the visit stands where it stood"


def test_after_back_the_same_answers_wait() -> None:
    visit = waiting()
    visit.back()
    visit.answer(PHONE)
    visit.keep()
    question = visit.prompt.question  # type: ignore[union-attr]
    assert json.loads(question.fields["answers"]) == {"kind": "no", "number": PHONE}


def test_who_goes_on_elsewhere_keeps_what_was_said_there() -> None:
    visit, _ = begin(Onward)
    answer_all(visit, PHONE, "yes", "no")
    assert at(visit) == "elsewhere.why" and visit.keep()
    question = visit.prompt.question  # type: ignore[union-attr]
    assert json.loads(question.fields["answers"]) == {"elsewhere.how": "no"}


@dataclass(frozen=True)
class Offer(Prompt[str]):
    """Fills "first" and "second" with what was answered."""

    id: str

    def offers(self, answer: str) -> Mapping[str, Any]:
        return {"first": answer, "second": answer}


class Offered(Service):
    """Asks what an earlier prompt has an answer for; the devices may end the offer."""

    id = "offered"
    icon = "scale"

    async def serve(self) -> None:
        try:
            await Offer("offer")
        except DeviceFault:
            await Choice("without", YES_NO)
        await Choice("first", YES_NO)
        await Choice("second", YES_NO)


def test_a_prompt_is_filled_with_what_an_earlier_one_offers_and_not_answered() -> None:
    visit, _ = begin(Offered)
    visit.answer("no")
    assert (at(visit), visit.suggestion) == ("first", "no")
    visit.answer("yes")
    assert (at(visit), visit.suggestion) == ("second", "no")
    visit.back()
    assert (at(visit), visit.suggestion) == ("first", "yes"), "what was said here comes first"


def test_what_its_rules_do_not_take_fills_nothing() -> None:
    visit, _ = begin(Offered)
    visit.answer("perhaps")
    assert (at(visit), visit.suggestion) == ("first", None)


def test_a_fault_offers_nothing() -> None:
    visit, _ = begin(Offered)
    visit.interrupt(DeviceFault(FaultCode.CARD_PULLED))
    visit.answer("yes")
    assert (at(visit), visit.suggestion) == ("first", None)
