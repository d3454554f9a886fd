"""密码修改: every branch, by sending answers; and which PINs nobody may choose."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hardware.card.contents import Holder
from hardware.card.pin import Pin
from hardware.faults import DeviceFault, FaultCode
from kiosk.records.pins import Pins, PinSaid, PinUsed, weakness
from kiosk.records.proof import Level
from kiosk.records.submission import Reply
from kiosk.services.pin_change import ChangePin
from kiosk.visit.flow import Ending, Unacceptable
from kiosk.visit.prompts import Advice
from kiosk.words import Words
from sync.kinds import kinds
from tests.flows.counter import AGREED, SUBMITTED, ZHANG, Walk, social_card

CARD = social_card(3)
RIGHT = PinUsed(PinSaid.DONE, insertion=1)
PULLED = DeviceFault(FaultCode.CARD_PULLED)

CHANGE: tuple[tuple[str, Any], ...] = (
    ("pin_change.notice", AGREED),
    ("identity.id_card", ZHANG),
    ("pin_change.ask", Reply({"state": ""})),
    ("pin_change.card", CARD),
    ("card_pin.present", True),
    ("card_pin.verify", RIGHT),
    ("card_pin.new", True),
    ("card_pin.change", RIGHT),
    ("filing.submit", SUBMITTED),
    ("filing.print", None),
    ("pin_change.done", True),
)


def change() -> Walk:
    return Walk(ChangePin)


def done(walk: Walk) -> bool:
    outcome = walk.visit.outcome
    return outcome is not None and outcome.ending is Ending.DONE


def wrong(tries: int) -> PinUsed:
    return PinUsed(PinSaid.WRONG, tries, insertion=1)


def test_a_pin_is_changed_without_the_centre() -> None:
    walk = change()
    for prompt, answer in CHANGE:
        walk.say(prompt, answer)
    assert done(walk)


@pytest.mark.parametrize("reply", [Reply(), Reply({"state": "of a newer centre"}), Reply({})])
def test_without_the_centre_s_word_the_card_and_its_pin_decide(reply: Reply) -> None:
    walk = change().until("pin_change.ask", CHANGE)
    question = walk.prompt.question
    assert question.kind == "pin_change.state"
    assert question.fields == {"id_number": ZHANG.number, "name": ZHANG.name}
    assert walk.say("pin_change.ask", reply).at == "pin_change.card"


def test_a_card_that_is_not_activated_is_offered_activation_only() -> None:
    """R-G5, before the card is asked for anything."""
    walk = change().until("pin_change.ask", CHANGE)
    walk.say("pin_change.ask", Reply({"state": "inactive"}))
    assert walk.at == "pin_change.inactive" and isinstance(walk.prompt, Advice)
    for language in ("zh_CN", "en"):
        name = Words(language).say("service.card_activation.name")
        assert name in Words(language).say("pin_change.inactive.next")
    assert done(walk.say("pin_change.inactive", True))


def test_the_record_names_person_and_card_and_no_pin() -> None:
    transaction = change().until("filing.submit", CHANGE).prompt.transaction
    assert transaction.kind == "pin_change"
    assert transaction.document == {
        "name": ZHANG.name,
        "id_number": ZHANG.number,
        "card_id": CARD.card_id,
        "card_no": CARD.card_no,
        "outcome": "done",
    }
    assert (transaction.person, transaction.proof.level) == (ZHANG.number, Level.P2)
    kind = kinds()["pin_change"]
    kind.document.model_validate(transaction.document)
    assert set(transaction.document) == set(kind.document.model_fields)
    assert not kind.signed and not kind.attachments


def test_what_was_done_is_said_however_the_record_fares() -> None:
    walk = change().until("filing.print", CHANGE)
    assert walk.prompt.slip.state == "pin_change.done.slip"
    walk = change().until("filing.submit", CHANGE)
    walk.visit.fault(DeviceFault(FaultCode.OUTBOX_UNAVAILABLE))
    assert (walk.at, walk.prompt.state, walk.prompt.number) == ("pin_change.done", "ok", "")
    assert done(walk.say("pin_change.done", True))


def test_a_strangers_card_gets_no_pin() -> None:
    other = dataclasses.replace(CARD, holder=Holder("", "王秀英", "2", "01", None))
    walk = change().until("pin_change.card", CHANGE).say("pin_change.card", other)
    assert done(walk.say("card_pin.other_card", True))


@pytest.mark.parametrize(("tries", "page"), [(0, "card_pin.locked"), (1, "card_pin.last_try")])
def test_before_the_last_try_nothing_is_tried(tries: int, page: str) -> None:
    card = dataclasses.replace(CARD, pin_tries=tries)
    walk = change().until("pin_change.card", CHANGE).say("pin_change.card", card)
    assert done(walk.say(page, True))
    walk = change().until("card_pin.verify", CHANGE).say("card_pin.verify", wrong(tries))
    assert done(walk.say(page, True))


def test_after_a_wrong_pin_the_card_says_how_many_are_left() -> None:
    walk = change().until("card_pin.present", CHANGE)
    assert (walk.prompt.tries_left, walk.prompt.again) == (6, "")
    walk.until("card_pin.verify", CHANGE).say("card_pin.verify", wrong(5))
    assert (walk.at, walk.prompt.tries_left) == ("card_pin.present", 5)
    assert walk.prompt.again == "card_pin.wrong"
    walk.say("card_pin.present", True).say("card_pin.verify", RIGHT)
    assert walk.at == "card_pin.new"


def test_a_card_that_does_not_say_is_tried_as_long_as_it_says_nothing_else() -> None:
    card = dataclasses.replace(CARD, pin_tries=None)
    walk = change().until("pin_change.card", CHANGE).say("pin_change.card", card)
    assert walk.at == "card_pin.present"


def test_there_is_no_way_back_past_a_command_to_the_card() -> None:
    walk = change().until("card_pin.new", CHANGE)
    assert not walk.visit.can_go_back
    assert not walk.visit.committed, "nothing was promised"
    assert walk.visit.cancel()


def test_nobody_leaves_while_the_card_is_written() -> None:
    walk = change().until("card_pin.change", CHANGE)
    assert not walk.visit.cancel() and not walk.visit.can_go_back
    assert not walk.visit.interrupt(PULLED), "its own result tells"
    assert walk.visit.tick(1e9) is None


# -- the card is pulled ---------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["card_pin.present", "card_pin.new"])
def test_a_card_pulled_while_somebody_types_is_put_back_and_typed_for_again(at: str) -> None:
    walk = change().until(at, CHANGE)
    assert walk.prompt.needs_card() == 1
    assert walk.visit.interrupt(PULLED)
    assert (walk.at, walk.prompt.back) == ("card_pin.put_back", True)
    walk.say("card_pin.put_back", dataclasses.replace(CARD, insertion=2, pin_tries=5))
    assert (walk.at, walk.prompt.needs_card()) == (at, 2)


def test_a_card_with_one_try_left_is_not_typed_for_when_it_is_back() -> None:
    walk = change().until("card_pin.present", CHANGE)
    walk.visit.interrupt(PULLED)
    walk.say("card_pin.put_back", dataclasses.replace(CARD, insertion=2, pin_tries=1))
    assert done(walk.say("card_pin.last_try", True))


def test_another_card_in_its_place_gets_nothing() -> None:
    walk = change().until("card_pin.new", CHANGE)
    walk.visit.interrupt(PULLED)
    walk.say("card_pin.put_back", dataclasses.replace(CARD, card_id="F" * 32))
    assert done(walk.say("card_pin.exchanged", True))


def test_a_card_that_does_not_come_back_ends_the_visit() -> None:
    walk = change().until("card_pin.new", CHANGE)
    walk.visit.interrupt(PULLED)
    walk.visit.fault(PULLED)
    assert walk.visit.outcome is not None
    assert walk.visit.outcome.ending is Ending.FAULT


def test_a_reader_that_fails_while_somebody_types_ends_the_visit() -> None:
    walk = change().until("card_pin.present", CHANGE)
    walk.visit.interrupt(DeviceFault(FaultCode.CARD_READER_OFFLINE))
    assert walk.visit.outcome is not None
    assert walk.visit.outcome.fault is FaultCode.CARD_READER_OFFLINE


def test_a_change_that_did_not_take_place_begins_again_with_the_present_pin() -> None:
    walk = change().until("card_pin.change", CHANGE)
    walk.say("card_pin.change", PinUsed(PinSaid.KEPT, 5, insertion=2))
    assert (walk.at, walk.prompt.card, walk.prompt.tries_left) == ("card_pin.present", 2, 5)
    assert walk.prompt.again == "card_pin.kept"


def test_a_verification_that_nobody_heard_is_asked_for_again() -> None:
    walk = change().until("card_pin.verify", CHANGE)
    walk.say("card_pin.verify", PinUsed(PinSaid.UNKNOWN, 5, insertion=2))
    assert (walk.at, walk.prompt.again) == ("card_pin.present", "card_pin.unread")


def test_what_nobody_can_tell_is_told_and_reported() -> None:
    walk = change().until("card_pin.change", CHANGE)
    walk.say("card_pin.change", PinUsed(PinSaid.UNKNOWN))
    assert walk.prompt.transaction.document["outcome"] == "unknown"
    walk.say("filing.submit", SUBMITTED)
    assert walk.prompt.slip.state == "pin_change.unknown.slip"
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.state) == ("pin_change.unknown", "trouble")


def test_leaving_and_faults_at_every_prompt_end_it_or_are_explained() -> None:
    for name, _ in CHANGE:
        walk = change().until(name, CHANGE)
        effect = walk.prompt.effect
        assert walk.visit.cancel() is not effect
        walk = change().until(name, CHANGE)
        walk.visit.fault(DeviceFault(FaultCode.INTERNAL))
        outcome = walk.visit.outcome
        assert outcome is None or outcome.ending is Ending.FAULT, f"{name}: {outcome}"


# -- which PINs nobody may choose -----------------------------------------------------------------

#: Born on 1957-03-16.
NUMBER = ZHANG.number


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("000000", "repeated"),
        ("777777", "repeated"),
        ("123456", "initial"),
        ("234567", "straight"),
        ("987654", "straight"),
        ("570316", "birth"),
        ("195703", "birth"),
        ("160357", "birth"),
        ("130299", "id_number"),
        (NUMBER[-7:-1], "id_number"),
        ("135790", ""),
        ("121212", ""),
        ("864209", ""),
        ("123450", ""),
    ],
)
def test_a_pin_that_is_easily_guessed_is_known(digits: str, why: str) -> None:
    assert weakness(Pin(digits), NUMBER) == why


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("139024", "phone"),
        ("841207", "phone"),
        ("964120", "phone"),
        ("390241", ""),
        ("841270", ""),
        ("135790", ""),
    ],
)
def test_a_pin_out_of_ones_own_telephone_number_is_known_by_its_mask(digits: str, why: str) -> None:
    """§5.5: the terminal knows 139****1207 and no more; its beginning and its end are enough."""
    assert weakness(Pin(digits), NUMBER, "139****1207") == why
    assert weakness(Pin(digits), NUMBER, "") == ""


def test_the_new_pin_is_held_against_the_number_that_the_centre_has() -> None:
    walk = change().until("pin_change.ask", CHANGE)
    walk.say("pin_change.ask", Reply({"state": "", "phone": "139****1207"}))
    walk.until("card_pin.new", CHANGE)
    assert walk.prompt.phone == "139****1207" and "1207" not in repr(walk.prompt)


def test_a_weak_pin_is_wiped_and_a_present_one_is_whatever_it_is() -> None:
    pins, weak = Pins(), Pin("777777")
    with pytest.raises(Unacceptable, match=r"pin_weak\.repeated"):
        pins.put(weak, new=True, owner=NUMBER)
    assert bytes(weak._digits) == bytes(6)
    pins.put(Pin("777777"), new=False)
    assert pins.take(new=False).is_one_digit()


def test_of_two_pins_typed_the_second_waits_and_the_first_is_wiped() -> None:
    pins, first = Pins(), Pin("135790")
    pins.put(first, new=False)
    pins.put(Pin("246802"), new=False)
    assert bytes(first._digits) == bytes(6)
    assert pins.take(new=False).is_one_of({"246802"})
    with pytest.raises(KeyError):
        pins.take(new=False)
