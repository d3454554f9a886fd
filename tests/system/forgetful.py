"""A terminal in a process of its own, in which a device fails while a citizen stands there.

`tests/system/test_memory.py` looks into its memory. It is told over its standard input who comes
and what fails, one line of JSON a visit, and says in one line each that the citizen is known and
that they are forgotten. Who comes is known to nobody here before: no secret is in this program.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hardware.card.authenticator import Gate
from hardware.card.pin import Pin
from hardware.faults import Device, DeviceFault, FaultCode, NotWanted
from hardware.supervision import Condition, DeviceLoop, HealthTable
from kiosk.operations import cards
from kiosk.parts import Parts
from kiosk.policy.shelf import Shelf
from kiosk.records.pins import PinUsed
from kiosk.records.submission import Reply
from kiosk.services.card_check import CheckCard
from kiosk.services.card_progress import CardProgress
from kiosk.services.first_application import ApplyFirst
from kiosk.services.pin_change import ChangePin
from kiosk.settings import Settings
from kiosk.terminal import Terminal
from kiosk.upkeep import forgetting
from kiosk.upkeep.desired import Desired
from kiosk.visit.flow import Visit
from kiosk.visit.prompts import CODE_READER, EnterPin
from kiosk.visit.service import Service
from kiosk.words import Words
from sync.database import Reason
from sync.outbox import OutboxUnavailable
from tests.flows.counter import AGREED, APPLICATION, NOW, PHONE, ZHANG, social_card

#: A performer -> its device, where that has another name.
_NAMES = {CODE_READER: Device.SCANNER}

#: Longest wait for one step of a visit, seconds.
PATIENCE_S = 20.0


class Failing:
    """Every device: it has what the citizen brought or what is printed in hand when it fails."""

    def __init__(self) -> None:
        self.code: FaultCode | None = None
        self.brought: Any = None
        #: Whether work with a card is done up to its PIN, and fails only then.
        self.at_pin = False
        self._gone = False

    gate = Gate()

    def open(self) -> None:
        """It opens again after each fault."""

    def close(self) -> None:
        """See `open`."""

    def poll(self) -> Condition:
        return Condition()

    def _use(self, in_hand: Any, cancelled: Callable[[], bool] = lambda: True) -> Any:
        if self._gone:
            # A card that was taken away too early does not come back in time.
            while not cancelled():
                time.sleep(0.01)
            self._gone = False
            raise NotWanted
        self._gone = self.code in (FaultCode.CARD_PULLED, FaultCode.ID_CARD_LIFTED)
        if self.code is FaultCode.INTERNAL:
            raise ValueError(f"a bug, which may quote what it stumbles over: {in_hand}")
        if self.code is not None:
            raise DeviceFault(self.code, "forgetful")
        return in_hand

    def read(self, cancelled: Any, report: Any) -> Any:
        return self._use(self.brought, cancelled)

    def use(self, cancelled: Any, report: Any, work: Any, insertion: int | None = None) -> Any:
        if not self.at_pin or self._gone:
            return self._use(self.brought, cancelled)

        def transmit(command: bytes) -> bytes:
            if command[:2] == b"\x00\x20" and len(command) > 5:
                self._use(command)
            return b"\x90\x00"

        return work(SimpleNamespace(transmit=transmit, insertion=1))

    def frames(self, cancelled: Any) -> Any:
        return self._use(self.brought)

    def print(self, receipt: Any, action: str) -> None:
        self._use(receipt)


class BrokenOutbox:
    """Takes nothing."""

    def put(self, kind: str, seal: Callable[[Any], Any], **_: Any) -> Any:
        raise OutboxUnavailable(Reason.DISK_FULL)

    def close(self) -> None:
        """Nothing is open."""


class Sealer:
    """Never comes to seal: what it would seal is not taken."""

    key_id = algorithm = "none"

    def seal(self, header: Any, payload: bytes) -> bytes:
        raise AssertionError


class Loops:
    """The devices of the terminal, each on a thread of its own."""

    def __init__(self, health: HealthTable) -> None:
        self.devices: dict[str, Failing] = {name: Failing() for name in Device}
        self.loops: dict[str, DeviceLoop[Any]] = {
            name: DeviceLoop(name, partial(self.devices.__getitem__, name), health)
            for name in self.devices
        }

    def start(self) -> None:
        for loop in self.loops.values():
            loop.start()

    def stop(self) -> None:
        for loop in self.loops.values():
            loop.stop()


def make_terminal(state: Path) -> tuple[Terminal, Loops]:
    health = HealthTable()
    loops = Loops(health)
    parts = Parts(
        settings=Settings(mode="test"),
        words=Words(),
        packs=Shelf(state / "policy", b""),
        state=state,
        terminal_id="130299",
        devices=loops,
        health=health,
        outbox=BrokenOutbox(),  # type: ignore[arg-type]
        desired=Desired(state / "desired.json", 1.0),
        sealer=lambda: Sealer(),  # type: ignore[arg-type,return-value]
    )
    terminal = Terminal(parts, clock=lambda: NOW)
    # An electronic card is read also where no centre can say whose it is.
    terminal._takes_codes = lambda: True  # type: ignore[method-assign]
    return terminal, loops


def visit(terminal: Terminal, loops: Loops, told: dict[str, str]) -> None:
    """One visit until something fails, and past it."""
    failing = told["performer"]
    number = told["number"]
    person = replace(ZHANG, name=told["name"], number=number, birth=number[6:14])
    said = {id(ZHANG): person, id(PHONE): {"phone": told["phone"]}}
    answers = {name: said.get(id(answer), answer) for name, answer in APPLICATION}
    answers["comparison.consent"] = NOW
    device = loops.devices.get(_NAMES.get(failing, failing))
    if device is not None:
        device.code = FaultCode(told["code"])
        device.brought = person if failing == Device.ID_READER else _card_of(told)
    service: type[Service] = CheckCard if failing == Device.CARD_READER else ApplyFirst
    if failing == CODE_READER:
        service, answers["progress.by"] = CardProgress, "electronic"
    if "pin" in told:
        assert device is not None
        device.at_pin, service = True, ChangePin
        answers |= {"pin_change.notice": AGREED, "pin_change.card": _card_of(told)}
        answers["pin_change.ask"] = Reply()
    running = terminal.visit(service)
    running.start(time.monotonic())
    _walk(terminal, running, failing, answers, told.get("pin", ""))
    if device is not None:
        device.code = device.brought = None
        device.at_pin = False


def _card_of(told: dict[str, str]) -> Any:
    from hardware.card.contents import Holder

    return replace(social_card(), holder=Holder(told["number"], told["name"], "1", "01", None))


def _walk(
    terminal: Terminal, running: Visit, failing: str, answers: dict[str, Any], pin: str
) -> None:
    """Perform what fails; answer all else. What is shown after the fault is left as it is shown,
    for the next touch to end it."""
    failed = False
    while running.prompt is not None:
        prompt = running.prompt
        if isinstance(prompt, EnterPin):
            terminal.pins.put(Pin(pin), new=False)
            say("known")
            running.answer(True)
        elif prompt.performed_by == failing and not failed and (not pin or prompt.effect):
            failed = True
            heard: list[Any] = []
            answered = threading.Event()

            def done(answer: Any, heard: list[Any] = heard, event: Any = answered) -> None:
                heard.append(answer)
                event.set()

            terminal.start(prompt, lambda event: None, done)
            assert answered.wait(PATIENCE_S)
            if not pin:
                say("known")
            answer = heard.pop()
            if isinstance(answer, DeviceFault):
                running.fault(answer)
            elif isinstance(answer, PinUsed):
                running.answer(answer)
                running.cancel()
            else:
                assert isinstance(answer, ValueError), type(answer)
                running.failed(answer)
        elif failed and prompt.id not in answers:
            running.answer(True)
        else:
            running.answer(answers[prompt.id])


def say(word: str) -> None:
    """And wait until whoever looks has looked."""
    print(word, flush=True)
    assert os.read(0, 1) == b"\n"


def main() -> None:
    forgetting.prepare()
    cards.PUT_BACK_S = 0.3
    overwritten = threading.Event()

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("memory overwritten"):
                overwritten.set()

    logging.getLogger("kiosk.upkeep.forgetting").addHandler(Heard())
    logging.getLogger("kiosk.upkeep.forgetting").setLevel(logging.INFO)
    terminal, loops = make_terminal(Path(sys.argv[1]))
    loops.start()
    print("ready", flush=True)
    # Read and decoded on a stack that is gone before anything is looked for.
    while line := os.read(0, 1 << 12):
        visit(terminal, loops, json.loads(line))
        del line
        terminal.wipe()
        gc.collect()
        overwritten.clear()
        terminal.forget()
        assert overwritten.wait(PATIENCE_S)
        say("forgotten")


if __name__ == "__main__":
    main()
