"""摄像头: frames through OpenCV's VideoCapture, always the newest one.

The camera runs only while somebody looks: `frames` opens it and lets go of it. It counts as ready
once it gave a frame: it is asked for one at the start and every hour. In between, the loop merely
sees whether it is still there. One bad frame or failed read is passed over; where none comes any
more the camera is opened once again before that is a fault. A thread of its own takes every frame
off the device, so that a slow consumer gets fewer frames, never older ones. The same frames are
searched for the QR code of the 电子社保卡 (`scan`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hardware.codes import OneTimeCode, UsedCodes, read_text
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.supervision import Condition

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

#: Longest wait for a frame, and for the camera to open, seconds.
_FRAME_S, _OPEN_S = 3.0, 5.0

#: Nothing but failed reads for so long is the end of what was opened; and between two, seconds.
_FAILING_S, _RETRY_S = 1.0, 0.05

#: A frame proves for so long that the camera works, seconds.
_PROOF_S = 3600.0

#: A picture below this, longer and shorter side in pixels, holds no face of the standard's width.
_LEAST_LONG, _LEAST_SHORT = 640, 480

#: What a camera's pictures may look like for so long, seconds, before it counts as broken:
#: black is a cap on the lens or a dead sensor; two pictures the same to the last bit are a camera
#: that repeats itself, for a real sensor has noise; without any colour there is no card photo.
_PATIENCE_S = {
    FaultCode.CAMERA_BLACK: 4.0,
    FaultCode.CAMERA_FROZEN: 4.0,
    FaultCode.CAMERA_UNFIT: 2.0,
}

#: Brightness up to which a pixel is black, and from which it is burnt out and has no colour.
_BLACK_LEVEL, _WHITE_LEVEL = 8, 247

#: For streams: decode what is there, keep nothing back, and show no picture that is half there.
_STREAM_OPTIONS = "fflags;nobuffer+discardcorrupt|flags;low_delay|probesize;32768|analyzeduration;0"
_STREAM_PORTS = {"http": 80, "https": 443, "rtsp": 554}

#: From linux/videodev2.h: requests, kinds of device and of buffer.
_VIDIOC_QUERYCAP, _VIDIOC_REQBUFS = 0x80685600, 0xC0145608
_CAPTURE, _CAPTURE_MPLANE = 0x1, 0x1000
_DEVICE_CAPS_AT, _CAPABILITY_BYTES = 88, 104
_BUFFERS = struct.Struct("=5I")
_MMAP = 1
#: V4L2_CID_POWER_LINE_FREQUENCY, set by VIDIOC_S_CTRL: the lamps flicker in this rhythm, Hz.
_VIDIOC_S_CTRL, _POWER_LINE = 0xC008561C, 0x00980918
_POWER_LINES = {50: 1, 60: 2}


@dataclass(frozen=True)
class Wishes:
    """What is asked of a camera on this machine; it may give something else."""

    #: Pixels, and pictures a second.
    width: int = 1920
    height: int = 1080
    rate: int = 30
    #: In the camera's own units; 0: the camera decides.
    exposure: float = 0.0
    white_balance: int = 0
    focus: int = 0
    #: Hz of the mains: 50, 60, or 0 for a camera that is left as it is.
    power_line: int = 50
    #: How far the camera is turned, degrees clockwise; pictures are turned back. Streams, too.
    rotation: int = 0

    def __post_init__(self) -> None:
        """Raises `ValueError`."""
        if self.rotation not in (0, 90, 180, 270):
            raise ValueError(f"camera rotation {self.rotation}: 0, 90, 180 or 270")
        if self.power_line not in (0, *_POWER_LINES):
            raise ValueError(f"power line {self.power_line} Hz: 50, 60 or 0")


@dataclass(frozen=True)
class Frame:
    """One picture: height x width x 3, 8 bit, red first, top row first, not mirrored."""

    #: Not to be written to: the preview and the measuring share it.
    rgb: Image
    #: Counts the frames that the device gave, also those nobody took.
    number: int
    #: When it was taken, seconds of the monotonic clock.
    at: float

    @property
    def pixels(self) -> memoryview:
        """The bytes of `rgb` in one row, not a copy of them."""
        return self.rgb.data.cast("B")


@dataclass(frozen=True)
class Scanned:
    """A frame in which no new code was found. `used`: the code in it was read before."""

    frame: Frame
    used: bool


class Camera:
    """The driver; runs in a `DeviceLoop`.

    `source`: an index ("0"), a path ("/dev/v4l/by-id/…", the same after replugging) or the address
    of a stream. `wishes` go to cameras on this machine; a stream is set where it comes from.
    """

    def __init__(
        self,
        source: str,
        wishes: Wishes | None = None,
        proof: Callable[[str, Wishes], str] | None = None,
    ) -> None:
        """`proof`: takes the frame that proves the camera, and returns what it was like
        (`hardware.camera_proof`); without one this driver takes it."""
        self._source = f"/dev/video{source}" if source.isdigit() else source
        self._wishes = wishes or Wishes()
        self._proof = proof
        self._grabber: _Grabber | None = None
        self._used_codes = UsedCodes()
        self._given = ""
        self._serial = ""
        self._counters = {"openings": 0, "frames": 0}
        #: When it last gave a frame, of the monotonic clock.
        self._proven_at = -_PROOF_S

    def open(self) -> None:
        self._must_be_there()
        if self._is_local:
            self._wait_for_release()
            must_be_free(self._source)
            self._serial = usb_serial(self._source)
        self._prove()

    def close(self) -> None:
        """Nothing is held between two uses."""

    def poll(self) -> Condition:
        self._must_be_there()
        if time.monotonic() - self._proven_at >= _PROOF_S:
            self._prove()
        return Condition(detail=self._given, serial=self._serial, counters=dict(self._counters))

    def frames(self, cancelled: Callable[[], bool]) -> Generator[Frame, None, None]:
        """Each new frame, the newest first, until the consumer stops or cancels.

        Raises `NotWanted` when cancelled, and `DeviceFault` with any code of the camera.
        """
        grabber, refused = self._start(0)
        judge, first, newest, again = _Judge(), None, None, False
        try:
            while True:
                if cancelled():
                    raise NotWanted
                try:
                    newest = grabber.newer_than(newest.number if newest else 0)
                except DeviceFault:
                    if again or newest is None:
                        raise
                    again = True
                    grabber.stop()
                    grabber, refused = self._start(newest.number)
                    continue
                first = first or newest
                judge.look(newest)
                self._proven_at = newest.at
                yield newest
        finally:
            grabber.stop()
            self._counters["frames"] += grabber.number
            if first is not None and newest is not None:
                self._given = _given(first, newest, refused)

    def _start(self, number: int) -> tuple[_Grabber, list[str]]:
        """Frames begin to come, counted on from `number`; and what of the wishes was refused."""
        capture, refused = self._open_capture()
        self._counters["openings"] += 1
        self._grabber = _Grabber(capture, number, self._wishes.rotation)
        return self._grabber, refused

    def _prove(self) -> None:
        """Take one frame. Raises `DeviceFault` if none comes."""
        if self._proof is not None:
            self._counters["openings"] += 1
            self._given = self._proof(self._source, self._wishes)
            self._proven_at = time.monotonic()
            return
        with closing(self.frames(lambda: False)) as frames:
            next(frames)

    def scan(self, cancelled: Callable[[], bool], report: Callable[[Scanned], None]) -> OneTimeCode:
        """Look for the QR code of the 电子社保卡 until there is one that was never read before.

        Reports each frame without one, for the preview. Raises as `frames` does.
        """
        with closing(self.frames(cancelled)) as frames:
            for frame in frames:
                text = read_text(frame.rgb)
                if text is not None and self._used_codes.is_new(text):
                    return OneTimeCode(text)
                report(Scanned(frame, used=text is not None))
        raise DeviceFault(FaultCode.CAMERA_NO_FRAMES, "the stream ended")

    @property
    def _is_local(self) -> bool:
        return self._source.startswith("/")

    def _must_be_there(self) -> None:
        """A look that costs next to nothing; raises `DeviceFault(CAMERA_ABSENT)`."""
        if self._is_local:
            if not Path(self._source).exists():
                raise DeviceFault(FaultCode.CAMERA_ABSENT, Path(self._source).name)
            return
        try:
            where = urlsplit(self._source)
            port = where.port or _STREAM_PORTS.get(where.scheme, 80)
        except ValueError:
            raise DeviceFault(FaultCode.CAMERA_ABSENT, "not an address", temporary=False) from None
        if not where.hostname:
            raise DeviceFault(FaultCode.CAMERA_ABSENT, "not an address", temporary=False)
        try:
            socket.create_connection((where.hostname, port), timeout=1.0).close()
        except OSError as error:
            raise DeviceFault(FaultCode.CAMERA_ABSENT, type(error).__name__) from error

    def _wait_for_release(self) -> None:
        """A read that hung at the last use may still hold the device, and then it looks busy."""
        if self._grabber is not None:
            self._grabber.wait(_FRAME_S + 1.0)

    def _open_capture(self) -> tuple[Any, list[str]]:
        """An open capture, and what of the wishes it refused."""
        # Else OpenCV waits ten seconds for a picture of a camera that hangs.
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(round(_FRAME_S)))
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", _STREAM_OPTIONS)
        # What it warns of is a fault with a name here.
        os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
        import cv2  # 25 MB, which home does without

        refused: list[str] = []
        if self._is_local:
            self._must_be_there()
            self._wait_for_release()
            must_be_free(self._source)
            capture = cv2.VideoCapture(os.path.realpath(self._source), cv2.CAP_V4L2)
            if capture.isOpened():
                refused = _ask(capture, self._wishes)
                refused += _set_power_line(self._source, self._wishes.power_line)
        else:
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                int(_OPEN_S * 1000),
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                int(_FRAME_S * 1000),
            ]
            capture = cv2.VideoCapture(self._source, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            capture.release()
            self._must_be_there()
            raise DeviceFault(FaultCode.CAMERA_NO_FRAMES, "does not open")
        return capture, refused


# -- cameras on this machine ----------------------------------------------------------------------


def must_be_free(device: str) -> None:
    """Raise CAMERA_BUSY if another program has the camera, CAMERA_ABSENT if it is none.

    A V4L2 device can be opened by many and streams for one, the one that has asked for buffers.
    OpenCV tells a busy camera from a missing one only in its log, so it is asked here.
    """
    try:
        handle = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            capability = fcntl.ioctl(handle, _VIDIOC_QUERYCAP, bytes(_CAPABILITY_BYTES))
            (kinds,) = struct.unpack_from("=I", capability, _DEVICE_CAPS_AT)
            if not kinds & (_CAPTURE | _CAPTURE_MPLANE):
                # A web camera's second node carries no pictures.
                raise DeviceFault(FaultCode.CAMERA_ABSENT, "no pictures here", temporary=False)
            kind = 1 if kinds & _CAPTURE else 9
            for count in (1, 0):  # ask for a buffer, and give it back
                request = _BUFFERS.pack(count, kind, _MMAP, 0, 0)
                fcntl.ioctl(handle, _VIDIOC_REQBUFS, request)
        finally:
            os.close(handle)
    except OSError as error:
        busy = error.errno == errno.EBUSY
        code = FaultCode.CAMERA_BUSY if busy else FaultCode.CAMERA_ABSENT
        raise DeviceFault(code, errno.errorcode.get(error.errno or 0, "")) from None


def usb_serial(device: str, system: Path = Path("/sys")) -> str:
    """The serial number of the USB camera behind /dev/videoN or a link to it; "" if it has none."""
    node = system / "class/video4linux" / Path(device).resolve().name / "device"
    try:
        return (node.resolve().parent / "serial").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _ask(capture: Any, wishes: Wishes) -> list[str]:
    """Set what is wished and read it back; returns what the camera did not take, for a technician.

    The camera keeps exposure and white balance after it is closed, so "the camera decides" is set
    as well. The values are V4L2's: exposure 1 is by hand, 3 automatic.
    """
    import cv2

    if wishes.width * wishes.height > _LEAST_LONG * _LEAST_SHORT:
        # Raw pictures of this size leave no more than some ten a second on USB 2.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    size = (
        ("width", cv2.CAP_PROP_FRAME_WIDTH, wishes.width),
        ("height", cv2.CAP_PROP_FRAME_HEIGHT, wishes.height),
        ("rate", cv2.CAP_PROP_FPS, wishes.rate),
    )
    capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, 1 if wishes.exposure else 3)
    capture.set(cv2.CAP_PROP_AUTO_WB, 0 if wishes.white_balance else 1)
    capture.set(cv2.CAP_PROP_AUTOFOCUS, 0 if wishes.focus else 1)
    look = (
        ("exposure", cv2.CAP_PROP_EXPOSURE, wishes.exposure),
        ("white balance", cv2.CAP_PROP_WB_TEMPERATURE, wishes.white_balance),
        ("focus", cv2.CAP_PROP_FOCUS, wishes.focus),
    )
    asked = [*size, *(wish for wish in look if wish[2])]
    for _, key, value in asked:  # all before any is read: width counts only once height is set
        capture.set(key, value)
    return [
        f"{name} {value:g}" for name, key, value in asked if round(capture.get(key)) != round(value)
    ]


def _set_power_line(device: str, hertz: int) -> list[str]:
    """Tell the camera the rhythm of the lamps, else its pictures pulse; OpenCV has no word for it.
    Returns what it refused."""
    if not hertz:
        return []
    try:
        handle = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            control = struct.pack("=Ii", _POWER_LINE, _POWER_LINES[hertz])
            fcntl.ioctl(handle, _VIDIOC_S_CTRL, control)
        finally:
            os.close(handle)
    except OSError:
        return [f"power line {hertz} Hz"]
    return []


def _given(first: Frame, last: Frame, refused: list[str]) -> str:
    """What the camera gave while it ran, for a technician: size, rate, and what it refused."""
    height, width = last.rgb.shape[:2]
    words = [f"{width}x{height}"]
    if last.at > first.at:
        words.append(f"{(last.number - first.number) / (last.at - first.at):.0f}/s")
    if refused:
        words.append(f"refused: {', '.join(refused)}")
    return " ".join(words)


# -- frames ---------------------------------------------------------------------------------------


class _Judge:
    """Tells by its pictures that a camera cannot be used."""

    def __init__(self) -> None:
        self._before: tuple[Image, Image] | None = None
        self._fine_at: dict[FaultCode, float] = {}

    def look(self, frame: Frame) -> None:
        """Raises `DeviceFault`."""
        short, long = sorted(frame.rgb.shape[:2])
        if long < _LEAST_LONG or short < _LEAST_SHORT:
            if self._before is None:
                raise DeviceFault(FaultCode.CAMERA_UNFIT, f"{long}x{short}", temporary=False)
            self._count({FaultCode.CAMERA_UNFIT: True}, frame.at)  # others were large enough
            return
        # Every eighth pixel is enough for all but the proof that two pictures are the same.
        sample = frame.rgb[::8, ::8].copy()
        seen = {
            FaultCode.CAMERA_BLACK: int(sample.max()) <= _BLACK_LEVEL,
            FaultCode.CAMERA_FROZEN: self._is_repeated(frame.rgb, sample),
            FaultCode.CAMERA_UNFIT: _is_grey(sample),
        }
        self._count(seen, frame.at)

    def _count(self, seen: dict[FaultCode, bool], at: float) -> None:
        for code, is_seen in seen.items():
            since = self._fine_at.setdefault(code, at)
            if not is_seen:
                self._fine_at[code] = at
            elif at - since > _PATIENCE_S[code]:
                raise DeviceFault(code)

    def _is_repeated(self, rgb: Image, sample: Image) -> bool:
        import numpy as np

        before, self._before = self._before, (rgb, sample)
        return (
            before is not None
            and before[0].shape == rgb.shape
            and np.array_equal(sample, before[1])
            and np.array_equal(rgb, before[0])
        )


def _is_grey(sample: Image) -> bool:
    """Whether nothing has a colour, although there is enough that could have one."""
    lightest, darkest = sample.max(axis=2), sample.min(axis=2)
    could = (lightest > _BLACK_LEVEL) & (lightest < _WHITE_LEVEL)
    return bool(could.mean() > 0.25) and bool((lightest[could] == darkest[could]).all())


class _Grabber:
    """Takes frames off an open capture as fast as they come, and keeps the newest."""

    def __init__(self, capture: Any, number: int = 0, rotation: int = 0) -> None:
        self.number = number
        self._rotation = rotation
        self._capture = capture
        self._newest: Frame | None = None
        self._ended = False
        self._news = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera frames", daemon=True)
        self._thread.start()

    def newer_than(self, number: int) -> Frame:
        """Wait for a frame after the one with this number."""
        until = time.monotonic() + _FRAME_S
        with self._news:
            while self._newest is None or self._newest.number <= number:
                left = until - time.monotonic()
                if self._ended or left <= 0:
                    raise DeviceFault(FaultCode.CAMERA_NO_FRAMES)
                self._news.wait(left)
            return self._newest

    def stop(self) -> None:
        """Let go of the device, and of the last picture: there is a face on it. A read that hangs
        is left behind with its thread."""
        self._stopping.set()
        self.wait(1.0)
        with self._news:
            self._newest = None

    def wait(self, seconds: float) -> None:
        """Until the device is let go of, but no longer than this."""
        self._thread.join(seconds)

    def _read(self, into: Image | None) -> tuple[Image | None, Image | None]:
        """The memory that was read into, and a frame of it; None for a read that failed or gave
        something that is no picture."""
        import cv2

        try:
            ok, bgr = self._capture.read(into)  # into the same memory each time
            rgb = to_rgb(bgr, self._rotation) if ok and bgr is not None else None
        except (cv2.error, ValueError):
            return None, None
        return bgr, rgb

    def _run(self) -> None:
        bgr: Image | None = None
        failing_since: float | None = None
        try:
            while not self._stopping.is_set():
                bgr, rgb = self._read(bgr)
                if rgb is None:
                    failing_since = failing_since or time.monotonic()
                    if time.monotonic() - failing_since >= _FAILING_S:
                        break
                    self._stopping.wait(_RETRY_S)
                    continue
                failing_since = None
                with self._news:
                    self.number += 1
                    if not self._stopping.is_set():
                        self._newest = Frame(rgb, self.number, time.monotonic())
                    self._news.notify_all()
                del rgb
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()
            self._capture.release()


def load() -> None:
    """Import what takes and decodes frames, before somebody waits for the first."""
    import cv2  # noqa: F401


def to_rgb(bgr: Image, rotation: int = 0) -> Image:
    """A decoded picture as a frame of its own: the only copy on the way to screen and photo, but
    for a camera that is turned. `rotation`: its degrees clockwise."""
    import cv2

    back = {
        90: cv2.ROTATE_90_COUNTERCLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_CLOCKWISE,
    }
    upright: Any = cv2.rotate(bgr, back[rotation]) if rotation else bgr
    rgb: Image = cv2.cvtColor(upright, cv2.COLOR_BGR2RGB)
    return rgb
