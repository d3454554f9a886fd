"""The flow tests' side of the counter: people who do not exist, and a way to walk through a visit.

No display, no thread, no device: answers are sent to a `Visit` one after the other. The people are
those of `hardware.virtual.personas`, whose identity numbers can be nobody's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

from hardware.card.contents import Holder, SocialCard
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual import personas
from kiosk.photo import CardPhoto
from kiosk.photo.capture import Capture, WholeFrame
from kiosk.photo.faces import Band, Comparison, Place
from kiosk.photo.pages import Page
from kiosk.policy import load_policy
from kiosk.records.signature import Strokes
from kiosk.records.submission import Reply, Standpoint, Submitted, Verdict
from kiosk.records.transaction import Transaction
from kiosk.services import businesses
from kiosk.services.card_progress import CardProgress
from kiosk.visit.flow import Ending, Event, Visit
from kiosk.visit.prompts import Agreement, Compared
from kiosk.visit.service import Context, Service
from sync.kinds import kinds
from tests.id_cards import said_by

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=timezone(timedelta(hours=8)))
POLICY = load_policy()
CONTEXT = Context(TODAY, POLICY, businesses=businesses(), progress=CardProgress)


def number(birth: str = "19570316", sequence: int = 11) -> str:
    """A valid number of nobody. An odd sequence is a man's."""
    return personas.number(birth, sequence)


ZHANG = said_by(personas.ID_PERSONAS["zhang"])
CHILD = dataclasses.replace(ZHANG, birth="20130316", number=number("20130316"))
#: Who acts for another.
FRIEND = dataclasses.replace(
    ZHANG, name="周玉兰", birth="19880505", sex_code="2", number=number("19880505", 12)
)
PAGE = Page(b"\xff\xd8 not a real page", "1" * 64)
SIGNATURE = Strokes((((100, 200), (600, 700)), ((500, 100), (520, 800))), NOW)
PHOTO = CardPhoto(jpeg=b"\xff\xd8 not a real picture", sha256="0" * 64, width=358, height=441)
CAPTURE = Capture(PHOTO, WholeFrame(b"\xff\xd8 not a real frame", 1280, 720, 1280, 92))
ELIGIBLE = Reply({"rejection": "", "reason": "", "phone": ""})
KNOWN = Reply({"rejection": "", "reason": "", "phone": "139****0000"})
HAS_CARD = Reply({"rejection": "not_permitted", "reason": "has_card", "phone": ""})
OFFLINE = Reply()


def old_card(**other: Any) -> Reply:
    """The card that is to be replaced, as the centre tells of it."""
    usual = {"rejection": "", "state": "in_use", "card": "A12****89", "generation": 3}
    more = {"expires": "", "bank": "icbc", "made": "2020-01-02", "benefits": []}
    photo = {"phone": "139****0000", "photo_sha256": "", "photo_taken": ""}
    return Reply(usual | more | photo | other)


OLD_CARD = old_card()


def listed(**other: Any) -> Reply:
    """A row of a unit's list, as the centre tells of it."""
    usual = {"rejection": None, "reason": "", "unit": "示例公司", "serial": "007"}
    more = {"user_source": "医保职工", "user_type": "正常缴费用户", "insurance_no": "1302000007"}
    where = {"address": "唐山市路北区果园乡(镇)二村8排058号", "phone": "13911112222"}
    return Reply(usual | more | where | other)


AGREED = Agreement(NOW)
SUBMITTED = Submitted("01890000-0000-7000-8000-000000000000", "13029926112400015")
ACCEPTED = Verdict(Standpoint.ACCEPTED)
TO_REVIEW = Verdict(Standpoint.TO_REVIEW)
QUEUED = Verdict(Standpoint.QUEUED)
PHONE = {"phone": "13900000000"}
#: A terminal that compares faces, a chip with a portrait, and a face that is the same.
COMPARING = dataclasses.replace(CONTEXT, comparison=Place.TERMINAL)
WITH_PORTRAIT = dataclasses.replace(ZHANG, portrait=bytes(102 * 126 * 3))
MATCH = Compared(Comparison(Band.MATCH, 0.9, "test"), NOW)
#: Who stands there is proven.
PROVEN: tuple[tuple[str, Any], ...] = (
    ("proof.wish", "own"),
    ("comparison.consent", NOW),
    ("proof.look", CAPTURE),
    ("comparison.compare", MATCH),
)

#: What a citizen with an address on the chip answers, prompt by prompt.
APPLICATION: tuple[tuple[str, Any], ...] = (
    ("apply.notice", AGREED),
    ("apply.who", "resident"),
    ("identity.id_card", ZHANG),
    ("eligibility.ask", ELIGIBLE),
    ("telephone.number", PHONE),
    ("telephone.read_back", "right"),
    ("address.same", "same"),
    ("apply.special_group", "none"),
    ("pickup.bank", "icbc"),
    ("pickup.outlet", "icbc-lubei"),
    ("photo.notice", AGREED),
    ("photo.take", CAPTURE),
    ("photo.choose", "1"),
    ("review", True),
    ("signature", SIGNATURE),
    ("filing.submit", SUBMITTED),
    ("filing.verdict", ACCEPTED),
    ("filing.print", None),
    ("apply.accepted", True),
)


def social_card(generation: int = 3, expires: date | None = None) -> SocialCard:
    """What a card gives without a PIN."""
    return SocialCard(
        card_id="130200D156000005" + "0" * 16,
        version=f"{generation}.00",
        generation=generation,
        issuer="0" * 24,
        issued=date(2016, 1, 1),
        expires=expires,
        card_no="A00000000",
        holder=None,
        insertion=1,
        genuine=True,
        pin_tries=6,
    )


def fits(transaction: Transaction) -> None:
    """The document has the fields of its kind, all of them, and no others."""
    kind = kinds()[transaction.kind]
    kind.document.model_validate(transaction.document)
    assert set(transaction.document) == set(kind.document.model_fields)
    assert (transaction.signature is not None) is kind.signed
    assert set(transaction.attachments) <= set(kind.attachments)


def own_card(**other: Any) -> SocialCard:
    """The card of who stands there, by its chip."""
    holder = Holder(ZHANG.number, "张建国", sex_code="1", ethnic_code="01", birth=None)
    return dataclasses.replace(social_card(3), holder=holder, **other)


class Walk:
    """A visit, walked prompt by prompt. A prompt that was not expected fails the test."""

    def __init__(self, service: type[Service], context: Context = CONTEXT) -> None:
        self.events: list[Event] = []
        self.visit = Visit(lambda: service(context), self.events.append)
        self.visit.start()

    @property
    def at(self) -> str | None:
        return self.visit.prompt.id if self.visit.prompt else None

    @property
    def prompt(self) -> Any:
        return self.visit.prompt

    def say(self, prompt_id: str, answer: Any) -> Walk:
        """Answer the prompt that must be the current one."""
        assert self.at == prompt_id, f"at {self.at}, not at {prompt_id}"
        self.visit.answer(answer)
        return self

    def until(self, prompt_id: str, steps: tuple[tuple[str, Any], ...] = APPLICATION) -> Walk:
        """Answer the steps up to, and without, the one named."""
        names = [name for name, _ in steps]
        for name, answer in steps[names.index(self.at or "") :]:
            if name == prompt_id:
                break
            self.say(name, answer)
        assert self.at == prompt_id
        return self


def done(walk: Walk) -> bool:
    """Whether the visit came to its end."""
    outcome = walk.visit.outcome
    return outcome is not None and outcome.ending is Ending.DONE


def ends_well(begin: Callable[[], Walk], steps: tuple[tuple[str, Any], ...]) -> None:
    """At every prompt one may leave, but in the instant of an effect, and a fault ends the visit or
    is explained."""
    for name, _ in steps:
        walk = begin().until(name, steps)
        effect = walk.prompt.effect
        assert walk.visit.cancel() is not effect
        walk = begin().until(name, steps)
        walk.visit.fault(DeviceFault(FaultCode.INTERNAL))
        outcome = walk.visit.outcome
        assert outcome is None or outcome.ending is Ending.FAULT, f"{name}: {outcome}"
