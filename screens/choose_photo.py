"""`ChoosePhoto`: the photos as they will be on the card; use one of them, or take another.

The first photo stands alone. From the second on all tries stand side by side under the one that is
chosen, and a touch chooses; the newest is chosen first.
"""

from __future__ import annotations

from kivy.uix.boxlayout import BoxLayout

from kiosk.visit.prompts import ChoosePhoto
from screens import theme
from screens.base import PromptScreen
from screens.picture import SHAPE, CardPicture
from screens.scale import px
from screens.widgets.button import BarButton, Press
from screens.widgets.surface import Gap, Panel
from screens.widgets.text import Icon, Text

#: Heights of the photo, reference px: alone, above the others, and among them.
_ALONE, _LARGE, _SMALL = 820, 560, 330


class ChoosePhotoScreen(PromptScreen[ChoosePhoto]):
    """The primary action is to use the chosen one; beside 重新拍照 stands what is left of it."""

    def build(self) -> None:
        self.title()
        photos = [capture.photo for capture in self.prompt.captures]
        self._chosen = len(photos)
        self._pictures: list[CardPicture] = []
        self._tries: list[_Try] = []
        several = len(photos) > 1
        self._panel = Panel(pad=40)
        self._height = _LARGE if several else _ALONE
        self.body.add_widget(self._panel)
        if several:
            row = BoxLayout(size_hint_y=None, height=px(_SMALL + 96), spacing=px(theme.GAP))
            for number in range(1, len(photos) + 1):
                self._tries.append(_Try(self, number))
                row.add_widget(self._tries[-1])
            self.body.add_widget(row)
        self.choose(self._chosen)
        self.body.add_widget(Gap())
        self.body.add_widget(self._again())
        self.primary(self.say("choose_photo.use"), self._use, icon="check")

    def choose(self, number: int) -> None:
        """Show a try large and mark it."""
        self._chosen = number
        self._panel.clear_widgets()
        for old in self._pictures[:1]:
            old.drop()
        large = CardPicture(self.prompt.captures[number - 1].photo, self._height)
        large.pos_hint = {"center_x": 0.5}
        self._pictures = [large]
        self._panel.add_widget(large)
        for place, one in enumerate(self._tries, 1):
            one.mark(place == number)

    def _use(self) -> None:
        self.actions.answer(str(self._chosen))

    def _again(self) -> BoxLayout:
        left = self.prompt.tries_left
        line = self.say("choose_photo.left", tries=left) if left else self.say("choose_photo.last")
        row = BoxLayout(size_hint_y=None, height=px(112), spacing=px(theme.GAP))
        row.add_widget(Text(line, colour=theme.INK_SOFT, pos_hint={"center_y": 0.5}))
        if left:
            row.add_widget(
                BarButton(
                    self.say("choose_photo.again"),
                    "again",
                    lambda: self.actions.answer("again"),
                    icon="camera-retake-outline",
                    role="body",
                    height=112,
                )
            )
        return row

    def left(self) -> None:
        for picture in (*self._pictures, *(one.picture for one in self._tries)):
            picture.drop()


class _Try(Press):
    """One of the tries, to be touched; the chosen one has a tick as well as a frame."""

    def __init__(self, page: ChoosePhotoScreen, number: int) -> None:
        super().__init__(
            f"try:{number}",
            lambda: page.choose(number),
            look="option",
            orientation="vertical",
            padding=px(16),
            spacing=px(8),
        )
        self.picture = CardPicture(page.prompt.captures[number - 1].photo, _SMALL)
        self.picture.pos_hint = {"center_x": 0.5}
        row = BoxLayout(size_hint=(None, None), size=(px(_SMALL * SHAPE), px(56)), spacing=px(8))
        row.pos_hint = {"center_x": 0.5}
        self._icon = Icon("circle-outline", 44, pos_hint={"center_y": 0.5})
        row.add_widget(self._icon)
        row.add_widget(
            Text(page.say("choose_photo.number", number=number), pos_hint={"center_y": 0.5})
        )
        self.add_widget(self.picture)
        self.add_widget(row)

    def mark(self, chosen: bool) -> None:
        self._icon.show("check-circle" if chosen else "circle-outline", theme.PRIMARY)
        edge = theme.PRIMARY if chosen else theme.LINE
        self.coat.paint(theme.PRIMARY_TINT if chosen else theme.PANEL, edge)

    def _repaint(self, *_: object) -> None:
        """A touch marks it; the frame says nothing but which one is chosen."""
