"""What can be done on a page of a tour: touches, keys, a finger that draws, a device that is moved.

A step says which page must come, and which acts follow there. Chapters are made of steps in
`kiosk.demo.script`; `kiosk.demo.walk` does them. Persons, cards and what the bench understands are
those of `hardware.virtual`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kiosk.demo.page import Look
from kiosk.photo.guidance import COUNTING, SAYINGS
from kiosk.words import Words


class Doer(Protocol):
    """Whoever does the acts; see `kiosk.demo.walk.Walker`."""

    def look(self) -> Look: ...
    def tap(self, tag: str) -> None:
        """Touch a target, once it is there and can be touched."""

    def tap_at(self, x: float, y: float) -> None:
        """Touch a place, in shares of the window from its top left."""

    def draw(self, tag: str, *strokes: tuple[tuple[float, float], ...]) -> None:
        """Draw strokes on a target, in shares of it from its top left."""

    def bench(self, *words: str) -> None: ...
    def centre(self, *words: str) -> None: ...
    def line(self, up: bool) -> None:
        """Take the centre away, as a broken line would, or bring it back."""

    def hold_unit_session(self) -> None:
        """Begin the screen anew in a unit's session."""

    def hears(self) -> bool:
        """Whether the terminal has a voice."""

    def heard(self) -> list[str]:
        """Ids of all that was spoken to its end, the oldest first."""

    def cover(self, *place: float) -> None:
        """Lay a cloth on the screen: left, top, right, bottom, in shares of the window."""

    def uncover(self) -> None: ...
    def pin(self) -> str: ...
    def keep(self, name: str) -> None:
        """Take a picture of the page as it is."""


class Act(Protocol):
    """One thing done on a page."""

    def __call__(self, doer: Doer) -> None: ...


@dataclass(frozen=True)
class Touch:
    """A finger on what has this tag."""

    tag: str

    def __call__(self, doer: Doer) -> None:
        doer.tap(self.tag)


@dataclass(frozen=True)
class Choose:
    """A service on home; behind the tile of its kind where home shows no tile of its own."""

    service: str
    behind: tuple[str, ...] = ("group:more", "group:card")

    def __call__(self, doer: Doer) -> None:
        own = f"service:{self.service}"
        # A touch right after the one that led home may be taken for that one's second.
        for _ in range(5):
            there = {target.tag for target in doer.look().targets}
            if own in there:
                break
            doer.tap(next((tag for tag in self.behind if tag in there), own))
            time.sleep(0.5)
        doer.tap(own)


@dataclass(frozen=True)
class Keys:
    """Keys of the keyboard on the screen, one after the other."""

    keys: str

    def __call__(self, doer: Doer) -> None:
        for key in self.keys:
            doer.tap(f"key:{key}")


@dataclass(frozen=True)
class Pinyin:
    """Chinese, by its sound: letters, then the candidate that reads `word`, on a later page of
    candidates if need be."""

    letters: str
    word: str

    def __call__(self, doer: Doer) -> None:
        Keys(self.letters)(doer)
        for _ in range(5):
            for target in doer.look().targets:
                if target.tag.startswith("candidate:") and target.text == self.word:
                    doer.tap(target.tag)
                    return
            doer.tap("candidates:more")
        raise LookupError(f"{self.word} is no candidate for {self.letters}")


@dataclass(frozen=True)
class Bench:
    """A virtual device is moved."""

    words: tuple[str, ...]

    def __call__(self, doer: Doer) -> None:
        doer.bench(*self.words)


def bench(*words: str) -> Bench:
    return Bench(words)


_LIVE: Mapping[str, tuple[str, ...]] = {
    "photo.live.blink": ("camera", "play", "blink"),
    "photo.live.turn_left": ("camera", "play", "turn-left"),
    "photo.live.turn_right": ("camera", "play", "turn-right"),
}
#: Where the page of the photo shows what the camera sees: left, top, right, bottom, shares.
PREVIEW = (0.0, 0.13, 1.0, 0.715)

#: What is said before the camera -> how the citizen follows it.
FOLLOWED = {**_LIVE, "photo.finding.too_far": ("camera", "scene", "portrait")}
#: The same of somebody who does not see where they sit, and believes what they hear: sent the wrong
#: way they are gone.
FOLLOWED_UNSEEING = {
    **_LIVE,
    "photo.finding.no_face": ("camera", "scene", "far-aside"),
    "photo.finding.too_far": ("camera", "scene", "aside"),
    "photo.move.left": ("camera", "scene", "portrait"),
    "photo.move.right": ("camera", "scene", "nobody"),
}
#: What must have been said until the photo is taken, in this order.
_TOLD = ("photo.finding.too_far", COUNTING)
_TOLD_UNSEEING = ("photo.finding.no_face", "photo.finding.too_far", "photo.move.left")


@dataclass(frozen=True)
class Follow:
    """Do what is said before the camera until the photo is taken, and keep a picture of each
    thing said. Raises `LookupError` if the guidance did not lead from too far to holding still."""

    page: str
    #: Only what was heard is followed; where there is no voice, what is read.
    unseeing: bool = False
    within_s: float = 90.0

    def __call__(self, doer: Doer) -> None:
        follow = FOLLOWED_UNSEEING if self.unseeing else FOLLOWED
        until = time.monotonic() + self.within_s
        before = len(doer.heard())
        told: list[str] = []
        while (look := doer.look()).screen == self.page:
            by_ear = self.unseeing and doer.hears()
            now = doer.heard()[before:] if by_ear else _read(look)
            for said in [said for said in now if said not in told]:
                told.append(said)
                doer.keep(said.replace("photo.", "").replace(".", "-"))
                if said in follow:
                    doer.bench(*follow[said])
            if time.monotonic() > until:
                raise LookupError(f"no photo after {self.within_s:.0f} s; said was {told}")
            time.sleep(0.05)
        wanted = _TOLD_UNSEEING if self.unseeing else _TOLD
        if [said for said in told if said in wanted] != list(wanted):
            raise LookupError(f"the guidance said {told}")


def _read(look: Look) -> list[str]:
    """Ids of what stands on the page of what may be said before the camera."""
    words = {Words().say(saying): saying for saying in SAYINGS}
    return [words[text] for text in look.texts if text in words]


def cover_preview(doer: Doer) -> None:
    """The citizen does not see themself."""
    doer.cover(*PREVIEW)


def uncover(doer: Doer) -> None:
    doer.uncover()


@dataclass(frozen=True)
class Gone:
    """Wait until these words are gone: a card that is swapped in no time was never away."""

    words: str
    within_s: float = 20.0

    def __call__(self, doer: Doer) -> None:
        until = time.monotonic() + self.within_s
        while doer.look().says(self.words):
            if time.monotonic() > until:
                raise LookupError(f"{self.words} is shown still")
            time.sleep(0.05)


@dataclass(frozen=True)
class Centre:
    """An operator at the centre gives a command."""

    words: tuple[str, ...]

    def __call__(self, doer: Doer) -> None:
        doer.centre(*self.words)


@dataclass(frozen=True)
class Uplink:
    """The way to the centre breaks, or is back."""

    up: bool

    def __call__(self, doer: Doer) -> None:
        doer.line(self.up)


def hold_unit_session(doer: Doer) -> None:
    """The terminal is in a unit's rooms from now on."""
    doer.hold_unit_session()


def sign(doer: Doer) -> None:
    """Three strokes of a signature."""
    doer.draw(
        "pad",
        tuple((0.15 + 0.02 * i, 0.30 + 0.01 * (i % 3)) for i in range(12)),
        tuple((0.28 - 0.004 * i, 0.20 + 0.05 * i) for i in range(13)),
        tuple((0.45 + 0.03 * i, 0.35 + 0.03 * ((i * 5) % 7)) for i in range(14)),
    )


def corner_pattern(doer: Doer) -> None:
    """The four corners of home, in order: the hidden way to maintenance."""
    for x, y in ((0.02, 0.01), (0.98, 0.01), (0.98, 0.99), (0.02, 0.99)):
        doer.tap_at(x, y)


def enter_pin(doer: Doer) -> None:
    """The technician's PIN."""
    Keys(doer.pin())(doer)


@dataclass(frozen=True)
class Step:
    """A page that must come, and what is then done on it."""

    #: Of the picture and in the report.
    name: str
    #: Id of the prompt, or "home", "maintenance" …
    screen: str
    then: tuple[Act, ...] = ()
    #: Words that must be there.
    shows: tuple[str, ...] = ()
    #: Tags that must be there and be touchable, or not.
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    #: Longest wait for the page, seconds; generous, for slow machines.
    within_s: float = 20.0
