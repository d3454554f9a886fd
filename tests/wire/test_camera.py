"""The camera through OpenCV's VideoCapture, against a stream that can fail in every way."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from hardware import camera as camera_module
from hardware.camera import Camera
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.virtual.camera import VirtualCamera


@pytest.fixture(scope="module")
def far_end() -> Iterator[VirtualCamera]:
    virtual = VirtualCamera()
    yield virtual
    virtual.close()


def never() -> bool:
    return False


def test_frames_are_what_stands_before_the_lens(far_end: VirtualCamera) -> None:
    far_end.show("portrait")
    frames = Camera(far_end.url).frames(never)
    frame = next(frames)
    frames.close()
    assert frame.rgb.shape == (720, 1280, 3)
    assert frame.rgb.std() > 20


def test_a_slow_consumer_gets_the_newest_frame_not_the_next(far_end: VirtualCamera) -> None:
    far_end.show("portrait")
    frames = Camera(far_end.url).frames(never)
    first = next(frames)
    time.sleep(0.6)
    later = next(frames)
    frames.close()
    assert later.number - first.number > 3
    assert time.monotonic() - later.at < 0.5


def test_a_changed_scene_is_seen_soon(far_end: VirtualCamera) -> None:
    far_end.show("portrait")
    frames = Camera(far_end.url).frames(never)
    bright = next(frames).rgb.mean()
    far_end.show("dark")
    until = time.monotonic() + 3
    while next(frames).rgb.mean() > bright / 2:
        assert time.monotonic() < until
    frames.close()


def test_looking_ends_when_nobody_wants_it(far_end: VirtualCamera) -> None:
    wanted = iter([False, True])
    frames = Camera(far_end.url).frames(lambda: next(wanted))
    next(frames)
    with pytest.raises(NotWanted):
        next(frames)


def test_camera_unplugged_while_looking_is_a_fault_and_comes_back() -> None:
    virtual = VirtualCamera()
    virtual.show("portrait")
    driver = Camera(virtual.url)
    frames = driver.frames(never)
    next(frames)
    virtual.unplug()
    with pytest.raises(DeviceFault) as caught:
        for _ in range(200):
            next(frames)
    assert caught.value.code is FaultCode.CAMERA_NO_FRAMES
    with pytest.raises(DeviceFault) as caught:
        driver.poll()
    assert caught.value.code is FaultCode.CAMERA_ABSENT
    virtual.plug()
    driver.poll()
    again = driver.frames(never)
    next(again)
    again.close()
    virtual.close()


def test_a_camera_that_freezes_is_a_fault_not_a_still(
    far_end: VirtualCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "_FRAME_S", 1.0)
    frames = Camera(far_end.url).frames(never)
    next(frames)
    far_end.freeze()
    with pytest.raises(DeviceFault) as caught:
        for _ in range(50):
            next(frames)
    far_end.freeze(False)
    assert caught.value.code is FaultCode.CAMERA_NO_FRAMES


def test_a_black_picture_is_a_fault_after_a_while(
    far_end: VirtualCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.setattr(camera_module, "_BLACK_S", 0.3)
    monkeypatch.setattr("hardware.virtual.camera.scene", lambda name: Image.new("RGB", (1280, 720)))
    far_end.show("black")
    with pytest.raises(DeviceFault) as caught:
        for _ in Camera(far_end.url).frames(never):
            pass
    assert caught.value.code is FaultCode.CAMERA_BLACK


@pytest.mark.parametrize("source", ["77", "http://127.0.0.1:9/stream.mjpg"])
def test_a_camera_that_is_not_there_is_absent(source: str) -> None:
    with pytest.raises(DeviceFault) as caught:
        Camera(source).open()
    assert caught.value.code is FaultCode.CAMERA_ABSENT
