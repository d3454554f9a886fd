"""制卡进度: what the centre has, what only this terminal has, and receipts again."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.records.submission import Mine, Reply, Standpoint, Verdict
from kiosk.services import businesses
from kiosk.services.card_progress import CardProgress
from kiosk.services.case_withdrawal import WithdrawCase
from kiosk.services.problem_report import ReportProblem
from kiosk.steps.matters import COPIES, STAGES
from kiosk.visit.flow import Ending, Unacceptable
from kiosk.visit.prompts import Listing
from kiosk.words import Words
from tests.flows.counter import (
    ACCEPTED,
    AGREED,
    CONTEXT,
    NOW,
    QUEUED,
    SUBMITTED,
    ZHANG,
    Walk,
    fits,
)

CASE = {
    "receipt_no": "13029926112400015",
    "kind": "first_application",
    "stage": "delivered",
    "filed": "2026-11-20",
    "since": "2026-11-23",
    "outlet": "icbc-lubei",
    "overdue": False,
}
WAITING = Mine("13029926112400023", "loss_report", Standpoint.QUEUED, NOW - timedelta(hours=1))


def listing(reply: Reply, *mine: Mine, printer: bool = True, **context: Any) -> Walk:
    walk = Walk(CardProgress, dataclasses.replace(CONTEXT, printer=printer, **context))
    walk.say("progress.by", "id_card").say("identity.id_card", ZHANG)
    assert walk.prompt.person == ZHANG.number
    walk.say("progress.mine", mine).say("progress.ask", reply)
    assert isinstance(walk.prompt, Listing)
    return walk


def cases(*found: dict[str, Any]) -> Reply:
    return Reply({"cases": list(found)})


def test_the_centres_cases_and_what_only_this_terminal_has() -> None:
    walk = listing(cases(CASE), WAITING)
    first, second = walk.prompt.entries
    assert (first.title, first.state) == ("service.first_application.name", "ok")
    assert first.word == "progress.stage.delivered.word"
    assert ("progress.row.outlet", CONTEXT.policy.outlet("icbc-lubei").name) in first.rows
    assert (second.number, second.state) == (WAITING.receipt_no, "waiting")
    assert second.word == "state.queued.word"
    assert walk.prompt.lines == ()
    walk.say("progress.listing", True)
    assert walk.visit.outcome is not None and walk.visit.outcome.ending is Ending.DONE


def test_what_the_centre_has_is_not_shown_twice() -> None:
    same = dataclasses.replace(WAITING, receipt_no=str(CASE["receipt_no"]))
    assert len(listing(cases(CASE), same).prompt.entries) == 1


def test_offline_it_says_that_it_shows_this_terminals_only() -> None:
    walk = listing(Reply(), WAITING)
    assert [entry.number for entry in walk.prompt.entries] == [WAITING.receipt_no]
    assert walk.prompt.lines == ("progress.offline",)
    walk.say("progress.listing", "0").say("progress.print", None)
    assert walk.prompt.lines == ("progress.offline", "progress.printed"), "it still is"


def test_from_when_another_bank_may_make_the_next_card_is_a_date() -> None:
    made = CASE | {"stage": "collected", "bank_from": "2027-05-24"}
    (entry,) = listing(cases(made)).prompt.entries
    assert ("progress.row.bank_from", "2027-05-24") in entry.rows
    (entry,) = listing(cases(CASE | {"bank_from": ""})).prompt.entries
    assert "progress.row.bank_from" not in dict(entry.rows)


def test_nothing_under_way_is_an_empty_listing() -> None:
    assert listing(cases()).prompt.entries == ()


def test_what_takes_too_long_is_marked_and_says_what_to_do() -> None:
    (entry,) = listing(cases({**CASE, "overdue": True})).prompt.entries
    assert (entry.state, entry.advice) == ("trouble", "progress.overdue")


def test_a_stage_of_a_newer_centre_is_not_made_up() -> None:
    (entry,) = listing(cases({**CASE, "stage": "teleported"})).prompt.entries
    assert entry.word == "progress.stage.other.word"


def test_a_business_of_a_newer_centre_is_not_shown_by_its_id() -> None:
    """「service.replacement.name」 stood on the page and on the paper."""
    walk = listing(cases({**CASE, "kind": "replacement"}))
    (entry,) = walk.prompt.entries
    assert entry.title == "progress.other_business"
    slip = walk.say("progress.listing", "0").prompt.slip
    assert ("progress.slip.matter", "progress.other_business") in slip.rows


@pytest.mark.parametrize(
    ("kind", "stage", "said"),
    [
        ("loss_report", "in_force", "卡已停用"),
        ("loss_report", "to_review", "卡已先停用"),
        ("loss_report", "lapsed", "卡又能用了"),
        ("loss_report", "withdrawn", "卡又能用了"),
        ("loss_report", "returned", "不再停用"),
        ("loss_withdrawal", "in_force", "卡又能用了"),
        ("loss_withdrawal", "to_review", "卡还是停用的"),
        ("loss_withdrawal", "returned", "没有恢复使用"),
    ],
)
def test_who_reported_a_card_reads_whether_it_works(kind: str, stage: str, said: str) -> None:
    """「已生效」 was said of the card that is blocked and of the card that works again."""
    walk = listing(cases({**CASE, "kind": kind, "stage": stage}))
    (entry,) = walk.prompt.entries
    words = Words()
    assert said in words.say(entry.word) + words.say(entry.advice)
    slip = walk.say("progress.listing", "0").prompt.slip
    assert said in words.say(f"{slip.state}.word") + words.say(f"{slip.state}.meaning")


def test_a_report_that_waits_for_a_person_says_so_before_the_centre_can_be_asked() -> None:
    """The card is blocked meanwhile, as the centre said when it was filed."""
    waiting = dataclasses.replace(WAITING, standpoint=Standpoint.TO_REVIEW)
    (entry,) = listing(Reply(), waiting).prompt.entries
    assert "卡已先停用" in Words().say(entry.word)


def test_what_was_known_when_the_centre_last_answered_is_not_said_as_if_it_were_so() -> None:
    """✗ Offline 待核实 stood there, on paper too, though a person had decided long ago."""
    reviewed = dataclasses.replace(WAITING, standpoint=Standpoint.TO_REVIEW)
    walk = listing(Reply(), reviewed)
    assert "可能变了" in "".join(map(Words().say, walk.prompt.lines))
    assert "progress.offline" in walk.say("progress.listing", "0").prompt.slip.notes
    asked = listing(cases(), reviewed)
    assert asked.prompt.lines == ()
    assert "progress.offline" not in asked.say("progress.listing", "0").prompt.slip.notes


def test_a_state_of_its_own_is_that_of_no_other_business() -> None:
    (entry,) = listing(cases({**CASE, "stage": "to_review"})).prompt.entries
    assert entry.word == "progress.stage.to_review.word"


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_its_words(stage: str) -> None:
    for language in ("zh_CN", "en"):
        words = Words(language)
        for part in ("word", "meaning", "advice"):
            assert words.has(f"progress.stage.{stage}.{part}")


@pytest.mark.parametrize(
    ("kind", "state"),
    [(kind, state) for kind, one in businesses().items() for state in one.own_states],
)
def test_every_state_of_a_business_of_its_own_has_its_words(kind: str, state: str) -> None:
    for language in ("zh_CN", "en"):
        words = Words(language)
        for part in ("word", "meaning", "advice"):
            assert words.has(f"{kind}.state.{state}.{part}")


def test_an_entry_is_printed_masked_and_as_a_copy() -> None:
    walk = listing(cases(CASE), WAITING).say("progress.listing", "0")
    slip = walk.prompt.slip
    assert (slip.state, slip.number) == ("progress.stage.delivered", CASE["receipt_no"])
    assert "progress.slip.copy" in slip.notes
    printed = " ".join(value for _, value in slip.rows)
    assert ZHANG.name not in printed and ZHANG.number not in printed
    walk.say("progress.print", None)
    assert walk.prompt.lines == ("progress.printed",)
    action = walk.say("progress.listing", "1").prompt.action
    assert action.endswith("-1-1")
    walk.say("progress.print", None).say("progress.listing", "1")
    assert walk.prompt.action.endswith("-1-2"), "another copy is another print"


def test_after_back_another_entry_is_another_print() -> None:
    """It had the action of the first, so the printer left it out, and it was called printed."""
    walk = Walk(CardProgress, CONTEXT)
    walk.say("progress.by", "id_card")
    walk.say("identity.id_card", dataclasses.replace(ZHANG, kind="J"))
    walk.say("identity.other_kind", "again").say("identity.id_card", ZHANG)
    # Of a cloned terminal: two matters have one number.
    same = {**CASE, "stage": "finished"}
    walk.say("progress.mine", ()).say("progress.ask", cases(CASE, same))
    first = walk.say("progress.listing", "0").prompt.action
    walk.say("progress.print", None).visit.back()
    walk.say("identity.other_kind", "again").say("progress.listing", "1")
    assert walk.at == "progress.print" and walk.prompt.action != first


def test_paper_out_is_said_on_the_listing() -> None:
    walk = listing(cases(CASE)).say("progress.listing", "0")
    walk.visit.fault(DeviceFault(FaultCode.PRINTER_PAPER_OUT))
    assert walk.prompt.lines == ("fault.printer_paper_out.citizen",)


@pytest.mark.parametrize("answer", ["1", "x", "-1", False])
def test_only_what_is_there_can_be_printed(answer: Any) -> None:
    with pytest.raises(Unacceptable):
        listing(cases(CASE)).visit.answer(answer)


def test_without_a_printer_nothing_can_be_printed() -> None:
    with pytest.raises(Unacceptable):
        listing(cases(CASE), printer=False).visit.answer("0")


# -- the whole way of a card, buttons, copies ----------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "step"),
    [
        ("accepted", "review"),
        ("to_review", "review"),
        ("in_production", "make"),
        ("in_delivery", "deliver"),
        ("delivered", "collect"),
        ("collected", "activate"),
    ],
)
def test_a_card_shows_all_its_steps_and_which_one_it_is_at(stage: str, step: str) -> None:
    (entry,) = listing(cases({**CASE, "stage": stage})).prompt.entries
    steps = ("file", "review", "make", "deliver", "collect", "activate")
    assert entry.way == tuple(f"progress.way.{one}" for one in steps)
    assert entry.way[entry.at_step] == f"progress.way.{step}"


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        ("first_application", "returned"),
        ("first_application", "finished"),
        ("loss_report", "accepted"),
    ],
)
def test_what_makes_no_card_or_is_over_shows_no_way(kind: str, stage: str) -> None:
    (entry,) = listing(cases({**CASE, "kind": kind, "stage": stage})).prompt.entries
    assert entry.way == ()


def test_what_waits_here_is_at_the_first_step() -> None:
    here = dataclasses.replace(WAITING, kind="first_application")
    (entry,) = listing(Reply(), here).prompt.entries
    assert entry.way[entry.at_step] == "progress.way.file"


def test_what_takes_too_long_is_reported_from_its_entry() -> None:
    walk = listing(cases({**CASE, "overdue": True, "may": ["problem_report", "teleport"]}))
    (entry,) = walk.prompt.entries
    assert entry.acts == ("problem_report",), "what this release has no procedure for has no button"
    walk.say("progress.listing", "0:problem_report").say("problem_report.late", AGREED)
    assert walk.prompt.transaction.kind == "problem_report"
    assert walk.prompt.transaction.document == {
        "name": ZHANG.name,
        "id_number": ZHANG.number,
        "about": "late",
        "receipt_no": CASE["receipt_no"],
    }
    fits(walk.prompt.transaction)
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", ACCEPTED).say("filing.print", None)
    walk.say("problem_report.accepted", True)
    assert walk.visit.outcome is not None and walk.visit.outcome.ending is Ending.DONE


def test_what_cannot_be_begun_now_has_no_button() -> None:
    """✗ With a full outbox, or closed by the centre, it was gone through to its end in vain."""
    may = cases({**CASE, "may": ["problem_report", "case_withdrawal"]})
    (entry,) = listing(may, closed=frozenset({"case_withdrawal"})).prompt.entries
    assert entry.acts == ("problem_report",)


def test_a_matter_is_withdrawn_from_its_entry() -> None:
    walk = listing(cases({**CASE, "stage": "accepted", "may": ["case_withdrawal"]}))
    walk.say("progress.listing", "0:case_withdrawal").say("case_withdrawal.confirm", AGREED)
    assert walk.prompt.transaction.document["receipt_no"] == CASE["receipt_no"]


@pytest.mark.parametrize("answer", ["0:case_withdrawal", "0:loss_report", "1:problem_report"])
def test_only_what_the_centre_lets_be_taken_up_can_be(answer: str) -> None:
    with pytest.raises(Unacceptable):
        listing(cases({**CASE, "may": ["problem_report"]})).visit.answer(answer)


def test_a_receipt_is_printed_again_twice_and_no_more() -> None:
    walk = listing(cases(CASE))
    for _ in range(COPIES):
        walk.say("progress.listing", "0").say("progress.print", None)
    with pytest.raises(Unacceptable):
        walk.visit.answer("0")
    assert walk.prompt.entries[0].number == CASE["receipt_no"], "the number is still shown"


def test_copies_of_other_visits_count_and_are_counted() -> None:
    item = dataclasses.replace(WAITING, id="the-item", copies=COPIES - 1)
    walk = listing(cases(), item).say("progress.listing", "0")
    assert walk.prompt.again == "the-item"
    walk.say("progress.print", None)
    with pytest.raises(Unacceptable):
        walk.visit.answer("0")


@pytest.mark.parametrize(("filed", "printed"), [("2026-11-17", True), ("2026-11-16", False)])
def test_a_receipt_is_printed_again_for_seven_days(filed: str, printed: bool) -> None:
    prompt = listing(cases({**CASE, "filed": filed})).prompt
    assert (prompt.answers() == ("0",)) is printed


# -- without the ID card -------------------------------------------------------------------------

GIVEN = {"receipt_no": "13029926112400015", "last_four": "0012"}


def by_receipt(reply: Reply) -> Walk:
    walk = Walk(CardProgress, CONTEXT).say("progress.by", "receipt").say("progress.receipt", GIVEN)
    assert dict(walk.prompt.question.fields) == GIVEN
    return walk.say("progress.ask", reply)


def test_with_the_receipt_number_one_matter_is_shown_and_nothing_can_be_done_with_it() -> None:
    walk = by_receipt(cases(CASE))
    (entry,) = walk.prompt.entries
    assert entry.word == "progress.stage.delivered.word"
    assert walk.prompt.answers() == ()
    walk.say("progress.of_receipt", True)


def test_offline_a_receipt_number_alone_shows_nothing() -> None:
    """Numbers can be guessed, and only the centre knows how the person's ID number ends."""
    assert by_receipt(Reply()).at == "progress.receipt_offline"


@pytest.mark.parametrize(
    ("field", "text", "rule"),
    [
        ("receipt_no", "1302992611240001", "receipt_no.length"),
        ("receipt_no", "13029926112400016", "receipt_no.check"),
        ("last_four", "X012", "last_four.shape"),
        ("last_four", "012", "last_four.shape"),
    ],
)
def test_what_is_mistyped_is_named_at_its_field(field: str, text: str, rule: str) -> None:
    walk = Walk(CardProgress, CONTEXT).say("progress.by", "receipt")
    with pytest.raises(Unacceptable) as refused:
        walk.visit.answer({**GIVEN, field: text})
    assert (refused.value.message, refused.value.field) == (f"rule.{rule}", field)


def test_a_number_is_taken_with_its_gaps_and_a_small_x() -> None:
    walk = Walk(CardProgress, CONTEXT).say("progress.by", "receipt")
    walk.say("progress.receipt", {"receipt_no": "130299 261124 00015", "last_four": "001x"})
    assert walk.prompt.question.fields == {**GIVEN, "last_four": "001X"}


# -- 撤回 and 问题反映 from the home page ---------------------------------------------------------


def withdrawal(reply: Reply) -> Walk:
    walk = Walk(WithdrawCase, CONTEXT).say("identity.id_card", ZHANG)
    return walk.say("case_withdrawal.ask", reply)


def test_what_nobody_has_decided_is_withdrawn() -> None:
    found = {"receipt_no": CASE["receipt_no"], "kind": "first_application", "filed": "2026-11-20"}
    walk = withdrawal(cases(found)).say("case_withdrawal.which", CASE["receipt_no"])
    fits(walk.say("case_withdrawal.confirm", AGREED).prompt.transaction)
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", ACCEPTED)
    assert ("case_withdrawal.slip.number", CASE["receipt_no"]) in walk.prompt.slip.rows
    walk.say("filing.print", None).say("case_withdrawal.accepted", True)


def test_before_it_is_confirmed_nothing_is_withdrawn() -> None:
    found = {"receipt_no": CASE["receipt_no"], "kind": "first_application", "filed": "2026-11-20"}
    walk = withdrawal(cases(found)).say("case_withdrawal.which", CASE["receipt_no"])
    walk.visit.back()
    assert walk.at == "case_withdrawal.which"


@pytest.mark.parametrize(("reply", "page"), [(Reply(), "offline"), (Reply({"cases": []}), "none")])
def test_who_can_withdraw_nothing_is_told_so(reply: Reply, page: str) -> None:
    assert withdrawal(reply).at == f"case_withdrawal.{page}"


def test_what_was_decided_meanwhile_is_not_called_withdrawn() -> None:
    found = {"receipt_no": CASE["receipt_no"], "kind": "first_application", "filed": "2026-11-20"}
    walk = withdrawal(cases(found)).say("case_withdrawal.which", CASE["receipt_no"])
    walk.say("case_withdrawal.confirm", AGREED).say("filing.submit", SUBMITTED)
    walk.say("filing.verdict", Verdict(Standpoint.REJECTED, "not_permitted"))
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("case_withdrawal.not_accepted", "trouble")


def test_wrong_data_are_reported_in_a_few_touches_also_offline() -> None:
    walk = Walk(ReportProblem, CONTEXT).say("problem_report.notice", AGREED)
    walk.say("identity.id_card", ZHANG).say("problem_report.about", "insured")
    fits(walk.prompt.transaction)
    assert walk.prompt.transaction.document["about"] == "insured"
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", QUEUED)
    walk.say("filing.print", None).say("problem_report.queued", True)


def test_the_same_reported_twice_is_not_called_trouble() -> None:
    walk = Walk(ReportProblem, CONTEXT).say("problem_report.notice", AGREED)
    walk.say("identity.id_card", ZHANG).say("problem_report.about", "name")
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", Verdict(Standpoint.DUPLICATE))
    assert walk.prompt.slip.state == "state.already"
    walk.say("filing.print", None).say("problem_report.already", True)
