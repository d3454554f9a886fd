"""Where a camera frame lies so that two processes see it: memory without a name (memfd, Linux).

It has no place in the file system, not even in /dev/shm, where a process that is killed would
leave a face behind: it is gone when the last of the two has let go of it, or has died.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiosk.photo.detect import Picture

#: What a frame is overwritten with.
_OVER = 0x07


class FrameMemory:
    """The camera's side: writes. Grows with the frames, and never shrinks."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("frame", os.MFD_CLOEXEC)
        self._pages: mmap.mmap | None = None

    def put(self, rgb: Picture) -> None:
        """A frame (height x width x 3 bytes) in the place of the one before."""
        import numpy as np

        if self._pages is None or len(self._pages) < rgb.nbytes:
            self._grow(rgb.nbytes)
        # numpy lets go of Python's lock while it copies.
        np.copyto(np.ndarray(rgb.shape, np.uint8, self._pages), rgb)

    def close(self) -> None:
        """Overwrite everything and let go of it. May be called again."""
        if self.fd < 0:
            return
        if self._pages is not None:
            import numpy as np

            np.ndarray(len(self._pages), np.uint8, self._pages).fill(_OVER)
            self._pages.close()
            self._pages = None
        os.close(self.fd)
        self.fd = -1

    def _grow(self, size: int) -> None:
        if self._pages is not None:
            self._pages.close()
        os.ftruncate(self.fd, size)
        self._pages = mmap.mmap(self.fd, size)


class FrameWindow:
    """The darkroom's side: reads, and cannot write."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pages: mmap.mmap | None = None

    def frame(self, shape: tuple[int, ...]) -> Picture:
        """The frame that lies there, not a copy of it; good until the next one is asked for."""
        import numpy as np

        size = os.fstat(self._fd).st_size
        if self._pages is None or len(self._pages) < size:
            self._pages = mmap.mmap(self._fd, size, access=mmap.ACCESS_READ)
        return np.ndarray(shape, np.uint8, self._pages)
