"""However a visit ends on the screen, its darkroom process ends with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.darkroom.room import Darkroom
from kiosk.visit.prompts import Agreement, Notice
from kiosk.visit.service import Service
from screens.stage import Stage
from tests.flows.counter import NOW
from tests.flows.test_terminal import terminal
from tests.screens.conftest import Hand

#: Longest wait for what takes some hundredths of a second on a machine at rest.
_LONG_S = 20.0


class Portrait(Service):
    """Needs the camera, and asks nothing of it."""

    id = "first_application"
    group = "card"
    icon = "card-plus-outline"
    needs = frozenset({"camera"})

    async def serve(self) -> None:
        await Notice("apply.notice", points=(("fee", "cash-remove"),))


class Bench:
    """A stage on a terminal with real darkrooms, and a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.darkrooms: list[Darkroom] = []
        self.terminal = terminal(folder, self._darkroom)  # type: ignore[arg-type]
        self.stage = Stage(self.terminal, lambda: self.now)

    def _darkroom(self) -> Darkroom:
        self.darkrooms.append(Darkroom())
        return self.darkrooms[-1]

    def pids(self) -> list[int]:
        return [darkroom.pid for darkroom in self.darkrooms if darkroom.pid is not None]


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + _LONG_S
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def _done(bench: Bench) -> None:
    assert bench.stage._visit is not None
    bench.stage._visit.answer(Agreement(NOW))
    bench.stage.follow()


def _cancelled(bench: Bench) -> None:
    bench.stage.cancel()


def _idle(bench: Bench) -> None:
    bench.now += 1000.0
    bench.stage._tick(0.0)


def _fault(bench: Bench) -> None:
    assert bench.stage._visit is not None
    bench.stage._visit.fault(DeviceFault(FaultCode.CAMERA_ABSENT))
    bench.stage.follow()


def _crashed(bench: Bench) -> None:
    assert bench.stage.broke(RuntimeError())


def _closed(bench: Bench) -> None:
    bench.stage.close()


@pytest.mark.parametrize("end", [_done, _cancelled, _idle, _fault, _crashed, _closed])
def test_the_darkroom_ends_with_the_visit(
    hand: Hand, tmp_path: Path, end: Callable[[Bench], None]
) -> None:
    bench = Bench(tmp_path)
    hand.show(bench.stage)
    assert bench.pids() == []
    bench.stage.begin(Portrait)
    until(lambda: len(bench.pids()) == 1)
    (pid,) = bench.pids()
    process = Path(f"/proc/{pid}")
    assert process.exists()
    end(bench)
    until(lambda: not process.exists())
    assert bench.pids() == []
    bench.stage.close()
    bench.terminal.close()
