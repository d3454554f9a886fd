"""Drives a service through everything it can ask, and notes every word, fact and icon on the way.

A service is explored by being there: `kiosk.services` finds it, and each of its prompts is answered
in all its ways (`tests.flows.ways`). The walk is deterministic and bounded: from the way that leads
on, one prompt is answered otherwise, or two (on the first of the terminals), in every combination.

A path that turns off from another does not walk its beginning again: the visit is forked there
(`fork`), as Back replays it. Three of four answers would be given to pages that were seen before.
"""

from __future__ import annotations

import dataclasses
import gc
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from hardware.faults import DeviceFault
from kiosk.photo.faces import Place
from kiosk.policy import Table, pack
from kiosk.services import businesses
from kiosk.visit import prompts as p
from kiosk.visit.flow import Ending, Prompt, Unacceptable, Visit
from kiosk.visit.service import Context, ForHolders, Service, ShowsProgress
from kiosk.words import Words
from tests.flows.counter import CONTEXT
from tests.flows.packs import CHARGED, CHARGED_LOST, MAILED, PAY_DAYS, PLASTIC_ONLY, policy_with
from tests.flows.ways import SPOILT, Revise, Way, ways

#: Prompts of one path that are answered otherwise than by the way that leads on: on the first
#: terminal, and on each of the others.
DEVIATIONS = (2, 1)
#: More prompts than this in one visit mean that it goes in circles.
LONGEST = 90

#: Terminals on which a service is explored: what is fitted, who is there, what is charged.
CONTEXTS: tuple[Context, ...] = (
    dataclasses.replace(
        CONTEXT, comparison=Place.TERMINAL, staffed=True, electronic=True, cards=True
    ),
    dataclasses.replace(CONTEXT, printer=False),
    dataclasses.replace(
        CONTEXT, policy=policy_with(CHARGED, CHARGED_LOST, PAY_DAYS, MAILED, PLASTIC_ONLY)
    ),
)


@dataclass(frozen=True)
class Use:
    """Words that are said: their id, the facts there are for them, and where."""

    id: str
    facts: frozenset[str]
    where: str
    #: Whether the page does without, if there are none.
    optional: bool = False


@dataclass
class Seen:
    """What a service showed on all its paths."""

    uses: set[Use] = field(default_factory=set)
    icons: set[tuple[str, str]] = field(default_factory=set)
    prompts: set[str] = field(default_factory=set)
    #: What a log would say of the prompts and of the answers.
    reprs: set[str] = field(default_factory=set)
    stages: set[str] = field(default_factory=set)
    #: Full keys of what was asked of the policy pack by name.
    rules: set[str] = field(default_factory=set)
    paths: int = 0
    #: Pages that were noted: the same page comes on many paths.
    noted: dict[str, list[Prompt[Any]]] = field(default_factory=dict, repr=False)
    pages: set[str] = field(default_factory=set, repr=False)
    #: What went wrong on a path: it crashed, went in circles, or a row cannot be changed.
    trouble: list[str] = field(default_factory=list)

    def ids(self) -> set[str]:
        return {use.id for use in self.uses}

    def missing(self, words: Words, icons: Iterable[str]) -> list[str]:
        """Everything that a citizen would see as an id, as an unfilled {fact} or as no icon."""
        known = set(icons)
        wrong = [f"no icon {name!r} ({where})" for name, where in self.icons if name not in known]
        for use in self.uses:
            if not words.has(use.id):
                if not use.optional:
                    wrong.append(f"no words {use.id} ({use.where})")
                continue
            asked = set(re.findall(r"\{(\w+)\}", words.text(use.id)))
            given = use.facts | words.standing
            wrong += [f"no fact {{{fact}}} for {use.id} ({use.where})" for fact in asked - given]
        return sorted({*wrong, *self.trouble})


@cache
def explored(service: type[Service]) -> Seen:
    """One of the program's own, explored once for all tests, which change nothing of it."""
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000)  # thousands of visits end here, and the collector looks at them all
    try:
        with pytest.MonkeyPatch.context() as patch:
            asked = _watch_rules(patch)
            seen = explore(service)
    finally:
        gc.set_threshold(*thresholds)
        gc.freeze()  # what was seen is kept, and need not be looked through again
    led_to = [one for one in businesses().values() if issubclass(one, ForHolders)]
    # Nobody is led to a service that the pack lacks a rule of: it is closed.
    seen.rules = asked - ({rule for one in led_to for rule in one.rules} - service.rules)
    return seen


def _watch_rules(patch: pytest.MonkeyPatch) -> set[str]:
    """From now on what is asked of the pack is put into the set."""
    asked: set[str] = set()
    real = Table._value

    def one(table: Mapping[str, Any], key: str, whole: Any, where: str) -> Any:
        if where in ("fees", "days", "places", "consent"):
            asked.add(f"{where}.{key}")
        return table[key]

    def own(table: Table, key: str) -> Any:
        if table._where.startswith("service."):
            asked.add(f"{table._where}.{key}")
        return real(table, key)

    patch.setattr(pack, "_one", one)
    patch.setattr(Table, "_value", own)
    return asked


def explore(service: type[Service], contexts: Iterable[Context] = CONTEXTS) -> Seen:
    """Walk it on every terminal. Raises `LookupError` for a prompt that nobody can answer."""
    seen = Seen()
    say(seen, (f"service.{service.id}.name", f"service.{service.id}.detail"), {}, "home")
    say(seen, (f"stage.{service.id}.{stage}" for stage in service.stages), {}, "progress")
    show(seen, service.icon, "home")
    known: set[tuple[object, ...]] = set()
    for number, context in enumerate(contexts):
        visit = Visit(lambda context=context: service(context))  # type: ignore[misc]
        visit.start()
        waiting = deque([_Path(kept(visit), (number,))])
        while waiting:
            waiting.extend(_walk(service, waiting.popleft(), seen, known, number))
    return seen


@dataclass(frozen=True)
class _Path:
    """The beginning of a path: where its visit stands (`kept`), and its trace: every prompt with
    the number of the way that was taken. `way`: how the prompt that is open is to be answered."""

    visit: Mapping[str, Any]
    trace: tuple[object, ...]
    turns: int = 0
    way: Way = None
    other: int = 0


def kept(visit: Visit) -> Mapping[str, Any]:
    """All of a visit but its run."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in vars(visit).items()
        if name not in ("_service", "_coroutine", "_keeps_of")
    }


def fork(stands: Mapping[str, Any]) -> Visit:
    """A visit that stands there. What a service is depends on the replies alone
    (`kiosk.visit.flow`), so a run that has had the same ones is where the first one was."""
    twin = Visit(stands["_begin"])
    twin._service = twin._begin()
    twin._coroutine = twin._service.run()
    step = twin._coroutine.send
    prompt = step(None)
    for _, reply in stands["_said"]:
        if isinstance(reply, DeviceFault):
            prompt = twin._coroutine.throw(reply.bare())
        else:
            prompt = step(reply)
    assert prompt == stands["prompt"], "another page for the same replies"
    for name, value in stands.items():
        setattr(twin, name, list(value) if isinstance(value, tuple) else value)
    return twin


def _walk(
    service: type[Service],
    path: _Path,
    seen: Seen,
    known: set[tuple[object, ...]],
    number: int,
) -> Iterator[_Path]:
    """One path, from its beginning on by the ways that lead on. Yields those that turn off from it
    and are worth a path of their own."""
    seen.paths += 1
    visit, trace = fork(path.visit), list(path.trace)
    turns_off = path.turns < DEVIATIONS[min(number, 1)]
    if path.turns:
        assert visit.prompt is not None
        trace.append((visit.prompt.id, path.other))
        _take(visit, path.way, seen)
    while len(trace) <= LONGEST:
        prompt = visit.prompt
        if prompt is None or _went_on(visit, service):
            break
        page = repr(_whole(prompt))
        _note(seen, prompt, page)
        run = visit.under_way
        if run is not None and run.id == service.id:
            seen.stages.add(run.stage)
        leads_on, *others = ways(prompt) if turns_off else (next(ways(prompt)),)
        # From here on the path is new only if the same prompts were not come to the same way.
        if others:
            come = (*sorted(_taken(trace)), prompt.id, page[:400])
            stands = kept(visit)
            for other, way in enumerate(others, 1):
                if (*come, other) not in known:
                    known.add((*come, other))
                    yield _Path(stands, tuple(trace), path.turns + 1, way, other)
        trace.append((prompt.id, 0))
        _take(visit, leads_on, seen)
    else:
        seen.trouble.append(f"{service.id} goes in circles: {trace[-3:]}")
        return
    if visit.outcome is not None and visit.outcome.ending is Ending.CRASHED:
        seen.trouble.append(f"{service.id} crashes after {_taken(trace)}")


def _whole(thing: Any) -> Any:
    """Everything in a prompt, also what its `repr` keeps to itself; of a picture its hash."""
    if (within := _within(type(thing))) is None:
        return thing
    parts = within(thing)
    if not isinstance(parts, tuple):
        return parts
    return tuple([part if type(part) is str else _whole(part) for part in parts])


@cache
def _within(kind: type) -> Callable[[Any], Any] | None:
    """What gives the parts of such a thing, as a tuple, or what stands for it; None: it is said
    whole by its `repr`."""
    if issubclass(kind, tuple | bytes):
        return tuple if issubclass(kind, tuple) else hash
    if not dataclasses.is_dataclass(kind):
        return None
    names = [one.name for one in dataclasses.fields(kind)]
    return lambda thing: tuple([getattr(thing, name) for name in names])


def _went_on(visit: Visit, service: type[Service]) -> bool:
    """Whether what is shown from here on is what another service shows by itself as well."""
    led_to = isinstance(visit.under_way, ForHolders | ShowsProgress)
    return led_to and not isinstance(visit.under_way, service)


def _taken(trace: list[object]) -> list[str]:
    """The turns of a path, by prompt and way: what makes it different from others."""
    return [str(item) for item in trace if isinstance(item, int) or item[1]]  # type: ignore[index]


def _take(visit: Visit, way: Way, seen: Seen) -> None:
    if isinstance(way, DeviceFault):
        say(seen, (f"fault.{way.code}.citizen",), {}, "ending")
        visit.fault(way)
    elif isinstance(way, Revise):
        try:
            visit.revise(way.step)
        except RuntimeError as error:
            seen.trouble.append(f"row {way.step!r} cannot be changed: {error}")
            visit.answer(True)
    else:
        visit.answer(way)


# -- what a page says ------------------------------------------------------------------------------


def say(
    seen: Seen, ids: Iterable[str], facts: Mapping[str, Any], where: str, *, optional: bool = False
) -> None:
    """Note words that are said with these facts."""
    seen.uses |= {Use(one, frozenset(facts), where, optional) for one in ids}


def show(seen: Seen, icon: str, where: str) -> None:
    if icon:
        seen.icons.add((icon, where))


def _note(seen: Seen, prompt: Prompt[Any], page: str) -> None:
    """Everything that the page of this prompt shows; `page` tells it from others."""
    if page in seen.pages:
        return
    seen.pages.add(page)
    seen.noted.setdefault(prompt.id, []).append(prompt)
    facts: Mapping[str, Any] = getattr(prompt, "facts", {})
    seen.prompts.add(prompt.id)
    seen.reprs.add(repr(prompt))
    say(seen, (f"{prompt.id}.title",), facts, prompt.id)
    say(seen, (f"{prompt.id}.text",), facts, prompt.id, optional=True)
    say(seen, (value for value in facts.values() if _is_id(value)), {}, prompt.id)
    _NOTES.get(type(prompt), lambda *_: None)(seen, prompt)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", value))


def _note_points(seen: Seen, prompt: p.Notice | p.AskConsent) -> None:
    facts = getattr(prompt, "facts", {})
    for point, icon in prompt.points:
        words = (f"{prompt.id}.{point}.title", f"{prompt.id}.{point}.text")
        say(seen, words, facts, prompt.id)
        show(seen, icon, prompt.id)
    buttons = ["agree", "decline"]
    if isinstance(prompt, p.Notice):
        say(seen, [f"{prompt.id}.aloud"] * prompt.aloud, {}, prompt.id)
        buttons = ["agree"] * prompt.must_agree + ["exception"] * prompt.exception
    say(seen, (f"{prompt.id}.{button}" for button in buttons), facts, prompt.id)
    say(seen, (f"{prompt.id}.agree",), facts, prompt.id, optional=True)


def _note_options(seen: Seen, prompt: p.Choice) -> None:
    for option in prompt.options:
        show(seen, option.icon, prompt.id)
        if not option.label:
            words = f"{prompt.id}.{option.value}"
            say(seen, (f"{words}.label",), prompt.facts, prompt.id)
            say(seen, (f"{words}.detail",), prompt.facts, prompt.id, optional=True)


def _note_review(seen: Seen, prompt: p.Review) -> None:
    say(seen, (row.label for row in prompt.rows), {}, prompt.id)
    say(seen, (row.value for row in prompt.rows if _is_id(row.value)), {}, prompt.id)
    say(seen, (f"{prompt.id}.confirm",), {}, prompt.id, optional=True)


def _note_pin(seen: Seen, prompt: p.EnterPin) -> None:
    """What is wrong with a new PIN is said too."""
    if prompt.again:
        say(seen, (prompt.again,), {}, prompt.id)
    if prompt.new:
        weak = ("repeated", "initial", "straight", "birth", "id_number", "phone")
        say(seen, (f"pin_weak.{one}" for one in weak), {}, prompt.id)


def _note_staff(seen: Seen, prompt: p.AskStaff) -> None:
    say(seen, (f"{prompt.id}.reason.{reason}" for reason in prompt.reasons), {}, prompt.id)
    parts = ("why", "number", "number_done", "pin", "skip")
    say(seen, (f"{prompt.id}.{part}" for part in parts), {}, prompt.id)


def _note_advice(seen: Seen, prompt: p.Advice) -> None:
    say(seen, (f"{prompt.id}.next", *prompt.lines), prompt.facts, prompt.id)
    say(seen, (f"service.{prompt.onward}.button",) * bool(prompt.onward), {}, prompt.id)
    show(seen, prompt.icon, prompt.id)


def _note_done(seen: Seen, prompt: p.Done) -> None:
    say(seen, filter(None, (*prompt.lines, prompt.not_printed)), prompt.facts, prompt.id)


def _note_listing(seen: Seen, prompt: p.Listing) -> None:
    say(
        seen,
        prompt.lines if prompt.entries else (*prompt.lines, f"{prompt.id}.empty"),
        {},
        prompt.id,
    )
    for entry in prompt.entries:
        labels = (*(label for label, _ in entry.rows), *entry.way)
        labels += tuple(f"service.{act}.button" for act in entry.acts)
        say(seen, filter(None, (entry.title, entry.word, entry.advice, *labels)), {}, prompt.id)


def _note_slip(seen: Seen, prompt: p.Print) -> None:
    slip, where = prompt.slip, f"{prompt.id} on paper"
    words = (f"{slip.id}.title", f"{slip.state}.word", f"{slip.state}.meaning")
    say(seen, (*words, *(label for label, _ in slip.rows), *slip.notes), slip.facts, where)
    say(seen, (value for _, value in slip.rows if _is_id(value)), {}, where)


def _note_form(seen: Seen, form: p.Form) -> None:
    """Labels, hints, and what is said of every entry that breaks a rule."""
    for box in form.fields:
        say(seen, (f"field.{box.name}.label", f"field.{box.name}.hint"), {}, form.id)
        for text in SPOILT:
            try:
                form.check_field(box, text)
            except Unacceptable as refused:
                say(seen, (refused.message,), refused.facts, f"{form.id}, {box.name}")


def _note_id_card(seen: Seen, prompt: p.PlaceIdCard) -> None:
    if prompt.may_lack:
        say(seen, (f"{prompt.id}.lacking",), {}, prompt.id)


_NOTES: Mapping[type[Prompt[Any]], Callable[[Seen, Any], None]] = {
    p.Notice: _note_points,
    p.AskConsent: _note_points,
    p.Choice: _note_options,
    p.Form: _note_form,
    p.PlaceIdCard: _note_id_card,
    p.Review: _note_review,
    p.Sign: lambda seen, prompt: say(seen, ("prompt.sign.empty",), {}, prompt.id),
    p.EnterPin: _note_pin,
    p.AskStaff: _note_staff,
    p.Advice: _note_advice,
    p.Done: _note_done,
    p.Listing: _note_listing,
    p.Print: _note_slip,
}
