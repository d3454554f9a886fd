"""Does the steps of a script with real touches, and keeps a picture of every page passed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardware.virtual.loudspeaker import VirtualLoudspeaker
from kiosk.demo.acts import Step
from kiosk.demo.hand import Hand
from kiosk.demo.page import Look, NotThere, Target
from kiosk.demo.world import World
from kiosk.photo.guidance import COUNTING
from kiosk.words import Words
from kiosk.words.voice import Clips

#: Longest wait for something on a page that is already there, seconds.
_TARGET_S = 10.0

#: Between two touches of the same key: what is quicker counts as a trembling hand (domain §4).
_SAME_KEY_S = 0.25

#: Between two looks at the screen.
_LOOK_S = 0.05

#: Pages that no script expects by chance: a visit that failed.
_DEAD_END = "ending"


class WentWrong(Exception):
    """The screen did not do what the script says. The message says where, and what was there."""


@dataclass(frozen=True)
class Passed:
    """A page that came."""

    name: str
    screen: str
    #: From the last touch before it until it could be used.
    seconds: float
    #: File name in the pictures' folder.
    picture: str


class Walker:
    """One pair of hands and eyes in a `World`. Does the acts of `kiosk.demo.acts`."""

    def __init__(
        self,
        world: World,
        hand: Hand,
        pictures: Path,
        say: Callable[[str], None],
        loudspeaker: VirtualLoudspeaker | None = None,
    ) -> None:
        self.passed: list[Passed] = []
        #: Texts on the page of each step when it came, by the step's name; not for the report.
        self.texts: dict[str, tuple[str, ...]] = {}
        self._world = world
        self._hand = hand
        self._pictures = pictures
        self._say = say
        self._loudspeaker = loudspeaker
        self._count = 0
        self._seen = ""
        self._touched: tuple[str, float] = ("", 0.0)

    def go(self, steps: Iterable[Step]) -> None:
        """Do the steps. Raises `WentWrong` and leaves a picture of what was there instead."""
        for step in steps:
            try:
                self._arrive(step)
                for act in step.then:
                    act(self)
            except (NotThere, LookupError) as error:
                self._world.family.must_run()
                self._fail(step.name, str(error))

    # -- pages -------------------------------------------------------------------------------

    def _arrive(self, step: Step) -> None:
        began = time.monotonic()
        while True:
            self._world.settled()
            look = self.look()
            lack = _lacks(step, look)
            if not lack:
                break
            if look.screen != self._seen and look.screen != step.screen:
                self._pass_by(look, began)
            if time.monotonic() - began > step.within_s:
                self._fail(step.name, f"{lack} after {step.within_s:.0f} s")
            if look.screen == _DEAD_END:
                self._fail(step.name, f"the visit ended: {' '.join(look.texts)}")
            time.sleep(_LOOK_S)
        seconds = time.monotonic() - began
        self._keep(step.name, look, seconds)
        self._say(f"{step.name} ({step.screen}, {seconds:.1f} s)")

    def _pass_by(self, look: Look, began: float) -> None:
        """A page that comes and goes by itself: a picture, if it is still there when taken."""
        name = look.screen.partition(".")[2] or look.screen
        picture = self._picture(name)
        if self.look().screen != look.screen:
            (self._pictures / picture).unlink()
            self._count -= 1
            return
        self._seen = look.screen
        self.passed.append(Passed(name, look.screen, time.monotonic() - began, picture))

    def _keep(self, name: str, look: Look, seconds: float) -> None:
        self._seen = look.screen
        self.texts[name] = look.texts
        self.passed.append(Passed(name, look.screen, seconds, self._picture(name)))

    def _picture(self, name: str) -> str:
        self._count += 1
        file = f"{self._count:02d}-{name}.png"
        self._hand.picture(self._pictures / file)
        return file

    def _fail(self, step: str, why: str) -> None:
        picture = self._picture("failed")
        raise WentWrong(f"{step}: {why}; see {picture}")

    # -- acts (`kiosk.demo.acts.Doer`) -----------------------------------------------------

    def look(self) -> Look:
        return self._world.page.look()

    def tap(self, tag: str) -> None:
        last, at = self._touched
        if last == tag:
            time.sleep(max(0.0, at + _SAME_KEY_S - time.monotonic()))
        target = self._target(tag)
        self._hand.tap(target.x, target.y)
        self._touched = (tag, time.monotonic())

    def tap_at(self, x: float, y: float) -> None:
        width, height = self._world.plan.size
        self._hand.tap(round(x * width), round(y * height))

    def draw(self, tag: str, *strokes: Sequence[tuple[float, float]]) -> None:
        target = self._target(tag)
        left, top = target.x - target.width // 2, target.y - target.height // 2
        for stroke in strokes:
            self._hand.draw(
                [
                    (left + round(x * target.width), top + round(y * target.height))
                    for x, y in stroke
                ]
            )

    def bench(self, *words: str) -> None:
        self._world.bench.do(*words)

    def centre(self, *words: str) -> None:
        self._world.central(*words)

    def line(self, up: bool) -> None:
        if up:
            self._world.start_central()
        else:
            self._world.take_away("central")

    def hold_unit_session(self) -> None:
        self._world.hold_unit_session()

    def keep(self, name: str) -> None:
        seen = self.look().screen
        self.passed.append(Passed(name, seen, 0.0, self._picture(name)))

    def hears(self) -> bool:
        return self._loudspeaker is not None and Clips(Words()).file(COUNTING) is not None

    def heard(self) -> list[str]:
        return [] if self._loudspeaker is None else self._loudspeaker.heard()

    def cover(self, *place: float) -> None:
        width, height = self._world.plan.size
        left, top, right, bottom = place
        self._hand.cover(
            (round(left * width), round(top * height), round(right * width), round(bottom * height))
        )

    def uncover(self) -> None:
        self._hand.uncover()

    def pin(self) -> str:
        return self._world.pin

    def _target(self, tag: str) -> Target:
        until = time.monotonic() + _TARGET_S
        while True:
            look = self.look()
            target = look.target(tag)
            if target is not None and target.enabled:
                return target
            if time.monotonic() > until:
                there = ", ".join(target.tag for target in look.targets)
                raise LookupError(f"{tag} cannot be touched on {look.screen}; there is {there}")
            time.sleep(_LOOK_S)


def _lacks(step: Step, look: Look) -> str:
    """What is not as the step wants it; "" if all is."""
    if look.screen != step.screen:
        return f"{look.screen} instead of {step.screen}"
    if not look.settled or look.warned:
        return "the page does not take touches"
    for words in step.shows:
        if not look.says(words):
            return f"{words} is not shown"
    for tag, wanted in [(tag, True) for tag in step.enabled] + [
        (tag, False) for tag in step.disabled
    ]:
        target = look.target(tag)
        if target is None or target.enabled != wanted:
            return f"{tag} is not {'enabled' if wanted else 'disabled'}"
    return ""
