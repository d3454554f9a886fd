"""`TakePhoto`: the citizen sees themself, is told one thing at a time, and is photographed.

The camera's operation decides what is said and when the photo is taken (`kiosk.photo.guidance`);
this page shows and speaks it. The citizen may ask for the photo as it is (拍照), and for help at
any time: then the operation pauses, and the page says who helps and where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kivy.uix.boxlayout import BoxLayout

from kiosk.photo.guidance import COUNTING, OK, STAFF, Phase
from kiosk.visit.prompts import TakePhoto
from screens.base import PromptScreen
from screens.preview import Preview
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.status import Banner
from screens.widgets.surface import Gap, Panel
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiosk.operations.camera import View

#: What is said -> icon. The words have the same ids.
ICONS = {
    OK: "check-circle",
    COUNTING: "eye-outline",
    "photo.screen.starting": "camera-outline",
    "photo.screen.not_yet": "camera-off",
    STAFF: "face-agent",
    "photo.screen.making": "progress-clock",
    "photo.finding.covered": "camera-off",
    "photo.finding.frozen": "camera-retake-outline",
    "photo.finding.grey": "invert-colors-off",
    "photo.finding.upside_down": "camera-flip-outline",
    "photo.finding.too_dark": "lightbulb-on-outline",
    "photo.finding.too_bright": "brightness-7",
    "photo.finding.back_light": "weather-sunset",
    "photo.finding.no_face": "account-outline",
    "photo.finding.many_faces": "account-multiple",
    "photo.finding.too_far": "arrow-expand-all",
    "photo.finding.too_near": "arrow-collapse-all",
    "photo.finding.off_centre": "image-filter-center-focus",
    "photo.move.left": "arrow-left-bold",
    "photo.move.right": "arrow-right-bold",
    "photo.move.up": "arrow-up-bold",
    "photo.move.down": "arrow-down-bold",
    "photo.finding.level_head": "axis-z-rotate-clockwise",
    "photo.finding.look_straight": "head-sync-outline",
    "photo.finding.chin_up": "arrow-up",
    "photo.finding.chin_down": "arrow-down",
    "photo.finding.held_up": "image-off-outline",
    "photo.finding.face_covered": "face-mask-outline",
    "photo.finding.forehead": "hat-fedora",
    "photo.finding.ears": "ear-hearing",
    "photo.finding.sunglasses": "sunglasses",
    "photo.finding.glasses_glare": "glasses",
    "photo.finding.eyes_closed": "eye-outline",
    "photo.finding.look_here": "eye-check-outline",
    "photo.finding.mouth_open": "emoticon-neutral-outline",
    "photo.finding.smiling": "emoticon-neutral-outline",
    "photo.finding.uneven_light": "brightness-6",
    "photo.finding.colour_tint": "palette-outline",
    "photo.finding.blurred": "blur",
    "photo.finding.hazy": "weather-fog",
    "photo.finding.background": "wallpaper",
    "photo.finding.white_top": "tshirt-crew-outline",
    "photo.finding.uncertain": "refresh",
    "photo.live.blink": "eye-off-outline",
    "photo.live.turn_left": "arrow-left-bold",
    "photo.live.turn_right": "arrow-right-bold",
}

#: Room for the longest instruction, reference px, so that the picture above stays where it is.
_SAYING_HEIGHT = 320


class TakePhotoScreen(PromptScreen[TakePhoto]):
    """Does not answer: the operation does."""

    def build(self) -> None:
        self.title()
        self._preview = Preview()
        self._banner = Banner(
            "info", "", icon="camera-outline", role="title", icon_size=112, least=_SAYING_HEIGHT
        )
        self._staff = Banner("waiting", self.say("photo.help.staff"), icon="face-agent")
        self._now = self.primary(self.say("photo.screen.take"), self._take_now, icon="camera")
        self._now.disabled = True
        self._help_button = BarButton(
            self.say("photo.help.button"), "help", self._open_help, icon="face-agent", role="body"
        )
        self.foot.add_widget(self._help_button, index=1)
        self._said = ""
        self._count = 0
        self._offered = False
        #: Whether there is a face in the newest frame.
        self._somebody = False
        self._watch()
        self._speak("photo.screen.starting", "info")

    # -- what the operation says -------------------------------------------------------------

    def progress(self, event: View) -> None:
        """A frame of the camera."""
        guidance = event.guidance
        self._preview.show(event)
        self._somebody = guidance.face is not None
        if self._somebody and self.error.words:
            self.error.clear()
        self._now.disabled = guidance.phase not in (Phase.PLACING, Phase.HOLDING)
        if guidance.offer_staff and not self._offered:
            self._offer_staff()
        if guidance.phase is Phase.CAPTURE:
            self._preview.count(0)
            self._speak("photo.screen.making", "info")
            return
        self._speak(guidance.say, "ok" if guidance.say in (OK, COUNTING) else "waiting")
        self._show_count(guidance.count)
        if guidance.phase is not Phase.PLACING:
            # Who holds still on our word is not asked "are you still there?".
            self.actions.touched()

    def _speak(self, message: str, state: str) -> None:
        if message == self._said:
            return
        self._said = message
        self._banner.show(state, self.say(message), icon=ICONS[message])
        self.actions.speak(message)

    def _show_count(self, count: int) -> None:
        if count != self._count:
            self._count = count
            self._preview.count(count)
            if count:
                self.actions.speak(f"photo.count.{count}")

    # -- what the citizen wants --------------------------------------------------------------

    def _take_now(self) -> None:
        if not self._somebody:
            # The camera would wait for a face, and the citizen for the camera.
            self.error.show(self.say("photo.screen.nobody"))
            self.actions.speak("photo.screen.nobody")
            return
        self.actions.tell("now")

    def _offer_staff(self) -> None:
        """It does not go well: say in plain sight that somebody else can do it."""
        self._offered = True
        self._help_button.set_look("primary")
        self._now.set_look("secondary")
        if self._preview in self.body.children:  # not on the page of the help, which says it too
            self.body.add_widget(self._staff)
            self.actions.speak("photo.help.staff")

    def _open_help(self) -> None:
        """Who helps, in place of the picture, until the citizen goes on or leaves."""
        self.actions.tell("pause")
        self.body.clear_widgets()
        # At the bottom, as on every page: the words above do not move them.
        for part in (_Ways(self.say), Gap(), *self._ways_on()):
            self.body.add_widget(part)
        for button in (self._help_button, self._now):
            button.disabled = True
            button.opacity = 0

    def _ways_on(self) -> tuple[BarButton, BarButton]:
        say = self.say
        return (
            BarButton(
                say("photo.help.resume"), "resume", self._close_help, look="primary", icon="camera"
            ),
            BarButton(say("photo.help.leave"), "give-up", self.actions.cancel, icon="exit-to-app"),
        )

    def _close_help(self) -> None:
        """Go on with the photo."""
        self._watch()
        self._help_button.disabled = False
        for button in (self._help_button, self._now):
            button.opacity = 1
        self.actions.tell("resume")

    def _watch(self) -> None:
        self.body.clear_widgets()
        self.body.add_widget(self._preview)
        self.body.add_widget(self._banner)
        if self._offered:
            self.body.add_widget(self._staff)

    def left(self) -> None:
        self._preview.drop()
        self.actions.hush()


class _Ways(Panel):
    """The ways to a photo other than this camera."""

    WAYS = (
        ("account-question-outline", "photo.help.here"),
        ("face-agent", "photo.help.window"),
        ("phone", "photo.help.call"),
    )

    def __init__(self, say: Callable[[str], str]) -> None:
        super().__init__(pad=48, spacing=px(36))
        self.add_widget(Text(say("photo.help.title"), role="title"))
        for icon, words in self.WAYS:
            row = BoxLayout(size_hint_y=None, spacing=px(32))
            row.add_widget(Icon(icon, 72, pos_hint={"center_y": 0.5}))
            text = Text(say(words), pos_hint={"center_y": 0.5})
            text.bind(height=lambda _, high, row=row: setattr(row, "height", max(px(88), high)))
            row.height = max(px(88), text.height)
            row.add_widget(text)
            self.add_widget(row)
