"""How things stand: a chip, a banner, a line of trouble. Icon and word, never colour alone."""

from __future__ import annotations

from kivy.uix.boxlayout import BoxLayout

from screens import theme
from screens.scale import px
from screens.widgets.coat import Coat
from screens.widgets.text import Icon, Text


class StatusChip(BoxLayout):
    """A small rounded label for a state of `theme.STATES`, as wide as its word."""

    def __init__(self, state: str, text: str, *, icon: str = "", role: str = "legal") -> None:
        super().__init__(size_hint=(None, None), height=px(64), spacing=px(10))
        self.padding = (px(20), 0)
        ink, tint, usual = theme.STATES[state]
        self._icon = Icon(icon or usual, 36, ink, pos_hint={"center_y": 0.5})
        self._text = Text(text, role=role, colour=ink, wrap=False, pos_hint={"center_y": 0.5})
        self._coat = Coat(self, tint, ink, radius=32, width=2)
        self.add_widget(self._icon)
        self.add_widget(self._text)
        self.bind(minimum_width=self.setter("width"))

    def show(self, state: str, text: str, *, icon: str = "") -> None:
        ink, tint, usual = theme.STATES[state]
        self._icon.show(icon or usual, ink)
        self._text.tint(ink)
        self._text.say(text)
        self._coat.paint(tint, ink)


class Banner(BoxLayout):
    """A line across the page: icon and words on the tint of a state."""

    def __init__(
        self,
        state: str,
        text: str,
        *,
        icon: str = "",
        role: str = "body",
        icon_size: float = 52,
        least: float = 100,
    ) -> None:
        """`icon_size` and the `least` height are reference pixels."""
        super().__init__(size_hint_y=None, spacing=px(24), padding=(px(32), px(24)))
        self._least = px(least)
        ink, tint, usual = theme.STATES[state]
        self._icon = Icon(icon or usual, icon_size, ink, pos_hint={"center_y": 0.5})
        self._text = Text(text, role=role, colour=ink, pos_hint={"center_y": 0.5})
        self._coat = Coat(self, tint, ink, width=2)
        self.add_widget(self._icon)
        self.add_widget(self._text)
        self._text.bind(height=self._take_height)
        self._take_height()

    @property
    def words(self) -> str:
        return self._text.words

    def show(self, state: str, text: str, *, icon: str = "") -> None:
        ink, tint, usual = theme.STATES[state]
        self._icon.show(icon or usual, ink)
        self._text.tint(ink)
        self._text.say(text)
        self._coat.paint(tint, ink)

    def _take_height(self, *_: object) -> None:
        self.height = max(self._least, self._text.height + px(48))


class ErrorLine(BoxLayout):
    """Room for one sentence saying what is wrong; empty until something is."""

    def __init__(self) -> None:
        super().__init__(size_hint_y=None, height=0)
        self._banner: Banner | None = None

    @property
    def words(self) -> str:
        return self._banner.words if self._banner is not None else ""

    def show(self, text: str) -> None:
        self.clear()
        self._banner = Banner("trouble", text)
        self._banner.bind(height=self._take_height)
        self.add_widget(self._banner)
        self._take_height()

    def clear(self) -> None:
        self.clear_widgets()
        self._banner = None
        self.height = 0

    def _take_height(self, *_: object) -> None:
        if self._banner is not None:
            self.height = self._banner.height
