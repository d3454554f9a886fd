"""卡号: the number of a new card comes from who made it, and belongs to that card only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre


class Maker:
    """Has made what it is told."""

    def __init__(self, number: str = "") -> None:
        self.said = number

    def number(self, order: str) -> str:
        return self.said


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    from central import card_numbers

    made = Maker()
    monkeypatch.setattr(card_numbers, "card_maker", lambda: made)
    return made


def fetched(answer: ItemAnswer) -> None:
    from central import card_numbers

    card_numbers.fetch(answer.position)


def brought(centre: Centre, answer: ItemAnswer, *states: str) -> None:
    for state in states:
        centre.move(answer, state)


def asked(answer: ItemAnswer) -> Any:
    from central.cases import Task

    return Task.objects.filter(case=answer.position, name="card_number")


def test_a_first_card_has_its_number_once_it_was_made(centre: Centre, maker: Maker) -> None:
    person = centre.holder("")
    centre.register(person, card_no="")
    answer = centre.applied(person, 0)
    brought(centre, answer, "approved")
    assert not asked(answer).exists()
    brought(centre, answer, "in_production")
    assert asked(answer).exists()
    fetched(answer)
    assert centre.row(person).card_no == "", "it is not made"
    maker.said = "X00000007"
    fetched(answer)
    assert centre.row(person).card_no == "X00000007"
    maker.said = "X00000008"
    fetched(answer)
    assert centre.row(person).card_no == "X00000007", "a card has one number"


def test_a_card_in_its_holders_hands_without_a_number_is_not_passed_over(
    centre: Centre, maker: Maker
) -> None:
    from central.card_numbers import NotMade

    person = centre.holder("")
    centre.register(person, card_no="")
    answer = centre.applied(person, 0)
    brought(centre, answer, "approved", "in_production", "delivered", "collected")
    with pytest.raises(NotMade):
        fetched(answer)


def test_a_replacement_keeps_the_old_number_until_the_new_card_is_handed_over(
    centre: Centre, maker: Maker
) -> None:
    person = centre.holder()
    answer = centre.replaced(person, 0)
    maker.said = "X00000009"
    brought(centre, answer, "approved", "in_production", "delivered")
    assert not asked(answer).exists() and centre.row(person).card_no == "T00000678"
    brought(centre, answer, "collected")
    fetched(answer)
    assert centre.row(person).card_no == "X00000009"


def test_a_card_that_is_not_made_after_all_gets_no_number(centre: Centre, maker: Maker) -> None:
    person = centre.holder("")
    centre.register(person, card_no="")
    answer = centre.applied(person, 0)
    brought(centre, answer, "approved", "in_production", "returned")
    maker.said = "X00000010"
    fetched(answer)
    assert centre.row(person).card_no == ""
