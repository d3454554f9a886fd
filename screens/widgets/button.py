"""Everything that can be pressed.

Each has a `tag` (the test selector: "primary", "back", "option:urban", "key:a" …), is at least
`theme.TARGET` high, and ignores a second touch within `theme.DEBOUNCE_S` (trembling hands, domain
§4). Pressing shows at once; the act happens when the finger is lifted on the same button.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from screens import theme
from screens.scale import px
from screens.widgets.coat import Coat
from screens.widgets.surface import Column
from screens.widgets.text import Icon, Text, text_height

#: A look is (ground, border, ink) at rest, pressed and disabled.
Paint = tuple[theme.Colour, theme.Colour, theme.Colour]
LOOKS: dict[str, tuple[Paint, Paint, Paint]] = {
    # A key that does not show which one was pressed: whoever looks on must not read a PIN.
    "quiet": (
        (theme.PANEL, theme.LINE, theme.INK),
        (theme.PANEL, theme.LINE, theme.INK),
        (theme.DISABLED, theme.LINE, theme.INK_SOFT),
    ),
    "primary": (
        (theme.PRIMARY, theme.PRIMARY, theme.ON_DARK),
        (theme.PRIMARY_PRESSED, theme.PRIMARY_PRESSED, theme.ON_DARK),
        (theme.DISABLED, theme.LINE, theme.INK_SOFT),
    ),
    "secondary": (
        (theme.PANEL, theme.PRIMARY, theme.PRIMARY),
        (theme.PRIMARY_TINT, theme.PRIMARY, theme.PRIMARY),
        (theme.DISABLED, theme.LINE, theme.INK_SOFT),
    ),
    "option": (
        (theme.PANEL, theme.LINE, theme.INK),
        (theme.PRIMARY_TINT, theme.PRIMARY, theme.INK),
        (theme.DISABLED, theme.LINE, theme.INK_SOFT),
    ),
    "header": (
        (theme.HEADER, theme.ON_DARK_SOFT, theme.ON_DARK),
        (theme.PRIMARY_PRESSED, theme.ON_DARK, theme.ON_DARK),
        (theme.HEADER, theme.HEADER, theme.ON_DARK_SOFT),
    ),
    "key": (
        (theme.PANEL, theme.LINE, theme.INK),
        (theme.PRIMARY, theme.PRIMARY, theme.ON_DARK),
        (theme.DISABLED, theme.LINE, theme.INK_SOFT),
    ),
}


class Press(ButtonBehavior, BoxLayout):
    """A touchable box in one of `LOOKS`; `act` is called once per touch."""

    def __init__(
        self,
        tag: str,
        act: Callable[[], None],
        *,
        look: str = "secondary",
        debounce_s: float = theme.DEBOUNCE_S,
        radius: float = theme.RADIUS,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.tag = tag
        self.look = look
        self._act: Callable[[], None] | None = act
        self._debounce_s = debounce_s
        self._pressed_at = float("-inf")
        self.coat = Coat(self, *LOOKS[look][0][:2], radius=radius)
        self.bind(state=self._repaint, disabled=self._repaint)

    @property
    def ink(self) -> theme.Colour:
        return self._paint()[2]

    def _paint(self) -> Paint:
        rest, pressed, disabled = LOOKS[self.look]
        if self.disabled:
            return disabled
        return pressed if self.state == "down" else rest

    def _repaint(self, *_: object) -> None:
        ground, border, ink = self._paint()
        self.coat.paint(ground, border)
        self.colour_content(ink)

    def colour_content(self, ink: theme.Colour) -> None:
        """Give what lies on the button the ink of its state."""
        for child in self.walk(restrict=True):
            if isinstance(child, Text | Icon):
                child.color = child.disabled_color = ink

    def set_look(self, look: str) -> None:
        self.look = look
        self._repaint()

    def on_release(self) -> None:
        now = monotonic()
        if self._act is None or now - self._pressed_at < self._debounce_s:
            return
        self._pressed_at = now
        self._act()

    def disarm(self) -> None:
        """Let go of what it would call; a screen that was left does nothing any more."""
        self._act = None


class BarButton(Press):
    """A word, and perhaps an icon before or after it, in the middle of a bar.

    (A class called Button would get the rules Kivy's own style sheet has for that name.)
    """

    def __init__(
        self,
        text: str,
        tag: str,
        act: Callable[[], None],
        *,
        look: str = "secondary",
        icon: str = "",
        icon_after: str = "",
        role: str = "heading",
        height: float = theme.BUTTON,
        **more: Any,
    ) -> None:
        more.setdefault("size_hint_y", None)
        super().__init__(tag, act, look=look, height=px(height), spacing=px(16), **more)
        self.label = Text(text, role=role, wrap=False)
        side = self.label.font_size / px(1) * 1.05
        self.icon = Icon(icon, side) if icon else None
        after = Icon(icon_after, side) if icon_after else None
        self.add_widget(Widget())
        for part in (self.icon, self.label, after):
            if part is not None:
                part.pos_hint = {"center_y": 0.5}
                self.add_widget(part)
        self.add_widget(Widget())
        self._repaint()

    def say(self, text: str) -> None:
        self.label.say(text)


def primary_button(
    text: str, act: Callable[[], None], *, tag: str = "primary", **more: Any
) -> BarButton:
    """The one thing to do next."""
    return BarButton(text, tag, act, look="primary", **more)


#: Of an option, reference px: its padding, what stands between its parts, picture and arrow.
_PAD_X, _PAD_Y, _BETWEEN, _ICON, _ARROW = 36, 24, 32, 76, 56


def option_height(
    text: str,
    detail: str,
    width: float,
    *,
    detail_role: str = "small",
    icon: bool = False,
    arrow: bool = True,
    least: float = theme.OPTION,
) -> float:
    """How high an `OptionTile` of this width will be; both in pixels, `least` in reference px."""
    beside = (_ICON + _BETWEEN if icon else 0) + (_ARROW + _BETWEEN if arrow else 0)
    room = width - px(2 * _PAD_X + beside)
    words = text_height(text, "heading", room)
    if detail:
        words += px(4) + text_height(detail, detail_role, room)
    return max(px(least), words + px(2 * _PAD_Y))


class OptionTile(Press):
    """A choice: icon, large word, smaller explanation, and an arrow that says it can be touched.

    `least`: pixels that it is high, or higher if its words need more.
    """

    #: Of its width, what bare words have no use of, reference px.
    PADDING = 2 * _PAD_X

    def __init__(
        self,
        text: str,
        tag: str,
        act: Callable[[], None],
        *,
        detail: str = "",
        detail_role: str = "small",
        icon: str = "",
        arrow: str = "chevron-right",
        least: float = 0.0,
        **more: Any,
    ) -> None:
        super().__init__(
            tag,
            act,
            look="option",
            size_hint_y=None,
            padding=(px(_PAD_X), px(_PAD_Y)),
            spacing=px(_BETWEEN),
            **more,
        )
        self._least = least
        if icon:
            self.add_widget(Icon(icon, _ICON, pos_hint={"center_y": 0.5}))
        words = Column(gap=4, pos_hint={"center_y": 0.5})
        self.label = Text(text, role="heading")
        words.add_widget(self.label)
        self.detail = Text(detail, role=detail_role, colour=theme.INK_SOFT) if detail else None
        if self.detail is not None:
            words.add_widget(self.detail)
        self.add_widget(words)
        if arrow:
            self.add_widget(Icon(arrow, _ARROW, pos_hint={"center_y": 0.5}))
        words.bind(height=self._take_height)
        self._take_height(words)

    def _take_height(self, words: Widget, *_: object) -> None:
        self.height = max(self._least, words.height + px(2 * _PAD_Y))

    def colour_content(self, ink: theme.Colour) -> None:
        self.label.tint(ink)
