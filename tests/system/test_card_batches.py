"""制卡批次: each approved case goes to the maker once, whatever dies in between (R-G4)."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from sync.canonical import sha256_hex
from tests.system.in_process import NEW_PHOTO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre


class Cut(Exception):
    """The line breaks."""


class PowerCut(BaseException):
    """Nothing catches it."""


#: What a maker says -> where its case stands then.
WORDS = {
    "sent": "in_delivery",
    "at_outlet": "delivered",
    "incomplete": "needs_more",
    "refused": "returned",
    "lost": "returned",
    "recalled": "returned",
}


def word(order: str, what: str, reason: str = "") -> Any:
    from central.ports.card_maker import Said

    return Said(order, what, reason)


class Maker:
    """Counts what it makes, says what it is told, and may lose the line before or after it has
    taken a batch."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.told: dict[str, Any] = {}
        self.words: list[Any] = []
        self.cut = ""
        self.recalled: list[str] = []
        self.too_late = False
        self.given: dict[str, list[str]] = {}

    def hand_over(self, batch: str, orders: Sequence[Any]) -> None:
        if self.cut == "before":
            raise Cut
        new = [order.id for order in orders if order.id not in (*self.made, *self.recalled)]
        self.made += new
        self.given.setdefault(batch, []).extend(order.id for order in orders)
        self.told |= {order.id: order for order in orders}
        if self.cut == "after":
            raise Cut

    def said(self, batch: str) -> Sequence[Any]:
        if batch not in self.given:
            return []  # of another test
        newest = {order: of for of, orders in self.given.items() for order in orders}
        return [said for said in self.words if newest.get(said.order, batch) == batch]

    def batches(self) -> Sequence[str]:
        return list(self.given)

    def orders(self, batch: str) -> Sequence[str]:
        return self.given[batch]

    def recall(self, order: str) -> bool:
        if self.cut == "before":
            raise Cut
        if not self.too_late:
            self.recalled.append(order)
        if self.cut == "after":
            raise Cut
        return not self.too_late


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch, centre: Centre) -> Maker:
    from central import card_batches
    from central.cases import Case

    # What other tests left approved is none of ours.
    Case.objects.filter(state="approved").update(state="finished")
    made = Maker()
    monkeypatch.setattr(card_batches, "card_maker", lambda: made)
    return made


def left_behind() -> None:
    """Whoever was putting a batch together is long gone."""
    from datetime import timedelta

    from django.utils import timezone

    from central.models import CardOrder

    long_ago = timezone.now() - timedelta(hours=1)
    CardOrder.objects.filter(batch=None).update(made_at=long_ago)


def return_it(answer: ItemAnswer, note: str = "本人不要了", to: str = "returned") -> str:
    """As an operator does on the page; what the page says then."""
    from tests.system.test_desk_pages import signed_in

    desk = signed_in("desk-maker", "decider")
    said = {"to": to, "note": note, "confirmed": "yes"}
    return desk.post(f"/admin/cases/{answer.position}/move", said, follow=True).content.decode()


def alarms_about(answer: ItemAnswer, kind: str) -> int:
    """How often it was sounded of this order."""
    from central.models import Alarm

    case = case_of(answer)
    about = f"{case.id} {case.receipt_no}"
    return sum(Alarm.objects.filter(kind=kind, about=about).values_list("times", flat=True))


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
    order = maker.told[str(case.id)]
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
    fields = maker.told[str(case_of(mailed).id)].fields
    given = case_of(mailed).contents["document"]["phone"]
    assert fields["phone"] == given != "" and fields["address"].startswith("唐山市")


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


# -- who gives an order up -------------------------------------------------------------------------


def test_what_is_given_up_before_the_maker_has_it_is_not_made(centre: Centre, maker: Maker) -> None:
    from central import card_batches

    answer, other = approved(centre), approved(centre)
    batch, _ = card_batches.make(200)
    assert "已处理" in return_it(answer)
    card_batches.look()
    assert batch is not None and batch.orders.count() == 1
    assert maker.made == [str(case_of(other).id)]


def test_only_the_makers_word_gives_back_what_it_may_have(centre: Centre, maker: Maker) -> None:
    """The person applied again, and a second card was made."""
    from central import card_batches
    from central.machine import NotPossible

    person = centre.holder("")
    first = centre.applied(person, 0)
    centre.move(first, "approved")
    run()
    for to in ("returned", "needs_more"):
        with pytest.raises(NotPossible, match="with_maker"):
            centre.move(first, to)
    assert centre.applied(person, 5).verdict == "rejected"
    maker.words = [word(str(case_of(first).id), "refused", "卡面缺字")]
    card_batches.look()
    assert centre.state(first) == "returned"
    assert centre.applied(person, 6).verdict == "accepted"


@pytest.mark.parametrize("cut", ["", "before", "after"])
def test_an_order_that_is_recalled_is_given_back_when_the_maker_confirms(
    centre: Centre, maker: Maker, cut: str
) -> None:
    from central import card_batches

    answer = approved(centre)
    run()
    assert "撤单" in return_it(answer)
    assert centre.state(answer) == "in_production"
    maker.cut = cut
    card_batches.look()
    maker.cut = ""
    card_batches.look()
    card_batches.look()
    assert centre.state(answer) == "returned"
    given_back = case_of(answer).events.get(to_state="returned")
    assert given_back.by == "制卡公司" and given_back.note == "desk-maker 撤单：本人不要了"


def test_a_recall_overtakes_a_hand_over_that_nobody_knows_the_end_of(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches

    answer, maker.cut = approved(centre), "before"
    run()
    assert "撤单" in return_it(answer)
    maker.cut = ""
    case_of(answer).card_orders.update(offered_at=case_of(answer).since)
    late = card_batches._read(case_of(answer))
    card_batches._recall(case_of(answer).card_orders.get())
    maker.hand_over("the same", [late])
    card_batches.look()
    assert centre.state(answer) == "returned" and maker.made == []


def test_a_recall_that_comes_too_late_changes_nothing_and_says_so(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches

    answer, maker.too_late = approved(centre), True
    run()
    return_it(answer)
    card_batches.look()
    card_batches.look()
    assert centre.state(answer) == "in_production"
    assert case_of(answer).events.filter(what="recall_refused").count() == 1
    maker.words = [word(str(case_of(answer).id), "at_outlet")]
    card_batches.look()
    assert centre.state(answer) == "delivered" and not alarms_about(answer, "card_word")


def test_who_asks_for_papers_of_a_card_that_is_being_made_is_told_to_wait(
    centre: Centre, maker: Maker
) -> None:
    from tests.system.test_desk_pages import signed_in

    answer = approved(centre)
    run()
    said = {"to": "needs_more", "note": "照片不清楚", "confirmed": "yes"}
    desk = signed_in("desk-maker", "decider")
    page = desk.post(f"/admin/cases/{answer.position}/move", said, follow=True).content.decode()
    assert "制卡单已在制卡公司" in page and centre.state(answer) == "in_production"


@pytest.mark.parametrize("state", ["returned", "needs_more"])
def test_a_word_about_an_order_that_was_given_up_is_an_alarm_that_names_it(
    centre: Centre, maker: Maker, state: str
) -> None:
    """No case of its batch was with the maker any more: nobody listened to it."""
    from central import card_batches

    answer = approved(centre)
    run()
    back = next(what for what, to in WORDS.items() if to == state)
    order = str(case_of(answer).id)
    for what in (back, "at_outlet", "at_outlet", back, "at_outlet"):
        maker.words = [word(order, what)]
        card_batches.look()
    assert centre.state(answer) == state and alarms_about(answer, "card_word") == 1
    assert case_of(answer).events.get(what="card_word").note == "at_outlet"


@pytest.mark.parametrize("back", ["refused", "incomplete", "lost"])
def test_a_word_that_sends_back_what_is_at_its_outlet_is_an_alarm(
    centre: Centre, maker: Maker, back: str
) -> None:
    from central import card_batches

    answer = approved(centre)
    run()
    order = str(case_of(answer).id)
    maker.words = [word(order, what) for what in ("at_outlet", "sent", back)]
    card_batches.look()
    assert centre.state(answer) == "delivered" and alarms_about(answer, "card_word") == 1


def test_an_order_that_was_sent_back_is_not_moved_by_a_later_word_of_its_old_batch(
    centre: Centre, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import card_batches

    answer = approved(centre)
    first, _ = run()
    order = str(case_of(answer).id)
    said = {str(first.id): [word(order, "incomplete")]}
    monkeypatch.setattr(maker, "said", lambda batch: said.get(batch, []))
    card_batches.look()
    for state in ("accepted", "approved"):
        centre.move(answer, state)
    second, _ = run()
    said[str(second.id)] = [word(order, "sent")]
    card_batches.look()
    assert centre.state(answer) == "in_delivery" and alarms_about(answer, "card_word") == 0
    for times, what in enumerate(("sent", "at_outlet"), 1):
        said[str(first.id)] = [word(order, what)]
        card_batches.look()
        assert centre.state(answer) == "in_delivery"
        assert alarms_about(answer, "card_word") == times


def test_a_word_about_an_order_of_another_batch_moves_nothing(
    centre: Centre, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import card_batches
    from central.models import Alarm

    answer, other = approved(centre), approved(centre)
    first, _ = card_batches.make(1)
    second, _ = card_batches.make(1)
    assert first is not None and second is not None
    order = str(case_of(other).id)
    said = {str(first.id): [word(order, "at_outlet")]}
    monkeypatch.setattr(maker, "said", lambda batch: said.get(batch, []))
    card_batches.look()
    assert {centre.state(answer), centre.state(other)} == {"in_production"}
    assert Alarm.objects.filter(kind="card_batch", about__startswith=order).exists()


# -- what cannot be read, and what dies on the way -------------------------------------------------


def own_photo(answer: ItemAnswer) -> tuple[Path, bytes]:
    """Give a case a photo that no other has: the file and what is in it."""
    from central import storage
    from central.cases import Attachment

    data = NEW_PHOTO + answer.id.encode("ascii")
    sha256 = sha256_hex(data)
    storage.keep({sha256: data})
    Attachment.objects.filter(case_id=answer.position, name="photo").update(sha256=sha256)
    return storage._path(sha256), data


@pytest.mark.parametrize("cut", ["", "before", "after"])
def test_a_photo_that_is_gone_keeps_no_other_card_and_goes_when_it_is_back(
    centre: Centre, maker: Maker, cut: str
) -> None:
    from central import card_batches
    from central.models import CardBatch

    answer, other = approved(centre), approved(centre)
    file, photo = own_photo(answer)
    batch, _ = card_batches.make(200)
    assert batch is not None
    if cut:
        maker.cut = cut
        card_batches.look()
    file.unlink()
    maker.cut = ""
    card_batches.look()
    batch.refresh_from_db()
    assert batch.handed_at is not None and str(case_of(other).id) in maker.made
    left_behind()
    batches = CardBatch.objects.count()
    card_batches.look()
    assert alarms_about(answer, "card_photo") >= 2 and CardBatch.objects.count() == batches
    file.write_bytes(photo)
    for _ in range(3):
        card_batches.look()
    assert sorted(maker.made) == sorted(str(case_of(one).id) for one in (answer, other))
    maker.words = [word(str(case_of(answer).id), "at_outlet")]
    card_batches.look()
    assert centre.state(answer) == "delivered"


def test_the_power_that_goes_while_a_batch_is_made_forgets_no_case_and_orders_none_twice(
    centre: Centre, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each case in a transaction of its own: nobody waits for a thousand."""
    from django.db import connection

    from central import card_batches

    answers = [approved(centre) for _ in range(3)]
    calls: list[bool] = []
    real = card_batches.move

    def dies(position: int, to: str, **more: Any) -> Any:
        calls.append(len(connection.savepoint_ids) == 0 and connection.in_atomic_block)
        if len(calls) == 2:
            raise PowerCut
        return real(position, to, **more)

    with monkeypatch.context() as power:
        power.setattr(card_batches, "move", dies)
        with pytest.raises(PowerCut):
            run()
    assert calls == [True, True]
    assert [centre.state(one) for one in answers] == ["in_production", "approved", "approved"]
    left_behind()
    card_batches.look()
    assert maker.made == [str(case_of(answers[0]).id)]
    run()
    assert sorted(maker.made) == sorted(str(case_of(one).id) for one in answers)


def test_no_look_takes_the_cases_of_a_batch_that_is_being_made(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches

    answers = [approved(centre), approved(centre)]
    card_batches._order(case_of(answers[0]), "王")
    card_batches.look()
    assert maker.made == []
    batch, _ = run()
    assert batch.orders.count() == 2 and len(maker.made) == 2


def test_one_case_that_cannot_be_told_keeps_no_other_from_its_card(
    centre: Centre, maker: Maker
) -> None:
    """Mailed, and no address is there."""
    odd, other = approved(centre, outlet="", pickup="mail", address={}), approved(centre)
    batch, left = run()
    assert left == [f"{case_of(odd).receipt_no} KeyError"]
    assert batch.orders.count() == 1 and maker.made == [str(case_of(other).id)]


# -- a centre that was put back from a backup ------------------------------------------------------


def put_back(centre: Centre, answer: ItemAnswer, state: str) -> None:
    """To a backup from before the batch was made, when its case stood there."""
    from central.cases import Case
    from central.models import CardBatch

    CardBatch.objects.filter(orders__case=answer.position).delete()
    number = case_of(answer).contents["document"]["id_number"]
    Case.objects.filter(pk=answer.position).update(state=state)
    case_of(answer).events.filter(what="moved").delete()
    centre.register_number(number, card_state="")


@pytest.mark.parametrize("state", ["accepted", "approved"])
def test_what_the_maker_had_from_a_centre_that_forgot_it_is_not_given_up_and_not_made_twice(
    centre: Centre, maker: Maker, state: str
) -> None:
    from central import card_batches
    from central.machine import NotPossible
    from central.models import Alarm

    answer = approved(centre)
    batch, _ = run()
    order = str(case_of(answer).id)
    put_back(centre, answer, state)
    card_batches.look()
    card_batches.look()
    assert Alarm.objects.get(kind="card_forgotten", about=str(batch.id)).times == 1
    with pytest.raises(NotPossible, match="with_maker"):
        centre.move(answer, "returned")
    if state == "accepted":
        centre.move(answer, "approved")
    run()
    assert maker.made == [order] and centre.state(answer) == "in_production"
    maker.words = [word(order, "at_outlet")]
    card_batches.look()
    assert centre.state(answer) == "delivered" and not alarms_about(answer, "card_word")


def test_what_a_centre_forgot_can_be_recalled(centre: Centre, maker: Maker) -> None:
    from central import card_batches

    answer = approved(centre)
    run()
    put_back(centre, answer, "accepted")
    card_batches.look()
    assert "撤单" in return_it(answer)
    card_batches.look()
    assert centre.state(answer) == "returned" and maker.recalled == [str(case_of(answer).id)]
    assert not alarms_about(answer, "card_word")


def test_nobody_takes_back_at_a_terminal_what_the_maker_has(centre: Centre, maker: Maker) -> None:
    from central import card_batches
    from central.business.case_withdrawal import _is_open

    answer = approved(centre)
    run()
    put_back(centre, answer, "accepted")
    assert _is_open(case_of(answer))
    card_batches.look()
    assert not _is_open(case_of(answer))


def test_a_case_that_arrives_only_after_its_batch_was_remembered_is_heard_of(
    centre: Centre, maker: Maker
) -> None:
    """The terminal still had it, and sends it again."""
    from central import card_batches

    answer = approved(centre)
    batch, _ = run()
    order = str(case_of(answer).id)
    put_back(centre, answer, "accepted")
    orders, maker.given[str(batch.id)] = maker.given[str(batch.id)], []
    card_batches.look()
    maker.given[str(batch.id)], maker.words = orders, [word(order, "sent")]
    card_batches.look()
    assert centre.state(answer) == "accepted" and alarms_about(answer, "card_word") == 1


# -- two at once -----------------------------------------------------------------------------------


def together(*calls: Callable[[], object]) -> None:
    """Each in a thread of its own, all at once; what one raises is raised here."""
    from django.db import connection

    failed: list[BaseException] = []
    gate = threading.Barrier(len(calls))

    def run_one(call: Callable[[], object]) -> None:
        try:
            gate.wait(15)
            call()
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run_one, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def test_two_workers_and_two_operators_at_once_order_each_card_once(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches
    from central.models import Alarm, CardOrder

    answers = [approved(centre) for _ in range(4)]
    Alarm.objects.all().delete()
    left: list[str] = []

    def make() -> None:
        left.extend(card_batches.make(200, "王")[1])

    together(make, make, card_batches.look, card_batches.look)
    together(card_batches.look, card_batches.look)
    cases = [case_of(answer) for answer in answers]
    assert left == [] and sorted(maker.made) == sorted(str(case.id) for case in cases)
    assert CardOrder.objects.filter(case__in=cases).count() == len(cases)
    assert [case.events.filter(what="handed_over").count() for case in cases] == [1] * 4
    maker.words = [word(str(case.id), "at_outlet") for case in cases]
    together(card_batches.look, card_batches.look, card_batches.look)
    assert [case.events.filter(to_state="delivered").count() for case in cases] == [1] * 4
    assert not Alarm.objects.exists()


def test_an_order_is_either_handed_over_or_given_up_and_never_both(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches
    from central.machine import NotPossible

    answers = [approved(centre) for _ in range(4)]
    card_batches.make(200)

    def give_up() -> None:
        for answer in answers:
            with suppress(NotPossible):
                centre.move(answer, "returned")

    together(card_batches.look, give_up)
    for answer in answers:
        is_made = str(case_of(answer).id) in maker.made
        assert centre.state(answer) == ("in_production" if is_made else "returned")


def test_who_gives_up_an_order_waits_for_who_is_handing_it_over(
    centre: Centre, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import card_batches
    from central.machine import NotPossible

    answer = approved(centre)
    card_batches.make(200)
    marked, decided, refused = threading.Event(), threading.Event(), threading.Event()
    real = card_batches.record

    def record(*args: Any) -> Any:
        """The mark is written and not yet committed."""
        marked.set()
        decided.wait(0.3)
        return real(*args)

    def give_up() -> None:
        marked.wait(15)
        try:
            centre.move(answer, "returned")
        except NotPossible:
            refused.set()
        decided.set()

    monkeypatch.setattr(card_batches, "record", record)
    together(card_batches.look, give_up)
    assert refused.is_set() and centre.state(answer) == "in_production"


# -- by hand ---------------------------------------------------------------------------------------


def by_operator(answer: ItemAnswer, to: str, note: str = "") -> None:
    from central.machine import move

    move(answer.position, to, by="王", note=note, operator=True)


def test_who_brings_a_case_into_making_by_hand_has_ordered_its_card(
    centre: Centre, maker: Maker
) -> None:
    """No order was made then: no card ever came, and only 超期 told of it."""
    answer = approved(centre)
    by_operator(answer, "in_production")
    left_behind()
    run()
    run()
    assert maker.made == [str(case_of(answer).id)]
    assert case_of(answer).card_orders.count() == 1


def test_what_the_outlet_makes_is_ordered_of_nobody_also_by_hand(
    centre: Centre, maker: Maker
) -> None:
    from central.packs import policy_of

    answer = approved(centre)
    instant = next(one.id for one in policy_of(case_of(answer)).outlets if one.instant)
    at_once = approved(centre, outlet=instant)
    by_operator(at_once, "in_production")
    left_behind()
    run()
    assert str(case_of(at_once).id) not in maker.made and not case_of(at_once).card_orders.exists()


def came(answer: ItemAnswer, maker: Maker) -> None:
    """The maker says that its card has come to its outlet."""
    from central import card_batches

    maker.words = [word(str(case_of(answer).id), "at_outlet")]
    card_batches.look()
    assert case_of(answer).state == "delivered"


@pytest.mark.parametrize("heard", ["", "sent", "refused"])
def test_a_card_that_its_maker_still_makes_is_not_made_once_more(
    centre: Centre, maker: Maker, heard: str
) -> None:
    """网点待领 was set by mistake: the first order was given up for lost, the case could be given
    back, and then its card came."""
    from central import card_batches
    from central.machine import NotPossible

    answer = approved(centre)
    order = str(case_of(answer).id)
    run()
    by_operator(answer, "delivered")
    with pytest.raises(NotPossible, match="not_made"):
        by_operator(answer, "in_production", "网点没有这张卡")
    assert "还没有说这张卡已制好" in return_it(answer, to="in_production")
    assert centre.state(answer) == "delivered" and case_of(answer).card_orders.count() == 1
    if heard:  # what was made can be lost, what comes to nothing can be made
        maker.words = [word(order, heard)]
        card_batches.look()
        by_operator(answer, "in_production", "网点没有这张卡")
        left_behind()
        run()
        assert maker.made == [order, f"{order}/1"]


def test_a_card_whose_order_stands_in_two_batches_is_made_when_either_says_so(
    centre: Centre, maker: Maker
) -> None:
    """The maker speaks in the newer: the older row waited for its word for ever."""
    from central import card_batches

    answer, other = approved(centre), approved(centre)
    file, photo = own_photo(answer)
    card_batches.make(200)
    maker.cut = "after"
    card_batches.look()
    file.unlink()
    maker.cut = ""
    card_batches.look()
    left_behind()
    card_batches.look()
    file.write_bytes(photo)
    for _ in range(3):
        card_batches.look()
    assert case_of(answer).card_orders.exclude(offered_at=None).count() == 2
    came(answer, maker)
    by_operator(answer, "in_production", "网点没有这张卡")
    assert centre.state(other) == centre.state(answer) == "in_production"
    left_behind()
    run()


def test_a_card_that_an_operator_called_delivered_is_heard_of_however_late(
    centre: Centre, maker: Maker
) -> None:
    """After 90 days nobody asked the maker any more, whose word alone let it be made once more."""
    from datetime import timedelta

    from central import card_batches
    from central.models import CardBatch

    answer = approved(centre)
    batch, _ = run()
    by_operator(answer, "delivered")
    long_ago = batch.made_at - timedelta(days=100)
    CardBatch.objects.filter(pk=batch.pk).update(handed_at=long_ago)
    maker.words = [word(str(case_of(answer).id), "at_outlet")]
    card_batches.look()
    by_operator(answer, "in_production", "网点没有这张卡")
    left_behind()
    run()
    order = str(case_of(answer).id)
    assert maker.made == [order, f"{order}/1"]


@pytest.mark.parametrize("card", ["", "1"])
@pytest.mark.parametrize("told", [False, True])
def test_a_card_that_is_lost_at_its_outlet_is_made_once_more(
    centre: Centre, maker: Maker, card: str, told: bool
) -> None:
    """Whether or not the maker knows: another order, another number, and the old word is no news.
    The card that is replaced serves on meanwhile."""
    from central import card_batches
    from central.machine import NotPossible

    answer = approved(centre, card, **({"outlet": "outlet_1"} if card else {}))
    order, number = str(case_of(answer).id), case_of(answer).contents["document"]["id_number"]
    run()
    before = centre.card_of(number)
    maker.words = [word(order, "at_outlet")]
    card_batches.look()
    if told:
        maker.words = [word(order, "lost")]
        card_batches.look()
        assert alarms_about(answer, "card_word") == 1
    with pytest.raises(NotPossible):
        by_operator(answer, "in_production")  # without a reason
    by_operator(answer, "in_production", "网点没有这张卡")
    assert centre.card_of(number) == before
    left_behind()
    run()
    run()
    assert maker.made == [order, f"{order}/1"] and centre.state(answer) == "in_production"
    for what, state in (("sent", "in_delivery"), ("at_outlet", "delivered")):
        maker.words = [word(order, "at_outlet"), word(f"{order}/1", what)]
        card_batches.look()
        assert centre.state(answer) == state
    centre.move(answer, "collected")
    assert centre.card_of(number) == "A"


def test_a_card_that_its_holder_has_is_not_made_once_more(centre: Centre, maker: Maker) -> None:
    """Somebody at another window was quicker."""
    from central.machine import NotPossible

    answer = approved(centre)
    run()
    came(answer, maker)
    number = case_of(answer).contents["document"]["id_number"]
    centre.register_number(number, card_state="1")
    with pytest.raises(NotPossible):
        by_operator(answer, "in_production", "网点没有这张卡")
    assert centre.card_of(number) == "1" and centre.state(answer) == "delivered"


def test_a_card_that_is_made_once_more_before_its_first_order_went_keeps_no_other_from_its_card(
    centre: Centre, maker: Maker
) -> None:
    """Both orders were put into one batch, which could not be made, nor any other after it."""
    answer, other = approved(centre), approved(centre)
    by_operator(answer, "in_production")
    by_operator(answer, "delivered")
    by_operator(answer, "in_production", "网点没有这张卡")
    left_behind()
    run()
    assert sorted(maker.made) == sorted([f"{case_of(answer).id}/1", str(case_of(other).id)])


def test_a_word_of_the_lost_card_moves_not_the_case_of_the_next_after_a_restore(
    centre: Centre, maker: Maker
) -> None:
    from central import card_batches
    from central.card_orders import offered
    from central.cases import Case
    from central.models import CardBatch, CardOrder

    answer = approved(centre)
    order, number = str(case_of(answer).id), case_of(answer).contents["document"]["id_number"]
    first, _ = run()
    came(answer, maker)
    by_operator(answer, "in_production", "网点没有这张卡")
    left_behind()
    run()
    # As it was after the first batch.
    CardBatch.objects.exclude(pk=first.pk).delete()
    CardOrder.objects.filter(case__position=answer.position).update(back=False, heard=[])
    Case.objects.filter(pk=answer.position).update(findings={}, state="in_production")
    maker.words = [word(order, "lost"), word(f"{order}/1", "sent")]
    card_batches.look()
    assert centre.state(answer) == "in_delivery" and offered(case_of(answer)).exists()
    assert centre.card_of(number) == "0" and alarms_about(answer, "card_word") == 1


def test_the_number_of_the_lost_card_is_not_written_for_the_next(
    centre: Centre, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import card_numbers
    from central.keys import person_hash
    from central.ports.registry import registry

    answer = approved(centre)
    number = case_of(answer).contents["document"]["id_number"]
    run()
    came(answer, maker)

    class Slow:
        def number(self, order: str) -> str:
            if "/" in order:
                return "D00000002"
            by_operator(answer, "in_production", "网点没有这张卡")
            return "D00000001"

    monkeypatch.setattr(card_numbers, "card_maker", Slow)
    for card_no in ("", "D00000002"):
        card_numbers.fetch(answer.position)
        known = registry().find(person_hash(number))
        assert known is not None and known.card_no == card_no


def test_a_card_that_the_register_has_cancelled_already_is_made_once_more(
    centre: Centre, maker: Maker
) -> None:
    answer = approved(centre)
    run()
    came(answer, maker)
    centre.register_number(case_of(answer).contents["document"]["id_number"], card_state="4")
    by_operator(answer, "in_production", "网点没有这张卡")
    assert centre.state(answer) == "in_production"


def test_a_centre_that_forgot_that_a_card_was_made_once_more_knows_it_of_the_maker(
    centre: Centre, maker: Maker
) -> None:
    from central.card_orders import order_number
    from central.cases import Case
    from central.models import CardBatch

    answer = approved(centre)
    run()
    came(answer, maker)
    by_operator(answer, "in_production", "网点没有这张卡")
    left_behind()
    run()
    CardBatch.objects.all().delete()
    Case.objects.filter(pk=answer.position).update(findings={})
    run()
    assert order_number(case_of(answer)) == f"{case_of(answer).id}/1" == maker.made[-1]


def test_the_page_asks_once_more_before_a_card_is_made_anew(centre: Centre, maker: Maker) -> None:
    from tests.system.test_desk_pages import signed_in

    answer = approved(centre)
    run()
    came(answer, maker)
    desk = signed_in("desk-remakes", "decider")
    page = f"/admin/cases/{answer.position}/"
    assert "卡找不到了，重新制卡" in desk.get(page).content.decode()
    said = {"to": "in_production", "note": "网点没有这张卡"}
    asked = desk.post(f"{page}move", said, follow=True).content.decode()
    assert "原来那张卡作废" in asked and centre.state(answer) == "delivered"
    desk.post(f"{page}move", said | {"confirmed": "yes"}, follow=True)
    assert centre.state(answer) == "in_production"
