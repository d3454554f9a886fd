"""Speaks what is shown: plays the clip of a message, and only ever plays files.

One clip at a time: a new one ends the one before, and a touch ends it too. While a plug is in the
headset jack, clips go there and not to the loudspeaker: one that is being played begins again there
when a plug goes in, and ends when it is pulled out. Playing happens on a thread of its own, through
a program. When that fails (no sound card, or one that is just being
restarted), the health table says so and citizens are told nothing. It is tried again after a pause,
which doubles with each failure up to `_PAUSE_MOST_S`; the first clip that plays ends the pauses.
"""

from __future__ import annotations

import logging
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hardware.supervision import DeviceState

if TYPE_CHECKING:
    from hardware.supervision import HealthTable
    from kiosk.words.voice import Clips

log = logging.getLogger(__name__)

#: The device's name in the health table.
SPEAKER = "speaker"

#: Longest clip, seconds; a player that takes longer hangs.
_LONGEST_S = 15.0
#: How often it is looked for something newer to say while a clip plays, seconds.
_LOOK_S = 0.05
#: Pause after the first failure, and the longest one, seconds.
_PAUSE_S, _PAUSE_MOST_S = 2.0, 300.0


class Playing(Protocol):
    """A clip that is being played; `subprocess.Popen` is one."""

    def poll(self) -> int | None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


def aplay(file: Path, output: str) -> Playing:
    """Play through ALSA, on what it calls `output` or on its default. Raises `OSError` if there is
    no such program."""
    return subprocess.Popen(
        ["aplay", "-q", *(["-D", output] if output else []), str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Voice:
    """The voice of one terminal. `say` and `hush` return at once, from any thread."""

    def __init__(
        self,
        clips: Clips,
        health: HealthTable | None = None,
        play: Callable[[Path, str], Playing] = aplay,
        clock: Callable[[], float] = time.monotonic,
        output: Callable[[], str] = lambda: "",
    ) -> None:
        """`output`: where to play just now, "" for the loudspeaker."""
        self._clips = clips
        self._health = health
        self._play = play
        #: Newest last; None: be quiet; False: end.
        self._wishes: queue.SimpleQueue[Path | bool | None] = queue.SimpleQueue()
        self._clock = clock
        self._output = output
        #: Of the output that failed last.
        self._failed_output = ""
        self._failures = 0
        self._silent_until = float("-inf")
        self._thread: threading.Thread | None = None

    def speaks(self, message: str) -> bool:
        """Whether the words of an id have a clip, and the last one played or is long ago."""
        return self._clips.file(message) is not None and not self._silent()

    def say(self, message: str) -> None:
        """Speak the words of an id, if they have a clip."""
        file = self._clips.file(message)
        if file is None or self._silent():
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
            self._thread.start()
        self._wishes.put(file)

    def _silent(self) -> bool:
        """Whether what failed is given time."""
        return self._clock() < self._silent_until and self._output() == self._failed_output

    def hush(self) -> None:
        """Stop speaking."""
        if self._thread is not None:
            self._wishes.put(None)

    def close(self) -> None:
        """Stop for good."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._wishes.put(False)
            thread.join(2.0)

    # -- on the thread of its own ------------------------------------------------------------

    def _run(self) -> None:
        wish: Path | bool | None = None
        while wish is not False:
            if wish is None:
                wish = self._newest(self._wishes.get())
            elif isinstance(wish, Path):
                wish = self._speak(wish)

    def _newest(self, wish: Path | bool | None) -> Path | bool | None:
        """The last thing wished; the end, if that was wished at all."""
        while wish is not False and not self._wishes.empty():
            wish = self._wishes.get()
        return wish

    def _speak(self, file: Path) -> Path | bool | None:
        """Play a clip to its end, or until something else is wished, which is returned: the clip
        itself, if it is to be heard in a headset from now on."""
        output = self._output()
        try:
            playing = self._play(file, output)
        except OSError as error:
            self._failed(output, type(error).__name__)
            return None
        left = _LONGEST_S
        here = True
        while here and playing.poll() is None and self._wishes.empty() and left > 0:
            left -= _LOOK_S
            threading.Event().wait(_LOOK_S)
            here = self._output() == output
        if playing.poll() is None:
            playing.kill()
            playing.wait(1.0)
            if not here and self._output() and self._wishes.empty():
                return file
        elif playing.poll() != 0:
            self._failed(output, f"the player ended with {playing.poll()}")
            return None
        else:
            self._failures = 0
            self._report(DeviceState.READY, "")
        return None if self._wishes.empty() else self._newest(self._wishes.get())

    def _failed(self, output: str, why: str) -> None:
        """Be silent for a while: a player that fails at once would be started for every word."""
        if output != self._failed_output:
            self._failed_output, self._failures = output, 0
        pause = min(_PAUSE_S * 2.0**self._failures, _PAUSE_MOST_S)
        self._failures = min(self._failures + 1, 16)
        self._silent_until = self._clock() + pause
        log.info("no voice for %.0f s: %s", pause, why)
        self._report(DeviceState.ABSENT, why)

    def _report(self, state: DeviceState, detail: str) -> None:
        if self._health is not None:
            self._health.put(SPEAKER, state, detail=detail)


class Mute:
    """Stands where there is no voice."""

    def speaks(self, message: str) -> bool:
        return False

    def say(self, message: str) -> None:
        """Nothing."""

    def hush(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
