"""摄像头: frames through OpenCV's VideoCapture, always the newest one.

The camera runs only while somebody looks: `frames` opens it and lets go of it. In between, the loop
merely sees whether it is still there. A thread of its own takes every frame off the device, so that
a slow consumer gets fewer frames, never older ones.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.supervision import Condition

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

#: What is asked of the camera, pixels; it may give another size.
_WIDTH, _HEIGHT = 1280, 720

#: Longest wait for a frame, and for the camera to open, seconds.
_FRAME_S, _OPEN_S = 3.0, 5.0

#: No pixel brighter than this for so long is a cap on the lens or a dead sensor.
_BLACK_LEVEL, _BLACK_S = 8, 5.0

#: For streams: decode what is there, keep nothing back.
_STREAM_OPTIONS = "fflags;nobuffer|flags;low_delay|probesize;32768|analyzeduration;0"


@dataclass(frozen=True)
class Frame:
    """One picture: height x width x 3, 8 bit, red first, top row first, not mirrored."""

    rgb: Image
    #: Counts the frames that the device gave, also those nobody took.
    number: int
    #: When it was taken, seconds of the monotonic clock.
    at: float


class Camera:
    """The driver; runs in a `DeviceLoop`. `source`: an index ("0") or the address of a stream."""

    def __init__(self, source: str) -> None:
        self._source = source

    def open(self) -> None:
        self._must_be_there()

    def close(self) -> None:
        """Nothing is held between two uses."""

    def poll(self) -> Condition:
        self._must_be_there()
        return Condition()

    def frames(self, cancelled: Callable[[], bool]) -> Generator[Frame, None, None]:
        """Each new frame, the newest first, until the consumer stops or cancels.

        Raises `NotWanted` when cancelled, and `DeviceFault` CAMERA_ABSENT, CAMERA_NO_FRAMES or
        CAMERA_BLACK.
        """
        grabber = _Grabber(self._open_capture())
        try:
            seen, bright_at = 0, time.monotonic()
            while True:
                if cancelled():
                    raise NotWanted
                frame = grabber.newer_than(seen)
                seen = frame.number
                # Every eighth pixel is enough to see whether there is any light at all.
                if int(frame.rgb[::8, ::8].max()) > _BLACK_LEVEL:
                    bright_at = frame.at
                elif frame.at - bright_at > _BLACK_S:
                    raise DeviceFault(FaultCode.CAMERA_BLACK)
                yield frame
        finally:
            grabber.stop()

    def _must_be_there(self) -> None:
        """A look that costs next to nothing; raises `DeviceFault(CAMERA_ABSENT)`."""
        if self._source.isdigit():
            if not Path(f"/dev/video{self._source}").exists():
                raise DeviceFault(FaultCode.CAMERA_ABSENT, f"video{self._source}")
            return
        where = urlsplit(self._source)
        try:
            socket.create_connection((where.hostname or "", where.port or 80), timeout=1.0).close()
        except OSError as error:
            raise DeviceFault(FaultCode.CAMERA_ABSENT, type(error).__name__) from error

    def _open_capture(self) -> Any:
        import cv2  # on the camera's thread, after the screen is up

        if self._source.isdigit():
            capture = cv2.VideoCapture(int(self._source))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, _WIDTH)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, _HEIGHT)
        else:
            os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", _STREAM_OPTIONS)
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                int(_OPEN_S * 1000),
                cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                int(_FRAME_S * 1000),
            ]
            capture = cv2.VideoCapture(self._source, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            capture.release()
            raise DeviceFault(FaultCode.CAMERA_ABSENT, "does not open")
        return capture


class _Grabber:
    """Takes frames off an open capture as fast as they come, and keeps the newest."""

    def __init__(self, capture: Any) -> None:
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
        """Let go of the device. A read that hangs is left behind with its thread."""
        self._stopping.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        import cv2

        number = 0
        while not self._stopping.is_set():
            ok, bgr = self._capture.read()
            if not ok:
                break
            number += 1
            frame = Frame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), number, time.monotonic())
            with self._news:
                self._newest = frame
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
        self._capture.release()
