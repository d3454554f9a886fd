"""信息变更: a telephone number online, an address also offline, name and number at the window."""

from __future__ import annotations

from typing import Any

from kiosk.records.proof import Level
from kiosk.records.submission import Reply, Standpoint, Verdict
from kiosk.services.info_change import ChangeInfo
from tests.flows.counter import (
    ACCEPTED,
    AGREED,
    COMPARING,
    NOW,
    PHONE,
    PROVEN,
    QUEUED,
    SUBMITTED,
    WITH_PORTRAIT,
    ZHANG,
    Walk,
    done,
    ends_well,
    fits,
)

KNOWN = Reply({"rejection": None, "phone": "138****1234", "address": "唐山市路北区****"})
STEPS: tuple[tuple[str, Any], ...] = (
    ("info_change.notice", AGREED),
    ("identity.id_card", WITH_PORTRAIT),
    ("info_change.ask", KNOWN),
    ("info_change.what", "phone"),
    ("telephone.number", PHONE),
    ("telephone.read_back", "right"),
    *PROVEN,
    ("filing.submit", SUBMITTED),
    ("filing.verdict", ACCEPTED),
    ("filing.print", None),
    ("info_change.accepted", True),
)


def change() -> Walk:
    return Walk(ChangeInfo, COMPARING)


def test_a_telephone_number_is_changed_by_who_is_proven_to_stand_there() -> None:
    walk = change().until("filing.submit", STEPS)
    sent = walk.prompt.transaction
    fits(sent)
    assert (sent.document["what"], sent.document["phone"]) == ("phone", PHONE["phone"])
    assert (sent.document["address"], sent.proof.level) == ("", Level.P3)
    for prompt, answer in STEPS[-4:]:
        walk.say(prompt, answer)
    assert done(walk)


def test_the_number_on_record_is_told_masked_and_the_new_one_is_masked_on_paper() -> None:
    walk = change().until("info_change.what", STEPS)
    assert [option.detail for option in walk.prompt.options][:2] == [
        "138****1234",
        "唐山市路北区****",
    ]
    walk.until("filing.print", STEPS)
    printed = " ".join(value for _, value in walk.prompt.slip.rows)
    assert "139****0000" in printed and PHONE["phone"] not in printed


def test_offline_no_number_is_changed_and_an_address_waits() -> None:
    walk = change().until("info_change.ask", STEPS).say("info_change.ask", Reply())
    assert walk.say("info_change.what", "phone").at == "info_change.offline"
    walk = change().until("info_change.ask", STEPS).say("info_change.ask", Reply())
    walk.say("info_change.what", "address").say("address.same", "same")
    walk.say("proof.wish", "own").say("comparison.consent", None)
    sent = walk.prompt.transaction
    fits(sent)
    assert sent.document["area_code"] == "130203" and sent.document["address"]
    assert sent.proof.reasons == ("face_declined",), "a person looks first"
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", QUEUED)
    assert ("form.address", "唐山市路北区") in walk.prompt.slip.rows, "the district, no more"
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("info_change.queued", "waiting")


def test_a_chip_without_a_portrait_leaves_it_to_a_person() -> None:
    walk = change().until("identity.id_card", STEPS).say("identity.id_card", ZHANG)
    walk.until("comparison.consent", STEPS).say("comparison.consent", NOW)
    assert walk.prompt.transaction.proof.reasons == ("face_not_compared",)


def test_a_name_is_changed_at_the_window() -> None:
    walk = change().until("info_change.what", STEPS).say("info_change.what", "name")
    assert done(walk.say("info_change.at_window", True))


def test_a_name_that_differs_is_sent_to_the_window() -> None:
    walk = change().until("info_change.ask", STEPS)
    walk.say("info_change.ask", Reply({"rejection": "mismatch"}))
    assert done(walk.say("refused.mismatch", True))


def test_what_was_changed_later_elsewhere_is_not_called_changed() -> None:
    walk = change().until("filing.verdict", STEPS)
    walk.say("filing.verdict", Verdict(Standpoint.REJECTED, "not_permitted"))
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("info_change.not_accepted", "trouble")


def test_leaving_and_faults_at_every_prompt_end_it_or_are_explained() -> None:
    ends_well(change, STEPS)
