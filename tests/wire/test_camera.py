"""The camera through OpenCV's VideoCapture, against a stream that can fail in every way, and
against a stand-in for V4L2, which this machine need not have."""

from __future__ import annotations

import errno
import gc
import struct
import sys
import threading
import time
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hardware import camera as camera_module
from hardware import camera_proof
from hardware.camera import Camera, Frame, Scanned, Wishes, must_be_free, to_rgb, usb_serial
from hardware.camera_proof import prove
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.virtual.camera import VirtualCamera
from hardware.virtual.portrait import frame as picture_of
from tests.patience import PATIENCE_S, eventually

FAST_S = 0.4


@pytest.fixture
def far_end() -> Iterator[VirtualCamera]:
    virtual = VirtualCamera()
    virtual.show("portrait")
    yield virtual
    virtual.close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine needs seconds for a frame of a large camera: that is no fault of it."""
    for name in ("_FRAME_S", "_OPEN_S"):
        monkeypatch.setattr(camera_module, name, PATIENCE_S)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults that need seconds of bad pictures need less."""
    monkeypatch.setattr(camera_module, "_FRAME_S", 1.0)
    monkeypatch.setattr(camera_module, "_OPEN_S", 2.0)
    for code in camera_module._PATIENCE_S:
        monkeypatch.setitem(camera_module._PATIENCE_S, code, FAST_S)


def never() -> bool:
    return False


def first(driver: Camera) -> Frame:
    frames = driver.frames(never)
    try:
        return next(frames)
    finally:
        frames.close()


def fault_while(driver: Camera, happens: Callable[[], None] | None = None) -> FaultCode:
    """The fault that ends the looking, after something happened to the running camera."""
    until = time.monotonic() + PATIENCE_S
    with pytest.raises(DeviceFault) as caught:
        for number, _ in enumerate(driver.frames(lambda: time.monotonic() > until)):
            if number == 1 and happens is not None:
                happens()
    return caught.value.code


# -- frames -----------------------------------------------------------------------------------


def test_frames_are_what_stands_before_the_lens(far_end: VirtualCamera) -> None:
    frame = first(Camera(far_end.url))
    assert frame.rgb.shape == (720, 1280, 3)
    # The same colours in the same places, but for noise and JPEG.
    difference = frame.rgb.astype(np.int16) - picture_of("portrait")
    assert np.abs(difference).mean() < 3


def test_no_two_pictures_of_one_scene_are_the_same(far_end: VirtualCamera) -> None:
    frames = Camera(far_end.url).frames(never)
    one, other = next(frames), next(frames)
    frames.close()
    assert not np.array_equal(one.rgb, other.rgb)
    assert np.abs(one.rgb.astype(np.int16) - other.rgb).mean() < 2


def test_no_picture_of_a_face_outlives_the_looking(
    far_end: VirtualCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces: list[weakref.ref[Any]] = []

    def watched(bgr: Any, rotation: int) -> Any:
        rgb = to_rgb(bgr, rotation)
        faces.append(weakref.ref(rgb))
        return rgb

    monkeypatch.setattr(camera_module, "to_rgb", watched)
    driver = Camera(far_end.url)
    frames = driver.frames(never)
    for _ in range(3):
        next(frames)
    assert any(face() is not None for face in faces)
    frames.close()
    gc.collect()
    assert not any(face() is not None for face in faces)
    assert driver.poll().counters["openings"] == 1, "the driver is there all the same"


def test_a_slow_consumer_gets_the_newest_frame_not_the_next(far_end: VirtualCamera) -> None:
    driver = Camera(far_end.url)
    frames = driver.frames(never)
    earlier = next(frames)
    came = driver._grabber
    assert came is not None
    eventually(lambda: came.number >= earlier.number + 4)
    number = came.number
    later = next(frames)
    frames.close()
    assert later.number >= number


def test_a_changed_scene_is_seen_soon(far_end: VirtualCamera) -> None:
    frames = Camera(far_end.url).frames(never)
    bright = next(frames).rgb.mean()
    far_end.show("dark")
    eventually(lambda: next(frames).rgb.mean() <= bright / 2)
    frames.close()


def test_looking_ends_when_nobody_wants_it(far_end: VirtualCamera) -> None:
    wanted = iter([False, True])
    frames = Camera(far_end.url).frames(lambda: next(wanted))
    next(frames)
    with pytest.raises(NotWanted):
        next(frames)


@pytest.mark.parametrize("size", [(640, 480), (1920, 1080), (3840, 2160)])
def test_a_camera_of_another_resolution_gives_frames_of_it(
    far_end: VirtualCamera, size: tuple[int, int]
) -> None:
    import cv2

    far_end.show_picture(np.asarray(cv2.resize(picture_of("portrait"), size), np.uint8))
    assert first(Camera(far_end.url)).rgb.shape == (size[1], size[0], 3)


# -- how a picture gets from the decoder to screen and photo ------------------------------------


def test_a_picture_is_copied_once_on_its_way_to_the_screen() -> None:
    decoded = np.zeros((720, 1280, 3), np.uint8)
    to_rgb(decoded)  # what is loaded at the first use does not count
    tracemalloc.start()
    try:
        frame = Frame(to_rgb(decoded), 1, 0.0)
        shown = frame.pixels
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert decoded.nbytes <= peak < decoded.nbytes + 20_000
    assert np.shares_memory(np.frombuffer(shown, np.uint8), frame.rgb)
    assert (shown.ndim, shown.nbytes) == (1, decoded.nbytes)


def test_the_preview_gets_the_very_frame_that_the_photo_is_made_of(
    far_end: VirtualCamera,
) -> None:
    """`take_photo` itself: what it reports lies in the memory of the frame it looked at."""
    from kiosk.darkroom import Sitting
    from kiosk.operations.camera import View, take_photo
    from kiosk.operations.work import Work
    from kiosk.photo import Finding, FindingCode
    from kiosk.photo import Look as Seen
    from kiosk.settings import Settings
    from kiosk.visit.prompts import TakePhoto

    looked_at: list[Any] = []

    class Photographer:
        sitting = Sitting()

        def look(self, rgb: Any, excused: bool) -> Seen:
            looked_at.append(rgb)
            return Seen(Finding(FindingCode.NO_FACE))

    shown: list[View] = []
    unused: Any = None
    work = Work(
        parts=SimpleNamespace(settings=Settings(mode="test")),  # type: ignore[arg-type]
        report=shown.append,
        cancelled=lambda: len(shown) >= 2,
        told=list,
        now=unused,
        online=unused,
        letterhead=unused,
        studio=Photographer(),  # type: ignore[arg-type]
    )
    with pytest.raises(NotWanted):
        take_photo(TakePhoto("photo.take"), Camera(far_end.url), work)
    for rgb, view in zip(looked_at, shown, strict=True):
        assert np.shares_memory(np.frombuffer(view.rgb, np.uint8), rgb)


def test_a_frame_that_is_kept_is_not_written_over_by_the_next(far_end: VirtualCamera) -> None:
    frames = Camera(far_end.url).frames(never)
    kept = next(frames)
    as_it_was = kept.rgb.copy()
    for _ in range(4):
        next(frames)
    frames.close()
    assert np.array_equal(kept.rgb, as_it_was)


# -- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happens", "is_over", "code"),
    [
        ("freeze", lambda it: it.freeze(False), FaultCode.CAMERA_NO_FRAMES),
        ("stick", lambda it: it.stick(False), FaultCode.CAMERA_FROZEN),
        ("cover", lambda it: it.cover(False), FaultCode.CAMERA_BLACK),
        ("unplug", lambda it: it.plug(), FaultCode.CAMERA_ABSENT),
    ],
)
def test_what_happens_to_a_running_camera_is_a_fault_and_the_next_use_works(
    far_end: VirtualCamera,
    monkeypatch: pytest.MonkeyPatch,
    happens: str,
    is_over: Callable[[VirtualCamera], None],
    code: FaultCode,
) -> None:
    driver = Camera(far_end.url)
    with monkeypatch.context() as soon:  # only what is waited for, or a busy machine is another
        if code in camera_module._PATIENCE_S:
            soon.setitem(camera_module._PATIENCE_S, code, FAST_S)
        else:
            soon.setattr(camera_module, "_FRAME_S", 1.0)
            soon.setattr(camera_module, "_OPEN_S", 2.0)
        assert fault_while(driver, getattr(far_end, happens)) is code
    is_over(far_end)
    driver.open()
    assert first(driver).rgb.std() > 20


@pytest.mark.usefixtures("impatient")
def test_a_covered_camera_that_also_repeats_itself_is_said_to_be_black(
    far_end: VirtualCamera,
) -> None:
    far_end.stick()
    far_end.cover()
    assert fault_while(Camera(far_end.url)) is FaultCode.CAMERA_BLACK


def test_nobody_sees_a_picture_of_which_half_is_missing(far_end: VirtualCamera) -> None:
    whole = picture_of("portrait").astype(np.int16)
    for number, frame in enumerate(Camera(far_end.url).frames(never)):
        assert np.abs(frame.rgb[-200:] - whole[-200:]).mean() < 3
        if number == 1:
            far_end.break_off()
        if number == 20:
            break


def test_a_stream_that_breaks_off_is_opened_once_more_and_the_visit_goes_on(
    far_end: VirtualCamera,
) -> None:
    """It ended the visit."""
    driver = Camera(far_end.url)
    seen = []
    for frame in driver.frames(never):
        seen.append(frame.number)
        if len(seen) == 2:
            far_end.break_off()
        if len(seen) == 20:
            break
    assert seen == sorted(set(seen))
    assert driver.poll().counters["openings"] == 2


@pytest.mark.usefixtures("impatient")
def test_a_stream_that_breaks_off_again_and_again_is_a_fault(far_end: VirtualCamera) -> None:
    driver = Camera(far_end.url)
    with pytest.raises(DeviceFault) as caught:
        for number, _ in enumerate(driver.frames(never)):
            if number in (2, 6):
                far_end.break_off(2)
            assert number < 2000
    assert caught.value.code is FaultCode.CAMERA_NO_FRAMES


def test_a_camera_is_ready_once_it_gave_a_frame_and_is_asked_again_every_hour(
    far_end: VirtualCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "_OPEN_S", 0.5)
    driver = Camera(far_end.url)
    driver.open()
    assert driver.poll().counters["openings"] == 1
    far_end.freeze()
    driver.poll()
    driver._proven_at -= 3601
    with pytest.raises(DeviceFault) as caught:
        driver.poll()
    assert caught.value.code is FaultCode.CAMERA_NO_FRAMES
    far_end.freeze(False)
    driver.poll()
    assert driver.poll().counters["openings"] == 2, "and not at every look"


def test_a_camera_is_proven_in_a_process_of_its_own(far_end: VirtualCamera) -> None:
    driver = Camera(far_end.url, proof=prove)
    driver.open()
    condition = driver.poll()
    assert (condition.detail, condition.counters["openings"]) == ("1280x720", 1)
    driver._proven_at -= 3601
    far_end.unplug()
    with pytest.raises(DeviceFault) as caught:
        prove(far_end.url, Wishes())
    assert (caught.value.code, caught.value.detail) == (
        FaultCode.CAMERA_ABSENT,
        "ConnectionRefusedError",
    )


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        ("import os; os.abort()", "the library ended with -6"),
        ("print('libav: noise')", "the library ended with 0"),
        ("import time; time.sleep(60)", "TimeoutExpired"),
    ],
    ids=["crash", "noise", "hang"],
)
def test_a_library_that_crashes_or_hangs_does_so_alone(
    monkeypatch: pytest.MonkeyPatch, command: str, detail: str
) -> None:
    monkeypatch.setattr(camera_proof, "ourselves", lambda *which: [sys.executable, "-c", command])
    monkeypatch.setattr(camera_proof, "PATIENCE_S", 1.0)
    with pytest.raises(DeviceFault) as caught:
        prove("/dev/video0", Wishes())
    assert (caught.value.code, caught.value.detail) == (FaultCode.CAMERA_NO_FRAMES, detail)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_camera_that_is_turned_gives_upright_pictures(rotation: int) -> None:
    upright = np.zeros((6, 4, 3), np.uint8)
    upright[0, 0] = (1, 2, 3)
    taken = np.ascontiguousarray(np.rot90(upright[:, :, ::-1], -(rotation // 90)))
    assert np.array_equal(to_rgb(taken, rotation), upright)


def test_what_no_camera_can_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="rotation 45"):
        Wishes(rotation=45)
    with pytest.raises(ValueError, match="power line 55 Hz"):
        Wishes(power_line=55)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "garbage",
    [
        bytes(range(256)) * 400,
        b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n\xff\xd8garbage\r\n",
        b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: -1\r\n\r\n",
        b"--frame\r\nContent-Type: text/plain\r\n\r\nhello\r\n",
        b"\r\n" * 500,
    ],
    ids=["noise", "no picture", "no length", "text", "empty lines"],
)
def test_garbage_in_the_stream_is_skipped_or_a_fault_and_the_next_use_works(
    far_end: VirtualCamera, garbage: bytes
) -> None:
    driver = Camera(far_end.url)
    until = time.monotonic() + 1.5
    try:
        for number, frame in enumerate(driver.frames(lambda: time.monotonic() > until)):
            assert frame.rgb.shape == (720, 1280, 3)
            if number == 1:
                far_end.spill(garbage)
    except DeviceFault as fault:
        assert fault.code is FaultCode.CAMERA_NO_FRAMES
    except NotWanted:
        pass  # the garbage was skipped
    assert first(driver).rgb.std() > 20


def test_a_camera_unplugged_while_somebody_waits_for_a_frame_wakes_them(
    far_end: VirtualCamera,
) -> None:
    frames = Camera(far_end.url).frames(never)
    next(frames)
    far_end.freeze()
    threading.Timer(0.2, far_end.unplug).start()
    with pytest.raises(DeviceFault) as caught:
        for _ in frames:
            pass
    # Not "no frames", which is what waiting on for one would end with.
    assert caught.value.code is FaultCode.CAMERA_ABSENT


def test_an_unplugged_camera_is_absent_until_it_is_plugged_in(far_end: VirtualCamera) -> None:
    driver = Camera(far_end.url)
    first(driver)
    far_end.unplug()
    for use in (driver.poll, driver.open):
        with pytest.raises(DeviceFault) as caught:
            use()
        assert caught.value.code is FaultCode.CAMERA_ABSENT
    assert fault_while(driver) is FaultCode.CAMERA_ABSENT
    far_end.plug()
    driver.poll()
    first(driver)


def test_a_camera_that_answers_but_never_gives_a_picture_has_no_frames(
    far_end: VirtualCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "_OPEN_S", 1.0)
    driver = Camera(far_end.url)
    far_end.freeze()
    for use in (driver.open, lambda: first(driver)):
        with pytest.raises(DeviceFault, match="does not open") as caught:
            use()
        assert caught.value.code is FaultCode.CAMERA_NO_FRAMES
    far_end.freeze(False)
    first(driver)


def test_a_camera_below_the_standard_is_unfit_at_its_first_frame(far_end: VirtualCamera) -> None:
    far_end.show_picture(np.ascontiguousarray(picture_of("portrait")[:360, :640]))
    with pytest.raises(DeviceFault, match="640x360") as caught:
        first(Camera(far_end.url))
    assert caught.value.code is FaultCode.CAMERA_UNFIT
    assert not caught.value.temporary


@pytest.mark.usefixtures("impatient")
def test_a_camera_without_colour_is_unfit(far_end: VirtualCamera) -> None:
    far_end.show_picture(np.ascontiguousarray(picture_of("portrait")[:, :, 1]))
    assert fault_while(Camera(far_end.url)) is FaultCode.CAMERA_UNFIT


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("level", [128, 255])
def test_a_wall_of_one_tone_is_no_reason_to_call_a_colour_camera_unfit(
    far_end: VirtualCamera, level: int
) -> None:
    far_end.show_picture(np.full((720, 1280, 3), level, np.uint8))
    until = time.monotonic() + 3 * FAST_S
    with pytest.raises(NotWanted):
        for _ in Camera(far_end.url).frames(lambda: time.monotonic() > until):
            pass


@pytest.mark.parametrize(
    "source",
    ["77", "/dev/v4l/by-id/nothing", "http://127.0.0.1:9/s", "http://127.0.0.1:99999/", "nonsense"],
)
def test_a_camera_that_is_not_there_is_absent(source: str) -> None:
    for use in (Camera(source).open, lambda: first(Camera(source))):
        with pytest.raises(DeviceFault) as caught:
            use()
        assert caught.value.code is FaultCode.CAMERA_ABSENT


def test_the_password_in_an_address_stays_out_of_faults() -> None:
    with pytest.raises(DeviceFault) as caught:
        Camera("http://admin:hunter2@127.0.0.1:9/").open()
    assert "hunter2" not in str(caught.value)


# -- what a technician sees -----------------------------------------------------------------------


def test_health_says_what_the_camera_gave_and_how_often(far_end: VirtualCamera) -> None:
    driver = Camera(far_end.url)
    driver.open()
    assert driver.poll().detail == "1280x720"
    frames = driver.frames(never)
    for _ in range(6):
        last = next(frames)
    frames.close()
    first(driver)
    counters = driver.poll().counters
    assert counters["openings"] == 3
    assert counters["frames"] > last.number
    assert driver.poll().detail.startswith("1280x720")


def test_the_serial_number_is_that_of_the_usb_device(tmp_path: Path) -> None:
    interface = tmp_path / "devices/usb1/1-1/1-1:1.0"
    interface.mkdir(parents=True)
    (interface.parent / "serial").write_text("A1B2C3\n")
    node = tmp_path / "class/video4linux/video3"
    node.mkdir(parents=True)
    (node / "device").symlink_to(interface)
    (tmp_path / "by-id").symlink_to(tmp_path / "video3")
    assert usb_serial(str(tmp_path / "video3"), tmp_path) == "A1B2C3"
    assert usb_serial(str(tmp_path / "by-id"), tmp_path) == "A1B2C3"
    assert usb_serial("/dev/video4", tmp_path) == ""


# -- a camera on this machine, behind a stand-in for the kernel and for OpenCV's V4L2 ------------


class Kernel:
    """Answers the two requests of `must_be_free` as uvcvideo does."""

    def __init__(self) -> None:
        self.kinds = 0x1
        self.refuses: dict[int, int] = {}
        self.buffers: list[tuple[int, int]] = []
        self.controls: dict[int, int] = {}

    def ioctl(self, handle: int, request: int, argument: bytes) -> bytes:
        if request in self.refuses:
            raise OSError(self.refuses[request], "refused")
        if request == camera_module._VIDIOC_QUERYCAP:
            return bytes(88) + struct.pack("=I", self.kinds) + bytes(12)
        if request == 0xC008561C:  # VIDIOC_S_CTRL
            control, value = struct.unpack("=Ii", argument)
            self.controls[control] = value
            return argument
        assert request == camera_module._VIDIOC_REQBUFS
        count, kind, memory, _, _ = struct.unpack("=5I", argument)
        assert memory == 1
        self.buffers.append((count, kind))
        return argument


class Sensor:
    """A VideoCapture that takes no more than 640x480, fifteen a second, and no exposure."""

    opened: str = ""
    asked: dict[int, float] = {}  # noqa: RUF012

    def __init__(self, path: str, backend: int) -> None:
        Sensor.opened = path
        Sensor.asked = {}
        self._turn = 0

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def set(self, key: int, value: float) -> bool:
        Sensor.asked[key] = value
        return True

    def get(self, key: int) -> float:
        import cv2

        limits = {
            cv2.CAP_PROP_FRAME_WIDTH: 640.0,
            cv2.CAP_PROP_FRAME_HEIGHT: 480.0,
            cv2.CAP_PROP_FPS: 15.0,
            cv2.CAP_PROP_EXPOSURE: 156.0,
        }
        return min(Sensor.asked[key], limits.get(key, Sensor.asked[key]))

    def read(self, into: Any = None) -> tuple[bool, Any]:
        time.sleep(0.01)
        self._turn += 1
        return True, np.full((480, 640, 3), (self._turn % 200, 90, 40), np.uint8)

    def release(self) -> None:
        Sensor.opened = ""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    import cv2

    kernel = Kernel()
    monkeypatch.setattr("hardware.camera.fcntl.ioctl", kernel.ioctl)
    monkeypatch.setattr(cv2, "VideoCapture", Sensor)
    return kernel


@pytest.fixture
def device(tmp_path: Path) -> Path:
    (tmp_path / "video0").touch()
    link = tmp_path / "usb-camera-index0"
    link.symlink_to(tmp_path / "video0")
    return link


def test_what_the_camera_refused_is_told_to_the_technician(kernel: Kernel, device: Path) -> None:
    import cv2

    driver = Camera(str(device), Wishes(1280, 720, 30, exposure=300.0, white_balance=4600))
    driver.open()
    frame = first(driver)
    assert frame.rgb[0, 0].tolist()[:2] == [40, 90]
    words = driver.poll().detail
    assert words.startswith("640x480")
    assert words.endswith("refused: width 1280, height 720, rate 30, exposure 300")
    asked = Sensor.asked
    assert asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert asked[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert (asked[cv2.CAP_PROP_AUTO_WB], asked[cv2.CAP_PROP_WB_TEMPERATURE]) == (0, 4600)


def test_a_camera_left_to_itself_is_set_to_decide_itself(kernel: Kernel, device: Path) -> None:
    import cv2

    driver = Camera(str(device), Wishes(640, 480, 15))
    first(driver)
    assert "refused" not in driver.poll().detail
    asked = Sensor.asked
    assert (asked[cv2.CAP_PROP_AUTO_EXPOSURE], asked[cv2.CAP_PROP_AUTO_WB]) == (3, 1)
    assert not {cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_FOURCC} & asked.keys()


def test_the_camera_is_told_the_rhythm_of_the_lamps(kernel: Kernel, device: Path) -> None:
    driver = Camera(str(device), Wishes(640, 480, 15))
    first(driver)
    assert kernel.controls == {0x00980918: 1}  # V4L2_CID_POWER_LINE_FREQUENCY, 50 Hz
    kernel.refuses[0xC008561C] = errno.EINVAL
    first(driver)
    assert driver.poll().detail.endswith("refused: power line 50 Hz")


@pytest.mark.usefixtures("impatient")
def test_one_bad_picture_or_read_is_passed_over(
    kernel: Kernel, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any of them ended the visit."""
    good = Sensor.read
    bad: dict[int, Any] = {
        3: (False, None),
        5: (True, None),
        7: (True, np.zeros((480, 640), np.uint8)),
        9: (True, np.full((10, 12, 3), 90, np.uint8)),
        11: (True, np.zeros((480, 640, 7), np.uint8)),
    }

    def read(sensor: Sensor, into: Any = None) -> Any:
        found = good(sensor)
        return bad.get(sensor._turn, found)

    monkeypatch.setattr(Sensor, "read", read)
    driver = Camera(str(device), Wishes(640, 480, 15))
    for frame in driver.frames(never):
        if frame.number >= 30:
            break
    assert driver.poll().counters["openings"] == 1


def test_a_path_that_lasts_leads_to_the_camera_after_replugging(
    kernel: Kernel, device: Path
) -> None:
    driver = Camera(str(device))
    frames = driver.frames(never)
    next(frames)
    assert Sensor.opened.endswith("/video0")
    frames.close()
    assert Sensor.opened == ""
    device.unlink()
    with pytest.raises(DeviceFault) as caught:
        driver.poll()
    assert caught.value.code is FaultCode.CAMERA_ABSENT
    again = device.with_name("video2")  # the kernel gives it another number
    again.touch()
    device.symlink_to(again)
    frames = driver.frames(never)
    next(frames)
    assert Sensor.opened.endswith("/video2")
    frames.close()


@pytest.mark.parametrize(
    ("request_", "error", "code"),
    [
        (camera_module._VIDIOC_REQBUFS, errno.EBUSY, FaultCode.CAMERA_BUSY),
        (camera_module._VIDIOC_QUERYCAP, errno.ENOTTY, FaultCode.CAMERA_ABSENT),
        (camera_module._VIDIOC_REQBUFS, errno.ENODEV, FaultCode.CAMERA_ABSENT),
    ],
)
def test_what_the_kernel_refuses_is_said_with_its_name(
    kernel: Kernel, device: Path, request_: int, error: int, code: FaultCode
) -> None:
    kernel.refuses[request_] = error
    driver = Camera(str(device))
    for use in (driver.open, lambda: first(driver)):
        with pytest.raises(DeviceFault, match=errno.errorcode[error]) as caught:
            use()
        assert caught.value.code is code
    kernel.refuses.clear()
    driver.open()
    first(driver)


def test_our_own_reading_that_hung_is_waited_for_and_not_called_another_program(
    kernel: Kernel, device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, goes_on = threading.Event(), threading.Event()

    class Hanging(Sensor):
        def read(self, into: Any = None) -> tuple[bool, Any]:
            if self._turn == 2:
                hangs.set()
                goes_on.wait(PATIENCE_S)
            return super().read(into)

    def ioctl(handle: int, request: int, argument: bytes) -> bytes:
        if request == camera_module._VIDIOC_REQBUFS and Sensor.opened:
            raise OSError(errno.EBUSY, "busy")
        return kernel.ioctl(handle, request, argument)

    monkeypatch.setattr("cv2.VideoCapture", Hanging)
    monkeypatch.setattr("hardware.camera.fcntl.ioctl", ioctl)
    driver = Camera(str(device))
    frames = driver.frames(never)
    next(frames)
    assert hangs.wait(PATIENCE_S)
    frames.close()
    with pytest.raises(DeviceFault) as caught:
        Camera(str(device)).open()  # to somebody else it is busy
    assert caught.value.code is FaultCode.CAMERA_BUSY
    threading.Timer(0.2, goes_on.set).start()
    assert first(driver).rgb.shape == (480, 640, 3)


def test_buffers_that_were_asked_for_are_given_back(kernel: Kernel, device: Path) -> None:
    must_be_free(str(device))
    kernel.kinds = 0x1000
    must_be_free(str(device))
    assert kernel.buffers == [(1, 1), (0, 1), (1, 9), (0, 9)]


def test_the_second_node_of_a_web_camera_is_no_camera(kernel: Kernel, device: Path) -> None:
    kernel.kinds = 0x00800000  # metadata
    with pytest.raises(DeviceFault) as caught:
        must_be_free(str(device))
    assert caught.value.code is FaultCode.CAMERA_ABSENT


def test_something_that_is_no_camera_at_all_is_absent() -> None:
    """Against the real kernel."""
    with pytest.raises(DeviceFault, match="ENOTTY") as caught:
        must_be_free("/dev/null")
    assert caught.value.code is FaultCode.CAMERA_ABSENT


# -- the QR code on a phone -----------------------------------------------------------------------


def test_a_code_held_before_the_lens_is_read_once(far_end: VirtualCamera) -> None:
    driver = Camera(far_end.url)
    far_end.show_code("ESSC-0001")
    looks: list[Scanned] = []
    assert driver.scan(never, looks.append).take() == "ESSC-0001"
    # The same phone is still there: it is not read again, and the citizen can be told why.
    looks.clear()
    with pytest.raises(NotWanted):
        driver.scan(lambda: len(looks) > 3, looks.append)
    assert all(look.used for look in looks)
    far_end.show_code("ESSC-0002")
    assert driver.scan(never, looks.append).take() == "ESSC-0002"


def test_while_no_code_is_there_the_frames_are_shown(far_end: VirtualCamera) -> None:
    looks: list[Scanned] = []
    with pytest.raises(NotWanted):
        Camera(far_end.url).scan(lambda: len(looks) > 1, looks.append)
    assert [look.used for look in looks] == [False, False]
    assert looks[0].frame.rgb.shape == (720, 1280, 3)


@pytest.mark.usefixtures("impatient")
def test_a_camera_that_fails_while_scanning_is_a_fault(far_end: VirtualCamera) -> None:
    with pytest.raises(DeviceFault) as caught:
        Camera(far_end.url).scan(never, lambda look: far_end.unplug())
    assert caught.value.code is FaultCode.CAMERA_ABSENT
