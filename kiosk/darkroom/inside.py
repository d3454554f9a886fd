"""What runs in the darkroom process: `kiosk darkroom [--antispoof=FILE] SOCKET MEMORY`, with two
inherited descriptors.

Waits for frames and says what a `Photographer` says. Ends when the other end of the socket is gone,
or is killed with the thread that started it, should it hang in a library just then. It says nothing
to anybody else.
"""

from __future__ import annotations

import ctypes
import signal
import socket
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.darkroom.memory import FrameWindow
from kiosk.darkroom.wire import ANTISPOOF, Ask, AskComparison, Bug, Channel, Missing, Ready, Refused
from kiosk.photo.findings import PhotoRefused
from kiosk.photo.models import ModelsMissing
from kiosk.upkeep.forgetting import forbid_dumps

if TYPE_CHECKING:
    from kiosk.photo import Photographer
    from kiosk.photo.faces import Comparison

#: <sys/prctl.h>
_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str]) -> int:
    """Until nobody is there any more. Returns 0, or 1 if it cannot begin."""
    *options, ours, frame = arguments
    channel = Channel(socket.socket(fileno=int(ours)))
    window = FrameWindow(int(frame))
    _settle()
    try:
        photographer = _photographer(options)
    except ModelsMissing as missing:
        channel.send(Missing(str(missing)))
        return 1
    except Exception as bug:  # noqa: BLE001 - it is passed on, with its place
        channel.send(_bug(bug))
        return 1
    channel.send(Ready())
    with suppress(OSError):
        while True:
            channel.send(_answer(photographer, channel.receive(), window))
    return 0


def _settle() -> None:
    """Be no trouble: to the screen, to privacy, to whoever wants to end this."""
    forbid_dumps()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Ctrl-C goes to all of a terminal's processes; this one ends with the screen.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _photographer(options: Sequence[str]) -> Photographer:
    import cv2

    from kiosk.photo import Photographer

    cv2.setNumThreads(1)  # as the networks: one core is what it may have
    named = [Path(each.removeprefix(ANTISPOOF)) for each in options]
    return Photographer(antispoof=named[0] if named else None)


def _answer(photographer: Photographer, ask: Ask | AskComparison, window: FrameWindow) -> Any:
    """What goes back: a `Look`, a `CardPhoto`, a `Comparison`, or why not."""
    try:
        if isinstance(ask, AskComparison):
            return _compare(ask)
        act = {"look": photographer.look, "make": photographer.make}[ask.what]
        return act(window.frame(ask.shape), ask.excused)
    except PhotoRefused as refused:
        return Refused(refused.finding)
    except Exception as bug:  # noqa: BLE001 - it is passed on, with its place
        return _bug(bug)


def _compare(ask: AskComparison) -> Comparison:
    """Its network is loaded for this one question and let go of: it takes 70 MB, which the C
    library would otherwise keep for later."""
    from kiosk.photo.faces import FaceComparer, Why, cannot_tell, jpeg_picture, portrait_picture

    photo, portrait = jpeg_picture(ask.photo_jpeg), portrait_picture(ask.portrait)
    if photo is None or portrait is None:
        return cannot_tell(Why.NO_FACE if photo is None else Why.NO_PORTRAIT)
    try:
        return FaceComparer().compare(photo, portrait)
    except ModelsMissing:
        return cannot_tell(Why.NO_METHOD)
    finally:
        with suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _bug(error: Exception) -> Bug:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return Bug(f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}")
