"""How long a citizen waits for the software in one whole first application, seconds.

The first chapter of the tour (`kiosk.demo.script.APPLICATION`) is walked with real touches on a
terminal as a whole: virtual devices, agent, centre. What counts is every time between something
that the software has to answer and the next page or picture that can be used:

| from                                           | until                                          |
|------------------------------------------------|------------------------------------------------|
| a finger is lifted                             | the page that it brings takes touches; if it   |
|                                                | brings none (a key), the next picture          |
| the ID reader or the printer has done its work | the next page takes touches                    |
| a page of the camera is asked for              | the citizen sees themself                      |
| the camera has taken the photo                 | the next page takes touches                    |

A page on which the citizen waits for the comparison, the outbox or the centre is no end: all of it
counts, with what disk, line and centre take. What does not count: the citizen reading, typing and
posing, the guidance before the camera, the ID card being read, paper being printed.

The finger's time is the hand's, or the screen's if that heard of it earlier: touches that wait
because the screen is busy count from the first. `computed_s` is what the screen process computed
meanwhile, on all its threads; on a busy machine the rest is mostly waiting for a processor.
`python -m tests.bench.waiting run --state FOLDER`
is `kiosk run` with a note of all this in `FOLDER/waiting.jsonl`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kiosk.demo.display import open_virtual
from kiosk.demo.hand import Hand
from kiosk.demo.processes import Fate
from kiosk.demo.walk import Walker
from kiosk.demo.world import Plan, World
from tests.bench.numbers import Number, at_most

if TYPE_CHECKING:
    from kiosk.demo.page import Look

LIMIT_S = 15.0
#: One picture for each wait: less nobody can see.
_FRAME_S = 1 / 60
#: What a page waits for, and who is not software.
_CAMERA, _DEVICES = "camera", ("id_reader", "card_reader", "printer")
#: The longest waits are told by name.
_NAMED = 8


def numbers(size: tuple[int, int], runs: int) -> dict[str, Number]:
    """One application in a window of this size, in pixels; it takes a minute or two. With `runs` =
    1 a trial on the shortest way, which shows that the group runs."""
    waits = walk(size, trial=runs == 1)
    total = sum(wait.seconds for wait in waits)
    longest = sorted(waits, key=lambda wait: -wait.seconds)[:_NAMED]
    number = at_most(total, LIMIT_S, _FRAME_S * len(waits))
    more = {
        "waits": len(waits),
        "computed_s": round(sum(wait.computed_s for wait in waits), 2),
        "longest": {
            f"{wait.since} -> {wait.until}": [round(wait.seconds, 2), round(wait.computed_s, 2)]
            for wait in longest
        },
    }
    return {"waiting_in_first_application_s": number | more}


# -- outside of the screen -------------------------------------------------------------------------


class _Noted(World):
    """Its screen notes what happens when."""

    def start_screen(self) -> None:
        words = [sys.executable, "-m", "tests.bench.waiting", "run", "--state", str(self.state)]
        self._run("run", words, Fate.RESTART, on_display=True)


class _Timed(Hand):
    """Knows when it lifted its finger."""

    def __init__(self, display: str) -> None:
        super().__init__(display)
        self.lifted: list[float] = []

    def _do(self, *words: str) -> None:
        super()._do(*words)
        self.lifted.append(time.monotonic())


class _Citizen(Walker):
    """Takes no pictures, which would keep the machine busy."""

    def _picture(self, name: str) -> str:
        return ""

    def _pass_by(self, look: Look, began: float) -> None:
        self._seen = look.screen


def walk(size: tuple[int, int], trial: bool) -> list[Wait]:
    """One first application; every wait of it."""
    from kiosk.demo.script import APPLICATION, SIGNED, TAKEN_IN, short_application

    steps = (*short_application("zhang"), *SIGNED, *TAKEN_IN) if trial else APPLICATION
    display = open_virtual(size)
    try:
        with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
            variables = {
                "DISPLAY": display.name,
                "SDL_AUDIODRIVER": "dummy",
                "LIBGL_ALWAYS_SOFTWARE": "1",
            }
            plan = Plan(Path(folder), size, pcsc=False, display=variables)
            world, hand = _Noted(plan, lambda text: None), _Timed(display.name)
            try:
                world.start()
                _Citizen(world, hand, Path(folder), lambda text: None).go(steps)
            finally:
                world.stop()
            lines = (Path(folder) / "waiting.jsonl").read_text(encoding="utf-8").splitlines()
            return list(waits_of([Note(**json.loads(line)) for line in lines], hand.lifted))
    finally:
        display.close()


@dataclass(frozen=True)
class Note:
    """Something that happened in the screen process, at a time of the monotonic clock.

    `what`: "lifted" (a finger), "picture" (the first after that), "usable" (a page), "done" (an
    operation), "seen" (the camera's first picture), "taken" (the photo).
    """

    at: float
    what: str
    #: Of the page: its name, and who answers it, "" for the citizen.
    page: str
    by: str
    #: Processor time of the screen process until then, seconds.
    computed_s: float


@dataclass(frozen=True)
class Wait:
    seconds: float
    #: Of the screen process.
    computed_s: float
    #: What was done on which page, and the page at the end.
    since: str
    until: str


def waits_of(notes: Sequence[Note], lifted: Sequence[float]) -> Iterator[Wait]:
    """What counts, of the screen's notes in their order and the hand's own times."""
    hand = iter(lifted)
    began: Note | None = None
    for note in notes:
        if note.what == "lifted":
            note = replace(note, at=min(note.at, next(hand, note.at)))
        if began is None:
            began = note if _begins(note) else None
        elif _ends(note):
            seconds, computed_s = note.at - began.at, note.computed_s - began.computed_s
            yield Wait(seconds, computed_s, f"{began.page} {began.what}", note.page)
            began = None


def _begins(note: Note) -> bool:
    return note.what in ("lifted", "taken") or (note.what == "done" and note.by in _DEVICES)


def _ends(note: Note) -> bool:
    """Whether the citizen, or a device, can go on."""
    if note.what == "usable":
        return note.by in ("", *_DEVICES)
    return note.what in ("picture", "seen")


# -- in the screen ---------------------------------------------------------------------------------

#: Writes a note: what, page, by.
Notes: TypeAlias = Callable[[str, str, str | None], None]


def note_all(file: Path) -> None:
    """Have stage and terminal note what happens. Once Kivy is configured, before the stage is."""
    notes = file.open("w", encoding="utf-8", buffering=1)

    def note(what: str, page: str, by: str | None) -> None:
        line = Note(time.monotonic(), what, page, by or "", time.process_time())
        notes.write(json.dumps(asdict(line)) + "\n")

    _note_pages(note)
    _note_fingers(note)
    _note_operations(note)
    _note_camera(note)


def _note_pages(note: Notes) -> None:
    from kivy.clock import Clock

    from screens.frame import Frame

    show = Frame.show

    def noted(self: Frame, name: str, page: Any) -> None:
        show(self, name, page)
        turn, by = self._turn, getattr(getattr(page, "prompt", None), "performed_by", "")

        def look(_: float) -> bool:
            # Called first when the page was drawn, and until it takes touches or is gone.
            if turn == self._turn and self.settled:
                note("usable", name, by)
            return turn == self._turn and not self.settled

        Clock.schedule_interval(look, 0)

    Frame.show = noted  # type: ignore[method-assign]


def _note_fingers(note: Notes) -> None:
    from kivy.clock import Clock

    from screens.frame import Frame

    lift = Frame.on_touch_up

    def noted(self: Frame, touch: Any) -> bool:
        turn, page = self._turn, self.shown
        note("lifted", page, "")

        def look(_: float) -> None:
            if turn == self._turn:
                note("picture", page, "")

        taken = lift(self, touch)
        Clock.schedule_once(look, 0)
        return taken

    Frame.on_touch_up = noted  # type: ignore[method-assign]


def _note_operations(note: Notes) -> None:
    from kiosk.terminal import Terminal

    start = Terminal.start

    def noted(self: Terminal, prompt: Any, report: Any, done: Any) -> Any:
        def noted_done(result: Any) -> None:
            note("done", prompt.id, prompt.performed_by)
            done(result)

        return start(self, prompt, report, noted_done)

    Terminal.start = noted  # type: ignore[method-assign]


def _note_camera(note: Notes) -> None:
    from kiosk.photo.guidance import Phase
    from screens.photo import TakePhotoScreen

    progress = TakePhotoScreen.progress
    newest: TakePhotoScreen | None = None

    def noted(self: TakePhotoScreen, event: Any) -> None:
        nonlocal newest
        progress(self, event)
        if newest is not self:
            newest = self
            note("seen", self.prompt.id, _CAMERA)
        if event.guidance.phase is Phase.CAPTURE:
            note("taken", self.prompt.id, _CAMERA)

    TakePhotoScreen.progress = noted  # type: ignore[method-assign]


def main() -> int:
    import kiosk.__main__ as program

    assemble = program.assemble

    def noted(state: Path, settings: Any) -> Any:
        note_all(state / "waiting.jsonl")
        return assemble(state, settings)

    program.assemble = noted
    return program.main()


if __name__ == "__main__":
    sys.exit(main())
