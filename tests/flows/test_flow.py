"""The engine: answers in, prompts out, Back by replay, one place where every visit ends."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.visit.flow import Ending, Event, Prompt, Service, Unacceptable, Visit
from kiosk.visit.prompts import Choice, Option
from tests.flows.counter import CONTEXT

YES_NO = (Option("yes"), Option("no"))


@dataclass(frozen=True)
class Measure(Prompt[int]):
    """An operation that a device answers."""

    id: str
    of: str = ""
    performed_by: ClassVar[str | None] = "scale"
    asks: ClassVar[bool] = False


@dataclass(frozen=True)
class Commit(Prompt[str]):
    id: str
    what: str
    performed_by: ClassVar[str | None] = "outbox"
    asks: ClassVar[bool] = False
    commits: ClassVar[bool] = True
    idle_s: ClassVar[float | None] = None


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


def test_going_forward_after_back_measures_again_and_suggests_later_answers() -> None:
    visit, _ = begin()
    answer_all(visit, "yes", 7, "7")
    visit.back()
    visit.back()
    visit.answer("yes")
    assert at(visit) == "measure"
    visit.answer(7)
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
    answer_all(visit, "yes", 7, "7", "no")
    assert visit.can_go_back
    visit.answer("stored")
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


def test_a_service_that_is_not_deterministic_is_stopped_not_trusted() -> None:
    runs = 0

    class Moody(Service):
        """Asks something else when it is replayed."""

        id = "moody"
        icon = "scale"

        async def serve(self) -> None:
            nonlocal runs
            runs += 1
            await (Choice("a", YES_NO) if runs == 1 else Measure("a"))
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
        Ending.CRASHED: lambda visit: visit.crash(ValueError("130299195703160119")),
    }
    for ending, end in endings.items():
        visit = walked()
        if ending is Ending.IDLE and visit.prompt is not None and visit.prompt.idle_s is None:
            continue  # while it is being stored, nobody is hurried
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


def test_idle_warns_then_ends_and_a_touch_extends_it_as_often_as_wanted() -> None:
    visit, _ = begin()
    now = 0.0
    for _ in range(12):  # more often than the ten times that rules ask for
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
