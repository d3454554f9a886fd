"""Opening a third-generation card by PSAM, HSM or PIN; scripts of the centre; at every command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.card.apdu import over_t0, refused
from hardware.card.authenticator import (
    CardAuthenticator,
    CardCentre,
    Factors,
    Gate,
    HsmAuthenticator,
    NoAuthenticator,
    PinAuthenticator,
    PsamAuthenticator,
    PsamKey,
    make_authenticator,
)
from hardware.card.contents import SocialCard
from hardware.card.direct import DirectTransport
from hardware.card.files import CardFiles, read_social_card
from hardware.card.pin import Pin, change, tries_left, verify
from hardware.card.reader import CardReader
from hardware.card.script import BadScript, parse_script, relay, run_script
from hardware.card.session import CardSession
from hardware.card.transport import Readers
from hardware.faults import DeviceFault, FaultCode
from hardware.supervision import DeviceState
from hardware.virtual import keys
from hardware.virtual.card import VirtualCard
from hardware.virtual.personas import CARD_PERSONAS, ID_PERSONAS
from kiosk.settings import CHOICES
from tests.any_text import any_text
from tests.wire.cards import Centre, Desk, session

PIN = CARD_PERSONAS["third"].pin
CARD_ID = CARD_PERSONAS["third"].issuer_file[0x01]


def hsm(centre: CardCentre | None = None, patience_s: float = 5.0) -> HsmAuthenticator:
    return HsmAuthenticator(centre or Centre(), patience_s)


#: Operation -> the card it is for, and what it does with one.
OPERATIONS: dict[str, tuple[str, Callable[[CardSession], object]]] = {
    "read": ("third", read_social_card),
    "psam": ("third", lambda card: read_social_card(card, PsamAuthenticator())),
    "hsm": ("third", lambda card: read_social_card(card, hsm())),
    "pin": ("third-pin", lambda card: read_social_card(card, PinAuthenticator(Pin(PIN)))),
    "verify": ("third", lambda card: enter(card) and verify(card, Pin(PIN))),
    "change": ("third", lambda card: enter(card) and change(card, Pin(PIN), Pin("864209"))),
    "unblock": ("blocked-pin", lambda card: relay(card, Issuer())),
}


def enter(card: CardSession) -> str:
    return CardFiles(card.transmit).enter()


class Issuer:
    """Makes the scripts of the centre. `before`: commands that come first."""

    def __init__(self, *before: str) -> None:
        self.before = before

    def script(self, card: SocialCard, challenge: bytes, patience_s: float) -> object:
        unblocking = keys.unblocking(bytes.fromhex(card.card_id), challenge).hex()
        steps = [{"command": command} for command in (*self.before, unblocking)]
        return {"id": "unblock-1", "steps": steps}


def holder_name(card: SocialCard) -> str:
    assert card.holder is not None
    return card.holder.name


# -- each way in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["psam", "hsm", "pin"])
def test_the_holder_is_read_after_authentication(operation: str) -> None:
    persona, run = OPERATIONS[operation]
    card = run(Desk(persona).card)
    assert isinstance(card, SocialCard)
    assert holder_name(card) == ID_PERSONAS["wang"].name


def test_only_a_card_that_the_hsm_found_genuine_is() -> None:
    """A module in the terminal opens what takes its cryptogram, and the PIN asks the card itself:
    a programmed chip takes either. One whose file is free was asked for nothing."""
    found = {"hsm": True, "psam": False, "pin": False, "read": False}
    for operation, genuine in found.items():
        persona, run = OPERATIONS[operation]
        card = run(Desk(persona).card)
        assert isinstance(card, SocialCard)
        assert card.genuine is genuine, operation
    assert not read_social_card(Desk("second").card, hsm()).genuine


def test_without_authentication_the_holder_stays_unknown() -> None:
    assert read_social_card(Desk("third").card, NoAuthenticator()).holder is None
    assert read_social_card(Desk("third").card).holder is None


def test_a_free_card_is_not_authenticated_at_all() -> None:
    desk = Desk("second")
    assert holder_name(read_social_card(desk.card, hsm())) == ID_PERSONAS["zhang"].name
    assert not [command for command in desk.commands if command[1] in (0x82, 0x84, 0x88)]


def test_the_centre_is_told_of_the_card_and_of_no_holder() -> None:
    centre = Centre()
    read_social_card(Desk("third").card, hsm(centre))
    (card,) = centre.asked
    assert (card.region, card.algorithm, card.card_id) == ("130299", "03", CARD_ID.hex().upper())
    assert card.holder is None


def test_the_card_proves_itself_before_anything_is_made_that_opens_it() -> None:
    class Strict(Centre):
        def open(self, exchange: str, card: SocialCard, factors: Factors, patience: float) -> bytes:
            raise AssertionError("asked to open an unproven card")

    with pytest.raises(DeviceFault) as caught:
        read_social_card(forged(Desk("third").card), hsm(Strict()))
    assert caught.value.code is FaultCode.CARD_UNPROVEN


# -- each way it fails ---------------------------------------------------------------------------


class Away(Centre):
    """Goes away after the first step, or before it."""

    def __init__(self, *, after_first: bool) -> None:
        super().__init__()
        self._after_first = after_first

    def prove(self, card: SocialCard, factors: Factors, proof: bytes, patience_s: float) -> str:
        if not self._after_first:
            raise DeviceFault(FaultCode.HSM_UNREACHABLE)
        return super().prove(card, factors, proof, patience_s)

    def open(self, exchange: str, card: SocialCard, factors: Factors, patience_s: float) -> bytes:
        raise DeviceFault(FaultCode.HSM_UNREACHABLE)


def too_late(cryptogram: bytes) -> bytes:
    time.sleep(0.2)
    return cryptogram


def forged(card: CardSession) -> CardSession:
    """The same card with another key for the internal authentication."""

    def transmit(command: bytes) -> bytes:
        answer = card.transmit(command)
        return bytes(8) + answer[8:] if command[1] == 0x88 else answer

    return replace(card, transmit=transmit)


FAILURES: dict[str, tuple[CardAuthenticator, str, FaultCode]] = {
    "no network": (hsm(Away(after_first=False)), "psam", FaultCode.HSM_UNREACHABLE),
    "cut between": (hsm(Away(after_first=True)), "psam", FaultCode.HSM_UNREACHABLE),
    "too late": (hsm(Centre(too_late), 0.1), "psam", FaultCode.HSM_UNREACHABLE),
    "not what was asked": (hsm(Centre(lambda made: made[:8])), "psam", FaultCode.HSM_REFUSED),
    "the terminal is not genuine": (
        hsm(Centre(lambda made: bytes(16))),
        "psam",
        FaultCode.CARD_KEY_REFUSED,
    ),
    "no module": (PsamAuthenticator(), "", FaultCode.PSAM_ABSENT),
    "a card in its place": (PsamAuthenticator(), "foreign", FaultCode.PSAM_UNFIT),
    "a key it lacks": (PsamAuthenticator(PsamKey(0x48, 0x12)), "psam", FaultCode.PSAM_UNFIT),
    "a blocked PIN": (PinAuthenticator(Pin("246802")), "psam", FaultCode.CARD_PIN_BLOCKED),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_named(what: str) -> None:
    authenticator, psam, code = FAILURES[what]
    persona = "blocked-pin" if what == "a blocked PIN" else "third"
    with pytest.raises(DeviceFault) as caught:
        read_social_card(Desk(persona, psam=psam).card, authenticator)
    assert caught.value.code is code


@pytest.mark.parametrize("persona", ["third-t1", "third-near"])
@pytest.mark.parametrize("operation", ["psam", "hsm"])
def test_a_card_of_t1_is_opened_too(operation: str, persona: str) -> None:
    """✗ Without Le it gave no proof, and an empty one went to the HSM."""
    card = OPERATIONS[operation][1](Desk(persona).card)
    assert isinstance(card, SocialCard)
    assert holder_name(card) == ID_PERSONAS["wang"].name
    assert card.algorithm == "03", "✗ 01 was told to the HSM"


def test_what_is_no_proof_is_not_sent_to_the_hsm() -> None:
    centre = Centre()
    with pytest.raises(DeviceFault) as caught:
        read_social_card(Desk("third-half-proof").card, hsm(centre))
    assert caught.value.code is FaultCode.CARD_REFUSED
    assert caught.value.detail == "proof of 4 bytes"
    assert centre.asked == []


def test_a_module_that_computes_half_a_cryptogram_is_unfit() -> None:
    desk = Desk("third")

    class Half(VirtualCard):
        def answer(self, command: bytes) -> bytes:
            answer = super().answer(command)
            return answer[8:] if command[:2] == b"\x80\xfa" else answer

    @contextmanager
    def psam() -> Iterator[CardSession]:
        module = Half(CARD_PERSONAS["psam"])
        yield session(lambda command: module.answer(over_t0(command)))

    with pytest.raises(DeviceFault) as caught:
        read_social_card(replace(desk.card, psam=psam), PsamAuthenticator())
    assert (caught.value.code, caught.value.detail) == (FaultCode.PSAM_UNFIT, "8 bytes")
    assert spent(desk) == 0


# -- the terminal's key is a wrong one -------------------------------------------------------------


def wrongly_set(gate: Gate) -> HsmAuthenticator:
    return HsmAuthenticator(Centre(lambda made: bytes(16)), gate=gate)


def other(serial: int) -> Desk:
    """Another citizen's card of the third generation."""
    desk = Desk("third")
    card_id = CARD_ID[:8] + serial.to_bytes(4, "big") + CARD_ID[12:]
    third = CARD_PERSONAS["third"]
    persona = replace(third, issuer_file={**third.issuer_file, 0x01: card_id})
    desk.virtual = VirtualCard(persona)
    return desk


def refusal(desk: Desk, way: CardAuthenticator) -> DeviceFault:
    with pytest.raises(DeviceFault) as caught:
        read_social_card(desk.card, way)
    return caught.value


def spent(desk: Desk) -> int:
    return sum(command[1] == 0x82 for command in desk.commands)


def test_a_card_that_refused_is_not_made_to_count_again() -> None:
    gate, desk = Gate(), Desk("third")
    assert refusal(desk, wrongly_set(gate)).code is FaultCode.CARD_KEY_REFUSED
    again = refusal(desk, wrongly_set(gate))
    assert (again.code, again.detail) == (FaultCode.CARD_KEY_REFUSED, "not tried again")
    assert spent(desk) == 1
    assert not gate.closed


def test_a_card_that_refused_is_not_tried_again_after_another_was_opened() -> None:
    gate, desk = Gate(), other(1)
    refusal(desk, wrongly_set(gate))
    good = HsmAuthenticator(Centre(), gate=gate)
    assert read_social_card(Desk("third").card, good).holder is not None
    assert refusal(desk, good).detail == "not tried again"
    assert spent(desk) == 1


def test_the_gate_remembers_the_last_of_many_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hardware.card.authenticator.MOST_KEPT", 2)
    gate = Gate()
    for card in "ABC":
        gate.opened()
        with pytest.raises(DeviceFault):
            gate.refused(card, 0x63C2)
    gate.must_let("A")
    for card in "BC":
        with pytest.raises(DeviceFault, match="not tried again"):
            gate.must_let(card)


@pytest.mark.parametrize("way", [PsamAuthenticator, HsmAuthenticator])
def test_after_three_different_cards_in_a_row_no_further_card_loses_a_try(way: Any) -> None:
    gate = Gate()
    for serial in range(3):
        assert not gate.closed
        desk = other(serial)
        assert refusal(desk, wrongly_set(gate)).code is FaultCode.CARD_KEY_REFUSED
        assert spent(desk) == 1
    assert gate.closed
    desk = Desk("third")
    shut = way(gate=gate) if way is PsamAuthenticator else way(Centre(), gate=gate)
    assert refusal(desk, shut).code is FaultCode.CARD_KEY_CLOSED
    assert [command for command in desk.commands if command[1] in (0x82, 0x84, 0x88)] == []


def test_a_card_that_was_opened_shows_that_the_key_is_right() -> None:
    gate = Gate()
    for serial in (1, 2):
        refusal(other(serial), wrongly_set(gate))
    good = HsmAuthenticator(Centre(), gate=gate)
    assert read_social_card(Desk("third").card, good).holder is not None
    for serial in (3, 4):
        refusal(other(serial), wrongly_set(gate))
    assert not gate.closed


@pytest.mark.parametrize(
    ("status", "code", "counts"),
    [
        (0x63C4, FaultCode.CARD_KEY_REFUSED, True),
        (0x6982, FaultCode.CARD_KEY_REFUSED, True),
        (0x6A88, FaultCode.CARD_KEY_REFUSED, True),
        (0x63C0, FaultCode.CARD_KEY_BLOCKED, True),
        # Locked before it came here: no word about this terminal.
        (0x6983, FaultCode.CARD_KEY_BLOCKED, False),
        (0x9303, FaultCode.CARD_BLOCKED, False),
    ],
)
def test_what_the_card_says_of_its_key_is_not_said_of_the_pin(
    status: int, code: FaultCode, counts: bool
) -> None:
    gate = Gate()
    for serial in "123":
        with pytest.raises(DeviceFault) as caught:
            gate.refused(serial, status)
        assert caught.value.code is code
        assert caught.value.detail == f"EXTERNAL AUTHENTICATE {status:04X}"
    assert gate.closed is counts


def test_only_a_command_about_the_pin_says_that_the_pin_is_locked() -> None:
    for status in (0x6983, *range(0x63C0, 0x63D0)):
        assert refused(status, "READ").code is FaultCode.CARD_REFUSED


def test_the_reader_says_that_holders_are_not_read_any_more() -> None:
    reader = CardReader(DirectTransport(0))
    reader._transport.check = lambda: Readers("A")  # type: ignore[method-assign]
    assert (reader.poll().state, reader.poll().fault) == (DeviceState.READY, None)
    for card in "123":
        with pytest.raises(DeviceFault):
            reader.gate.refused(card, 0x6300)
    assert reader.poll().state is DeviceState.WARNING
    assert reader.poll().fault is FaultCode.CARD_KEY_CLOSED


def test_the_setting_names_the_way() -> None:
    assert isinstance(make_authenticator("none", None), NoAuthenticator)
    assert isinstance(make_authenticator("pin", None), NoAuthenticator)
    assert isinstance(make_authenticator("pin", None, Pin(PIN)), PinAuthenticator)
    assert isinstance(make_authenticator("psam", None), PsamAuthenticator)
    assert isinstance(make_authenticator("hsm", Centre()), HsmAuthenticator)
    for name in CHOICES["devices", "card_authenticator"]:
        make_authenticator(name, Centre(), Pin(PIN))
    for name in ("hsm", "magic"):
        with pytest.raises(ValueError, match="use none"):
            make_authenticator(name, None)


# -- pulled at every command ---------------------------------------------------------------------


def commands_of(operation: str) -> int:
    persona, run = OPERATIONS[operation]
    desk = Desk(persona)
    run(desk.card)
    return len(desk.commands)


EVERY_COMMAND = [
    (operation, place) for operation in OPERATIONS for place in range(commands_of(operation))
]


@pytest.mark.parametrize(("operation", "place"), EVERY_COMMAND)
def test_a_card_pulled_at_any_command_of_any_operation_is_named_and_works_again(
    operation: str, place: int
) -> None:
    persona, run = OPERATIONS[operation]
    desk = Desk(persona, pull_at=place)
    with pytest.raises(DeviceFault) as caught:
        run(desk.card)
    # The module beside the card cannot be pulled by a citizen; its silence is the card's.
    assert caught.value.code is FaultCode.CARD_PULLED
    assert len(desk.commands) == place, "nothing was tried again"
    desk.again()
    run(desk.card)
    assert tries_left(desk.card) == 6


# -- scripts of the centre -----------------------------------------------------------------------


def test_a_script_of_the_centre_unblocks_the_pin() -> None:
    desk = Desk("blocked-pin")
    enter(desk.card)
    assert verify(desk.card, Pin(PIN)).blocked
    assert relay(desk.card, Issuer()).id == "unblock-1"
    assert verify(desk.card, Pin(PIN)).verified


def test_a_script_is_of_no_use_a_second_time() -> None:
    desk = Desk("blocked-pin")
    script = relay(desk.card, Issuer())
    with pytest.raises(DeviceFault) as caught:
        run_script(desk.card, script)
    assert caught.value.detail == "script unblock-1 step 0 6988"


def test_a_script_stops_at_the_first_answer_it_did_not_expect() -> None:
    desk = Desk("blocked-pin")
    with pytest.raises(DeviceFault) as caught:
        relay(desk.card, Issuer("842400000400000000"))
    assert caught.value.code is FaultCode.CARD_REFUSED
    assert caught.value.detail == "script unblock-1 step 0 6988"
    assert desk.commands[-1].hex() == "842400000400000000", "nothing was sent after it"
    assert verify(desk.card, Pin(PIN)).blocked


def test_what_is_no_script_never_comes_to_the_card() -> None:
    desk = Desk("blocked-pin")
    with pytest.raises(DeviceFault) as caught:
        relay(desk.card, Issuer("0020000003123456"))
    assert caught.value.code is FaultCode.HSM_REFUSED
    assert "only the citizen" in caught.value.detail
    assert desk.commands[-1][1] == 0x84, "the challenge was the last command"


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"id": "a", "steps": []},
        {"id": "../a", "steps": [{"command": "00A40000"}]},
        {"id": "a", "steps": [{"command": "00A4"}]},
        {"id": "a", "steps": [{"command": "zz" * 8}]},
        {"id": "a", "steps": [{"command": "00" * 262}]},
        {"id": "a", "steps": [{"command": "00A40000", "expect": []}]},
        {"id": "a", "steps": [{"command": "00A40000", "expect": ["90.."]}]},
        {"id": "a", "steps": [{"command": "00A40000"}] * 65},
        # A PIN is the citizen's, also when the class byte pretends otherwise.
        {"id": "a", "steps": [{"command": "0020000003123456"}]},
        {"id": "a", "steps": [{"command": "0420000003123456"}]},
        {"id": "a", "steps": [{"command": "805e010007123456FF654321"}]},
    ],
)
def test_what_is_no_script_is_not_run(document: object) -> None:
    with pytest.raises(BadScript):
        parse_script(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text(max_size=8), inner),
    max_leaves=8,
)


@given(JSON | st.fixed_dictionaries({"id": any_text(max_size=6), "steps": JSON}))
def test_any_document_is_a_script_or_not(document: object) -> None:
    try:
        assert parse_script(document).steps
    except BadScript:
        return


def test_a_script_shows_none_of_its_commands() -> None:
    assert "8424" not in repr(relay(Desk("blocked-pin").card, Issuer()))


# -- SM4 -----------------------------------------------------------------------------------------

_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


def test_sm4_gives_the_standard_s_first_example() -> None:
    """GB/T 32907-2016, appendix A.1: one block, key and text alike."""
    assert keys.sm4(_KEY, _KEY) == bytes.fromhex("681EDF34D206965E86B3E94F536E4246")


def test_sm4_gives_the_standard_s_second_example() -> None:
    """GB/T 32907-2016, appendix A.2: a million times over."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    encryptor = Cipher(algorithms.SM4(_KEY), modes.ECB()).encryptor()
    block = _KEY
    for _ in range(1_000_000):
        block = encryptor.update(block)
    assert block == bytes.fromhex("595298C7C6FD271F0402F804C33D3F66")


def test_a_card_of_t1_gives_a_challenge_that_looks_like_a_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One challenge in 256 began with 61, and the far end gave nothing of it."""
    monkeypatch.setattr("hardware.virtual.card.secrets.token_bytes", lambda count: b"\x61" * count)
    card = VirtualCard(CARD_PERSONAS["third-t1"])
    assert card.answer(bytes.fromhex("0084000008")) == b"\x61" * 8 + b"\x90\x00"
