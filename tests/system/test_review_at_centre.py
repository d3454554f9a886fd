"""待核实 at the centre: what a person must have seen before they decide, and who comes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.people import CHILDREN, png
from tests.system.test_applications import by_paper, for_child

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre

NEEDS_A_LOOK = ("face_not_compared",)


@pytest.fixture
def operator(centre: Centre) -> Iterator[Client]:
    from django.contrib.auth.models import User
    from django.test import Client

    user = User.objects.create_superuser("王")
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    yield client
    user.delete()


def decide(operator: Client, answer: ItemAnswer, to: str) -> str:
    """What the operator reads after the click."""
    form = {"to": to, "note": "与本人一致"}
    address = f"/admin/cases/{answer.position}/move"
    return operator.post(address, form, follow=True).content.decode()


def look_at(operator: Client, answer: ItemAnswer) -> str:
    return operator.get(f"/admin/cases/{answer.position}/").content.decode()


def test_a_reason_that_comes_later_must_have_been_seen_as_well(
    centre: Centre, operator: Client
) -> None:
    """The page was opened before the photo was measured: it did not say that a rule is broken."""
    from central import machine
    from central.cases import Case

    applied = centre.applied(centre.holder(""), 0, level="P1", reasons=NEEDS_A_LOOK)
    look_at(operator, applied)
    before = Case.objects.get(pk=applied.position).since
    machine.put_to_review(applied.position, ["photo_broken"])
    assert "请先打开办件" in decide(operator, applied, "approved")
    case = Case.objects.get(pk=applied.position)
    assert (case.state, case.since) == ("to_review", before)
    event = case.events.filter(what="noted").get()
    assert (event.by, event.note, event.to_state) == ("centre", "photo_broken", "")
    # The answer was the page, with the new reason.
    assert "已处理" in decide(operator, applied, "approved")
    assert centre.state(applied) == "approved"


def test_a_reason_that_is_known_already_asks_for_no_other_look(
    centre: Centre, operator: Client
) -> None:
    from central import machine

    applied = centre.applied(centre.holder(""), 0, level="P1", reasons=NEEDS_A_LOOK)
    look_at(operator, applied)
    machine.put_to_review(applied.position, NEEDS_A_LOOK)
    assert "已处理" in decide(operator, applied, "approved")


# -- taken in after all ---------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["temporary", "formal"])
def test_a_refused_loss_is_taken_in_only_by_way_of_a_person_who_looks(
    centre: Centre, operator: Client, loss: str
) -> None:
    person = centre.holder("")
    refused = centre.lost(person, 0, loss)
    assert refused.verdict == "rejected"
    look_at(operator, refused)
    assert "现在不能这样处理" in decide(operator, refused, "in_force")
    centre.set_card(person, "1")
    assert "已处理" in decide(operator, refused, "to_review")
    assert centre.card(person) == "B"


@pytest.mark.parametrize("verdict", ["rejected", "duplicate"])
def test_what_was_not_taken_in_comes_to_a_person_first(
    centre: Centre, operator: Client, verdict: str
) -> None:
    person = centre.holder("1" if verdict == "rejected" else "")
    first = centre.applied(person, 0)
    answer = first if verdict == "rejected" else centre.applied(person, 5)
    assert answer.verdict == verdict
    if verdict == "duplicate":
        centre.move(first, "returned")
    decide(operator, answer, "accepted")
    assert centre.state(answer) == ("refused" if verdict == "rejected" else verdict)
    assert "已处理" in decide(operator, answer, "to_review")
    assert centre.state(answer) == "to_review"


@pytest.mark.parametrize("verdict", ["rejected", "duplicate"])
def test_nobody_comes_to_have_two_open_cases_of_one_business(
    centre: Centre, operator: Client, verdict: str
) -> None:
    person = centre.holder("1" if verdict == "rejected" else "")
    answers = [centre.applied(person, 0)]
    centre.set_card(person, "")
    answers.append(centre.applied(person, 5))
    second, open_one = answers if verdict == "rejected" else reversed(answers)
    assert (second.verdict, open_one.verdict) == (verdict, "accepted")
    assert "另一件" in decide(operator, second, "to_review")
    assert centre.state(second) == ("refused" if verdict == "rejected" else verdict)
    centre.move(open_one, "withdrawn")
    assert "已处理" in decide(operator, second, "to_review")


def test_nobody_comes_to_have_two_open_applications_of_different_kinds(
    centre: Centre, operator: Client
) -> None:
    """A child's may be filed as either."""
    child = CHILDREN[5]
    centre.knows(child.number, "别名")
    document, pictures = by_paper(child)
    refused = centre.file(
        "first_application", document, 0, pictures={**pictures, "signature": png()}
    )
    assert refused.verdict == "rejected"
    centre.knows(child.number, child.name)
    document, pictures = for_child(child)
    open_one = centre.file(
        "minor_application", document, 5, pictures={**pictures, "signature": png()}
    )
    assert open_one.verdict == "to_review"
    assert "另一件" in decide(operator, refused, "to_review")
    assert centre.state(refused) == "refused"


def test_the_photo_check_brings_nothing_back_that_was_not_taken_in(centre: Centre) -> None:
    from central import machine
    from central.cases import Case

    person = centre.holder("")
    centre.applied(person, 0)
    again = centre.applied(person, 5)
    machine.put_to_review(again.position, ["photo_broken"])
    case = Case.objects.get(pk=again.position)
    assert (case.state, case.review) == ("duplicate", ["photo_broken"])


# -- what a person may decide at all, and twice ---------------------------------------------------


def confirm(operator: Client, answer: ItemAnswer, to: str) -> str:
    """What the operator reads after the second click."""
    form = {"to": to, "note": "与本人一致", "confirmed": "1"}
    address = f"/admin/cases/{answer.position}/move"
    return operator.post(address, form, follow=True).content.decode()


def test_nobody_lifts_a_loss_with_the_first_click(centre: Centre, operator: Client) -> None:
    """到期自动失效 stood first in the list, and was preselected: one click freed a lost card."""
    person = centre.holder()
    lost = centre.lost(person, 0)
    page = look_at(operator, lost)
    assert "到期自动失效" not in page
    assert "已解挂" not in page
    assert 'value="returned" required' in page
    assert "checked" not in page
    for to in ("lapsed", "withdrawn"):
        assert "现在不能这样处理" in confirm(operator, lost, to)
    address = f"/admin/cases/{lost.position}/move"
    for note in ("", "  "):
        form = {"to": "returned", "note": note, "confirmed": "1"}
        assert "必须填写理由" in operator.post(address, form, follow=True).content.decode()
    asked = decide(operator, lost, "returned")
    assert "卡片立即恢复使用" in asked
    assert "与本人一致" in asked
    assert (centre.state(lost), centre.card(person)) == ("in_force", "B")
    assert "已处理" in confirm(operator, lost, "returned")
    assert (centre.state(lost), centre.card(person)) == ("returned", "1")


def test_no_business_offers_what_comes_by_itself(centre: Centre) -> None:
    """Of every business: what only the clock or another case brings about is nobody's choice, and
    each grave state says what follows from it."""
    from central.business import businesses

    for business in businesses().values():
        machine = business.machine
        offered = {to for state in business.states for to in business.choices(state)}
        assert not offered & {"lapsed", "withdrawn"}, business.kind
        sends_back = {"returned", "needs_more", "in_force"} & offered
        assert sends_back <= business.grave.keys(), business.kind
        # What the clock brings about is among them.
        if business.lapsing:
            assert set(business.by_itself) & {to for one in machine.values() for to in one}
