"""Cards that the centre opens with its HSM, and unblocks: a real centre, virtual HSM and cards."""

from __future__ import annotations

import base64
import json
import re
import secrets
import socket
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import requests
from typer.testing import CliRunner

from hardware.card.authenticator import HsmAuthenticator
from hardware.card.direct import DirectTransport
from hardware.card.files import CardFiles, read_social_card
from hardware.card.pin import Pin, verify
from hardware.card.reader import CardReader, CardStep
from hardware.card.script import relay
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual import keys
from hardware.virtual.card import CardSlot, VirtualCard
from hardware.virtual.hsm import VirtualHsm
from hardware.virtual.personas import CARD_PERSONAS, ID_PERSONAS
from kiosk.__main__ import assemble
from kiosk.demo.smartcard import free_port
from kiosk.kioskctl import app
from kiosk.operations.card_centre import CentralHsm, CentralScripts
from kiosk.operations.cards import read_card
from kiosk.operations.work import Work
from kiosk.settings import Devices, Settings
from kiosk.visit.prompts import ReadCard
from sync.central import CentralClient
from sync.faults import CentralRefused
from sync.wire.fleet import HeartbeatAnswer
from tests.system.conftest import CentralServer, EnrolledTerminal, enrolled
from tests.system.test_central import beat
from tests.wire.cards import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hardware.card.authenticator import Factors
    from hardware.card.contents import SocialCard
    from hardware.card.session import CardSession

THIRD = CARD_PERSONAS["third"]
CARD_ID = THIRD.issuer_file[0x01].hex().upper()
PIN = THIRD.pin
#: A card of a region whose keys the HSM does not have.
STRANGER = replace(
    THIRD, issuer_file={**THIRD.issuer_file, 0x01: bytes.fromhex("139999" + CARD_ID[6:])}
)


_ADD = "/admin/central/cardauthorisation/add/"


class Operator:
    """Somebody at the admin pages."""

    def __init__(self, server: CentralServer) -> None:
        self._url, self._session = server.url, requests.Session()
        name, password = (server.folder / "operator.txt").read_text(encoding="ascii").split()
        self.post("/admin/login/", {"username": name, "password": password})

    def post(self, path: str, fields: dict[str, str]) -> str:
        """Fill in the form at `path`; returns the page that follows."""
        self._session.get(self._url + path, timeout=20)
        token = self._session.cookies["csrftoken"]
        sent = {**fields, "csrfmiddlewaretoken": token}
        return self._session.post(self._url + path, data=sent, timeout=20).text

    def get(self, path: str) -> str:
        return self._session.get(self._url + path, timeout=20).text


@dataclass
class Hall:
    """A centre with an HSM, and two terminals."""

    server: CentralServer
    hsm: VirtualHsm
    terminal: EnrolledTerminal
    other: EnrolledTerminal
    operator: Operator

    def client(self, terminal: EnrolledTerminal | None = None) -> CentralClient:
        terminal = terminal or self.terminal
        return CentralClient(terminal.identity, terminal.state)

    def hsm_of(self, terminal: EnrolledTerminal | None = None) -> CentralHsm:
        return CentralHsm(self.client(terminal))

    @contextmanager
    def without_hsm(self) -> Iterator[None]:
        self.hsm.go_away()
        yield
        self.hsm.come_back()

    def cut(self) -> CentralHsm:
        """As if there were no line to the centre."""
        away = replace(self.terminal.identity, central_url="http://127.0.0.1:9")
        return CentralHsm(CentralClient(away, self.terminal.state))

    def authorise(self, purpose: str, card_id: str = CARD_ID) -> str:
        """As an operator does it; returns the code that the page shows once."""
        page = self.operator.post(_ADD, {"card_id": card_id, "purpose": purpose})
        found = re.search(r"授权码 ([0-9A-Z-]+)", page)
        return found[1] if found else page

    def ages(self, table: str, column: str, seconds: int) -> None:
        """As if so much time had passed for what the centre holds."""
        if self.server.database:
            before = f"{column} - make_interval(secs => ?)"
            self.server.sql(f"UPDATE {table} SET {column} = {before}", seconds)
        else:
            before = f"datetime({column}, ?)"
            self.server.sql(f"UPDATE {table} SET {column} = {before}", f"-{seconds} seconds")

    def logs(self) -> str:
        return (self.server.state / "central.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hall(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[Hall]:
    hsm = VirtualHsm()
    folder = tmp_path_factory.mktemp("card-centre")
    server = CentralServer(folder, hsm=hsm.address, database=new_database())
    server.start()
    terminals = [enrolled(server, server.state / f"terminal-{number}") for number in (1, 2)]
    made = Hall(server, hsm, *terminals, Operator(server))
    yield made
    for terminal in terminals:
        terminal.transport.close()
        terminal.outbox.close()
    server.stop()
    made.hsm.close()


def facts(card_id: str = CARD_ID) -> dict[str, str]:
    return {"region": "130299", "reset_info": "", "algorithm": "03", "card_id": card_id}


def drawn() -> Factors:
    """Random numbers of a card."""
    return secrets.token_bytes(8), secrets.token_bytes(8)


def proof_of(factors: Factors) -> bytes:
    """What the card makes of them."""
    return keys.cryptogram(keys.INTERNAL, bytes.fromhex(CARD_ID), b"".join(factors))[:8]


def prove(client: CentralClient) -> str:
    """A first step as a card takes it that is genuine."""
    factors = drawn()
    return client.prove_card(facts(), factors, proof_of(factors), timeout_s=8)


def proven(hall: Hall) -> str:
    return prove(hall.client())


def refused(ask: Callable[[], object]) -> str:
    with pytest.raises(CentralRefused) as caught:
        ask()
    return caught.value.reason


def fault_of(run: Callable[[], object]) -> DeviceFault:
    with pytest.raises(DeviceFault) as caught:
        run()
    return caught.value


# -- two steps -----------------------------------------------------------------------------------


def test_the_holder_is_read_with_the_hsm_of_the_centre(hall: Hall) -> None:
    card = read_social_card(Desk("third").card, HsmAuthenticator(hall.hsm_of()))
    assert card.holder is not None
    assert card.holder.name == ID_PERSONAS["wang"].name


def test_a_card_that_is_not_genuine_is_told_so_and_gets_no_exchange(hall: Hall) -> None:
    client = hall.client()
    assert refused(lambda: client.prove_card(facts(), drawn(), bytes(8), timeout_s=8)) == (
        "card_unproven"
    )
    fault = fault_of(lambda: hall.hsm_of().prove(social(), drawn(), bytes(8), 8))
    assert fault.code is FaultCode.CARD_UNPROVEN


def social() -> SocialCard:
    return read_social_card(Desk("third").card)


def test_an_exchange_opens_a_card_once(hall: Hall) -> None:
    exchange, client, factors = proven(hall), hall.client(), drawn()
    opened = client.open_card(exchange, facts(), factors, timeout_s=8)
    assert opened == keys.cryptogram(keys.READ, bytes.fromhex(CARD_ID), b"".join(factors))
    again = refused(lambda: client.open_card(exchange, facts(), drawn(), timeout_s=8))
    assert again == "exchange_unknown"


def test_a_proof_on_record_makes_no_second_exchange(hall: Hall) -> None:
    factors = drawn()
    proof = proof_of(factors)
    assert hall.client().prove_card(facts(), factors, proof, timeout_s=8)
    for terminal in (hall.terminal, hall.other):
        client = hall.client(terminal)
        said = refused(partial(client.prove_card, facts(), factors, proof, timeout_s=8))
        assert said == "replayed"


def test_an_exchange_is_of_no_use_to_another_terminal_and_is_still_there(hall: Hall) -> None:
    exchange, other = proven(hall), hall.client(hall.other)
    said = refused(lambda: other.open_card(exchange, facts(), drawn(), timeout_s=8))
    assert said == "exchange_unknown"
    assert hall.client().open_card(exchange, facts(), drawn(), timeout_s=8)


def test_an_exchange_is_of_no_use_for_another_card(hall: Hall) -> None:
    exchange, another = proven(hall), facts(CARD_ID[:-1] + "1")
    said = refused(lambda: hall.client().open_card(exchange, another, drawn(), timeout_s=8))
    assert said == "exchange_unknown"


def test_an_exchange_is_over_after_a_while(hall: Hall) -> None:
    exchange = proven(hall)
    hall.ages("central_cardexchange", "made_at", 30)
    said = refused(lambda: hall.client().open_card(exchange, facts(), drawn(), timeout_s=8))
    assert said == "exchange_unknown"


def test_the_hsm_is_not_asked_for_an_exchange_that_is_not_there(hall: Hall) -> None:
    before = hall.hsm.asked
    nowhere = "01890000-0000-7000-8000-000000000000"
    refused(lambda: hall.client().open_card(nowhere, facts(), drawn(), timeout_s=8))
    assert hall.hsm.asked == before


def test_a_card_that_the_hsm_does_not_know_is_refused(hall: Hall) -> None:
    desk = Desk("third")
    desk.virtual = VirtualCard(STRANGER)
    fault = fault_of(lambda: read_social_card(desk.card, HsmAuthenticator(hall.hsm_of())))
    assert (fault.code, fault.detail) == (FaultCode.HSM_REFUSED, "hsm_refused")


def test_an_hsm_that_is_down_is_told_from_a_centre_that_is(hall: Hall) -> None:
    with hall.without_hsm():
        desk = Desk("third")
        fault = fault_of(lambda: read_social_card(desk.card, HsmAuthenticator(hall.hsm_of())))
        assert (fault.code, fault.detail) == (FaultCode.HSM_UNREACHABLE, "hsm_unreachable")
    assert proven(hall), "it is back, and so is all that needs it"
    fault = fault_of(lambda: read_social_card(Desk("third").card, HsmAuthenticator(hall.cut())))
    assert (fault.code, fault.detail) == (FaultCode.HSM_UNREACHABLE, "connection")


#: What stands in for the HSM says -> what the centre makes of it.
BABBLE: dict[bytes, str] = {
    b"HTTP/1.0 400 Bad Request\r\n\r\n": "hsm_unreachable",
    b"[]\n": "hsm_unreachable",
    b'{"result": "0011"}\n': "hsm_refused",
    b'{"result": 7}\n': "hsm_refused",
    b'{"refused": {"why": "130299"}}\n': "hsm_refused",
    b"": "hsm_unreachable",
    b"x" * 100_000: "hsm_unreachable",
}


@pytest.mark.parametrize("line", BABBLE, ids=[line[:12].decode() for line in BABBLE])
def test_what_is_no_answer_of_an_hsm_is_named(hall: Hall, line: bytes) -> None:
    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(line)

    with hall.without_hsm(), HsmPort(("127.0.0.1", hall.hsm.port), Talk) as babbler:
        threading.Thread(target=babbler.serve_forever, args=(0.05,)).start()
        try:
            client = hall.client()
            said = refused(lambda: prove(client))
        finally:
            babbler.shutdown()
    assert said == BABBLE[line]


class HsmPort(socketserver.TCPServer):
    allow_reuse_address = True


def test_a_centre_without_an_hsm_says_so(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    client = CentralClient(terminal.identity, terminal.state)
    said = refused(lambda: prove(client))
    assert said == "hsm_unreachable"


def test_a_virtual_hsm_is_believed_by_nobody_but_a_demo(hall: Hall, tmp_path: Path) -> None:
    server = CentralServer(tmp_path, hsm=hall.hsm.address, demo=False)
    server.start()
    try:
        terminal = enrolled(server, tmp_path / "terminal")
        client = CentralClient(terminal.identity, terminal.state)
        said = refused(lambda: prove(client))
        assert said == "hsm_unreachable"
        assert "virtual" in (tmp_path / "central.log").read_text(encoding="utf-8")
    finally:
        server.stop()


@dataclass(frozen=True)
class CutBetween(CentralHsm):
    """The line to the centre is cut after the first step."""

    after: CentralHsm

    def open(self, exchange: str, card: SocialCard, factors: Factors, patience_s: float) -> bytes:
        return self.after.open(exchange, card, factors, patience_s)


def test_a_line_cut_between_the_steps_is_named_and_the_card_is_free_again(hall: Hall) -> None:
    port = free_port()
    reader, slot = CardReader(DirectTransport(port)), CardSlot(port)
    reader.open()
    try:
        slot.insert(THIRD)
        until = time.monotonic() + 20

        def read(centre: CentralHsm) -> SocialCard:
            return reader.use(
                lambda: time.monotonic() > until,
                lambda step: None,
                lambda card: read_social_card(card, HsmAuthenticator(centre)),
                fresh=False,
            )

        fault = fault_of(lambda: read(CutBetween(hall.client(), hall.cut())))
        assert (fault.code, fault.detail) == (FaultCode.HSM_UNREACHABLE, "connection")
        assert read(hall.hsm_of()).holder is not None
    finally:
        slot.close()
        reader.close()


def test_the_terminal_as_it_is_put_together_reads_a_holder_by_the_hsm(hall: Hall) -> None:
    port = free_port()
    settings = Settings(
        mode="test", devices=Devices(card=f"direct:{port}", card_authenticator="hsm")
    )
    terminal = assemble(hall.terminal.state, settings)
    reader, slot = CardReader(DirectTransport(port)), CardSlot(port)
    reader.open()
    until = time.monotonic() + 20

    def obey(step: Any) -> None:
        """A card that is in from before has to be put in anew."""
        if step is CardStep.REMOVE:
            slot.pull()
        elif step is CardStep.WAITING:
            slot.insert(THIRD)

    work = Work(
        parts=terminal.parts,
        report=obey,
        cancelled=lambda: time.monotonic() > until,
        told=list,
        now=terminal.now,
        online=lambda: True,
        letterhead=terminal.letterhead,
    )
    try:
        whose, which = ReadCard("x.read", holder=True), ReadCard("card_check.read")
        card = read_card(whose, reader, work)
        assert card.holder is not None and card.holder.name == ID_PERSONAS["wang"].name
        with hall.without_hsm():
            fault = fault_of(lambda: read_card(whose, reader, work))
            assert fault.code is FaultCode.HSM_UNREACHABLE
            card = read_card(which, reader, work)
            assert (card.generation, card.holder) == (3, None), "this one needs no HSM"
    finally:
        slot.close()
        reader.close()
        terminal.parts.outbox.close()
        terminal.parts.journal.close()


# -- scripts -------------------------------------------------------------------------------------


def scripts(hall: Hall, purpose: str, code: str, *, other: bool = False) -> CentralScripts:
    terminal = hall.other if other else hall.terminal
    return CentralScripts(hall.client(terminal), purpose, code)


def pin_of(desk: Desk, pin: str = PIN) -> Any:
    CardFiles(desk.card.transmit).enter()
    return verify(desk.card, Pin(pin))


def test_a_script_unblocks_a_pin_once(hall: Hall) -> None:
    desk, code = Desk("blocked-pin"), hall.authorise("unblock")
    assert pin_of(desk).blocked
    relay(desk.card, scripts(hall, "unblock", code.lower()))
    assert pin_of(desk).verified
    fault = fault_of(lambda: relay(desk.card, scripts(hall, "unblock", code)))
    assert (fault.code, fault.detail) == (FaultCode.HSM_REFUSED, "not_authorised")


def test_a_script_resets_a_pin_to_one_that_must_be_changed(hall: Hall) -> None:
    desk = Desk("blocked-pin")
    code = hall.server.command("authorise-card", CARD_ID, "reset", "--by", "op1").strip()
    relay(desk.card, scripts(hall, "reset", code))
    assert pin_of(desk, "123456").verified
    assert not pin_of(desk, PIN).verified


#: What is asked with an authorisation to unblock the third-generation card.
NOT_ALLOWED: dict[str, dict[str, Any]] = {
    "no authorisation": {"code": "K7WM-3QXA-9ZTB"},
    "another purpose": {"purpose": "reset"},
    "another card": {"card_id": CARD_ID[:-1] + "1"},
}


@pytest.mark.parametrize("what", NOT_ALLOWED)
def test_a_script_is_for_what_was_allowed(hall: Hall, what: str) -> None:
    asked = {"code": hall.authorise("unblock"), "purpose": "unblock", "card_id": CARD_ID}
    asked |= NOT_ALLOWED[what]
    before = hall.hsm.asked
    said = refused(
        lambda: hall.client().card_script(
            facts(asked["card_id"]), asked["purpose"], asked["code"], bytes(8), timeout_s=8
        )
    )
    assert (said, hall.hsm.asked) == ("not_authorised", before)


def test_an_authorisation_is_over_after_an_hour(hall: Hall) -> None:
    code = hall.authorise("unblock")
    hall.ages("central_cardauthorisation", "expires_at", 3601)
    fault = fault_of(lambda: relay(Desk("blocked-pin").card, scripts(hall, "unblock", code)))
    assert fault.detail == "not_authorised"


def test_an_authorisation_is_not_used_up_while_the_hsm_is_down(hall: Hall) -> None:
    desk, code = Desk("blocked-pin"), hall.authorise("unblock")
    with hall.without_hsm():
        fault = fault_of(lambda: relay(desk.card, scripts(hall, "unblock", code)))
        assert fault.code is FaultCode.HSM_UNREACHABLE
    relay(desk.card, scripts(hall, "unblock", code, other=True))
    assert pin_of(desk).verified


def test_what_is_no_card_cannot_be_authorised(hall: Hall) -> None:
    assert "卡识别码应为32位十六进制数" in hall.authorise("unblock", "13029")


def test_the_operator_sees_what_was_allowed_and_used_and_no_number_or_code(hall: Hall) -> None:
    code = hall.authorise("unblock")
    relay(Desk("blocked-pin").card, scripts(hall, "unblock", code))
    page = hall.operator.get("/admin/central/cardauthorisation/?used_at__isnull=False")
    assert "130299…" in page and "解锁密码" in page and hall.terminal.identity.terminal in page
    assert CARD_ID not in page and code not in page


def test_a_technician_sees_by_command_whether_the_way_to_the_hsm_works(hall: Hall) -> None:
    port, state = free_port(), hall.other.state
    settings = f'mode = "test"\n[devices]\ncard = "direct:{port}"\ncard_authenticator = "hsm"\n'
    (state / "settings.toml").write_text(settings, encoding="utf-8")
    slot = CardSlot(port)
    slot.insert(THIRD)
    try:
        done = CliRunner().invoke(app, ["card", "read", "--json", "--state", str(state)])
        assert json.loads(done.stdout)["name"] == "王*英"
        with hall.without_hsm():
            done = CliRunner().invoke(app, ["card", "read", "--state", str(state)])
            assert done.exit_code == 1
            assert "hsm_unreachable" in done.stderr
    finally:
        slot.close()


def test_a_technician_unblocks_a_card_by_command(hall: Hall) -> None:
    port, desk_state = free_port(), hall.terminal.state
    slot = CardSlot(port)
    settings = f'mode = "test"\n[devices]\ncard = "direct:{port}"\n'
    (desk_state / "settings.toml").write_text(settings, encoding="utf-8")
    slot.insert(CARD_PERSONAS["blocked-pin"])
    try:
        words = ["card", "unblock", hall.authorise("unblock"), "--state", str(desk_state)]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        again = CliRunner().invoke(app, words)
        assert again.exit_code == 1
        assert "授权码不对、已用过、已过期" in again.output
        assert "中心另发一个" in again.output
        mistyped = CliRunner().invoke(app, ["card", "unblock", "x" * 99, *words[3:]])
        assert (mistyped.exit_code, "授权码的写法不对" in mistyped.output) == (1, True)
    finally:
        slot.close()
    shown = CliRunner().invoke(app, ["journal", "show", "--state", str(desk_state)]).output
    assert "script_unblock" in shown and "hsm_refused" in shown


# -- what is left of it --------------------------------------------------------------------------


def written(secret: bytes) -> set[str]:
    """The ways in which a program writes bytes down, in capitals."""
    texts = (secret.hex(), base64.b64encode(secret).decode("ascii"), repr(secret)[2:-1])
    return {text.upper() for text in texts}


def test_nothing_of_a_card_is_left_at_the_centre(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in its log, not in its database; nor in the terminal's log."""
    caplog.set_level("DEBUG")
    seen: set[bytes] = {bytes.fromhex(CARD_ID)}
    third, blocked = Desk("third"), Desk("blocked-pin")

    def listening(card: CardSession) -> CardSession:
        def transmit(command: bytes) -> bytes:
            answer = card.transmit(command)
            if command[1] in (0x24, 0x82, 0x84, 0x88):
                seen.update(part for part in (command[5:], answer[:-2], answer[:8]) if part[3:])
            return answer

        return replace(card, transmit=transmit)

    read_social_card(listening(third.card), HsmAuthenticator(hall.hsm_of()))
    code = hall.authorise("unblock")
    relay(listening(blocked.card), scripts(hall, "unblock", code))
    assert len(seen) >= 9, "five challenges, two proofs, a cryptogram, a MAC"
    hidden = {code, *(text for part in seen for text in written(part))}
    tables = ("cardexchange", "cardauthorisation", "seennonce", "case", "event", "alarm")
    held = str([hall.server.sql(f"SELECT * FROM central_{table}") for table in tables])
    for place in (hall.logs(), held, caplog.text):
        assert not [secret for secret in hidden if secret in place.upper()]
    assert "opened at terminal" in hall.logs() and "given to terminal" in hall.logs()


def test_an_hsm_that_says_nothing_holds_no_heartbeat(tmp_path: Path) -> None:
    """What was ✗: twelve questions to a silent HSM, and every terminal counted as lost."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        server = CentralServer(tmp_path, hsm=f"127.0.0.1:{silent.getsockname()[1]}")
        server.start()
        terminal = enrolled(server, tmp_path / "terminal")
        try:
            with ThreadPoolExecutor(12) as askers:
                asked = [askers.submit(ask_silent, terminal) for _ in range(12)]
                time.sleep(0.5)
                slowest = 0.0
                for _ in range(5):
                    began = time.monotonic()
                    terminal.transport.post("heartbeat", beat(terminal), HeartbeatAnswer, 20)
                    slowest = max(slowest, time.monotonic() - began)
                assert {one.result() for one in asked} == {"hsm_unreachable"}
            assert slowest < 2.5, "less than one question waits"
        finally:
            terminal.transport.close()
            terminal.outbox.close()
            server.stop()


def ask_silent(terminal: EnrolledTerminal) -> str:
    client = CentralClient(terminal.identity, terminal.state)
    try:
        return refused(lambda: client.prove_card(facts(), drawn(), bytes(8), timeout_s=20))
    finally:
        client.close()
