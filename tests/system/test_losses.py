"""Loss reports and withdrawals at the centre in every order, in this process on SQLite.

Reports come late, withdrawals wait for a person, a temporary report is followed by a formal one:
however they are mixed, a card is blocked while one report holds, is never brought back by the end
of another, and a report from before a withdrawal does not block it again.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from sync.ids import uuid7
from tests.system import people
from tests.system.people import MATCH
from tests.system.test_businesses import loss_of

if TYPE_CHECKING:
    from tests.system.in_process import Centre


def test_a_formal_loss_outlives_the_temporary_one_before_it(centre: Centre) -> None:
    """When the temporary one lapsed, the card served again."""
    person = centre.holder()
    temporary, formal = centre.lost(person, 0), centre.lost(person, 5, "formal")
    assert (formal.verdict, centre.card(person)) == ("accepted", "2")
    centre.move(temporary, "lapsed")
    assert centre.card(person) == "2"


def test_a_formal_loss_that_waits_for_a_person_keeps_the_card_blocked(centre: Centre) -> None:
    person = centre.holder()
    temporary = centre.lost(person, 0)
    formal = centre.lost(person, 5, "formal", level="P1", reasons=("face_unsure",))
    assert formal.verdict == "to_review"
    centre.move(temporary, "lapsed")
    assert centre.card(person) == "B"
    centre.move(formal, "returned")
    assert centre.card(person) == "1"


def test_a_second_formal_loss_does_not_weaken_the_first(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0, "formal")
    again = centre.lost(person, 5, "formal", level="P1", reasons=("face_unsure",))
    assert centre.card(person) == "2"
    if again.verdict == "to_review":
        centre.move(again, "returned")
    assert centre.card(person) == "2"


@pytest.mark.parametrize("before", ["1", "A"])
@pytest.mark.parametrize("end", ["lapsed", "returned"])
def test_a_card_is_afterwards_what_it_was_before(centre: Centre, before: str, end: str) -> None:
    """A card that was never activated (未启用) was active after its loss had lapsed."""
    person = centre.holder(before)
    report = centre.lost(person, 0)
    assert centre.card(person) == "B"
    centre.move(report, end)
    assert centre.card(person) == before


def test_a_withdrawal_does_not_activate_a_card(centre: Centre) -> None:
    person = centre.holder("A")
    centre.lost(person, 0)
    assert centre.found(person, 5).verdict == "accepted"
    assert centre.card(person) == "A"


@pytest.mark.parametrize("void", ["3", "4"])
@pytest.mark.parametrize("end", ["lapsed", "withdrawn", "returned"])
def test_a_card_that_became_void_is_not_brought_back(centre: Centre, void: str, end: str) -> None:
    person = centre.holder()
    report = centre.lost(person, 0)
    centre.set_card(person, void)
    centre.move(report, end)
    assert centre.card(person) == void


def test_a_refused_report_that_is_taken_in_after_all_makes_no_card(centre: Centre) -> None:
    person = centre.holder("")
    report = centre.lost(person, 0)
    assert (report.verdict, report.reason) == ("rejected", "no_card")
    centre.move(report, "to_review")
    centre.move(report, "in_force")
    assert centre.card(person) == ""


def test_a_late_report_from_before_a_withdrawal_does_not_block_again(centre: Centre) -> None:
    """An offline report of nine o'clock arrived after the withdrawal of ten."""
    person = centre.holder()
    centre.lost(person, 0)
    assert centre.found(person, 60).verdict == "accepted"
    late = centre.lost(person, 30)
    assert (late.verdict, late.reason) == ("rejected", "withdrawn_since")
    assert (centre.card(person), centre.state(late)) == ("1", "refused")
    after = centre.lost(person, 90)
    assert (after.verdict, centre.card(person)) == ("accepted", "B")


def test_a_late_withdrawal_does_not_undo_a_newer_report(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0)
    again = centre.lost(person, 90, "formal")
    late = centre.found(person, 60)
    assert (late.verdict, late.reason) == ("rejected", "lost_again")
    assert (centre.card(person), centre.state(again)) == ("2", "in_force")


@pytest.mark.parametrize(("loss", "card"), [("temporary", "B"), ("formal", "2")])
def test_a_withdrawal_that_waited_does_not_undo_a_newer_report(
    centre: Centre, loss: str, card: str
) -> None:
    """Found at ten, lost again at eleven; at twelve somebody approved the withdrawal of ten."""
    person = centre.holder()
    first = centre.lost(person, 0)
    waiting = centre.found(person, 60, reasons=("liveness_not_seen",))
    assert waiting.verdict == "to_review"
    again = centre.lost(person, 120, loss)
    centre.move(waiting, "in_force")
    assert (centre.state(first), centre.state(again)) == ("withdrawn", "in_force")
    assert centre.card(person) == card


def test_a_report_made_meanwhile_that_a_person_must_look_at_blocks_until_they_did(
    centre: Centre,
) -> None:
    """It was said to be known already, so nobody had looked at it."""
    person = centre.holder()
    centre.lost(person, 0, "formal")
    waiting = centre.found(person, 60, reasons=("liveness_not_seen",))
    again = centre.lost(person, 120, "formal", reasons=("face_mismatch",))
    assert again.verdict == "duplicate"
    centre.move(waiting, "in_force")
    assert (centre.state(again), centre.card(person)) == ("to_review", "B")


def test_a_withdrawal_is_not_approved_once_a_new_card_was_asked_for(centre: Centre) -> None:
    from central.cases import Case
    from central.machine import NotPossible

    person = centre.holder()
    report = centre.lost(person, 0)
    waiting = centre.found(person, 60, reasons=("liveness_not_seen",))
    # As a replacement (补换) would stand there.
    case = Case.objects.get(pk=report.position)
    case.pk, case.id, case.kind, case.state = None, uuid7(), "card_replacement", "accepted"
    case.save(force_insert=True)
    with pytest.raises(NotPossible):
        centre.move(waiting, "in_force")
    case.delete()  # no list could show it
    assert (centre.card(person), centre.state(waiting)) == ("B", "to_review")


def test_the_same_withdrawal_twice_is_one(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0)
    assert centre.found(person, 5).verdict == "accepted"
    again = centre.found(person, 6)
    assert (again.verdict, again.reason) == ("rejected", "in_use")
    assert people.STRANGER.number != person.number


# -- what a terminal claims about who stands there ------------------------------------------------

NOTHING = [
    ("P1", None),
    ("P3", None),
    ("P3", {"band": "unsure"}),
    ("P3", {"band": "cannot_tell", "why": "declined"}),
    ("P2", MATCH),
]


@pytest.mark.parametrize(("level", "comparison"), NOTHING)
def test_a_level_without_what_makes_it_waits_for_a_person(
    centre: Centre, level: str, comparison: dict[str, str] | None
) -> None:
    """A terminal that said P1 and no reason, or P3 and no more, was believed: 已受理."""
    person = centre.holder()
    report = centre.lost(person, 0, "formal", level=level, comparison=comparison)
    assert (report.verdict, centre.card(person)) == ("to_review", "B")


def test_a_withdrawal_without_a_match_or_staff_waits_for_a_person(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0)
    assert centre.found(person, 5, comparison=None).verdict == "to_review"
    assert centre.card(person) == "B"


def test_staff_make_the_level_as_well(centre: Centre) -> None:
    person = centre.holder()
    staff = {"id": "007", "reason": "face"}
    report = centre.lost(person, 0, "formal", comparison=None, staff=staff)
    assert (report.verdict, centre.card(person)) == ("accepted", "2")


@pytest.mark.parametrize(("seen_s", "stale"), [(0, False), (300, False), (301, True), (-1, True)])
@pytest.mark.parametrize("staff", [None, {"id": "007", "reason": "face"}])
def test_a_proof_that_was_seen_long_before_the_commit_waits_for_a_person(
    centre: Centre, seen_s: int, stale: bool, staff: dict[str, str] | None
) -> None:
    """Nobody is sent away for reading slowly; the citizen's signature counts where there is one."""
    from central.cases import Case

    how: Any = {"seen_s": seen_s} | ({"staff": staff, "comparison": None} if staff else {})
    lost = centre.lost(centre.holder(), 0, "formal", **how)
    assert lost.verdict == ("to_review" if stale else "accepted")
    applied = centre.applied(centre.holder(""), 90, **how)
    for answer in (lost, applied):
        review = Case.objects.get(pk=answer.position).review
        assert ("proof_stale" in review) is stale


def test_how_long_a_proof_is_good_for_stands_in_the_pack(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import business
    from kiosk.policy import load_policy

    wider = load_policy()
    named: list[str] = []
    monkeypatch.setattr(wider, "proof", dataclasses.replace(wider.proof, fresh_minutes=10))
    monkeypatch.setattr(business, "went_by", lambda version: (named.append(version), wider)[1])
    assert centre.lost(centre.holder(), 0, "formal", seen_s=599).verdict == "accepted"
    assert centre.lost(centre.holder(), 0, "formal", seen_s=601).verdict == "to_review"
    assert named == ["2026-11"] * 2, "the one that the terminal names"


def test_a_withdrawal_with_an_old_proof_is_refused(centre: Centre) -> None:
    person = centre.holder()
    centre.lost(person, 0)
    refused = centre.found(person, 5, seen_s=301)
    assert (refused.verdict, refused.reason) == ("rejected", "unproven")


def test_a_temporary_loss_rests_on_the_id_card_alone(centre: Centre) -> None:
    person = centre.holder()
    report = centre.lost(person, 0, level="P1", comparison=None)
    assert (report.verdict, centre.card(person)) == ("accepted", "B")


# -- 亲友代办 --------------------------------------------------------------------------------------


def by_friend(centre: Centre, person: Any, page: bytes = b"", **other: Any) -> Any:
    from sync.canonical import sha256_hex

    document = loss_of(person, "formal") | {
        "proxy_name": people.GUARDIAN.name,
        "proxy_id_number": people.GUARDIAN.number,
        "authority": "paper" if page else "stated",
        "page_1_sha256": sha256_hex(page) if page else "",
    }
    pictures = {"page_1": page} if page else {}
    said = {"level": "P1", "reasons": ("proxy",), "pictures": pictures} | other
    return centre.file("loss_report", document | said.pop("document", {}), 0, **said)


@pytest.mark.parametrize("page", [b"", people.jpeg()])
def test_what_a_friend_reports_blocks_for_now_and_a_person_makes_it_last(
    centre: Centre, page: bytes
) -> None:
    from central.business import business_of
    from central.cases import Case
    from kiosk.policy import load_policy

    person = centre.holder()
    answer = by_friend(centre, person, page)
    assert (answer.verdict, centre.card(person)) == ("to_review", "B")
    case = Case.objects.get(pk=answer.position)
    rows = dict(business_of(case.kind).rows(case.contents["document"], load_policy()))
    assert rows["代办人"] == people.GUARDIAN.name
    centre.move(answer, "in_force")
    assert centre.card(person) == "2"


def test_a_terminal_that_calls_a_friend_the_holder_is_not_believed(centre: Centre) -> None:
    answer = by_friend(centre, centre.holder(), level="P3", reasons=())
    assert answer.verdict == "to_review"


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ({"authority": ""}, "proxy"),
        ({"proxy_name": ""}, "proxy"),
        ({"loss": "temporary"}, "proxy_loss"),
        ({"proxy_id_number": "self"}, "proxy_self"),
    ],
)
def test_a_report_that_contradicts_itself_about_who_acts_is_unusable(
    centre: Centre, other: dict[str, str], word: str
) -> None:
    person = centre.holder()
    if other.get("proxy_id_number"):
        other = {"proxy_id_number": person.number}
    answer = by_friend(centre, person, document=other)
    assert (answer.verdict, word in answer.reason) == ("unusable", True)
    assert centre.card(person) == "1"
