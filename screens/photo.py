"""`TakePhoto`: the citizen sees themself, is told one thing at a time, and presses 拍照.

The camera's operation does the looking and the taking; this page shows its `Look`s and tells it
"capture" when the count-down is over. If the operation finds that no card photo can be made of
what it sees, it says so and the preview goes on: the citizen presses again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kiosk.prompts import TakePhoto
from screens.base import PromptScreen
from screens.preview import Preview
from screens.widgets.status import Banner

if TYPE_CHECKING:
    from kiosk.operations import Look

#: Finding -> icon. The words are `photo.finding.<code>`.
ICONS = {
    "ok": "check-circle",
    "covered": "camera-off",
    "too_dark": "lightbulb-on-outline",
    "no_face": "account-outline",
    "many_faces": "account-multiple",
    "too_far": "magnify-plus-outline",
    "too_near": "magnify-minus-outline",
    "off_centre": "arrow-left-right",
    "frozen": "camera-retake-outline",
    "grey": "invert-colors-off",
    "too_bright": "brightness-7",
    "back_light": "weather-sunset",
    "level_head": "axis-z-rotate-clockwise",
    "look_straight": "head-sync-outline",
    "chin_up": "arrow-up",
    "chin_down": "arrow-down",
    "face_covered": "face-mask-outline",
    "sunglasses": "sunglasses",
    "glasses_glare": "glasses",
    "eyes_closed": "eye-outline",
    "look_here": "eye-check-outline",
    "mouth_open": "emoticon-neutral-outline",
    "smiling": "emoticon-neutral-outline",
    "uneven_light": "brightness-6",
    "colour_tint": "palette-outline",
    "blurred": "blur",
    "shoulders": "account-tie-outline",
    "background": "wallpaper",
    "uncertain": "refresh",
}

COUNT_DOWN = 3
#: An instruction stays at least this long, so that it can be read and does not flicker, seconds.
SAID_S = 0.7
#: Why a photo was refused stays longer. It may come until so long after "capture".
REFUSAL_S, JUDGED_WITHIN_S = 3.0, 6.0
#: Frames sooner than this after "capture" were on their way before it.
ON_THE_WAY_S = 0.6


class TakePhotoScreen(PromptScreen[TakePhoto]):
    """Does not answer: the operation does."""

    def build(self) -> None:
        self.title()
        self._preview = Preview()
        self.body.add_widget(self._preview)
        self._banner = Banner(
            "info", self.say("photo.screen.starting"), icon="camera-outline", role="heading"
        )
        self.body.add_widget(self._banner)
        self._button = self.primary(self.say("photo.screen.take"), self._count, icon="camera")
        self._button.disabled = True
        self._left = COUNT_DOWN
        #: "starting", "ready", "counting" or "making".
        self._phase = "starting"
        self._said = ""
        self._hold_until = 0.0
        self._told_at = float("-inf")

    def progress(self, event: Look) -> None:
        """A frame of the camera."""
        self._preview.show(event)
        since = time.monotonic() - self._told_at
        if self._phase == "starting" or (self._phase == "making" and since >= ON_THE_WAY_S):
            self._phase = "ready"
            self._button.disabled = False
        if self._phase == "counting":
            return
        refused = event.finding != "ok" and since < JUDGED_WITHIN_S
        if self._phase == "ready" or refused:
            self._instruct(event.finding, REFUSAL_S if refused else SAID_S)

    def _instruct(self, finding: str, stay_s: float) -> None:
        """Say what to do, unless what was said last has not stood long enough."""
        now = time.monotonic()
        if finding == self._said or now < self._hold_until:
            return
        self._said = finding
        self._hold_until = now + stay_s
        state = "ok" if finding == "ok" else "waiting"
        self._banner.show(state, self.say(f"photo.finding.{finding}"), icon=ICONS[finding])

    def _say(self, key: str, icon: str) -> None:
        self._said = key
        self._hold_until = 0.0
        self._banner.show("info", self.say(key), icon=icon)

    def _count(self) -> None:
        """拍照 was pressed: 3, 2, 1."""
        self._button.disabled = True
        self._phase = "counting"
        self._left = COUNT_DOWN
        self._say("photo.screen.counting", "eye-outline")
        self._preview.count(self._left)
        self.after(1.0, self._counted)

    def _counted(self, _: float) -> None:
        # A count-down is no reason to be asked "are you still there?".
        self.actions.touched()
        self._left -= 1
        self._preview.count(self._left)
        if self._left:
            self.after(1.0, self._counted)
            return
        self._phase = "making"
        self._say("photo.screen.making", "progress-clock")
        self._told_at = time.monotonic()
        self.actions.tell("capture")

    def left(self) -> None:
        self._preview.drop()
