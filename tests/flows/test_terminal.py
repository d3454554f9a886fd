"""The terminal without its devices: what it offers, who answers, what it forgets."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardware.faults import DeviceFault, FaultCode
from hardware.supervision import DeviceState, HealthTable
from kiosk.darkroom import NoStudio
from kiosk.operations.table import OPERATIONS
from kiosk.parts import Parts
from kiosk.policy.shelf import Shelf
from kiosk.receipts import Slip
from kiosk.records.person import KEY_FILE, person_hash
from kiosk.records.submission import Standpoint
from kiosk.services import find_services
from kiosk.services.card_check import CheckCard
from kiosk.services.first_application import ApplyFirst
from kiosk.settings import Central, Devices, Hall, Settings
from kiosk.terminal import Terminal
from kiosk.upkeep.desired import Desired
from kiosk.visit.prompts import (
    PAGE_CAMERA,
    PROMPTS,
    AwaitVerdict,
    EnterPin,
    FindMine,
    PlaceIdCard,
    Print,
    ReadCard,
    TakePhoto,
)
from kiosk.words import Words
from sync.outbox import Answer, Limits, Outbox, OutboxUnavailable, Reason, Stored
from tests.flows.counter import NOW, SUBMITTED, ZHANG
from tests.flows.packs import KEY, dated, install
from tests.patience import PATIENCE_S


class Desk:
    """Runs a job at once, or keeps it until `run` is called; the device is whatever was given."""

    def __init__(self, device: Any, *, at_once: bool = True) -> None:
        self.device = device
        self.at_once = at_once
        self.waiting: list[tuple[Callable[[Any], Any], Future[Any]]] = []

    def submit(self, job: Callable[[Any], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((job, future))
        if self.at_once:
            self.run()
        return future

    def run(self) -> None:
        job, future = self.waiting.pop(0)
        try:
            future.set_result(job(self.device))
        except DeviceFault as fault:
            future.set_exception(fault)


@dataclass
class Desks:
    """The devices of a terminal that has none."""

    loops: Mapping[str, Desk] = field(default_factory=dict)
    started = False

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.started = False


class Reader:
    def read(self, cancelled: Callable[[], bool], report: Callable[[Any], None]) -> Any:
        report("waiting")
        return ZHANG


class Printer:
    def __init__(self) -> None:
        self.printed: list[tuple[Any, str]] = []

    def print(self, receipt: Any, action: str) -> None:
        self.printed.append((receipt, action))


class Studio(NoStudio):
    """Keeps what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def open(self) -> None:
        self.done.append("opened")

    def close(self) -> None:
        self.done.append("closed")


def terminal(
    tmp_path: Path,
    studio: Callable[[], NoStudio] = NoStudio,
    limits: Limits | None = None,
    devices: Devices | None = None,
    **loops: Desk,
) -> Terminal:
    """A terminal with an outbox, and the desks given."""
    health = HealthTable()
    for name in ("id_reader", "camera", "card_reader", "printer"):
        health.put(name, DeviceState.READY)
    return Terminal(
        Parts(
            settings=Settings(
                mode="test", central=Central(patience_s=0.5), devices=devices or Devices()
            ),
            words=Words(),
            packs=Shelf(tmp_path / "policy", KEY),
            state=tmp_path,
            terminal_id="130299",
            devices=Desks(loops),
            health=health,
            outbox=Outbox(tmp_path / "outbox.db", "130299", limits),
            desired=Desired(tmp_path / "desired.json", 1.0),
            studio=studio,
        ),
        clock=lambda: NOW,
    )


def desire(tmp_path: Path, **closed: str) -> None:
    (tmp_path / "desired.json").write_text(
        json.dumps({"version": "1", "closed_services": closed}), encoding="utf-8"
    )


def test_every_prompt_that_a_device_answers_has_its_operation() -> None:
    performed = {prompt for prompt in PROMPTS if prompt.performed_by is not None}
    assert set(OPERATIONS) == performed


def test_an_operation_reports_and_answers(tmp_path: Path) -> None:
    reports: list[Any] = []
    answers: list[Any] = []
    desk = terminal(tmp_path, id_reader=Desk(Reader()))
    desk.start(PlaceIdCard("identity.id_card"), reports.append, answers.append)
    assert (reports, answers) == (["waiting"], [ZHANG])


def test_a_cancelled_operation_says_nothing_any_more(tmp_path: Path) -> None:
    said: list[Any] = []
    reader = Desk(Reader(), at_once=False)
    operation = terminal(tmp_path, id_reader=reader).start(
        PlaceIdCard("identity.id_card"), said.append, said.append
    )
    operation.cancel()
    reader.run()
    assert said == []


def test_wiping_the_visit_cancels_what_runs_for_it(tmp_path: Path) -> None:
    said: list[Any] = []
    reader = Desk(Reader(), at_once=False)
    desk = terminal(tmp_path, id_reader=reader)
    desk.start(PlaceIdCard("identity.id_card"), said.append, said.append)
    desk.wipe()
    reader.run()
    assert said == []


def studios(tmp_path: Path, **loops: Desk) -> tuple[Terminal, list[Studio]]:
    """A terminal and every studio it comes to have."""
    made: list[Studio] = []

    def make() -> Studio:
        made.append(Studio())
        return made[-1]

    return terminal(tmp_path, make, None, **loops), made


def settle(desk: Terminal, worker: str = "studio") -> None:
    """Wait until a worker has done what it was told."""
    desk.performer(worker).submit(lambda _: None).result(PATIENCE_S)


def test_a_studio_is_opened_for_a_visit_that_needs_the_camera_and_closed_after_it(
    tmp_path: Path,
) -> None:
    desk, made = studios(tmp_path)
    desk.visit(CheckCard)
    settle(desk)
    assert made == []
    desk.visit(ApplyFirst)
    settle(desk)
    assert [studio.done for studio in made] == [["opened"]]
    desk.wipe()
    settle(desk)
    assert [studio.done for studio in made] == [["opened", "closed"]]
    desk.visit(ApplyFirst)
    assert len(made) == 2


def test_an_operation_that_outlives_its_visit_keeps_the_closed_studio(tmp_path: Path) -> None:
    """Else it would open the next citizen's, and nobody would close that at home."""
    camera = Desk(None, at_once=False)
    desk, made = studios(tmp_path, camera=camera)
    photographers: list[Any] = []

    def take(prompt: Any, device: Any, work: Any) -> None:
        photographers.append(work.studio)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OPERATIONS, TakePhoto, take)
        desk.start(TakePhoto("photo.take"), print, print)
        desk.wipe()
        camera.run()
    assert photographers == [made[0]]
    desk.visit(ApplyFirst)
    assert desk._studio is made[1]


@pytest.mark.parametrize("fitted", [("camera",), ("camera", "document_camera")])
def test_pages_are_taken_by_the_document_camera_where_there_is_one(
    tmp_path: Path, fitted: tuple[str, ...]
) -> None:
    made = terminal(tmp_path, **{name: Desk(None) for name in fitted})
    assert made.performer(PAGE_CAMERA) is made.parts.devices.loops[fitted[-1]]


def test_a_terminal_without_a_studio_says_so(tmp_path: Path) -> None:
    studio = terminal(tmp_path).parts.studio()
    for act in (studio.look, studio.make):
        with pytest.raises(DeviceFault) as caught:
            act(np.zeros((1, 1, 3), np.uint8))
        assert caught.value.code is FaultCode.DEVICE_MISSING


def test_a_device_the_terminal_does_not_have_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DeviceFault) as caught:
        terminal(tmp_path).perform(ReadCard("card_check.read"))
    assert caught.value.code is FaultCode.DEVICE_MISSING


def test_a_receipt_is_printed_under_its_action_id(tmp_path: Path) -> None:
    printer = Printer()
    slip = Slip("apply.slip", "state.queued", SUBMITTED.receipt_no, facts={"days": 30})
    terminal(tmp_path, printer=Desk(printer)).perform(Print("filing.print", slip, "a1"))
    ((receipt, action),) = printer.printed
    texts = [getattr(element, "text", "") for element in receipt]
    assert action == "a1"
    assert "待上传回执 · 尚未生效" in texts
    assert "130299 261124 00015" in texts


def test_a_service_closed_by_the_centre_says_why_and_opens_again(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    desired = desk.parts.desired
    before = desk.services()
    assert all(offer.open for offer in before if not offer.service.needs_network)
    desire(tmp_path, first_application="设备检修")
    desired.refresh()
    offer = next(offer for offer in desk.services() if offer.service is ApplyFirst)
    assert (offer.open, offer.reason) == (False, "设备检修")
    time.sleep(0.02)  # so that the file's time differs
    desire(tmp_path)
    desired.refresh()
    offer = next(offer for offer in desk.services() if offer.service is ApplyFirst)
    assert offer.open


def test_a_pack_that_lacks_a_rule_of_this_release_closes_what_asks_for_it(tmp_path: Path) -> None:
    """✗ The citizen was in the middle of a visit when the rule was missed."""
    older = ("make_card =", "make_it =")
    install(tmp_path / "policy", dated("2026-11-20", "2026-11-20", older))
    desk = terminal(tmp_path)
    offers = {offer.service.id: offer for offer in desk.services()}
    assert (offers["first_application"].open, offers["first_application"].reason) == (
        False,
        Words().say("home.closed"),
    )
    assert offers["loss_report"].open
    assert offers["card_check"].open
    install(tmp_path / "policy", dated("2026-11-21", "2026-11-21"))
    offers = {offer.service.id: offer for offer in desk.services()}
    assert offers["first_application"].open


def test_a_units_session_is_offered_where_one_is_held(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    assert not [offer for offer in desk.services() if offer.service.for_units]
    settings = dataclasses.replace(desk.settings, hall=Hall(unit_session=True))
    desk = Terminal(dataclasses.replace(desk.parts, settings=settings))
    assert desk.services()[0].service.for_units, "it stands first"


def test_a_service_that_needs_the_network_is_not_offered_without_it(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    closed = {offer.service.id: offer.reason for offer in desk.services() if not offer.open}
    need = {service.id for service in find_services() if service.needs_network}
    assert {"loss_withdrawal", "case_withdrawal"} <= need
    assert closed == dict.fromkeys(need, desk.words.say("home.needs.network"))
    desire(tmp_path)
    desk.parts.desired.refresh()
    assert desk.online
    assert all(offer.open for offer in desk.services())


def test_an_outbox_that_takes_nothing_is_said_before_anything_is_entered(tmp_path: Path) -> None:
    """It was noticed after form, photo and signature."""
    desk = terminal(tmp_path, limits=Limits(items=1))
    desk.parts.outbox.put("test_item", lambda header: b"x", key_id="0" * 16, algorithm="test")
    desk._offers.refresh()
    closed = {offer.service.id: offer.reason for offer in desk.services() if not offer.open}
    why = desk.words.say("home.outbox.too_many_waiting")
    assert closed["first_application"] == closed["loss_report"] == why
    assert not {"card_check", "card_progress"} & set(closed)
    assert desk._context().closed == set(closed)


def test_every_reason_of_the_outbox_has_its_words() -> None:
    for language in ("zh_CN", "en"):
        words = Words(language)
        assert [reason for reason in Reason if not words.has(f"home.outbox.{reason}")] == []


@pytest.mark.parametrize("broken", ["{", "[]", '{"closed_services": 3}', "{}"])
def test_a_desired_state_that_cannot_be_read_changes_nothing(tmp_path: Path, broken: str) -> None:
    desk = terminal(tmp_path)
    desire(tmp_path, card_check="维护")
    desk.parts.desired.refresh()
    time.sleep(0.02)
    (tmp_path / "desired.json").write_text(broken)
    desk.parts.desired.refresh()
    assert desk.parts.desired.closed("card_check") == "维护"


@pytest.mark.parametrize("state", [DeviceState.FAULT, DeviceState.ABSENT, DeviceState.CLOSED])
def test_a_missing_device_closes_what_needs_it_and_nothing_else(
    tmp_path: Path, state: DeviceState
) -> None:
    desk = terminal(tmp_path)
    desk.health.put("camera", state, FaultCode.CAMERA_ABSENT)
    offers = {offer.service.id: offer for offer in desk.services()}
    assert not offers["first_application"].open
    assert offers["first_application"].reason
    assert offers["card_check"].open


def test_a_terminal_is_online_while_the_centre_answers(tmp_path: Path) -> None:
    now = time.time()
    desired = Desired(tmp_path / "desired.json", 2.0, clock=lambda: now)
    assert not desired.fresh()
    desire(tmp_path)
    desired.refresh()
    assert desired.fresh()
    now += 8.0
    assert not desired.fresh()


def test_the_verdict_is_queued_while_the_centre_is_silent(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    verdict = desk.perform(AwaitVerdict("filing.verdict", SUBMITTED, patience_s=0.3))
    assert verdict.standpoint is Standpoint.QUEUED


@pytest.mark.parametrize(
    ("said", "standpoint"),
    [("accepted", Standpoint.ACCEPTED), ("duplicate", Standpoint.DUPLICATE)],
)
def test_the_verdict_is_what_the_centre_said(
    tmp_path: Path, said: str, standpoint: Standpoint
) -> None:
    desk = terminal(tmp_path)
    stored = desk.parts.outbox.put(
        "test_item", lambda header: b"sealed", key_id="0" * 16, algorithm="test"
    )
    at = "2026-11-24T01:30:00+00:00"
    desk.parts.outbox.acknowledge([Answer(stored.id, said, at=at)])
    submitted = type(SUBMITTED)(stored.id, stored.receipt_no)
    verdict = desk.perform(AwaitVerdict("filing.verdict", submitted, patience_s=5.0))
    assert verdict.standpoint is standpoint
    assert f"{verdict.at:%Y-%m-%d %H:%M %z}" == "2026-11-24 09:30 +0800"


def test_an_outbox_that_cannot_be_read_leaves_a_stored_application_queued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended as "system trouble" although it was stored."""
    desk = terminal(tmp_path)

    def unreadable(item: str) -> None:
        raise OutboxUnavailable(Reason.IO)

    monkeypatch.setattr(desk.parts.outbox, "verdict", unreadable)
    verdict = desk.perform(AwaitVerdict("filing.verdict", SUBMITTED, patience_s=0.3))
    assert verdict.standpoint is Standpoint.QUEUED


def filed(desk: Terminal, id_number: str) -> Stored:
    return desk.parts.outbox.put(
        "first_application",
        lambda header: b"sealed",
        key_id="0" * 16,
        algorithm="test",
        person=person_hash(desk.parts.state, id_number),
    )


def test_what_a_person_filed_here_is_found_with_the_id_card(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    first, _, third = (filed(desk, ZHANG.number), filed(desk, "other"), filed(desk, ZHANG.number))
    found = desk.perform(FindMine("progress.mine", ZHANG.number))
    assert [mine.receipt_no for mine in found] == [third.receipt_no, first.receipt_no]
    assert all(mine.standpoint is Standpoint.QUEUED for mine in found)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / "another").mkdir()
    assert terminal(tmp_path / "another").perform(FindMine("progress.mine", ZHANG.number)) == ()


def test_a_number_that_nobody_was_told_is_said_after_a_restart(tmp_path: Path) -> None:
    """The power went after 确认签名: accepted once, and no word to anybody."""
    stored = filed(terminal(tmp_path), ZHANG.number)
    desk = terminal(tmp_path)
    assert desk.untold() == ()
    desk.open()
    settle(desk, "outbox")
    assert desk.untold() == (stored.receipt_no,)
    desk.visit(CheckCard)
    settle(desk, "outbox")
    assert desk.untold() == ()
    assert desk.parts.outbox.untold() == []
    desk.close()


def test_a_centre_of_another_version_stands_among_the_devices_until_it_is_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.upkeep.housekeeping._PERIOD_S", 0.01)
    desk = terminal(tmp_path)
    agent = tmp_path / "agent.json"

    def shown() -> FaultCode | None:
        row = desk.health.get("centre")
        return row.fault if row else None

    def until_shown(fault: FaultCode | None) -> None:
        until = time.monotonic() + 10
        while shown() is not fault:
            assert time.monotonic() < until
            time.sleep(0.02)

    agent.write_text('{"central": "terminal_too_old"}')
    desk.open()
    until_shown(FaultCode.TERMINAL_TOO_OLD)
    agent.write_text('{"central": "timeout"}')
    until_shown(None)
    agent.write_text('{"central": "tpm_other"}')
    until_shown(FaultCode.TPM_OTHER)
    desk.close()


def test_the_health_file_says_what_the_terminal_is(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    desk.health.put("printer", DeviceState.FAULT, FaultCode.PRINTER_PAPER_OUT)
    desk.open()
    until = time.monotonic() + 5
    file = tmp_path / "health.json"
    while not file.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    desk.close()
    document = json.loads(file.read_text(encoding="utf-8"))
    printer = next(row for row in document["health"] if row["device"] == "printer")
    assert (printer["state"], printer["fault"]) == ("fault", "printer_paper_out")
    assert document["services"]["card_check"] == "open"


# -- policy --------------------------------------------------------------------------------------


def test_the_device_table_tells_of_a_pack_that_cannot_be_used(tmp_path: Path) -> None:
    desk = terminal(tmp_path)
    look = desk._housekeeping._often

    def row() -> tuple[FaultCode | None, str] | None:
        look()
        found = desk.health.get("policy")
        return (found.fault, found.detail) if found else None

    assert row() is None, "nothing to see"
    agent = tmp_path / "agent.json"
    agent.write_text(json.dumps({"central": "ok", "policy": "2027-06-15: is too large"}))
    assert row() == (FaultCode.POLICY_REFUSED, "2027-06-15: is too large")
    agent.write_text(json.dumps({"central": "ok", "policy": ""}))
    assert row() == (None, "")
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "2027-06-15.toml").write_bytes(b"forged")
    found = row()
    assert found is not None and found[0] is FaultCode.POLICY_REFUSED
    assert desk.rules_today().demo, "the rules stay as they were"


def test_the_maintenance_page_is_told_whose_rules_are_in_force_and_what_comes(
    tmp_path: Path,
) -> None:
    desk = terminal(tmp_path)
    assert desk.rules_today().origin == "built in"
    install(tmp_path / "policy", dated("2026-11-01", "2026-11-01"))
    install(tmp_path / "policy", dated("2027-06-15", "2027-07-01"))
    found = desk.rules_today()
    assert (found.version, found.origin, found.demo) == ("2026-11-01", "centre", False)
    assert (found.next_version, str(found.next_effective)) == ("2027-06-15", "2027-07-01")


def test_a_visit_knows_every_business_that_can_be_filed_here(tmp_path: Path) -> None:
    known = terminal(tmp_path)._context().businesses
    assert set(known) == {service.id for service in find_services() if service.submits}
    assert "in_force" in known["loss_report"].own_states


def test_each_visit_is_ruled_by_the_pack_of_its_day(tmp_path: Path) -> None:
    """A pack that begins on the first of the month rules from then on, without a restart."""
    today = [NOW]
    one = terminal(tmp_path)
    one._clock = lambda: today[0]
    install(tmp_path / "policy", dated("2027-06-15", "2027-07-01", HOTLINE))
    assert one.letterhead().hotline == "12333"
    assert "12333" in one.words.say("advice.help")
    today[0] = NOW.replace(year=2027, month=7, day=1)
    context = one._context()
    assert (context.policy.version, context.policy.hotline) == ("2027-06-15", "12345")
    assert "12345" in one.words.say("advice.help")
    assert one.letterhead().policy_version == "2027-06-15"


#: A change for `dated`.
HOTLINE = ('hotline = "12333"', 'hotline = "12345"')


def test_home_is_up_without_what_only_visits_and_devices_need() -> None:
    """Each of these is some part of the second that whoever switches the terminal on waits."""
    late = {
        *("cv2", "numpy", "PIL", "cryptography", "pydantic", "requests"),
        *("importlib.metadata", "email", "http.client", "asyncio", "ssl", "tarfile"),
        *("hardware.camera", "hardware.id_reader", "hardware.printer", "hardware.card.reader"),
        *("kiosk.darkroom", "kiosk.photo.findings", "kiosk.photo.review", "kiosk.receipts.layout"),
    }
    start = (
        "from screens.window import configure; configure(720, 1280, fullscreen=False);"
        "import sys, hardware.devices, kiosk.terminal, kiosk.services as s, sync.outbox;"
        "import kiosk.version, sync.crashes;"
        "s.find_services(); print(*sys.modules);"
        "import asyncio, kivy.clock; asyncio.run(asyncio.wait_for(asyncio.sleep(0), 15))"
    )
    done = subprocess.run(
        [sys.executable, "-c", start], stdout=subprocess.PIPE, text=True, check=True
    )
    assert set(done.stdout.split()) & late == set()


class Pad:
    """A PIN pad on which three keys are pressed, and which then fails."""

    def keys(self, cancelled: Callable[[], bool], pressed: Callable[[str], None]) -> None:
        for key in ("8", "clear", "enter"):
            pressed(key)
        raise DeviceFault(FaultCode.PIN_PAD_OFFLINE)


def test_keys_of_a_pin_pad_are_told_until_it_fails_or_nobody_asks(tmp_path: Path) -> None:
    pad = Desk(Pad(), at_once=False)
    desk, told = terminal(tmp_path, pin_pad=pad), []
    assert not desk.has_pin_pad(), "it has not said yet that it is there"
    desk.health.put("pin_pad", DeviceState.READY)
    assert desk.has_pin_pad()
    prompt = EnterPin("card_pin.present", 1)
    desk.listen_to_pad(prompt, told.append)
    pad.run()
    assert told == ["8", "clear", "enter", ""]
    desk.listen_to_pad(prompt, told.append).cancel()
    pad.run()
    assert len(told) == 4
    desk.health.put("pin_pad", DeviceState.FAULT, FaultCode.PIN_PAD_UNFIT)
    assert not desk.has_pin_pad()
