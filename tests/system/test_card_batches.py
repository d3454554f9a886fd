"""制卡批次: each approved case goes to the maker once, whatever dies in between (R-G4)."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre


class Cut(Exception):
    """The power goes."""


#: What a maker says -> where its case stands then.
WORDS = {
    "sent": "in_delivery",
    "at_outlet": "delivered",
    "incomplete": "needs_more",
    "refused": "returned",
}


def word(order: str, what: str, reason: str = "") -> Any:
    from central.ports.card_maker import Said

    return Said(order, what, reason)


class Maker:
    """Counts what it makes, says what it is told, and may lose the line before or after it has
    taken a batch."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.orders: dict[str, Any] = {}
        self.words: list[Any] = []
        self.cut = ""

    def hand_over(self, batch: str, orders: Sequence[Any]) -> None:
        if self.cut == "before":
            raise Cut
        self.made += [order.id for order in orders if order.id not in self.made]
        self.orders |= {order.id: order for order in orders}
        if self.cut == "after":
            raise Cut

    def said(self, batch: str) -> Sequence[Any]:
        return self.words


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch, centre: Centre) -> Maker:
    from central import card_batches
    from central.cases import Case

    # What other tests left approved is none of ours.
    Case.objects.filter(state="approved").update(state="finished")
    made = Maker()
    monkeypatch.setattr(card_batches, "card_maker", lambda: made)
    return made


def approved(centre: Centre, card: str = "", **document: Any) -> ItemAnswer:
    from central.cases import Case

    person = centre.holder(card)
    answer = centre.replaced(person, 0) if card else centre.applied(person, 0)
    centre.move(answer, "approved")
    case = Case.objects.get(pk=answer.position)
    case.contents["document"] |= document
    case.save()
    return answer


def run() -> Any:
    """As the command does."""
    from central import card_batches

    batch, left = card_batches.make(200, "王")
    card_batches.look()
    return batch, left


def case_of(answer: ItemAnswer) -> Any:
    from central.cases import Case

    return Case.objects.get(pk=answer.position)


def test_all_that_is_approved_goes_once_with_photo_and_what_stands_on_the_card(
    centre: Centre, maker: Maker
) -> None:
    first, other = approved(centre), approved(centre, "1", outlet="outlet_1")
    batch, left = run()
    assert left == [] and batch.orders.count() == 2
    assert [centre.state(one) for one in (first, other)] == ["in_production"] * 2
    case = case_of(first)
    order = maker.orders[str(case.id)]
    assert order.photo.startswith(b"\xff\xd8") and "持卡人" not in repr(order)
    assert dict(order.fields) == {
        "name": "持卡人",
        "id_number": case.contents["document"]["id_number"],
        "bank": "bank_a",
        "outlet": "outlet_1",
    }
    assert run() == (None, []) and len(maker.made) == 2


def test_what_the_outlet_makes_goes_to_no_maker_and_what_is_mailed_has_its_address(
    centre: Centre, maker: Maker
) -> None:
    from central.packs import policy_of

    answer = approved(centre)
    outlets = policy_of(case_of(answer)).outlets
    instant = next(one.id for one in outlets if one.instant)
    at_once, mailed = approved(centre, outlet=instant), approved(centre, outlet="", pickup="mail")
    run()
    assert centre.state(at_once) == "approved"
    fields = maker.orders[str(case_of(mailed).id)].fields
    assert fields["phone"] == "13900000000" and fields["address"].startswith("唐山市")


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_line_that_breaks_while_a_batch_is_handed_over_makes_no_card_twice(
    centre: Centre, maker: Maker, cut: str
) -> None:
    from central import card_batches
    from central.models import Alarm

    answer, maker.cut = approved(centre), cut
    batch, _ = run()
    batch.refresh_from_db()
    assert batch.handed_at is None and centre.state(answer) == "in_production"
    assert Alarm.objects.filter(kind="card_batch", about__startswith=str(batch.id)).exists()
    maker.cut = ""
    card_batches.look()
    card_batches.look()
    batch.refresh_from_db()
    assert batch.handed_at is not None and maker.made == [str(case_of(answer).id)]


def test_what_was_returned_before_the_maker_had_it_is_not_made(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches

    (answer, other), maker.cut = (approved(centre), approved(centre)), "before"
    batch, _ = run()
    centre.move(answer, "returned")
    maker.cut = ""
    card_batches.look()
    batch.refresh_from_db()
    assert batch.handed_at is not None and maker.made == [str(case_of(other).id)]


def test_power_that_goes_while_a_batch_is_made_leaves_all_or_nothing(
    centre: Centre, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import card_batches
    from central.models import CardBatch

    answers = [approved(centre), approved(centre)]
    before = CardBatch.objects.count()
    calls: list[int] = []
    real = card_batches.move

    def dies(position: int, to: str, **more: Any) -> Any:
        calls.append(position)
        if len(calls) == 2:
            raise Cut
        return real(position, to, **more)

    with monkeypatch.context() as power:
        power.setattr(card_batches, "move", dies)
        with pytest.raises(Cut):
            run()
    assert CardBatch.objects.count() == before
    assert [centre.state(one) for one in answers] == ["approved"] * 2
    run()
    assert len(maker.made) == 2


def test_who_got_a_card_elsewhere_is_left_out_and_named(centre: Centre, maker: Maker) -> None:
    answer, other = approved(centre), approved(centre)
    centre.register_number(case_of(answer).contents["document"]["id_number"], card_state="1")
    batch, left = run()
    assert [line.split()[0] for line in left] == [case_of(answer).receipt_no]
    assert centre.state(answer) == "approved" and centre.state(other) == "in_production"
    assert batch.orders.count() == 1


def test_after_a_backup_was_put_back_the_maker_makes_no_second_card(
    centre: Centre, maker: Maker
) -> None:
    """The centre has forgotten the batch; the maker has not."""
    from central.cases import Case

    answer = approved(centre)
    batch, _ = run()
    batch.delete()
    Case.objects.filter(pk=answer.position).update(state="approved")
    centre.register_number(case_of(answer).contents["document"]["id_number"], card_state="")
    run()
    assert maker.made == [str(case_of(answer).id)]


@pytest.mark.parametrize("what", WORDS)
def test_the_makers_word_moves_the_case_once_with_its_reason(
    centre: Centre, maker: Maker, what: str
) -> None:
    from central import card_batches

    answer = approved(centre)
    run()
    maker.words = [word(str(case_of(answer).id), what, "相片过暗")]
    card_batches.look()
    card_batches.look()
    assert centre.state(answer) == WORDS[what]
    moves = case_of(answer).events.filter(to_state=WORDS[what])
    assert [(move.by, move.note) for move in moves] == [("制卡公司", "相片过暗")]


def test_what_lacks_something_is_ordered_again_and_the_old_word_is_not_followed_twice(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches

    answer = approved(centre)
    number = case_of(answer).contents["document"]["id_number"]
    run()
    maker.words = [word(str(case_of(answer).id), "incomplete", "相片过暗")]
    card_batches.look()
    assert centre.card_of(number) == "4", "no card was made"
    for state in ("accepted", "approved"):
        centre.move(answer, state)
    batch, left = card_batches.make(200)
    assert left == [] and batch is not None
    # The new batch has no word yet; the old one is repeated.
    maker.words = []
    card_batches.look()
    assert centre.state(answer) == "in_production" and centre.card_of(number) == "0"


def test_a_word_about_an_unknown_card_is_an_alarm_and_keeps_nothing_else(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches
    from central.models import Alarm

    answer = approved(centre)
    run()
    stranger = "01890000-0000-7000-8000-000000000001"
    maker.words = [
        word(stranger, "at_outlet"),
        word(str(case_of(answer).id), "melted"),
        word(str(case_of(answer).id), "at_outlet"),
    ]
    card_batches.look()
    assert centre.state(answer) == "delivered"
    assert Alarm.objects.filter(kind="card_batch", about__startswith=stranger).exists()


def test_a_card_that_an_operator_handed_out_is_not_moved_back(centre: Centre, maker: Maker) -> None:
    from central import card_batches

    answer, other = approved(centre), approved(centre)
    run()
    for state in ("delivered", "collected"):
        centre.move(answer, state)
    maker.words = [word(str(case_of(answer).id), "refused")]
    card_batches.look()
    assert centre.state(answer) == "collected" and centre.state(other) == "in_production"


def test_the_command_says_what_was_handed_over_and_lists_it(
    centre: Centre, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    from typer.testing import CliRunner

    from central import card_commands

    monkeypatch.setattr(card_commands, "open_of", lambda _: None)

    def said(*words: str) -> Any:
        return CliRunner().invoke(card_commands.app, ["--state", str(Path()), *words])

    approved(centre)
    made = said("make", "--by", "王")
    assert made.exit_code == 0 and "1 张  已交" in made.output and "制卡中 1" in made.output
    assert made.output.strip() in said("list").output
    nothing = said("make")
    assert (nothing.exit_code, nothing.output) == (0, "没有可以交去制卡的办件\n")
    approved(centre)
    maker.cut = "before"
    late = said("make")
    assert late.exit_code == 1 and "会自动再交" in late.output


def test_what_was_given_up_before_the_maker_had_it_is_not_made(
    centre: Centre, maker: Maker
) -> None:
    """The line to the maker is down; an operator finds that this person must not have the card."""
    from central import card_batches

    answer, other = approved(centre), approved(centre)
    maker.cut = "before"
    run()
    centre.move(answer, "returned")
    maker.cut = ""
    card_batches.look()
    given_up, wanted = (str(case_of(one).id) for one in (answer, other))
    assert given_up not in maker.made and wanted in maker.made


def test_an_operator_and_the_makers_word_do_not_wait_for_each_other(
    centre: Centre, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ended one of them: deadlock detected."""
    from django.db import connection

    from central import card_batches, machine

    answer = approved(centre)
    batch, _ = run()
    locked, real, failed = threading.Event(), machine.lock_person, []

    def lock(person: str) -> None:
        real(person)
        if threading.current_thread() is operator:
            locked.set()
            time.sleep(0.5)

    def decide() -> None:
        try:
            machine.move(answer.position, "delivered", by="王")
        except Exception as error:  # noqa: BLE001 - looked at below
            failed.append(error)
        finally:
            locked.set()
            connection.close()

    monkeypatch.setattr(machine, "lock_person", lock)
    operator = threading.Thread(target=decide)
    operator.start()
    locked.wait()
    if connection.vendor == "sqlite":  # one writer at a time anyway
        operator.join()
    card_batches._follow(batch, word(str(case_of(answer).id), "sent"))
    operator.join()
    assert not failed and centre.state(answer) == "delivered"
