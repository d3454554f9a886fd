"""Guarantee 4 on every way a visit can fail: nothing of the citizen stays in memory.

The happy path is in `test_kill`. Here a device fails with the citizen's data in hand, once with
each code that it can raise, and the whole memory of the process is searched, before and after.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.faults import OPTIONAL, Device, FaultCode
from hardware.virtual.personas import number
from kiosk.demo.processes import leash
from kiosk.visit.prompts import CODE_READER
from tests.system import memory

#: Beginning of a code -> the device that raises it.
_BY_PREFIX = {
    "id_": Device.ID_READER,
    "card_": Device.CARD_READER,
    "psam_": Device.CARD_READER,
    "hsm_": Device.CARD_READER,
    "printer_": Device.PRINTER,
    "camera_": Device.CAMERA,
    "scanner_": CODE_READER,
}

#: Who fails, and with what. The outbox raises one code, whatever it is that ails it.
WAYS = [
    *(
        (device, code)
        for code in FaultCode
        for prefix, device in _BY_PREFIX.items()
        if code.startswith(prefix)
    ),
    # Pages of paper are taken by the same driver as the photo, and codes are no text of a person.
    *((device, FaultCode.INTERNAL) for device in Device if device not in OPTIONAL),
    (CODE_READER, FaultCode.INTERNAL),
    ("outbox", FaultCode.OUTBOX_UNAVAILABLE),
]

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a process's memory"),
]


class Forgetful:
    """The process that is looked into; see `tests.system.forgetful`."""

    def __init__(self, state: Path) -> None:
        self.process = subprocess.Popen(
            [*leash(), sys.executable, "-m", "tests.system.forgetful", str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        #: Where it was seen that a citizen is known before they are forgotten.
        self.known_to: set[str] = set()
        self.hears("ready")

    def tell(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)

    def hears(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == word.encode() + b"\n"

    def finds(self, secrets: dict[str, str]) -> list[str]:
        return memory.found_in(self.process.pid, secrets)

    def end(self) -> None:
        self.process.kill()
        self.process.wait(5)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Forgetful]]:
    """The one that is running, or none yet."""
    running: list[Forgetful] = []
    yield running
    for process in running:
        process.end()


@pytest.fixture
def forgetful(processes: list[Forgetful], tmp_path: Path) -> Forgetful:
    """One for all, and another after one that ended."""
    if processes and processes[0].process.poll() is not None:
        processes.pop().end()
    if not processes:
        processes.append(Forgetful(tmp_path))
    return processes[0]


def somebody() -> dict[str, str]:
    """Who is in no program and no file."""
    chance = random.Random()
    # Zeros are left out where it is looked for, so no character has one.
    name = "".join(
        chr(chance.randrange(0x50, 0x90) << 8 | chance.randrange(1, 256)) for _ in "12345"
    )
    birth = (
        f"{chance.randrange(1940, 2000)}{chance.randrange(1, 13):02d}{chance.randrange(1, 29):02d}"
    )
    return {
        "name": name,
        "number": number(birth, chance.randrange(101, 999, 2)),
        "phone": f"144{chance.randrange(10**7, 10**8)}",
    }


@pytest.mark.parametrize(("performer", "code"), WAYS, ids=lambda value: str(value))
def test_after_a_fault_nothing_of_the_citizen_is_in_memory(
    forgetful: Forgetful, performer: str, code: FaultCode
) -> None:
    nothing_stays(forgetful, performer, code, somebody(), ("name as", "number as"))


@pytest.mark.parametrize(
    "code",
    [
        FaultCode.CARD_PULLED,
        FaultCode.CARD_REFUSED,
        FaultCode.CARD_READER_STUCK,
        FaultCode.CARD_READER_OFFLINE,
        FaultCode.INTERNAL,
    ],
)
def test_after_a_fault_at_the_pin_neither_the_pin_nor_the_citizen_is_in_memory(
    forgetful: Forgetful, code: FaultCode
) -> None:
    # Longer than a citizen's, so that no other number looks like it by chance.
    pin = "".join(random.Random().choice("123456789") for _ in range(12))
    found = ("pin as", "number as")
    nothing_stays(forgetful, Device.CARD_READER, code, somebody() | {"pin": pin}, found)


def nothing_stays(
    forgetful: Forgetful,
    performer: str,
    code: FaultCode,
    secrets: dict[str, str],
    found: tuple[str, ...],
) -> None:
    """`found`: what must be in memory before, else looking would prove nothing."""
    told = json.dumps({"performer": performer, "code": code, **secrets}).encode()
    forgetful.tell(told + b"\n")
    try:
        forgetful.hears("known")
        about = f"{performer} {' '.join(secrets)}"
        if about not in forgetful.known_to:
            seen = " ".join(forgetful.finds(secrets))
            assert [what for what in found if what not in seen] == []
            forgetful.known_to.add(about)
        forgetful.tell(b"\n")
        forgetful.hears("forgotten")
        assert forgetful.finds(secrets) == []
    except BaseException:
        # It waits for the rest of this visit: the next one gets a process of its own.
        forgetful.process.kill()
        forgetful.process.wait(5)
        raise
    forgetful.tell(b"\n")
