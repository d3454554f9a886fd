"""Whose matter is under way already is told so, and sees how far it is with one touch (domain
§5.1)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kiosk.records.submission import Reply
from kiosk.services.card_activation import ActivateCard
from kiosk.services.card_replacement import ReplaceCard
from kiosk.services.first_application import ApplyFirst
from kiosk.services.loss_withdrawal import WithdrawLoss
from kiosk.services.unit_collection import CollectForUnit
from kiosk.visit.flow import Unacceptable
from kiosk.visit.service import Service
from kiosk.words import Words
from tests.flows.counter import AGREED, APPLICATION, CONTEXT, ZHANG, Walk, done
from tests.flows.ways import case

FILED = Reply({"rejection": "duplicate_application", "reason": "open_case", "phone": ""})
REFUSED = Reply({"rejection": "mismatch", "reason": "", "phone": ""})

#: Service -> what leads to the word of the centre that its matter is under way, and that word.
UNDER_WAY: dict[type[Service], tuple[tuple[tuple[str, Any], ...], str, Reply, str]] = {
    ApplyFirst: (APPLICATION[:3], "eligibility.ask", FILED, "refused.duplicate_application"),
    ReplaceCard: (
        (("card_replacement.notice", AGREED), ("identity.id_card", ZHANG)),
        "card_replacement.ask",
        FILED,
        "refused.duplicate_application",
    ),
    CollectForUnit: (
        (("apply.notice", AGREED), ("identity.id_card", ZHANG)),
        "eligibility.ask",
        FILED,
        "refused.duplicate_application",
    ),
    WithdrawLoss: (
        (("loss_withdrawal.notice", AGREED), ("identity.id_card", ZHANG)),
        "loss_withdrawal.ask",
        Reply({"rejection": "", "state": "replaced"}),
        "loss_withdrawal.replaced",
    ),
    ActivateCard: (
        (("card_activation.notice", AGREED), ("identity.id_card", ZHANG)),
        "card_activation.ask",
        Reply({"rejection": "", "state": "being_made"}),
        "card_activation.being_made",
    ),
}


def under_way(service: type[Service], **more: Any) -> Walk:
    """At the page that says that it is under way."""
    steps, question, reply, page = UNDER_WAY[service]
    visit = Walk(service, dataclasses.replace(CONTEXT, **more))
    for prompt, answer in (*steps, (question, reply)):
        visit.say(prompt, answer)
    assert visit.at == page
    return visit


@pytest.mark.parametrize("service", UNDER_WAY, ids=lambda service: service.id)
def test_who_has_it_under_way_sees_how_far_it_is_with_one_touch(service: type[Service]) -> None:
    """Domain §5.1; the ID card is not put down once more."""
    visit = under_way(service)
    assert visit.prompt.onward == "card_progress"
    for language, button in (("zh_CN", "现在就看办到哪一步"), ("en", "See how far it is now")):
        assert Words(language).say(f"service.{visit.prompt.onward}.button") == button
    visit.say(visit.at or "", "onward").say("progress.mine", ())
    question = visit.prompt.question
    assert (question.kind, question.fields["id_number"]) == ("card_progress.cases", ZHANG.number)
    filed = case("in_production") | {"may": ["problem_report"]}
    visit.say("progress.ask", Reply({"cases": [filed]}))
    assert (visit.at, visit.visit.stage) == ("progress.listing", "progress")
    assert visit.prompt.entries[0].acts == ("problem_report",), "and may do something about it"
    assert done(visit.say("progress.listing", True))
    assert visit.visit.outcome is not None and visit.visit.outcome.service == "card_progress"


def test_the_note_for_the_window_may_be_printed_first() -> None:
    visit = under_way(ApplyFirst)
    page = visit.at or ""
    visit.say(page, "print").say("advice.print", None).say(page, "onward")
    assert visit.at == "progress.mine"


def test_back_from_the_progress_leads_to_what_was_asked_before() -> None:
    visit = under_way(ApplyFirst)
    visit.say(visit.at or "", "onward").say("progress.mine", ())
    visit.visit.back()
    assert visit.at == "apply.who"
    assert visit.say("apply.who", "resident").at == "refused.duplicate_application"


def test_nobody_is_led_to_a_progress_that_is_closed_or_without_their_id_card() -> None:
    assert under_way(ApplyFirst, progress=None).prompt.onward == ""
    with pytest.raises(Unacceptable):
        under_way(ApplyFirst, progress=None).say("refused.duplicate_application", "onward")
    visit = Walk(ApplyFirst).until("eligibility.ask").say("eligibility.ask", REFUSED)
    assert visit.prompt.onward == "", "nothing is under way"
