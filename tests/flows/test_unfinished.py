"""What was left unfinished waits at the centre, and fills the pages another day (domain R-K10)."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.records.citizen import Citizen
from kiosk.records.submission import Reply
from kiosk.services import find_services
from kiosk.services.card_replacement import ReplaceCard
from kiosk.services.first_application import ApplyFirst
from kiosk.services.info_change import ChangeInfo
from kiosk.services.minor_application import ApplyForMinor
from kiosk.services.unit_collection import CollectForUnit
from kiosk.steps.telephone import telephone
from kiosk.steps.unfinished import offer_unfinished
from kiosk.visit.flow import Ending
from kiosk.visit.prompts import Choice, Option
from kiosk.visit.service import GoOn, Service
from tests.flows import test_info_change, test_minor, test_unit_collection
from tests.flows.counter import (
    AGREED,
    COMPARING,
    CONTEXT,
    OLD_CARD,
    PHONE,
    TODAY,
    ZHANG,
    Walk,
    old_card,
)
from tests.flows.explore import explored

ONLINE = dataclasses.replace(CONTEXT, online=True)
KEPT = Reply({"until": "2026-12-01"})


def walk() -> Walk:
    return Walk(ApplyFirst, ONLINE)


def asked() -> Walk:
    """At the question whether something is kept."""
    return walk().until("eligibility.ask").say("eligibility.ask", Reply({"phone": ""}))


def found(**answers: Any) -> Walk:
    reply = Reply({"answers": json.dumps(answers, ensure_ascii=False), "kept": "2026-11-23"})
    return asked().say("unfinished.ask", reply)


def at_outlet() -> Walk:
    return asked().say("unfinished.ask", Reply({"answers": ""})).until("pickup.outlet")


#: Service -> a prompt at which it asks whether something was left, and what leads there.
OFFERED: dict[type[Service], tuple[tuple[str, Any], ...]] = {
    ReplaceCard: (
        ("card_replacement.notice", AGREED),
        ("identity.id_card", ZHANG),
        ("card_replacement.ask", OLD_CARD),
    ),
    ChangeInfo: test_info_change.STEPS[:3],
    ApplyForMinor: test_minor.minor()[:11],
    CollectForUnit: test_unit_collection.BEFORE,
}

#: Services that ask for something to be typed and keep nothing of it, and why.
NOT_KEPT = {"card_progress": "a receipt number, which finds one matter and is not its person's"}


@pytest.mark.parametrize("service", find_services(), ids=lambda service: service.id)
def test_whoever_fills_in_anything_may_go_on_another_day(service: type[Service]) -> None:
    """R-K10: enumerated from the code; what is not kept has its reason here."""
    types = any(
        type(prompt).__name__ == "Form"
        for found in explored(service).noted.values()
        for prompt in found
    )
    offered = service is ApplyFirst or service in OFFERED
    assert types == (offered or service.id in NOT_KEPT)


@pytest.mark.parametrize("service", OFFERED, ids=lambda service: service.id)
def test_each_offers_what_was_left_under_who_put_down_the_id_card(service: type[Service]) -> None:
    visit = Walk(service, ONLINE)
    for prompt, answer in OFFERED[service]:
        visit.say(prompt, answer)
    fields = dict(visit.prompt.question.fields)
    child = dict(OFFERED[service]).get("child.who")
    assert fields["about"] == (child["id_number"] if child else "")
    assert fields["id_number"] == dict(OFFERED[service])["identity.id_card"].number
    assert fields["service"] == service.id
    answers = {"telephone.number": {"phone": "13911112222"}, "info_change.what": "phone"}
    visit.say("unfinished.ask", Reply({"answers": json.dumps(answers), "kept": "2026-11-23"}))
    visit.say("unfinished.found", "go_on")
    for prompt, answer in (
        ("unit_collection.row", "wrong"),
        ("old_card.reason", "damaged"),
        ("telephone.known", "other"),
        ("info_change.what", "phone"),
    ):
        if visit.at == prompt:
            visit.say(prompt, answer)
    assert visit.at == "telephone.number"
    assert visit.visit.suggestion["phone"] == "13911112222"


def test_what_was_filled_in_before_one_went_on_is_not_kept_under_the_other_service() -> None:
    citizen = Citizen.from_id_card(ZHANG, TODAY)

    class First(Service):
        id, stages = "first_application", ("details",)

        async def serve(self) -> None:
            await offer_unfinished(self, citizen)
            await telephone()
            raise GoOn(Second, citizen)

    class Second(Service):
        id, stages = "card_replacement", ("details",)

        async def take_up(self, *known: Citizen) -> None:
            await offer_unfinished(self, *known)
            await Choice("pickup.bank", (Option("icbc"), Option("ccb")))
            await Choice("pickup.outlet", (Option("icbc-lubei"),))

    visit = Walk(First, ONLINE).say("unfinished.ask", Reply())
    visit.say("telephone.number", PHONE).say("telephone.read_back", "right")
    visit.say("unfinished.ask", Reply()).say("pickup.bank", "icbc")
    assert visit.visit.keep()
    fields = visit.prompt.question.fields
    assert fields["service"] == "card_replacement"
    assert set(json.loads(fields["answers"])) == {"pickup.bank"}


def test_who_leaves_at_a_dead_end_may_go_on_another_day_too() -> None:
    """What has the answers kept was thrown into the page of the dead end, and ended the program."""
    visit = Walk(ReplaceCard, ONLINE)
    for prompt, answer in (
        *OFFERED[ReplaceCard][:2],
        ("card_replacement.ask", old_card(made="2026-11-24")),
        ("unfinished.ask", Reply({"answers": ""})),
        ("old_card.reason", "other_bank"),
        ("telephone.known", "other"),
        ("telephone.number", PHONE),
        ("telephone.read_back", "right"),
    ):
        visit.say(prompt, answer)
    assert visit.at == "old_card.too_soon" and visit.visit.can_keep
    assert visit.visit.keep()
    assert json.loads(str(visit.prompt.question.fields["answers"]))["telephone.number"]
    visit.say("unfinished.keep", KEPT).say("unfinished.kept", True)
    assert visit.visit.outcome is not None


def test_the_child_of_another_visit_is_not_kept_by_name() -> None:
    visit = Walk(ApplyForMinor, ONLINE)
    for prompt, answer in OFFERED[ApplyForMinor]:
        visit.say(prompt, answer)
    visit.say("unfinished.ask", Reply()).say("telephone.number", PHONE)
    assert visit.visit.keep()
    kept = json.loads(visit.prompt.question.fields["answers"])
    assert set(kept) == {"telephone.number"}


def test_who_said_that_another_wants_it_finds_no_trace_of_it_another_day() -> None:
    """Whoever stands behind them would read it."""
    visit = Walk(ChangeInfo, dataclasses.replace(COMPARING, online=True))
    for prompt, answer in OFFERED[ChangeInfo]:
        visit.say(prompt, answer)
    visit.say("unfinished.ask", Reply()).say("info_change.what", "phone")
    visit.say("telephone.number", PHONE).say("telephone.read_back", "right")
    visit.say("proof.wish", "other")
    assert visit.visit.keep()
    kept = json.loads(visit.prompt.question.fields["answers"])
    assert set(kept) == {"info_change.what", "telephone.number", "telephone.read_back"}


def test_what_was_entered_is_kept_under_the_person_and_the_service() -> None:
    visit = at_outlet()
    assert visit.visit.can_keep and visit.visit.keep()
    fields = visit.prompt.question.fields
    assert (visit.prompt.question.kind, fields["service"]) == ("unfinished.keep", ApplyFirst.id)
    kept = json.loads(fields["answers"])
    assert kept["telephone.number"]["phone"] == PHONE["phone"] and kept["pickup.bank"] == "icbc"
    visit.say("unfinished.keep", KEPT)
    assert visit.prompt.id == "unfinished.kept" and visit.prompt.facts == {"until": "2026-12-01"}
    assert not visit.visit.can_go_back and not visit.visit.can_keep
    visit.say("unfinished.kept", True)
    outcome = visit.visit.outcome
    assert outcome is not None and outcome.ending is Ending.DONE and not outcome.committed


@pytest.mark.parametrize("reply", [Reply(), Reply({"until": ""})])
def test_what_could_not_be_kept_is_not_said_to_be(reply: Reply) -> None:
    visit = at_outlet()
    visit.visit.keep()
    visit.say("unfinished.keep", reply)
    assert visit.at == "unfinished.not_kept"


def test_no_photo_consent_proof_or_card_is_kept() -> None:
    visit = at_outlet().say("pickup.outlet", "icbc-lubei").until("photo.choose")
    assert visit.visit.keep()
    kept = json.loads(visit.prompt.question.fields["answers"])
    assert set(kept) == {
        "telephone.number",
        "telephone.read_back",
        "address.same",
        "apply.special_group",
        "pickup.bank",
        "pickup.outlet",
    }


def test_nothing_is_kept_before_it_is_known_for_whom_nor_before_anything_was_entered() -> None:
    visit = walk().until("identity.id_card")
    assert not visit.visit.can_keep and not visit.visit.keep()
    assert not asked().visit.can_keep


def test_nothing_is_kept_during_an_effect_nor_after_it() -> None:
    visit = at_outlet().until("filing.submit")
    assert not visit.visit.keep()
    visit.until("apply.accepted")
    assert not visit.visit.keep()


def test_pages_are_filled_but_not_answered() -> None:
    visit = found(**{"telephone.number": {"phone": "13911112222"}, "pickup.bank": "abc"})
    visit.say("unfinished.found", "go_on")
    assert visit.at == "telephone.number"
    assert visit.visit.suggestion["phone"] == "13911112222"
    visit.until("pickup.bank")
    assert visit.visit.suggestion == "abc"


def test_back_and_revision_fill_a_page_with_what_was_said_now() -> None:
    visit = found(**{"telephone.number": {"phone": "13911112222"}}).say("unfinished.found", "go_on")
    visit.say("telephone.number", PHONE).visit.back()
    assert visit.visit.suggestion["phone"] == PHONE["phone"]


def test_what_does_not_fit_any_more_fills_nothing() -> None:
    """An outlet was closed meanwhile; a newer release kept something else."""
    visit = found(**{"telephone.number": {"phone": "1"}, "pickup.bank": "gone", "review": True})
    visit.say("unfinished.found", "go_on")
    assert visit.visit.suggestion is None
    visit.until("pickup.bank")
    assert visit.visit.suggestion is None


@pytest.mark.parametrize("answers", ["", "{}", "[]", "no json", "{", '{"telephone.number": 3}'])
def test_what_cannot_be_read_is_passed_over(answers: str) -> None:
    visit = asked().say("unfinished.ask", Reply({"answers": answers, "kept": "2026-11-23"}))
    if visit.at == "unfinished.found":
        visit.say("unfinished.found", "go_on")
    assert visit.at == "telephone.number" and visit.visit.suggestion is None


def test_who_starts_again_has_it_erased() -> None:
    visit = found(**{"telephone.number": {"phone": "13911112222"}}).say("unfinished.found", "anew")
    assert visit.prompt.question.fields["answers"] == ""
    visit.say("unfinished.drop", Reply({"until": ""}))
    assert visit.at == "telephone.number" and visit.visit.suggestion is None


def test_offline_nobody_waits_for_what_was_kept() -> None:
    visit = Walk(ApplyFirst).until("eligibility.ask").say("eligibility.ask", Reply({"phone": ""}))
    assert visit.at == "telephone.number"


def test_a_fault_while_it_is_kept_ends_the_visit_and_wipes_it() -> None:
    visit = at_outlet()
    visit.visit.keep()
    visit.visit.fault(DeviceFault(FaultCode.INTERNAL))
    assert visit.visit.outcome is not None and visit.visit.outcome.ending is Ending.FAULT
    assert visit.visit._said == []


def test_while_the_camera_works_the_citizen_may_leave_for_another_day() -> None:
    visit = at_outlet().until("photo.take")
    assert visit.visit.keep() and visit.at == "unfinished.keep"
