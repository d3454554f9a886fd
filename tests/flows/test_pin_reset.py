"""密码重置、解锁: every branch, by sending answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Band, Comparison
from kiosk.records.pins import PinSaid, PinUsed
from kiosk.records.submission import Reply, Standpoint, Verdict
from kiosk.services.pin_reset import ResetPin
from kiosk.visit.flow import Ending
from kiosk.visit.prompts import Compared, Submit
from sync.kinds import kinds
from tests.flows.counter import (
    ACCEPTED,
    AGREED,
    COMPARING,
    NOW,
    PROVEN,
    QUEUED,
    SUBMITTED,
    TO_REVIEW,
    WITH_PORTRAIT,
    Walk,
    done,
    own_card,
    social_card,
)

IN_USE = Reply({"rejection": "", "state": "in_use"})
OWN = own_card()
LOCKED = dataclasses.replace(OWN, pin_tries=0)
WRITTEN = PinUsed(PinSaid.DONE, 6, insertion=1)

RESET: tuple[tuple[str, Any], ...] = (
    ("pin_reset.notice", AGREED),
    ("identity.id_card", WITH_PORTRAIT),
    ("pin_reset.ask", IN_USE),
    *PROVEN,
    ("pin_reset.card", OWN),
    ("filing.submit", SUBMITTED),
    ("filing.verdict", ACCEPTED),
    ("pin_reset.script", WRITTEN),
)


def reset() -> Walk:
    return Walk(ResetPin, COMPARING)


def reported(answer: Any = WRITTEN, card: Any = OWN) -> Walk:
    """At the report of what became of the script."""
    walk = reset().until("pin_reset.card", RESET).say("pin_reset.card", card)
    if card.pin_tries == 0:
        walk.say("pin_reset.which", "unblock")
    walk.until("pin_reset.script", RESET)
    if isinstance(answer, DeviceFault):
        walk.visit.fault(answer)
    else:
        walk.say("pin_reset.script", answer)
    assert isinstance(walk.prompt, Submit)
    return walk


def end(walk: Walk) -> str:
    """The result page, after the report and the receipt."""
    walk.say("filing.print", None)
    page = str(walk.at)
    assert done(walk.say(page, True))
    return page


def test_a_forgotten_pin_is_reset_and_the_citizen_makes_up_another() -> None:
    walk = reported().say("filing.submit", SUBMITTED)
    walk.say("card_pin.new", True).say("card_pin.change", WRITTEN)
    assert walk.prompt.slip.state == "pin_reset.own.slip"
    assert end(walk) == "pin_reset.own"


def test_what_is_asked_for_and_what_came_of_it_fit_the_contract() -> None:
    walk = reset().until("filing.submit", RESET)
    request = walk.prompt.transaction
    assert (request.document["outcome"], request.document["purpose"]) == ("", "reset")
    outcome = reported().prompt.transaction
    assert (outcome.document["outcome"], outcome.document["request"]) == ("done", SUBMITTED.id)
    for transaction in (request, outcome):
        model = kinds()["pin_reset"].document
        model.model_validate(transaction.document)
        assert set(transaction.document) == set(model.model_fields)
        assert [consent.text_id for consent in transaction.consents] == [
            "pin_reset.notice",
            "comparison.consent",
        ]


def test_a_locked_pin_that_is_known_is_only_unlocked() -> None:
    walk = reported(card=LOCKED)
    assert walk.prompt.transaction.document["purpose"] == "unblock"
    assert end(walk.say("filing.submit", SUBMITTED)) == "pin_reset.unblocked"


def test_a_card_that_is_not_locked_is_not_asked_what_it_needs() -> None:
    walk = reset().until("pin_reset.card", RESET).say("pin_reset.card", OWN)
    assert walk.prompt.transaction.document["purpose"] == "reset"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (PinUsed(PinSaid.UNKNOWN), "unknown"),
        (DeviceFault(FaultCode.HSM_UNREACHABLE), "failed"),
        (DeviceFault(FaultCode.HSM_REFUSED), "failed"),
        (DeviceFault(FaultCode.CARD_PULLED), "failed"),
        (DeviceFault(FaultCode.CARD_REFUSED), "failed"),
    ],
)
def test_what_came_of_the_script_is_reported_before_anything_else(
    answer: Any, outcome: str
) -> None:
    walk = reported(answer)
    assert walk.prompt.transaction.document["outcome"] == outcome
    assert end(walk.say("filing.submit", SUBMITTED)) == f"pin_reset.{outcome}"


def test_a_report_that_cannot_be_kept_does_not_keep_the_citizen_from_a_pin() -> None:
    walk = reported()
    walk.visit.fault(DeviceFault(FaultCode.OUTBOX_UNAVAILABLE))
    assert walk.at == "card_pin.new"


@pytest.mark.parametrize("said", [PinSaid.UNKNOWN, PinSaid.KEPT, PinSaid.WRONG])
def test_a_reset_card_without_a_pin_of_its_holder_is_sent_to_the_window(said: PinSaid) -> None:
    walk = reported().say("filing.submit", SUBMITTED)
    walk.say("card_pin.new", True).say("card_pin.change", PinUsed(said))
    assert end(walk) == "pin_reset.initial"


@pytest.mark.parametrize(
    ("verdict", "page"),
    [
        (QUEUED, "pin_reset.queued"),
        (TO_REVIEW, "pin_reset.to_review"),
        (Verdict(Standpoint.REJECTED, "not_permitted"), "pin_reset.not_accepted"),
    ],
)
def test_without_the_centres_word_the_card_is_not_touched(verdict: Verdict, page: str) -> None:
    walk = reset().until("filing.verdict", RESET).say("filing.verdict", verdict)
    assert end(walk) == page


@pytest.mark.parametrize("state", ["inactive", "lost", "none"])
def test_what_has_no_pin_to_reset_is_explained(state: str) -> None:
    walk = reset().until("pin_reset.ask", RESET)
    walk.say("pin_reset.ask", Reply({"rejection": "", "state": state}))
    assert done(walk.say(f"pin_reset.{state}", True))


def test_a_state_of_a_newer_centre_is_sent_to_the_window() -> None:
    walk = reset().until("pin_reset.ask", RESET)
    walk.say("pin_reset.ask", Reply({"rejection": "", "state": "asleep"}))
    assert done(walk.say("refused.not_permitted", True))


def test_offline_nothing_is_reset() -> None:
    walk = reset().until("pin_reset.ask", RESET).say("pin_reset.ask", Reply())
    assert done(walk.say("pin_reset.offline", True))


@pytest.mark.parametrize("band", [Band.UNSURE, Band.MISMATCH, Band.CANNOT_TELL])
def test_without_proof_nothing_is_reset(band: Band) -> None:
    walk = reset().until("comparison.compare", RESET)
    walk.say("comparison.compare", Compared(Comparison(band, 0.2, "test"), NOW))
    assert done(walk.say("pin_reset.unproven", True))


def test_a_strangers_card_is_not_reset() -> None:
    walk = reset().until("pin_reset.card", RESET).say("pin_reset.card", social_card(3))
    assert done(walk.say("card_pin.other_card", True))


def test_leaving_and_faults_at_every_prompt_end_it_or_are_explained() -> None:
    for name, _ in RESET:
        walk = reset().until(name, RESET)
        effect = walk.prompt.effect
        assert walk.visit.cancel() is not effect
        walk = reset().until(name, RESET)
        walk.visit.fault(DeviceFault(FaultCode.INTERNAL))
        outcome = walk.visit.outcome
        assert outcome is None or outcome.ending is Ending.FAULT, f"{name}: {outcome}"
