"""R-G17: cards that were read and those that were not, by generation and maker, nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hardware.card.contents import DamagedCard, decode
from hardware.card.files import read_social_card
from hardware.card.reader import CardReader
from hardware.card.session import CardSession, Interface
from hardware.card.tally import MAKERS, Tally, maker_of
from hardware.card.transport import Readers
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual.card import VirtualCard
from hardware.virtual.personas import CARD_PERSONAS, CardPersona
from tests.wire.cards import no_psam

FUDAN = CARD_PERSONAS["third"].atr


class Line:
    """A way to one card after the other; each is another insertion."""

    def __init__(self, *personas: CardPersona) -> None:
        self._personas = list(personas)
        self.insertion = 0

    def check(self) -> Readers:
        return Readers("A")

    def card_in(self, timeout_s: float) -> Any:
        return Slot(VirtualCard(self._personas[self.insertion]), self.insertion)


class Slot:
    reader, interface = "A", Interface.CONTACT

    def __init__(self, card: VirtualCard, insertion: int) -> None:
        self._card, self.insertion = card, insertion

    @property
    def atr(self) -> bytes:
        return self._card.atr

    def connect(self) -> Slot:
        if not self.atr:
            raise DeviceFault(FaultCode.CARD_MUTE)
        return self

    def transmit(self, command: bytes) -> bytes:
        return self._card.answer(command)

    def close(self) -> None:
        """Nothing is held."""


def of_t1(name: str, **change: Any) -> CardPersona:
    """Its commands go as they are: see `hardware.card.apdu.over_t0`."""
    return replace(CARD_PERSONAS[name], block_protocol=True, **change)


def counted(*personas: CardPersona, work: Callable[[CardSession], Any] = read_social_card) -> Any:
    line = Line(*personas)
    reader = CardReader(line)  # type: ignore[arg-type]
    for place in range(len(personas)):
        line.insertion = place
        for _ in range(2):  # a second use of a card that has not moved
            try:
                reader.use(lambda: False, lambda step: None, work, fresh=False)
            except DeviceFault as fault:
                if fault.code is FaultCode.CARD_PULLED:
                    break
    return {name: count for name, count in reader.poll().counters.items() if count}


def test_each_card_counts_once_by_generation_and_maker() -> None:
    assert counted(of_t1("third"), of_t1("second"), of_t1("third")) == {
        "cycles": 3,
        "read_3_fudan": 2,
        "read_2_fudan": 1,
    }


def test_a_card_that_cannot_be_read_counts_under_what_is_known_of_it() -> None:
    issuer = {tag: value for tag, value in CARD_PERSONAS["second"].issuer_file.items() if tag != 1}
    assert counted(
        CARD_PERSONAS["mute"],
        of_t1("not-understood"),
        of_t1("damaged"),
        of_t1("second", issuer_file=issuer),
    ) == {
        "cycles": 4,
        "unreadable": 4,
        "unreadable_0_mute": 1,
        "unreadable_0_fudan": 2,
        "unreadable_2_fudan": 1,
    }


@pytest.mark.parametrize("name", ["foreign", "blank", "blocked"])
def test_what_is_no_card_of_ours_or_is_not_bad_is_not_called_unreadable(name: str) -> None:
    assert counted(of_t1(name)) == {"cycles": 1}


def test_a_pulled_card_is_not_called_unreadable() -> None:
    def pulled(card: CardSession) -> None:
        raise DeviceFault(FaultCode.CARD_PULLED)

    assert counted(of_t1("third"), work=pulled) == {"cycles": 1}


def test_what_is_done_with_a_card_besides_is_no_reading() -> None:
    assert counted(of_t1("third"), work=lambda card: card.transmit(b"\0\x84\0\0\x08")) == {
        "cycles": 1
    }


def test_the_name_of_a_counter_holds_nothing_of_the_card_that_is_its_own() -> None:
    """The serial number stands in the same bytes; whatever a card says there makes no new name."""
    names = {maker_of(b"\x3b\x6d\0\0" + bytes([0, first, *range(11)])) for first in range(256)}
    assert names == {*MAKERS.values(), "other"}
    assert maker_of(FUDAN) == "fudan"
    assert maker_of(CARD_PERSONAS["third-near"].atr) == "near"
    assert maker_of(b"") == "mute"
    assert maker_of(b"\x3b") == "other"


def test_a_card_near_the_reader_is_counted_as_such() -> None:
    tally = Tally()
    near = CardSession(lambda _: b"", b"", Interface.CONTACTLESS, "A", no_psam)
    issuer = {"card_id": CARD_PERSONAS["third"].issuer_file[1], "version": b"3.00"}
    tally.used(1)
    tally.read(decode(issuer, {}, near), b"")
    assert tally.counters == {"cycles": 1, "unreadable": 0, "read_3_near": 1}


@pytest.mark.parametrize(
    ("issuer", "generation", "what"),
    [
        ({"version": b"2.00"}, 2, "card id"),
        ({"version": b"2.00", "card_id": b"\xff" * 16}, 2, "card id"),
        ({"version": b"7.00", "card_id": bytes(16)}, 0, "version"),
        ({}, 0, "version"),
    ],
)
def test_a_damaged_card_is_of_the_generation_that_could_be_read(
    issuer: dict[str, bytes], generation: int, what: str
) -> None:
    with pytest.raises(DamagedCard) as caught:
        decode(issuer, {})
    assert (caught.value.generation, caught.value.detail) == (generation, what)
    assert caught.value.code is FaultCode.CARD_DAMAGED
