"""密码 at the card, as a visit does it: once, and never again by itself when the card goes away.

The far end is a virtual card behind the driver; what it was sent is compared with bytes written
here.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hardware.card.contents import SocialCard
from hardware.card.direct import DirectTransport
from hardware.card.pin import Pin
from hardware.card.reader import CardReader
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual import keys
from hardware.virtual.card import CardSlot, VirtualCard
from hardware.virtual.personas import CARD_PERSONAS, CardPersona
from kiosk.demo.smartcard import free_port
from kiosk.operations import cards
from kiosk.operations.card_pin import run_script, use_pin
from kiosk.operations.cards import read_card
from kiosk.operations.work import Work
from kiosk.records.pins import Pins, PinSaid, PinUsed
from kiosk.settings import Settings
from kiosk.visit.prompts import ReadCard, RunScript, UsePin

THIRD = replace(CARD_PERSONAS["third"], pin="135790", pin_tries=6)
NEW = "864209"


class Written(VirtualCard):
    """Writes down the commands that concern a PIN."""

    def __init__(self, persona: CardPersona) -> None:
        self.commands: list[str] = []
        super().__init__(persona)

    def answer(self, command: bytes) -> bytes:
        if command[:2] in (b"\x00\x20", b"\x80\x5e", b"\x84\x24") and len(command) > 5:
            self.commands.append(command.hex().upper())
        return super().answer(command)


class Scripts:
    """The centre, as far as a terminal asks it for a script."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.before_answer: Callable[[], None] = lambda: None

    def card_script(
        self, card: Any, purpose: str, authorisation: str, challenge: bytes, *, timeout_s: float
    ) -> object:
        self.asked.append((purpose, authorisation))
        card_id = bytes.fromhex(card["card_id"])
        command = (
            keys.unblocking(card_id, challenge)
            if purpose == "unblock"
            else keys.reloading(card_id, challenge, "123456")
        )
        self.before_answer()
        return {"id": "script-1", "steps": [{"command": command.hex(), "expect": ["9000"]}]}


class Bench:
    """A reader, its slot, and the terminal's part of an operation."""

    def __init__(self) -> None:
        port = free_port()
        self.line = DirectTransport(port)
        self.slot, self.reader = CardSlot(port), CardReader(self.line)
        self.reader.open()
        self.pins, self.scripts = Pins(), Scripts()
        parts = SimpleNamespace(settings=Settings(), card_centre=None, central=self.scripts)
        self.reported: list[Any] = []
        self.work = Work(
            parts=cast(Any, parts),
            report=self.reported.append,
            cancelled=lambda: False,
            told=list,
            now=cast(Any, None),
            online=lambda: True,
            letterhead=cast(Any, None),
            pins=self.pins,
        )
        self.chips: list[Written] = []

    def insert(self, persona: CardPersona = THIRD) -> None:
        if id(persona) not in self.slot._cards:
            self.chips.append(Written(persona))
            self.slot._cards[id(persona)] = (persona, self.chips[-1])
        self.slot.insert(persona)

    def read(self, persona: CardPersona = THIRD) -> SocialCard:
        """The citizen puts the card in while it is waited for."""
        threading.Timer(0.2, self.insert, (persona,)).start()
        return read_card(ReadCard("card", tries=True), self.reader, self.work)

    def type(self, old: str = "135790", new: str = "") -> None:
        self.pins.put(Pin(old), new=False)
        if new:
            self.pins.put(Pin(new), new=True)

    def use(self, card: SocialCard, *, keep: bool = False, change: bool = False) -> PinUsed:
        prompt = UsePin("pin", card, keep=keep, change=change)
        return use_pin(prompt, self.reader, self.work)

    @property
    def commands(self) -> list[str]:
        return self.chips[0].commands

    def pulled_after(self, commands: int, back: CardPersona | None = THIRD) -> None:
        """The card is pulled at this command of the next use, and put back a little later."""
        self.slot.pull_after = commands
        slot = self.slot

        def put_back() -> None:
            until = time.monotonic() + 10
            while slot.pull_after is not None and time.monotonic() < until:
                time.sleep(0.02)
            time.sleep(0.3)
            if back is not None:
                self.insert(back)

        threading.Thread(target=put_back, daemon=True).start()

    def close(self) -> None:
        self.slot.close()
        self.reader.close()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(cards, "PUT_BACK_S", 2.0)
    made = Bench()
    yield made
    made.close()


def test_the_card_says_how_many_tries_are_left_when_it_is_read(bench: Bench) -> None:
    card = bench.read()
    assert (card.pin_tries, card.insertion) == (6, 1)
    assert bench.commands == [], "no PIN was sent"


def test_a_pin_is_verified_once_and_kept_for_its_change(bench: Bench) -> None:
    card = bench.read()
    bench.type()
    assert bench.use(card, keep=True) == PinUsed(PinSaid.DONE, insertion=1)
    assert bench.commands == ["0020000003135790"]
    bench.pins.put(Pin(NEW), new=True)
    assert bench.use(card, change=True).said is PinSaid.DONE
    assert bench.commands[1:] == ["805E010007135790FF864209"]
    with pytest.raises(KeyError):
        bench.pins.take(new=False)


def anywhere(pin: str) -> int:
    """In how many places of this process a PIN is that nobody has wiped. Each test needs its own:
    others leave theirs."""
    # By type: a proxy of what is gone has no class to be asked for.
    return sum(type(one) is Pin and one.is_one_of({pin}) for one in gc.get_objects())


def test_a_pin_is_forgotten_as_soon_as_nothing_needs_it_any_more(bench: Bench) -> None:
    """Who looks up what they have filed stands there for minutes more."""
    card = bench.read(replace(THIRD, pin="752946"))
    bench.type("752946")
    assert anywhere("752946") == 1
    assert bench.use(card).said is PinSaid.DONE
    assert anywhere("752946") == 0


@pytest.mark.parametrize(("pin", "comes_back"), [("863157", True), ("684279", False)])
def test_a_pin_of_which_nobody_knows_whether_it_was_right_is_forgotten(
    bench: Bench, pin: str, comes_back: bool
) -> None:
    persona = replace(THIRD, pin=pin)
    card = bench.read(persona)
    bench.type(pin)
    bench.pulled_after(1, persona if comes_back else None)
    assert bench.use(card, keep=True).said is PinSaid.UNKNOWN
    assert anywhere(pin) == 0


def test_a_wrong_pin_costs_one_try_and_is_not_kept(bench: Bench) -> None:
    card = bench.read()
    bench.type("246802")
    assert bench.use(card, keep=True) == PinUsed(PinSaid.WRONG, 5, insertion=1)
    assert bench.commands == ["0020000003246802"]
    with pytest.raises(KeyError):
        bench.pins.take(new=False)


def test_a_pin_that_cards_are_issued_with_is_told(bench: Bench) -> None:
    initial = replace(THIRD, pin="123456")
    card = bench.read(initial)
    bench.type("123456")
    assert bench.use(card) == PinUsed(PinSaid.DONE, initial=True, insertion=1)
    assert bench.pins.take(new=False).is_one_of({"123456"}), "it has to be changed now"


def test_a_card_pulled_before_the_command_is_put_back_and_then_it_is_done(bench: Bench) -> None:
    card = bench.read()
    bench.type()
    bench.pulled_after(0)
    used = bench.use(card)
    assert used == PinUsed(PinSaid.DONE, insertion=2)
    assert bench.commands == ["0020000003135790"]


def test_another_card_gets_nothing(bench: Bench) -> None:
    card = bench.read()
    bench.type()
    bench.pulled_after(0, replace(CARD_PERSONAS["second"]))
    with pytest.raises(DeviceFault):
        bench.use(card)
    assert [chip.commands for chip in bench.chips] == [[], []]


def test_a_pin_whose_answer_was_lost_is_not_sent_again(bench: Bench) -> None:
    card = bench.read()
    bench.type("246802")
    bench.pulled_after(1)  # after SELECT: the card has the PIN, nobody has its answer
    assert bench.use(card) == PinUsed(PinSaid.UNKNOWN, 5, insertion=2)
    assert bench.commands == ["0020000003246802"]


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_change_whose_answer_was_lost_is_found_out_by_the_new_pin(
    bench: Bench, took_effect: bool
) -> None:
    card = bench.read()
    bench.type(new=NEW)
    if not took_effect:
        chip = bench.chips[0]
        chip._change = lambda head, data: b"\x69\x82"  # type: ignore[method-assign]
    bench.pulled_after(1)
    used = bench.use(card, change=True)
    said = PinSaid.DONE if took_effect else PinSaid.KEPT
    assert (used.said, used.insertion) == (said, 2)
    assert bench.commands == ["805E010007135790FF864209", "0020000003864209"]


def test_a_card_that_may_be_locked_by_the_question_is_not_asked(bench: Bench) -> None:
    few = replace(THIRD, pin_tries=2)
    card = bench.read(few)
    bench.type(new=NEW)
    bench.pulled_after(1, few)
    assert bench.use(card, change=True) == PinUsed(PinSaid.UNKNOWN, 2, insertion=2)
    assert len(bench.commands) == 1


@pytest.mark.parametrize("change", [True, False])
def test_a_card_that_does_not_come_back_leaves_it_unknown_and_no_pin_behind(
    bench: Bench, change: bool
) -> None:
    card = bench.read()
    bench.type(new=NEW)
    bench.pulled_after(1, None)
    assert bench.use(card, change=change) == PinUsed(PinSaid.UNKNOWN)
    assert bench.pins._held == {}


def test_a_card_that_was_away_before_and_stays_away_is_a_fault(bench: Bench) -> None:
    card = bench.read()
    bench.type()
    bench.slot.pull()
    with pytest.raises(DeviceFault) as caught:
        bench.use(card)
    assert caught.value.code is FaultCode.CARD_PULLED
    assert bench.commands == []


def test_a_card_that_was_pulled_is_waited_for_and_no_longer_than_that(bench: Bench) -> None:
    bench.read()
    bench.slot.pull()
    with pytest.raises(DeviceFault) as caught:
        bench.reader.stay(1, lambda: False)
    assert caught.value.code is FaultCode.CARD_PULLED
    threading.Timer(0.3, bench.insert).start()
    prompt = ReadCard("back", tries=True, back=True)
    assert read_card(prompt, bench.reader, bench.work).insertion == 2
    bench.slot.pull()
    with pytest.raises(DeviceFault) as caught:
        read_card(prompt, bench.reader, bench.work)
    assert caught.value.code is FaultCode.CARD_PULLED


# -- scripts of the centre ------------------------------------------------------------------------


def run(bench: Bench, card: SocialCard, purpose: str) -> PinUsed:
    return run_script(RunScript("script", card, purpose, "request-1"), bench.reader, bench.work)


def test_a_reset_sets_the_initial_pin_and_gives_the_tries_back(bench: Bench) -> None:
    blocked = replace(THIRD, pin_blocked=True)
    card = bench.read(blocked)
    assert card.pin_tries == 0
    assert run(bench, card, "reset") == PinUsed(PinSaid.DONE, 6, insertion=1)
    assert bench.scripts.asked == [("reset", "request-1")]
    (command,) = bench.commands
    assert command.startswith("805E000007123456") and len(command) == 10 + 14
    bench.type("123456")
    assert bench.use(card).initial


def test_an_unblocking_whose_answer_was_lost_is_found_out_by_the_tries(bench: Bench) -> None:
    blocked = replace(THIRD, pin_blocked=True)
    card = bench.read(blocked)
    bench.scripts.before_answer = lambda: bench.pulled_after(0, blocked)
    assert run(bench, card, "unblock") == PinUsed(PinSaid.DONE, 6, insertion=2)
    assert len(bench.scripts.asked) == len(bench.commands) == 1, "asked and sent once"


def test_a_reset_of_a_card_that_was_not_blocked_cannot_be_found_out(bench: Bench) -> None:
    card = bench.read()
    bench.scripts.before_answer = lambda: bench.pulled_after(0)
    assert run(bench, card, "reset") == PinUsed(PinSaid.UNKNOWN, 6, insertion=2)
    assert len(bench.scripts.asked) == 1


def test_without_a_way_to_the_centre_nothing_is_written(bench: Bench) -> None:
    card = bench.read()
    bench.work.parts.__dict__["central"] = None
    with pytest.raises(DeviceFault) as caught:
        run(bench, card, "reset")
    assert caught.value.code is FaultCode.HSM_UNREACHABLE
