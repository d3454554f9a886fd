"""A whole kiosk on its virtual devices, and what is done to it at the worst moment.

One world for all tests here: each has a person of its own to apply, and puts right what it broke.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from hardware.virtual.personas import ID_PERSONAS
from kiosk.demo import report, script
from kiosk.demo.acts import Step, bench
from kiosk.demo.processes import wait_for
from kiosk.demo.script import short_application
from kiosk.demo.tour import shown_number, visited
from kiosk.demo.walk import Walker
from kiosk.demo.world import World
from tests.system import memory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

#: A small window: half the pixels to draw on a slow machine.
SIZE = (540, 960)
#: Longest wait for something that happens by itself, seconds.
PATIENCE_S = 40.0


class Kiosk:
    """A world, somebody to walk in it, and what tests ask of both."""

    def __init__(self, world: World, walker: Walker) -> None:
        self.world = world
        self.walker = walker

    def go(self, *scripts: tuple[Step, ...]) -> None:
        for steps in scripts:
            self.walker.go(steps)

    def number(self) -> str:
        """The receipt number that the result page showed."""
        number = shown_number(self.walker.texts["done"])
        assert number
        return number

    def applications(self, number: str) -> list[dict[str, Any]]:
        """What the centre holds under a receipt number."""
        held = self.world.centre_holds()["cases"]
        return [one for one in held if one["receipt_no"] == number]

    def printed(self) -> list[dict[str, Any]]:
        pieces: list[dict[str, Any]] = self.world.bench.do("printed")["printed"]
        return pieces

    def stored(self) -> list[tuple[str, str]]:
        """(receipt number, state) of everything in the outbox, oldest first."""
        file = f"file:{self.world.state / 'outbox.db'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as db:
            rows = db.execute("SELECT header, state FROM item ORDER BY seq").fetchall()
        return [(json.loads(header)["receipt_no"], state) for header, state in rows]

    def readable(self, persona: str) -> list[str]:
        """Files of the terminal that give the person away."""
        person = ID_PERSONAS[persona]
        return report.traces(self.world.state, (person.name, person.number, script.PHONE))

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        wait_for(what, condition, PATIENCE_S, lambda: None)


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    folder = tmp_path_factory.mktemp("world")
    pictures = tmp_path_factory.mktemp("pictures")
    with visited(folder, SIZE, pictures, print, pcsc=False) as (world, walker):
        yield Kiosk(world, walker)


def test_kill_9_between_submit_and_receipt_leaves_the_transaction_and_nothing_personal(
    kiosk: Kiosk,
) -> None:
    world, before, printed = kiosk.world, len(kiosk.stored()), len(kiosk.printed())
    kiosk.go(short_application("zhang"))
    # Without an agent the screen goes on waiting for the centre's word, and prints nothing.
    world.take_away("agent")
    kiosk.go(script.SIGNED)
    kiosk.until("the transaction in the outbox", lambda: len(kiosk.stored()) == before + 1)
    world.child["run"].kill()
    number, state = kiosk.stored()[-1]
    assert state == "queued"
    assert len(kiosk.printed()) == printed, "too late: the receipt was printed"
    assert kiosk.readable("zhang") == []

    world.settled()
    kiosk.until("home after the restart", world.page.is_home)
    assert kiosk.stored()[-1] == (number, "queued")
    world.start_agent()
    kiosk.until("the application at the centre", lambda: bool(kiosk.applications(number)))
    assert len(kiosk.applications(number)) == 1
    world.bench.do("id", "lift")


def test_a_core_dump_after_the_citizen_left_has_nothing_of_them(kiosk: Kiosk) -> None:
    """Nor have the disk, the write-ahead log and the logs. The memory of a process is all that a
    core dump of it could hold; and none is written."""
    if os.geteuid() != 0:
        pytest.skip("only root may look into the memory of the screen process")
    world, person = kiosk.world, ID_PERSONAS["he"]
    secrets = {"name": person.name, "number": person.number, "phone": script.PHONE}
    screen, agent = (world.child[name].process for name in ("run", "agent"))
    assert screen is not None
    assert agent is not None
    kiosk.go(short_application("he"))
    seen = " ".join(memory.found_in(screen.pid, secrets))
    assert all(name in seen for name in secrets), "else looking would prove nothing"
    assert darkrooms(screen.pid) == 1, "the photo was made in a process of its own"

    kiosk.go(script.SIGNED, script.TAKEN_IN)
    overwritten = _overwritten(world)
    kiosk.go((Step("home-again", "home", (bench("id", "lift"),)),))
    kiosk.until("the memory overwritten", lambda: _overwritten(world) > overwritten)
    assert memory.found_in(screen.pid, secrets) == []
    assert darkrooms(screen.pid) == 0
    assert memory.found_in(agent.pid, secrets) == []
    assert kiosk.readable("he") == []
    for process in (screen, agent):
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)


def darkrooms(screen: int) -> int:
    """How many processes of the screen look at faces; dead ones that nobody has buried count."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            words = (folder / "cmdline").read_bytes().split(b"\0")
            count += int(parent) == screen and (b"darkroom" in words or words == [b""])
    return count


def _overwritten(world: World) -> int:
    logs = (world.state / "logs").glob("run.*")
    return sum(file.read_text(errors="replace").count("memory overwritten") for file in logs)


def test_with_the_centre_down_an_application_is_queued_said_so_and_delivered_once(
    kiosk: Kiosk,
) -> None:
    world = kiosk.world
    world.take_away("central")
    kiosk.go(short_application("zhao", offline=True), script.SIGNED, script.SAVED)
    number = kiosk.number()
    receipt = kiosk.printed()[-1]["text"]
    assert "待上传回执 · 尚未生效" in receipt
    assert number in receipt.replace(" ", "")
    assert kiosk.stored()[-1][0] == number
    assert kiosk.stored()[-1][1] in ("queued", "sending")
    assert kiosk.readable("zhao") == []

    world.start_central()
    kiosk.until("the delivery", lambda: kiosk.stored()[-1] == (number, "acknowledged"))
    (one,) = kiosk.applications(number)
    assert one["state_zh"] == "待核实"


@pytest.mark.parametrize(
    ("persona", "accident"),
    [
        pytest.param("chen", ("paper", "out"), id="before_the_receipt"),
        pytest.param("long-name", ("paper", "out-after", "6"), id="during_the_receipt"),
    ],
)
def test_printer_out_of_paper(kiosk: Kiosk, persona: str, accident: tuple[str, ...]) -> None:
    """The transaction stays submitted, the citizen is told, and the next one receives nothing."""
    kiosk.go(short_application(persona))
    kiosk.walker.bench(*accident)
    kiosk.go(script.SIGNED, script.TAKEN_IN)
    number = kiosk.number()
    shown = " ".join(kiosk.walker.texts["done"])
    told = ("打印不了回执", "没有打印")  # before it began; in the middle of it
    assert any(words in shown for words in told), shown
    assert len(kiosk.applications(number)) == 1

    kiosk.walker.bench("paper", "load")
    kiosk.until("the printer again", lambda: _printer(kiosk.world) == "ready")
    kiosk.go(script.TECHNICIAN, (Step("home-again", "home", (bench("id", "lift"),)),))
    whole = [piece["text"] for piece in kiosk.printed() if not piece["torn"]]
    assert "打印测试" in whole[-1]
    assert not any(number in text.replace(" ", "") for text in whole)
    assert kiosk.readable(persona) == []


def _printer(world: World) -> str:
    rows = report.health_of(world.state)
    return next(str(row["state"]) for row in rows if row["device"] == "printer")


def test_either_process_may_die_without_the_other(kiosk: Kiosk) -> None:
    world = kiosk.world
    world.child["agent"].kill()
    assert world.page.is_home()
    world.settled()
    world.child["run"].kill()
    assert world.child["agent"].running
    world.settled()
    kiosk.until("home after the restart", world.page.is_home)


def test_two_demos_do_not_share_a_state_directory(kiosk: Kiosk) -> None:
    from kiosk.demo.world import Occupied

    second = World(kiosk.world.plan, print)
    with pytest.raises(Occupied):
        second.start()
    second.stop()
    assert kiosk.world.page.is_home()


def test_the_second_start_finds_the_terminal_enrolled(kiosk: Kiosk, tmp_path: Path) -> None:
    """Also with another port: somebody else may have taken the first one meanwhile."""
    state = tmp_path / "copy"
    state.mkdir()
    # Of a database that is in use only a backup is whole.
    for name in ("identity.json", "device.key"):
        shutil.copy2(kiosk.world.state / name, state / name)
    shutil.copytree(kiosk.world.state / "central", state / "central")
    with visited(state, SIZE, tmp_path, print, pcsc=False) as (world, _):
        assert world.enrolled()
        assert world.central_url != kiosk.world.central_url
        began = time.time()
        kiosk.until(
            "a heartbeat at the new address",
            lambda: (
                (state / "desired.json").exists()
                and (state / "desired.json").stat().st_mtime > began
            ),
        )
