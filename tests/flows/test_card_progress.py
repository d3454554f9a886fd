"""制卡进度: what the centre has, what only this terminal has, and receipts again."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.records.submission import Mine, Reply, Standpoint
from kiosk.services import businesses
from kiosk.services.card_progress import STAGES, CardProgress
from kiosk.visit.flow import Ending, Unacceptable
from kiosk.visit.prompts import Listing
from kiosk.words import Words
from tests.flows.counter import CONTEXT, NOW, ZHANG, Walk

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


def listing(reply: Reply, *mine: Mine, printer: bool = True) -> Walk:
    walk = Walk(CardProgress, dataclasses.replace(CONTEXT, printer=printer))
    walk.say("identity.id_card", ZHANG)
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
    ("kind", "state"), [(kind, state) for kind, own in businesses().items() for state in own]
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
