"""`PlaceIdCard`, `ReadCard` and `ScanCard`: where to put the card or hold the telephone, drawn, and
what the reader says.

The picture is drawn rather than photographed, so that it shows the same at any size and can show
the movement: the card goes to its place and stays there.
"""

from __future__ import annotations

from typing import Any, TypeVar

from kivy.clock import Clock
from kivy.graphics import Color, SmoothRoundedRectangle
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget

from kiosk.operations.scanner import CodeView
from kiosk.visit.flow import Prompt
from kiosk.visit.prompts import PlaceIdCard, ReadCard, ScanCard
from screens import theme
from screens.base import PromptScreen
from screens.preview import Picture as Preview
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.coat import Coat
from screens.widgets.status import Banner
from screens.widgets.surface import Panel
from screens.widgets.text import Icon, Text

P = TypeVar("P", bound=Prompt[Any])

#: What a reader reports -> (state of `theme.STATES`, icon). Unknown words count as waiting.
LOOKS = {
    "remove": ("trouble", "card-remove-outline"),
    "waiting": ("info", "hand-pointing-down"),
    "seen": ("waiting", "progress-clock"),
    "lift_and_replace": ("trouble", "refresh"),
    "wrong_document": ("trouble", "card-remove-outline"),
    "checking": ("waiting", "progress-clock"),
    "refresh": ("trouble", "refresh"),
    "other_code": ("trouble", "qrcode-remove"),
}

#: Reading place -> its height and the icon on it; "" for a slot.
_PLACES = {"id": (170, "contactless-payment"), "slot": (110, ""), "scanner": (170, "qrcode-scan")}


class _Card(Widget):
    """A card seen from above: the portrait and lines of an ID card, or the chip of a bank card."""

    def __init__(self, chip: bool) -> None:
        super().__init__(size_hint=(None, None), size=(px(400), px(252)))
        self._parts: list[tuple[SmoothRoundedRectangle, tuple[float, float, float, float]]] = []
        with self.canvas:
            self._box(theme.PRIMARY, 0, 0, 1, 1, 22)
            self._box(theme.PRIMARY_TINT, 0.012, 0.02, 0.976, 0.96, 19)
            if chip:
                self._box(theme.GOLD, 0.09, 0.42, 0.17, 0.22, 8)
                self._box(theme.PRIMARY, 0.09, 0.16, 0.62, 0.07, 6)
                self._box(theme.PRIMARY, 0.62, 0.74, 0.29, 0.09, 6)
            else:
                self._box(theme.PRIMARY, 0.66, 0.3, 0.25, 0.52, 12)
                for y, width in ((0.74, 0.3), (0.58, 0.44), (0.42, 0.5), (0.16, 0.82)):
                    self._box(theme.PRIMARY, 0.09, y, width, 0.07, 6)
        self.bind(pos=self._follow)
        self._follow()

    def _box(
        self, colour: theme.Colour, x: float, y: float, wide: float, high: float, radius: float
    ) -> None:
        Color(*colour)
        shape = SmoothRoundedRectangle(radius=[px(radius)])
        self._parts.append((shape, (x, y, wide, high)))

    def _follow(self, *_: object) -> None:
        for shape, (x, y, wide, high) in self._parts:
            shape.pos = (self.x + x * self.width, self.y + y * self.height)
            shape.size = (wide * self.width, high * self.height)


class _Telephone(FloatLayout):
    """A telephone that shows a code."""

    def __init__(self) -> None:
        super().__init__(size_hint=(None, None), size=(px(190), px(320)))
        Coat(self, theme.PRIMARY_TINT, theme.PRIMARY, radius=28, width=8)
        self.add_widget(Icon("qrcode", 140, theme.INK, pos_hint={"center_x": 0.5, "center_y": 0.5}))


class _Reader(FloatLayout):
    """The reading place with its mark."""

    def __init__(self, place: str) -> None:
        height, icon = _PLACES[place]
        super().__init__(size_hint=(None, None), size=(px(620), px(height)))
        Coat(self, theme.HEADER, radius=26)
        centre = {"center_x": 0.5, "center_y": 0.5}
        if not icon:
            slot = Widget(size_hint=(None, None), size=(px(440), px(20)), pos_hint=centre)
            Coat(slot, theme.ON_DARK_SOFT, radius=10)
            self.add_widget(slot)
        else:
            self.add_widget(Icon(icon, 110, theme.ON_DARK, pos_hint=centre))


class _Picture(FloatLayout):
    """The card above the reader, moving down to it once in two seconds, and an arrow."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self._at = 0.0
        self._reader = _Reader(place)
        self._arrow = Icon("arrow-down-bold", 96)
        self._card = _Telephone() if place == "scanner" else _Card(chip=place == "slot")
        for part in (self._reader, self._arrow, self._card):
            self.add_widget(part)
        self.bind(pos=self._place, size=self._place)

    def move(self, share: float) -> None:
        """0: the card is held above; 1: it lies in its place."""
        self._at = share
        self._place()

    def _place(self, *_: object) -> None:
        self._reader.center_x = self._card.center_x = self._arrow.center_x = self.center_x
        middle = self.y + (self.height - px(700)) / 2
        self._reader.y = middle + px(40)
        resting = self._reader.top + px(18)
        self._card.y = resting + (1 - self._at) * px(150)
        self._arrow.y = self._card.top + px(30)


class _CardScreen(PromptScreen[P]):
    """What they have in common. Subclasses say which picture and which words."""

    place = "id"
    words_of_step = "id_step"
    hint = ""

    def build(self) -> None:
        self.title()
        self._panel = Panel(grow=False, pad=24)
        self._picture = _Picture(self.place)
        self._panel.add_widget(self._picture)
        self.body.add_widget(self._panel)
        self._banner = Banner("info", self.say(f"{self.words_of_step}.waiting"))
        self.body.add_widget(self._banner)
        self.body.add_widget(
            Text(self.say(self.hint), role="small", colour=theme.INK_SOFT, align="center")
        )
        self._started = Clock.get_boottime()
        self.every(1 / 30, self._animate)
        self.progress("waiting")

    def progress(self, event: Any) -> None:
        """`event` is the reader's step: "waiting", "seen", …"""
        step = str(event)
        key = f"{self.words_of_step}.{step}"
        if not self.words.has(key):
            return
        state, icon = LOOKS.get(step, LOOKS["waiting"])
        self._banner.show(state, self.say(key), icon=icon)

    def put_back(self, words: str) -> None:
        self._banner.show("trouble", words, icon="card-remove-outline")

    def _animate(self, _: float) -> None:
        """Down in the first half of two seconds, then at rest: enough to be understood."""
        phase = ((Clock.get_boottime() - self._started) % 2.4) / 2.4
        self._picture.move(min(1.0, phase * 2))


class PlaceIdCardScreen(_CardScreen[PlaceIdCard]):
    """身份证 onto the reader, and, where it may be lacking, the way on without it."""

    hint = "place_id_card.hint"

    def build(self) -> None:
        super().build()
        if self.prompt.may_lack:
            self.body.add_widget(
                BarButton(
                    self.says("lacking"),
                    "lacking",
                    lambda: self.actions.answer(None),
                    icon="book-account-outline",
                )
            )


class ReadCardScreen(_CardScreen[ReadCard]):
    """社会保障卡 into the slot."""

    place = "slot"
    words_of_step = "read_card"
    hint = "read_card.hint"


class ScanCardScreen(_CardScreen[ScanCard]):
    """电子社保卡 before the scanner. Where the camera reads it, what it sees takes the place of the
    drawing with its first frame."""

    place = "scanner"
    words_of_step = "scan_step"
    hint = "scan_card.hint"
    _preview: Preview | None = None

    def progress(self, event: Any) -> None:
        if not isinstance(event, CodeView):
            super().progress(event)
            return
        if self._preview is None:
            self._preview = Preview()
            self._panel.clear_widgets()
            self._panel.add_widget(self._preview)
            self._banner.show("info", self.say("scan_step.to_camera"), icon="cellphone-screenshot")
        self._preview.show(event)

    def left(self) -> None:
        if self._preview is not None:
            self._preview.drop()
