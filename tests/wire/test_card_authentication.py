"""Opening a third-generation card by PSAM, HSM or PIN; scripts of the centre; at every command."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.card.authenticator import (
    CardAuthenticator,
    HsmAnswer,
    HsmAuthenticator,
    NoAuthenticator,
    PinAuthenticator,
    PsamAuthenticator,
    PsamKey,
    make_authenticator,
)
from hardware.card.files import CardFiles, SocialCard, read_social_card
from hardware.card.pin import Pin, change, tries_left, verify
from hardware.card.script import BadScript, Script, parse_script, run_script
from hardware.card.session import CardSession
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual import keys
from hardware.virtual.personas import CARD_PERSONAS, ID_PERSONAS
from kiosk.settings import CHOICES
from tests.wire.cards import Desk

PIN = CARD_PERSONAS["third"].pin
CARD_ID = CARD_PERSONAS["third"].issuer_file[0x01]


def centre(text: str, patience_s: float) -> str:
    return keys.hsm(text)


def hsm(ask: Callable[[str, float], str] = centre, patience_s: float = 5.0) -> HsmAuthenticator:
    return HsmAuthenticator("130299", ask, patience_s)


#: Operation -> the card it is for, and what it does with one.
OPERATIONS: dict[str, tuple[str, Callable[[CardSession], object]]] = {
    "read": ("third", read_social_card),
    "psam": ("third", lambda card: read_social_card(card, PsamAuthenticator())),
    "hsm": ("third", lambda card: read_social_card(card, hsm())),
    "pin": ("third-pin", lambda card: read_social_card(card, PinAuthenticator(Pin(PIN)))),
    "verify": ("third", lambda card: enter(card) and verify(card, Pin(PIN))),
    "change": ("third", lambda card: enter(card) and change(card, Pin(PIN), Pin("864209"))),
    "unblock": ("blocked-pin", lambda card: enter(card) and run_script(card, UNBLOCK)),
}


def enter(card: CardSession) -> str:
    return CardFiles(card.transmit).enter()


def script(*commands: str) -> Script:
    steps = [{"command": command, "expect": ["9000", "61xx"]} for command in commands]
    return parse_script({"id": "unblock-1", "steps": steps})


UNBLOCK: Script = script("8424000004" + keys.unblocking_mac(CARD_ID).hex())


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


def test_without_authentication_the_holder_stays_unknown() -> None:
    assert read_social_card(Desk("third").card, NoAuthenticator()).holder is None
    assert read_social_card(Desk("third").card).holder is None


def test_a_free_card_is_not_authenticated_at_all() -> None:
    desk = Desk("second")
    assert holder_name(read_social_card(desk.card, hsm())) == ID_PERSONAS["zhang"].name
    assert not [command for command in desk.commands if command[1] in (0x82, 0x84, 0x88)]


def test_the_request_to_the_centre_has_the_fields_of_the_procedure_and_no_holder() -> None:
    asked: list[str] = []

    def listen(text: str, patience_s: float) -> str:
        asked.append(text)
        return keys.hsm(text)

    read_social_card(Desk("third").card, hsm(listen))
    fields = asked[0].split("|")
    assert len(fields) == 10 and fields[-1] == ""
    assert fields[0] == "130299"
    assert fields[2:4] == ["03", CARD_ID.hex().upper()]
    assert all(len(challenge) == 16 for challenge in fields[4:8])
    assert fields[8] == "130299"
    assert ID_PERSONAS["wang"].number not in asked[0]


# -- each way it fails ---------------------------------------------------------------------------


def refuse(text: str, patience_s: float) -> str:
    raise DeviceFault(FaultCode.HSM_UNREACHABLE)


def too_late(text: str, patience_s: float) -> str:
    import time

    time.sleep(0.05)
    return keys.hsm(text)


def forged(text: str, patience_s: float) -> str:
    return "00" * 8 + keys.hsm(text)[16:]


def wrong_key(text: str, patience_s: float) -> str:
    return keys.hsm(text)[:17] + "00" * 16 + "|"


FAILURES: dict[str, tuple[CardAuthenticator, str, FaultCode]] = {
    "no network": (hsm(refuse), "psam", FaultCode.HSM_UNREACHABLE),
    "too late": (hsm(too_late, 0.01), "psam", FaultCode.HSM_UNREACHABLE),
    "the centre says no": (hsm(lambda *_: "ERR|card lost|"), "psam", FaultCode.HSM_REFUSED),
    "not what was asked": (hsm(lambda *_: "00|00|"), "psam", FaultCode.HSM_REFUSED),
    "the card is not genuine": (hsm(forged), "psam", FaultCode.CARD_UNPROVEN),
    "the terminal is not": (hsm(wrong_key), "psam", FaultCode.CARD_REFUSED),
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


@given(st.text(max_size=120))
def test_any_answer_of_the_centre_is_cryptograms_or_a_refusal(text: str) -> None:
    try:
        answer = HsmAnswer.parse(text)
    except DeviceFault as fault:
        assert fault.code is FaultCode.HSM_REFUSED
        return
    assert (len(answer.internal_result), len(answer.external_data)) == (8, 16)


def test_the_setting_names_the_way() -> None:
    assert isinstance(make_authenticator("none", "1", None), NoAuthenticator)
    assert isinstance(make_authenticator("pin", "1", None), NoAuthenticator)
    assert isinstance(make_authenticator("pin", "1", None, Pin(PIN)), PinAuthenticator)
    assert isinstance(make_authenticator("psam", "1", None), PsamAuthenticator)
    assert isinstance(make_authenticator("hsm", "1", centre), HsmAuthenticator)
    for name in CHOICES["devices", "card_authenticator"]:
        make_authenticator(name, "1", centre, Pin(PIN))
    for name in ("hsm", "magic"):
        with pytest.raises(ValueError, match="use none"):
            make_authenticator(name, "1", None)


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
    assert run_script(desk.card, UNBLOCK) == [b"\x90\x00"]
    assert verify(desk.card, Pin(PIN)).verified


def test_a_script_stops_at_the_first_answer_it_did_not_expect() -> None:
    desk = Desk("blocked-pin")
    enter(desk.card)
    wrong = script("842400000400000000", "8424000004" + keys.unblocking_mac(CARD_ID).hex())
    before = len(desk.commands)
    with pytest.raises(DeviceFault) as caught:
        run_script(desk.card, wrong)
    assert caught.value.code is FaultCode.CARD_REFUSED
    assert caught.value.detail == "script unblock-1 step 0 6988"
    assert len(desk.commands) == before + 1
    assert verify(desk.card, Pin(PIN)).blocked


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
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(JSON | st.fixed_dictionaries({"id": st.text(max_size=6), "steps": JSON}))
def test_any_document_is_a_script_or_not(document: object) -> None:
    try:
        assert parse_script(document).steps
    except BadScript:
        return


def test_a_script_shows_none_of_its_commands() -> None:
    assert "8424" not in repr(UNBLOCK)


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
