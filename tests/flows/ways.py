"""Every way in which a prompt can be answered, prompt class by prompt class, for `explore`.

The first way of each is the one that leads on. A new kind of prompt, field rule or question of the
centre needs its line here; `explore` says so when it meets one that it does not know.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from hardware.card.contents import Holder
from hardware.card.session import Interface
from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Band, Comparison
from kiosk.records.electronic import CodeSaid, ElectronicCard
from kiosk.records.pins import PinSaid, PinUsed
from kiosk.records.rules import RULES, Broken
from kiosk.records.staff import Staff
from kiosk.records.submission import Mine, Reply, Standpoint, Verdict
from kiosk.services import businesses
from kiosk.steps.matters import STAGES
from kiosk.visit import prompts as p
from kiosk.visit.flow import Prompt
from tests.flows import counter

#: Texts of which one fits each field rule, and texts that break rules in all ways they have.
SAMPLES = (
    "13900000000",
    "张北小区",
    "19",
    "8排058号",
    "130203199001011239",
    "2026-11-28",
    "张建国",
    "13029926112400015",
    "0012",
)
SPOILT = (
    "",
    "；",
    "abc",
    "13029926112400016",
    "12345678901",
    "x" * 200,
    "1390000000",
    "23900000000",
    "张",
)

#: What may be paid to the account of a card.
BENEFITS = ("pension", "unemployment", "injury", "medical", "employment", "farming")

#: Why the centre refuses (domain §2.3).
REFUSALS = ("person_unknown", "mismatch", "duplicate_application", "not_permitted")


def case(stage: str, kind: str = "first_application") -> dict[str, Any]:
    """A matter as the centre tells of it."""
    return {
        "receipt_no": "13029926112400015",
        "kind": kind,
        "stage": stage,
        "filed": "2026-11-20",
        "since": "2026-11-23",
        "outlet": "路北支行",
        "overdue": False,
        "may": [],
    }


def _own_cases() -> list[dict[str, Any]]:
    """A matter in each state that a business has words of its own for."""
    return [case(state, kind) for kind, one in businesses().items() for state in one.own_states]


#: Question of the centre -> what it may reply. The first leads on.
REPLIES: Mapping[str, tuple[Reply, ...]] = {
    "first_application.eligibility": (
        counter.ELIGIBLE,
        counter.OFFLINE,
        counter.HAS_CARD,
        Reply({"rejection": "", "reason": "", "phone": "139****0000"}),
        *(Reply({"rejection": refusal, "reason": "", "phone": ""}) for refusal in REFUSALS),
    ),
    "minor_application.eligibility": (
        counter.ELIGIBLE,
        counter.OFFLINE,
        counter.HAS_CARD,
        *(Reply({"rejection": refusal, "reason": "", "phone": ""}) for refusal in REFUSALS),
    ),
    "unit_collection.row": (
        counter.listed(),
        Reply(),
        counter.listed(phone=""),
        Reply({"rejection": None, "reason": "", "unit": ""}),
        counter.HAS_CARD,
        *(counter.listed(rejection=refusal) for refusal in REFUSALS),
    ),
    "loss_report.card": (
        Reply({"rejection": "", "state": "in_use", "card": "c1", "bank": "icbc"}),
        Reply(),
        *(Reply({"rejection": "", "state": state}) for state in ("none", "lost")),
        Reply({"rejection": "", "state": "lost", "card": "c1", "temporary": True}),
        *(Reply({"rejection": refusal, "state": ""}) for refusal in REFUSALS),
    ),
    "card_replacement.card": (
        counter.OLD_CARD,
        Reply(),
        counter.old_card(state="lost", bank="icbc", made="2026-10-01", benefits=["farming"]),
        counter.old_card(generation=2, expires="2030-01-01", benefits=[*BENEFITS, "of 2030"]),
        counter.old_card(photo_sha256="1" * 64, photo_taken="2026-11-01", phone=""),
        counter.old_card(bank="of another province", made="2026-10-01"),
        *(counter.old_card(state=state) for state in ("none", "of a newer centre")),
        *(Reply({"rejection": refusal, "state": ""}) for refusal in REFUSALS),
    ),
    "loss_withdrawal.state": (
        Reply({"rejection": "", "state": "lost"}),
        Reply(),
        *(Reply({"rejection": "", "state": state}) for state in ("none", "in_use", "replaced")),
        *(Reply({"rejection": refusal, "state": ""}) for refusal in REFUSALS),
    ),
    "unfinished.find": (
        Reply(),
        Reply({"answers": "", "kept": ""}),
        Reply({"answers": '{"telephone.number": {"phone": "13911112222"}}', "kept": "2026-11-23"}),
        Reply({"answers": "[1", "kept": "2026-11-23"}),
    ),
    "unfinished.keep": (Reply({"until": "2026-12-01"}), Reply(), Reply({"until": ""})),
    "card_activation.state": (
        Reply({"rejection": "", "state": "inactive", "bank": "icbc"}),
        Reply({"rejection": "", "state": "inactive", "bank": ""}),
        Reply(),
        *(Reply({"rejection": "", "state": state}) for state in ("active", "lost", "none")),
        *(Reply({"rejection": "", "state": state}) for state in ("being_made", "of a newer one")),
        *(Reply({"rejection": refusal, "state": ""}) for refusal in REFUSALS),
    ),
    "pin_change.state": (Reply({"state": ""}), Reply(), Reply({"state": "inactive"})),
    "pin_reset.state": (
        Reply({"rejection": "", "state": "in_use"}),
        Reply(),
        *(Reply({"rejection": "", "state": state}) for state in ("inactive", "lost", "none")),
        Reply({"rejection": "", "state": "of a newer centre"}),
        *(Reply({"rejection": refusal, "state": ""}) for refusal in REFUSALS),
    ),
    "card_progress.cases": (
        Reply({"cases": [case(stage) for stage in (*STAGES, "of a newer centre")]}),
        Reply({"cases": [case("in_production") | {"overdue": True, "may": ["problem_report"]}]}),
        Reply({"cases": [case("accepted") | {"may": ["case_withdrawal", "of_a_newer_centre"]}]}),
        Reply({"cases": [case("collected") | {"bank_from": "2027-05-24"}]}),
        Reply({"cases": [case("in_force", "of a newer centre"), *_own_cases()]}),
        Reply({"cases": []}),
        Reply(),
    ),
    "card_progress.receipt": (
        Reply({"cases": [case("in_production")]}),
        Reply({"cases": []}),
        Reply(),
    ),
    "info_change.known": (
        Reply({"rejection": None, "phone": "139****0000", "address": "唐山市路北区****"}),
        Reply({"rejection": None, "phone": "", "address": ""}),
        Reply(),
        *(Reply({"rejection": refusal}) for refusal in REFUSALS),
    ),
    "social_card.state": (
        *(Reply({"state": state}) for state in ("in_use", "not_active", "lost", "void", "")),
        Reply(),
    ),
    "case_withdrawal.cases": (
        Reply({"cases": [case("accepted")]}),
        Reply({"cases": [case("accepted", "of a newer centre")]}),
        Reply({"cases": []}),
        Reply(),
    ),
}

#: Faults that end a visit, or that a service has words for: of the device that performs.
FAULTS: Mapping[str, tuple[FaultCode, ...]] = {
    "id_reader": (FaultCode.ID_READER_OFFLINE,),
    "card_reader": tuple(code for code in FaultCode if code.startswith("card_")),
    "camera": (FaultCode.CAMERA_ABSENT,),
    "code_reader": (FaultCode.SCANNER_OFFLINE, FaultCode.CAMERA_NO_FRAMES),
    "printer": (FaultCode.PRINTER_PAPER_OUT, FaultCode.PRINTER_OFFLINE),
    # The card that has to stay in while a PIN is typed.
    "pin": (FaultCode.CARD_PULLED, FaultCode.CARD_READER_OFFLINE),
    "outbox": (FaultCode.OUTBOX_UNAVAILABLE, FaultCode.NOT_ENROLLED),
}


@dataclasses.dataclass(frozen=True)
class Revise:
    """Not an answer: a row of the review is to be changed."""

    step: str


Way = Any


def ways(prompt: Prompt[Any]) -> Iterator[Way]:
    """All of them: answers, `DeviceFault`s and `Revise`s. Raises `LookupError`."""
    kind = type(prompt)
    if kind not in _WAYS:
        raise LookupError(f"tests/flows/ways.py does not know how to answer a {kind.__name__}")
    yield from _WAYS[kind](prompt)
    yield from (DeviceFault(code) for code in FAULTS.get(str(prompt.performed_by), ()))


def _notice(prompt: p.Notice) -> Iterator[Way]:
    yield counter.AGREED
    if prompt.exception:
        yield p.Agreement(counter.NOW, exception=True)


def _form(prompt: p.Form) -> Iterator[Way]:
    whole = {box.name: sample(box) for box in prompt.fields}
    yield whole
    bare = {box.name: "" if box.optional else whole[box.name] for box in prompt.fields}
    if bare != whole:
        yield bare


def sample(box: p.Field) -> str:
    """A text that its rule takes."""
    for text in SAMPLES:
        try:
            if len(text) <= box.longest and RULES[box.rule](text):
                return text
        except Broken:
            continue
    raise LookupError(f"tests/flows/ways.py has no sample for the rule {box.rule!r}")


def _id_cards(prompt: p.PlaceIdCard) -> Iterator[Way]:
    card = counter.ZHANG
    if prompt.id == "child.id_card":
        yield counter.CHILD
    if prompt.id == "proxy.id_card":
        yield counter.FRIEND
    yield dataclasses.replace(card, portrait=b"\x80" * (102 * 126 * 3))
    yield dataclasses.replace(card, address="河北省张家口市桥西区某路1号")
    yield counter.CHILD
    yield dataclasses.replace(card, kind="hk_macau_taiwan")
    yield dataclasses.replace(card, valid_to="20200101")
    yield dataclasses.replace(card, number=card.number[:-1] + "?")
    if prompt.may_lack:
        yield None


def _social_cards(prompt: p.ReadCard) -> Iterator[Way]:
    whose = counter.social_card(3)
    if prompt.holder:
        yield dataclasses.replace(
            whose, holder=Holder(counter.ZHANG.number, "张建国", "1", "01", None)
        )
    yield whose
    if prompt.tries:
        yield from (dataclasses.replace(whose, pin_tries=tries) for tries in (2, 1, 0))
        yield dataclasses.replace(whose, interface=Interface.CONTACTLESS, card_no="")
    if prompt.back:
        yield dataclasses.replace(whose, card_id="F" * 32)
    # A card of the second generation says whose it is, also where nobody asked.
    yield dataclasses.replace(
        counter.social_card(2, date(2030, 1, 1)), holder=Holder("", "何玉兰", "2", "01", None)
    )
    yield counter.social_card(2, date(2030, 1, 1))
    yield counter.social_card(2, date(2020, 1, 1))
    yield counter.social_card(2)  # its end could not be read


def _electronic_cards(prompt: p.ScanCard) -> Iterator[Way]:
    yield ElectronicCard(CodeSaid.VALID, counter.ZHANG.name, counter.ZHANG.number)
    yield from (ElectronicCard(said) for said in CodeSaid if said is not CodeSaid.VALID)
    yield ElectronicCard(CodeSaid.VALID, counter.ZHANG.name, "1")


def _used(prompt: p.UsePin) -> Iterator[Way]:
    # A PIN that is changed was not the initial one, so that every path ends.
    yield PinUsed(PinSaid.DONE, 6, insertion=2)
    yield PinUsed(PinSaid.DONE, 6, initial=True, insertion=2)
    yield from (PinUsed(PinSaid.WRONG, tries, insertion=2) for tries in (2, 1, 0))
    yield PinUsed(PinSaid.KEPT, 5, insertion=2)
    yield PinUsed(PinSaid.UNKNOWN)


def _choose_photo(prompt: p.ChoosePhoto) -> Iterator[Way]:
    yield "1"
    if prompt.tries_left:
        yield "again"


def _mine(prompt: p.FindMine) -> Iterator[Way]:
    numbers = (f"1302992611240{place:03}5" for place in range(len(Standpoint)))
    yield tuple(
        Mine(number, "first_application", standpoint, counter.NOW)
        for number, standpoint in zip(numbers, Standpoint, strict=True)
    )
    yield ()


def _listing(prompt: p.Listing) -> Iterator[Way]:
    yield True
    yield from prompt.answers()


def _review(prompt: p.Review) -> Iterator[Way]:
    yield True
    yield from dict.fromkeys(Revise(row.revise) for row in prompt.rows if row.revise)


def _replies(prompt: p.AskCentral) -> Iterator[Way]:
    kind = prompt.question.kind
    if kind not in REPLIES:
        raise LookupError(f"tests/flows/ways.py has no replies to the question {kind!r}")
    yield from REPLIES[kind]


def _verdicts(prompt: p.AwaitVerdict) -> Iterator[Way]:
    yield counter.ACCEPTED
    yield dataclasses.replace(counter.ACCEPTED, at=counter.NOW)
    for standpoint in Standpoint:
        yield Verdict(standpoint)
    for refusal in REFUSALS:
        yield Verdict(Standpoint.REJECTED, refusal)


_WAYS: Mapping[type[Prompt[Any]], Callable[[Any], Any]] = {
    p.Notice: _notice,
    p.Choice: lambda prompt: (option.value for option in prompt.options),
    p.Resume: lambda prompt: (option.value for option in prompt.options),
    p.Form: _form,
    p.PlaceIdCard: _id_cards,
    p.ReadCard: _social_cards,
    p.ScanCard: _electronic_cards,
    p.EnterPin: lambda prompt: (True, *map(DeviceFault, FAULTS["pin"])),
    p.UsePin: _used,
    p.RunScript: lambda prompt: (
        PinUsed(PinSaid.DONE, 6, insertion=2),
        PinUsed(PinSaid.UNKNOWN, insertion=2),
        DeviceFault(FaultCode.HSM_UNREACHABLE),
        DeviceFault(FaultCode.HSM_REFUSED),
    ),
    p.AskConsent: lambda prompt: (counter.NOW, None),
    p.TakePhoto: lambda prompt: (counter.CAPTURE,),
    p.TakePage: lambda prompt: (counter.PAGE, dataclasses.replace(counter.PAGE, legible=False)),
    p.ChoosePhoto: _choose_photo,
    p.CompareFaces: lambda prompt: (p.Compared(Comparison(b), counter.NOW) for b in Band),
    p.Review: _review,
    p.Sign: lambda prompt: (counter.SIGNATURE,),
    p.AskCentral: _replies,
    p.Submit: lambda prompt: (
        counter.SUBMITTED,
        dataclasses.replace(counter.SUBMITTED, notices=True),
    ),
    p.AwaitVerdict: _verdicts,
    p.FindMine: _mine,
    p.Listing: _listing,
    p.Print: lambda prompt: (None,),
    p.AskStaff: lambda prompt: (None, *(Staff("007", r, counter.NOW) for r in prompt.reasons)),
    p.Advice: lambda prompt: (True, *prompt.others()),
    p.Done: lambda prompt: (True, "reprint") if prompt.not_printed else (True,),
}
