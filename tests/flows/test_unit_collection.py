"""单位采集: the people of a unit, by sending answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kiosk.records.submission import Reply
from kiosk.records.transaction import Transaction
from kiosk.services.unit_collection import CollectForUnit
from kiosk.visit.flow import Ending
from kiosk.visit.prompts import Agreement
from tests.flows.counter import (
    ACCEPTED,
    AGREED,
    CAPTURE,
    CHILD,
    CONTEXT,
    HAS_CARD,
    NOW,
    OFFLINE,
    PAGE,
    PHONE,
    SIGNATURE,
    SUBMITTED,
    ZHANG,
    Walk,
    fits,
    listed,
    number,
)

ROW = listed()
BEFORE: tuple[tuple[str, Any], ...] = (
    ("apply.notice", AGREED),
    ("identity.id_card", ZHANG),
    ("eligibility.ask", ROW),
)
AFTER: tuple[tuple[str, Any], ...] = (
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
    ("unit_collection.accepted", True),
)
STEPS = (*BEFORE, ("unit_collection.row", "right"), *AFTER)
ASKED = (
    ("telephone.number", {**PHONE, "insurance_no": "0099"}),
    ("telephone.read_back", "right"),
    ("address.same", "same"),
)


def walk(*steps: tuple[str, Any], **context: Any) -> Walk:
    visit = Walk(CollectForUnit, dataclasses.replace(CONTEXT, **context))
    for step in steps:
        visit.say(*step)
    return visit


def filed(visit: Walk) -> Transaction:
    transaction = visit.until("filing.submit", AFTER).prompt.transaction
    fits(transaction)
    return transaction  # type: ignore[no-any-return]


def test_who_is_on_the_list_is_done_in_one_sitting() -> None:
    visit = walk(*STEPS)
    outcome = visit.visit.outcome
    assert outcome is not None and outcome.ending is Ending.DONE and outcome.committed


def test_what_the_list_knows_is_in_the_form_and_was_not_asked_for() -> None:
    document = filed(walk(*BEFORE, ("unit_collection.row", "right"))).document
    assert document["unit"] == "示例公司" and document["serial"] == "007"
    assert document["insurance_no"] == "1302000007"
    assert document["phone"] == "13911112222"
    assert document["address"]["text"] == "唐山市路北区果园乡二村8排058号"  # type: ignore[index,call-overload]
    assert (document["user_source"], document["user_type"]) == ("医保职工", "正常缴费用户")
    assert document["person_kind"] == "employee"


def test_the_list_is_shown_before_it_is_taken_over() -> None:
    facts = walk(*BEFORE).prompt.facts
    assert facts["number"] == "139 1111 2222" and facts["address"].endswith("058号")


def test_what_is_wrong_in_the_list_is_entered_anew() -> None:
    visit = walk(*BEFORE, ("unit_collection.row", "wrong"), *ASKED)
    document = filed(visit).document
    assert document["phone"] == PHONE["phone"]
    assert document["insurance_no"] == "1302000007", "the list's, which is the unit's to mend"


@pytest.mark.parametrize("row", [{"phone": ""}, {"address": "河北省张家口市桥西区某路1号"}])
def test_a_row_that_lacks_something_is_not_asked_about(row: dict[str, str]) -> None:
    visit = walk(*BEFORE[:2], ("eligibility.ask", listed(**row)))
    assert visit.at == "telephone.number"


def test_who_is_on_no_list_is_told_so_and_where_to_go() -> None:
    visit = walk(*BEFORE[:2], ("eligibility.ask", Reply({"unit": "", "rejection": None})))
    visit.say("unit_collection.not_listed", True)
    assert visit.visit.outcome is not None and not visit.visit.outcome.committed


@pytest.mark.parametrize(
    ("reply", "at"),
    [
        (HAS_CARD, "existing_card.has_one"),
        (listed(rejection="person_unknown"), "refused.person_unknown"),
    ],
)
def test_who_may_not_is_sent_on(reply: Reply, at: str) -> None:
    assert walk(*BEFORE[:2], ("eligibility.ask", reply)).at == at


def test_while_the_centre_is_away_everything_is_asked_and_the_centre_looks_it_up() -> None:
    visit = walk(*BEFORE[:2], ("eligibility.ask", OFFLINE), ("eligibility.have_card", "no"), *ASKED)
    document = filed(visit).document
    assert document["unit"] == "" and document["insurance_no"] == "0099"


def test_without_an_id_card_the_household_register_serves_and_the_list_tells_nothing() -> None:
    visit = walk(BEFORE[0], ("identity.id_card", None))
    who = {"name": "张建国", "id_number": number()}
    visit.say("papers.who", who).say("papers.age", "right").say("papers.ethnic", "01")
    visit.say("papers.household_first", PAGE).say("papers.household_own", PAGE)
    visit.say("eligibility.have_card", "no")
    assert visit.at == "telephone.number"


def test_telephone_and_electronic_card_can_be_changed_from_the_review() -> None:
    visit = walk(("apply.notice", Agreement(NOW, exception=True)), *BEFORE[1:])
    visit.say("unit_collection.row", "right").until("review", AFTER)
    revisable = {row.revise for row in visit.prompt.rows}
    assert "unit_collection.row" in revisable and "telephone" not in revisable
    visit.visit.revise("unit_collection.row")
    visit.say("unit_collection.row", "wrong")
    for step in ASKED:
        visit.say(*step)
    assert visit.at == "review"
    assert filed(visit).document["electronic"] is False


def test_the_receipt_names_the_unit_and_masks_the_person() -> None:
    visit = walk(*BEFORE, ("unit_collection.row", "right")).until("filing.print", AFTER)
    rows = dict(visit.prompt.slip.rows)
    assert rows["form.unit"] == "示例公司"
    assert ZHANG.name not in str(rows) and "13911112222" not in str(rows)


def test_a_child_comes_with_its_guardian_also_where_no_list_can_be_looked_at() -> None:
    visit = walk(("apply.notice", AGREED), ("identity.id_card", CHILD))
    assert visit.at == "apply.under_age"
