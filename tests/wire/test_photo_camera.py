"""A photo through the real camera driver: what the camera does meanwhile has a name each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from hardware import camera as camera_module
from hardware.camera import Camera
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual.camera import VirtualCamera
from kiosk.darkroom.process import Patience
from kiosk.darkroom.room import Darkroom
from kiosk.operations.camera import View, take_photo
from kiosk.operations.work import Work
from kiosk.settings import Photo, Settings
from kiosk.visit.prompts import TakePhoto
from tests.patience import PATIENCE_S

#: A machine that does other things as well needs so long for all of this, seconds.
_LONG_S = 4 * PATIENCE_S
_UNHURRIED = Patience(PATIENCE_S, PATIENCE_S, PATIENCE_S, PATIENCE_S)
#: For so long nothing comes until that is a fault.
_SOON_S = 3.0


@pytest.fixture
def far_end() -> Iterator[VirtualCamera]:
    virtual = VirtualCamera()
    virtual.show("portrait")
    yield virtual
    virtual.close()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine no frame comes for seconds, and that is no fault of the camera."""
    for name in ("_FRAME_S", "_OPEN_S"):
        monkeypatch.setattr(camera_module, name, PATIENCE_S)
    for code in camera_module._PATIENCE_S:
        monkeypatch.setitem(camera_module._PATIENCE_S, code, PATIENCE_S)


def impatient(monkeypatch: pytest.MonkeyPatch, code: FaultCode) -> Callable[[View], None]:
    """This one fault, the one that is waited for, needs less. What is seen and has words is a fault
    as soon as they are said: how many looks a busy machine has time for, nobody knows."""

    def is_waited_for() -> None:
        if code in SAID:
            monkeypatch.setitem(camera_module._PATIENCE_S, code, 0.0)
        else:
            monkeypatch.setattr(camera_module, "_FRAME_S", _SOON_S)
            monkeypatch.setattr(camera_module, "_OPEN_S", _SOON_S)

    def is_time(view: View) -> bool:
        return view.guidance.say == SAID[code] if code in SAID else counting(view)

    return once(is_waited_for, is_time)


#: Fault of the pictures -> what is said of it before it ends the visit.
SAID = {
    FaultCode.CAMERA_FROZEN: "photo.finding.frozen",
    FaultCode.CAMERA_BLACK: "photo.finding.covered",
    FaultCode.CAMERA_UNFIT: "photo.finding.grey",
}


def photograph(far_end: VirtualCamera, then: Callable[[View], None]) -> tuple[Any, list[str]]:
    """Take a photo while `then` is told of each view: it, or the fault, and what was said."""
    said: list[str] = []
    until = time.monotonic() + _LONG_S

    def report(view: View) -> None:
        if not said or said[-1] != view.guidance.say:
            said.append(view.guidance.say)
        then(view)

    settings = Settings(mode="test", photo=Photo(liveness=False))
    unused: Any = None
    with closing(Darkroom(_UNHURRIED)) as darkroom:
        work = Work(
            parts=SimpleNamespace(settings=settings),  # type: ignore[arg-type]
            report=report,
            cancelled=lambda: time.monotonic() > until,
            told=list,
            now=unused,
            online=unused,
            letterhead=unused,
            studio=darkroom,
        )
        try:
            return take_photo(TakePhoto("photo.take"), Camera(far_end.url), work), said
        except DeviceFault as fault:
            return fault.code, said


def once(happens: Callable[[], None], when: Callable[[View], bool]) -> Callable[[View], None]:
    """Something that happens at the first view that is so."""
    done: list[bool] = []

    def look(view: View) -> None:
        if not done and when(view):
            done.append(True)
            happens()

    return look


def counting(view: View) -> bool:
    return view.guidance.count > 0


def test_from_too_far_to_a_photo_through_the_wire(far_end: VirtualCamera) -> None:
    far_end.show("far")
    closer = once(
        lambda: far_end.show("portrait"), lambda view: view.guidance.say.endswith("too_far")
    )
    taken, said = photograph(far_end, closer)
    assert taken.photo.report.met
    assert (taken.frame.width, taken.frame.height) == (1280, 720)
    order = ["photo.finding.too_far", "photo.screen.counting"]
    assert [words for words in said if words in order] == order


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        pytest.param("unplug", FaultCode.CAMERA_ABSENT, id="unplugged in the count-down"),
        pytest.param("freeze", FaultCode.CAMERA_NO_FRAMES, id="sends nothing any more"),
        pytest.param("stick", FaultCode.CAMERA_FROZEN, id="repeats itself"),
        pytest.param("cover", FaultCode.CAMERA_BLACK, id="covered"),
    ],
)
def test_what_happens_to_the_camera_in_the_count_down_has_a_name(
    far_end: VirtualCamera, monkeypatch: pytest.MonkeyPatch, happens: str, code: FaultCode
) -> None:
    end_it = impatient(monkeypatch, code)
    happen = once(getattr(far_end, happens), counting)

    def then(view: View) -> None:
        happen(view)
        end_it(view)

    found, said = photograph(far_end, then)
    assert found is code
    assert code not in SAID or SAID[code] in said


def test_a_lens_that_is_uncovered_in_time_is_forgiven(far_end: VirtualCamera) -> None:
    far_end.cover()
    seen = once(lambda: far_end.cover(False), lambda view: view.guidance.say.endswith("covered"))
    taken, said = photograph(far_end, seen)
    assert taken.photo.report.met
    assert said[0] == "photo.finding.covered"


def test_a_camera_without_colour_is_named(
    far_end: VirtualCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_it = impatient(monkeypatch, FaultCode.CAMERA_UNFIT)
    far_end.lens(grey=True)
    found, said = photograph(far_end, end_it)
    assert found is FaultCode.CAMERA_UNFIT
    assert SAID[found] in said
