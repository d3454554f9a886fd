"""A page of paper before the camera: it is taken by itself once it can be read.

Runs on the worker of the document camera, or of the other camera where there is none. The citizen
may have it taken as it is (拍照); then a person at the centre is told that it is hard to read.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.pages import PageFinding, PageLook, make_page

if TYPE_CHECKING:
    from hardware.camera import Camera
    from kiosk.operations.work import Work
    from kiosk.photo.pages import Page
    from kiosk.visit.prompts import TakePage

#: A page is taken once nothing was wrong with it for so long, seconds.
_STILL_S = 1.5


@dataclass(frozen=True)
class PageView:
    """One frame for the preview, and what is said about it. `rgb` as in
    `kiosk.operations.camera.View`."""

    rgb: bytes | memoryview
    width: int
    height: int
    finding: PageFinding


def take_page(prompt: TakePage, camera: Camera, work: Work) -> Page:
    """Show what the camera sees until the page can be read, or is wanted as it is."""
    look, right_since = PageLook(prompt.last.jpeg if prompt.last else b""), None
    with closing(camera.frames(work.cancelled)) as frames:
        for frame in frames:
            finding = look.see(frame.rgb)
            height, width = frame.rgb.shape[:2]
            work.report(PageView(frame.pixels, width, height, finding))
            if finding is not PageFinding.OK:
                right_since = None
            elif right_since is None:
                right_since = frame.at
            still = right_since is not None and frame.at - right_since >= _STILL_S
            if still or "now" in work.told():
                return make_page(frame.rgb, finding is PageFinding.OK)
    raise DeviceFault(FaultCode.CAMERA_NO_FRAMES, "the stream ended")
