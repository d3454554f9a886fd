"""What is done in a tour, as tables: a step says which page must come, and what is touched there.

The first chapter is one complete first application as a citizen makes it, with an address typed
and one answer changed on the review page; the others are a card check, a technician's round, and
what the centre can do to a terminal. The system tests make their own scripts of the same parts.

Persons, cards and what the bench understands are those of `hardware.virtual`.
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


#: What is said before the camera -> how the citizen follows it.
FOLLOWED: Mapping[str, tuple[str, ...]] = {
    "photo.finding.too_far": ("camera", "scene", "portrait"),
    "photo.live.blink": ("camera", "play", "blink"),
    "photo.live.turn_left": ("camera", "play", "turn-left"),
    "photo.live.turn_right": ("camera", "play", "turn-right"),
}
#: What must have been said until the photo is taken, in this order.
_TOLD = ("photo.finding.too_far", COUNTING)


@dataclass(frozen=True)
class Follow:
    """Do what is said before the camera until the photo is taken, and keep a picture of each
    thing said. Raises `LookupError` if the guidance did not lead from too far to holding still."""

    page: str
    within_s: float = 60.0

    def __call__(self, doer: Doer) -> None:
        words = {Words().say(saying): saying for saying in SAYINGS}
        heard: list[str] = []
        until = time.monotonic() + self.within_s
        while (look := doer.look()).screen == self.page:
            said = next((words[text] for text in look.texts if text in words), None)
            if said is not None and said not in heard:
                heard.append(said)
                doer.keep(said.replace("photo.", "").replace(".", "-"))
                if said in FOLLOWED:
                    doer.bench(*FOLLOWED[said])
            if time.monotonic() > until:
                raise LookupError(f"no photo after {self.within_s:.0f} s; said was {heard}")
            time.sleep(0.05)
        if [said for said in heard if said in _TOLD] != list(_TOLD):
            raise LookupError(f"the guidance said {heard}")


@dataclass(frozen=True)
class Centre:
    """An operator at the centre gives a command."""

    words: tuple[str, ...]

    def __call__(self, doer: Doer) -> None:
        doer.centre(*self.words)


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


NEXT = Touch("primary")
PHONE = "13900000000"
PHONE_SHOWN = "139 0000 0000"
ESTATE = "幸福小区"

_BEGIN = (
    Step("home", "home", (Touch("service:first_application"),)),
    Step("notice", "apply.notice", (NEXT,)),
    Step("for-whom", "apply.who", (Touch("option:self"),)),
)
_PHONE = (
    Step("phone", "telephone.number", (Keys(PHONE),)),
    Step("phone-typed", "telephone.number", (NEXT,), (PHONE_SHOWN,)),
    Step("phone-right", "telephone.read_back", (Touch("option:right"),), (PHONE_SHOWN,)),
)
_TYPED_ADDRESS = (
    Step("address-same", "address.same", (Touch("option:other"),)),
    Step("address-kind", "address.kind", (Touch("option:urban"),)),
    Step("district", "address.area", (Touch("option:130203"),)),
    Step(
        "address",
        "address.urban",
        (
            Touch("field:estate"),
            Pinyin("xingfu", "幸福"),
            Pinyin("xiaoqu", "小区"),
            Touch("field:building"),
            Keys("19"),
            Touch("field:room"),
            Keys("401"),
        ),
    ),
    Step("address-typed", "address.urban", (NEXT,), (ESTATE, "19", "401")),
)
_SAME_ADDRESS = (Step("address-same", "address.same", (Touch("option:same"),)),)
_BANK = (
    Step("special-group", "apply.special_group", (Touch("option:none"),)),
    Step("bank", "pickup.bank", (Touch("option:icbc"),)),
    Step("outlet", "pickup.outlet", (Touch("option:icbc-lubei"),)),
)
_REHEARSED = tuple(bench("camera", "play", film) for film in ("blink", "turn-left", "turn-right"))
_PHOTO = (
    # All that the citizen will do before the camera is drawn while there is time.
    Step("photo-notice", "photo.notice", (*_REHEARSED, bench("camera", "scene", "far"), NEXT)),
    Step("photo", "photo.take", (Follow("photo.take"),)),
    Step("photo-chosen", "photo.choose", (NEXT,), within_s=60.0),
)
_CHANGE = (
    Step("review", "review", (Touch("row:apply.special_group"),), (PHONE, ESTATE, "无")),
    Step("special-group-again", "apply.special_group", (Touch("option:veteran"),)),
    Step("review-changed", "review", (NEXT,), (PHONE, ESTATE, "优抚对象")),
)
_REVIEW = (Step("review", "review", (NEXT,), (PHONE,)),)
_SIGN = (Step("signature", "signature", (sign,)),)
SIGNED = (Step("signed", "signature", (NEXT,), enabled=("primary",)),)


def identified(persona: str) -> tuple[Step, ...]:
    """From home until the ID card of a persona lies on the reader."""
    return (*_BEGIN, Step("id-card", "identity.id_card", (bench("id", "put", persona),)))


#: The result, and the ID card is taken away again. By then a receipt has been printed, or not.
_TAKE_ALL = (bench("id", "lift"), NEXT)
ACCEPTED = (Step("done", "apply.accepted", _TAKE_ALL, ("申请已受理",), within_s=40.0),)
SAVED = (Step("done", "apply.queued", _TAKE_ALL, ("尚未生效",), within_s=40.0),)


APPLICATION = (
    *identified("zhang"),
    *_PHONE,
    *_TYPED_ADDRESS,
    *_BANK,
    *_PHOTO,
    *_CHANGE,
    *_SIGN,
    *SIGNED,
    *ACCEPTED,
)

CARD_CHECK = (
    Step("home", "home", (Touch("service:card_check"),), enabled=("service:card_check",)),
    Step("insert-card", "card_check.read", (bench("card", "insert", "third"),)),
    Step("card-checked", "card_check.third", (bench("card", "pull"), NEXT)),
)

TECHNICIAN = (
    Step("home", "home", (corner_pattern,)),
    Step("technician-pin", "maintenance.pin", (enter_pin,)),
    Step("maintenance", "maintenance", (NEXT,), ("正常",)),
    Step("test-page", "maintenance", (Touch("back"),), ("测试页已打印",)),
)

REASON = "读卡器正在维护，请到窗口办理"
FLEET = (
    Step("home", "home", (Centre(("close-service", "card_check", "--reason", REASON)),)),
    Step(
        "service-closed",
        "home",
        (Centre(("open-service", "card_check")),),
        (REASON,),
        disabled=("service:card_check",),
    ),
    Step("service-open", "home", enabled=("service:card_check",)),
)

#: The tour: chapter -> its steps.
CHAPTERS: Mapping[str, tuple[Step, ...]] = {
    "application": APPLICATION,
    "card_check": CARD_CHECK,
    "technician": TECHNICIAN,
    "fleet": FLEET,
}


def short_application(persona: str, *, offline: bool = False) -> tuple[Step, ...]:
    """The shortest way from home to the signature; for tests of what happens after it."""
    asked = (Step("have-card", "eligibility.have_card", (Touch("option:no"),)),) if offline else ()
    return (
        *identified(persona),
        *asked,
        *_PHONE,
        *_SAME_ADDRESS,
        *_BANK,
        *_PHOTO,
        *_REVIEW,
        *_SIGN,
    )
