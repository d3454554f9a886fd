"""社保功能启用: every branch, by sending answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hardware.card.contents import Holder
from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Band, Comparison
from kiosk.records.pins import PinSaid, PinUsed
from kiosk.records.proof import Level
from kiosk.records.submission import Reply, Standpoint, Verdict
from kiosk.services.card_activation import ActivateCard
from kiosk.visit.prompts import Compared, Submit, UsePin
from sync.kinds import kinds
from tests.flows.counter import (
    ACCEPTED,
    AGREED,
    COMPARING,
    NOW,
    PROVEN,
    QUEUED,
    SUBMITTED,
    WITH_PORTRAIT,
    ZHANG,
    Walk,
    done,
    ends_well,
    own_card,
    social_card,
)

INACTIVE = Reply({"rejection": "", "state": "inactive", "bank": "icbc"})
ACTIVE = Reply({"rejection": "", "state": "active", "bank": "icbc"})
OWN = own_card()
INITIAL = PinUsed(PinSaid.DONE, initial=True, insertion=1)
RIGHT = PinUsed(PinSaid.DONE, insertion=1)

ACTIVATION: tuple[tuple[str, Any], ...] = (
    ("card_activation.notice", AGREED),
    ("identity.id_card", WITH_PORTRAIT),
    ("card_activation.ask", INACTIVE),
    *PROVEN,
    ("card_activation.card", OWN),
    ("card_pin.present", True),
    ("card_pin.verify", INITIAL),
    ("card_pin.new", True),
    ("card_pin.change", RIGHT),
    ("filing.submit", SUBMITTED),
    ("filing.verdict", ACCEPTED),
    ("filing.print", None),
    ("card_activation.accepted", True),
)


def activation() -> Walk:
    return Walk(ActivateCard, COMPARING)


def test_a_new_card_serves_after_its_initial_pin_was_changed() -> None:
    walk = activation()
    for prompt, answer in ACTIVATION:
        walk.say(prompt, answer)
    assert done(walk)


def test_what_is_filed_names_person_card_and_proof_and_fits_the_contract() -> None:
    transaction = activation().until("filing.submit", ACTIVATION).prompt.transaction
    assert transaction.document == {
        "name": ZHANG.name,
        "id_number": ZHANG.number,
        "card_id": OWN.card_id,
        "card_no": OWN.card_no,
        "pin": "changed",
    }
    assert transaction.proof.level is Level.P3
    assert [consent.text_id for consent in transaction.consents] == [
        "card_activation.notice",
        "comparison.consent",
    ]
    kind = kinds()["card_activation"]
    kind.document.model_validate(transaction.document)
    assert set(transaction.document) == set(kind.document.model_fields)


def test_who_was_sent_by_somebody_goes_on_as_all_and_the_centre_looks() -> None:
    walk = activation().until("proof.wish", ACTIVATION).say("proof.wish", "other")
    proof = walk.until("filing.submit", ACTIVATION).prompt.transaction.proof
    assert proof.level is Level.P3 and "asked_by_other" in proof.reasons


def test_a_card_with_a_pin_of_its_holder_needs_no_other() -> None:
    walk = activation().until("card_pin.verify", ACTIVATION).say("card_pin.verify", RIGHT)
    assert walk.prompt.transaction.document["pin"] == "own"


def test_paper_and_page_send_to_the_counter_of_the_bank() -> None:
    walk = activation().until("filing.print", ACTIVATION)
    assert walk.prompt.slip.notes == ("card_activation.slip.active", "card_activation.slip.bank")
    assert str(walk.prompt.slip.facts["bank"]) == "中国工商银行"
    walk = activation().until("card_activation.ask", ACTIVATION)
    walk.say("card_activation.ask", Reply({"rejection": "", "state": "inactive", "bank": ""}))
    walk.until("filing.print", ACTIVATION)
    assert walk.prompt.slip.facts["bank"] == "card_activation.any_bank"


@pytest.mark.parametrize("state", ["active", "lost", "being_made", "none"])
def test_what_cannot_be_activated_is_explained(state: str) -> None:
    walk = activation().until("card_activation.ask", ACTIVATION)
    walk.say("card_activation.ask", Reply({"rejection": "", "state": state}))
    assert done(walk.say(f"card_activation.{state}", True))


def test_a_state_of_a_newer_centre_is_sent_to_the_window() -> None:
    walk = activation().until("card_activation.ask", ACTIVATION)
    walk.say("card_activation.ask", Reply({"rejection": "", "state": "half active"}))
    assert done(walk.say("refused.not_permitted", True))


def test_offline_nothing_is_activated() -> None:
    walk = activation().until("card_activation.ask", ACTIVATION)
    assert done(walk.say("card_activation.ask", Reply()).say("card_activation.offline", True))


@pytest.mark.parametrize("band", [Band.UNSURE, Band.MISMATCH, Band.CANNOT_TELL])
def test_without_proof_the_card_is_not_even_put_in(band: Band) -> None:
    walk = activation().until("comparison.compare", ACTIVATION)
    walk.say("comparison.compare", Compared(Comparison(band, 0.2, "test"), NOW))
    assert done(walk.say("card_activation.unproven", True))


@pytest.mark.parametrize(
    "card",
    [
        social_card(3),
        dataclasses.replace(OWN, holder=Holder("130299195703160020", "王", "2", "01", None)),
    ],
)
def test_a_strangers_card_gets_no_pin_and_no_activation(card: Any) -> None:
    walk = activation().until("card_activation.card", ACTIVATION)
    assert done(walk.say("card_activation.card", card).say("card_pin.other_card", True))


def test_a_pin_that_nobody_can_tell_is_looked_at_by_a_person() -> None:
    walk = activation().until("card_pin.change", ACTIVATION)
    walk.say("card_pin.change", PinUsed(PinSaid.UNKNOWN))
    assert walk.prompt.transaction.document["pin"] == "unknown"


# -- what became of it ----------------------------------------------------------------------------


def unanswered() -> Walk:
    walk = activation().until("filing.verdict", ACTIVATION).say("filing.verdict", QUEUED)
    assert walk.at == "card_activation.asked"
    return walk


def test_an_answer_that_did_not_come_is_asked_for_and_nothing_is_filed_again() -> None:
    walk = unanswered().say("card_activation.asked", ACTIVE)
    assert walk.prompt.slip.state == "state.accepted"
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("card_activation.accepted", "ok")
    filed = [prompt for prompt, _ in walk.visit._said if isinstance(prompt, Submit)]
    assert len(filed) == 1


@pytest.mark.parametrize(
    "reply",
    [Reply(), INACTIVE, Reply({"rejection": "mismatch", "state": ""}), Reply({"state": "lost"})],
)
def test_what_is_still_unknown_is_said_to_be_unknown(reply: Reply) -> None:
    walk = unanswered().say("card_activation.asked", reply)
    assert walk.prompt.slip.notes == ("card_activation.slip.bank",)
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("card_activation.queued", "waiting")


def test_who_did_it_before_is_told_that_the_card_works() -> None:
    walk = activation().until("filing.verdict", ACTIVATION)
    walk.say("filing.verdict", Verdict(Standpoint.DUPLICATE, "duplicate_application"))
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("card_activation.already", "ok")


@pytest.mark.parametrize("changed", [True, False])
def test_a_request_that_cannot_be_stored_says_what_was_done_to_the_card(changed: bool) -> None:
    walk = activation().until("card_pin.verify", ACTIVATION)
    walk.say("card_pin.verify", INITIAL if changed else RIGHT)
    if changed:
        walk.say("card_pin.new", True).say("card_pin.change", RIGHT)
    walk.visit.fault(DeviceFault(FaultCode.OUTBOX_UNAVAILABLE))
    if changed:
        assert walk.at == "card_activation.only_pin"
    else:
        assert walk.visit.outcome is not None
        assert walk.visit.outcome.fault is FaultCode.OUTBOX_UNAVAILABLE


def test_nothing_is_asked_between_the_new_pin_and_the_request() -> None:
    """Nobody can leave a card with a new PIN and no request behind it."""
    names = [name for name, _ in ACTIVATION]
    assert names.index("filing.submit") == names.index("card_pin.change") + 1
    walk = activation().until("card_pin.change", ACTIVATION)
    assert isinstance(walk.prompt, UsePin) and not walk.visit.cancel()


def test_leaving_and_faults_at_every_prompt_end_it_or_are_explained() -> None:
    ends_well(activation, ACTIVATION)
