"""Pages through the real camera driver: each is taken by itself once it can be read."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from hardware.camera import Camera
from hardware.faults import DeviceFault, FaultCode
from hardware.virtual.camera import VirtualCamera
from kiosk.operations.pages import PageView, take_page
from kiosk.operations.work import Work
from kiosk.photo.pages import Page, PageFinding
from kiosk.visit.prompts import TakePage

_LONG_S = 50.0


@pytest.fixture
def far_end() -> Iterator[VirtualCamera]:
    virtual = VirtualCamera()
    virtual.show("nobody")
    yield virtual
    virtual.close()


def laid_down(
    far_end: VirtualCamera,
    then: Callable[[PageView], object],
    last: Page | None = None,
    told: Callable[[], list[str]] = list,
) -> tuple[Page, list[PageFinding]]:
    """The page, and what was said on the way; `then` is told of each view."""
    said: list[PageFinding] = []
    until = time.monotonic() + _LONG_S

    def report(view: PageView) -> None:
        if not said or said[-1] is not view.finding:
            said.append(view.finding)
        then(view)

    unused: Any = None
    work = Work(
        parts=SimpleNamespace(),  # type: ignore[arg-type]
        report=report,
        cancelled=lambda: time.monotonic() > until,
        told=told,
        now=unused,
        online=unused,
        letterhead=unused,
    )
    return take_page(TakePage("papers.household_first", last), Camera(far_end.url), work), said


def test_a_page_is_taken_once_it_can_be_read_and_the_next_once_it_was_turned(
    far_end: VirtualCamera,
) -> None:
    far_end.show("page-far")

    def closer(view: PageView) -> None:
        if view.finding is PageFinding.NOT_FILLED:
            far_end.show("household-first")

    first, said = laid_down(far_end, closer)
    assert first.legible and PageFinding.NOT_FILLED in said and said[-1] is PageFinding.OK
    assert Image.open(io.BytesIO(first.jpeg)).size == (1280, 720)

    def turn(view: PageView) -> None:
        if view.finding is PageFinding.SAME:
            far_end.show("household-own")

    second, said = laid_down(far_end, turn, first)
    assert second.legible and said[0] is PageFinding.SAME
    assert second.sha256 != first.sha256


def test_who_cannot_get_it_right_has_it_taken_as_it_is(far_end: VirtualCamera) -> None:
    far_end.show("page-glare")
    words: list[str] = []

    def press(view: PageView) -> None:
        words[:] = ["now"]

    def told() -> list[str]:
        heard, words[:] = words[:], []
        return heard

    taken, _ = laid_down(far_end, press, told=told)
    assert not taken.legible


def test_a_camera_that_is_pulled_meanwhile_is_a_fault(far_end: VirtualCamera) -> None:
    with pytest.raises(DeviceFault) as caught:
        laid_down(far_end, lambda view: far_end.unplug())
    assert caught.value.code is FaultCode.CAMERA_ABSENT
