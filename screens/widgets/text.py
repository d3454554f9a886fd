"""Words and pictures: `Text` wraps Chinese properly and is as high as its lines; `Icon` is square.

Text("请核对以下信息", role="title")        grows in height with its text
Text("14:05", role="legal", wrap=False)     one line, as wide as its text
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kivy.core.text import Label as CoreLabel
from kivy.graphics import Color, Rectangle
from kivy.uix.label import Label

from hardware.typeset import wrap
from screens import fonts, theme
from screens.scale import px, text_px


@lru_cache(maxsize=16)
def _ruler(size: float) -> tuple[CoreLabel, float]:
    """What measures text of a font size, and the width of one ideograph, pixels."""
    ruler = CoreLabel(font_name=fonts.UI, font_size=size)
    ruler.resolve_font_name()
    return ruler, ruler.get_extents("国" * 8)[0] / 8


def _width(piece: str, size: float) -> float:
    """Width of a piece of text on one line, pixels."""
    ruler, ideograph = _ruler(size)
    # All ideographs and full-width marks are one em wide; asking the font for each is slow.
    if min(piece, default="") >= "\u2e80":
        return len(piece) * ideograph
    return float(ruler.get_extents(piece)[0])


def lines(text: str, role: str, width: float) -> int:
    """How many lines of a width (pixels) a text needs."""
    size = text_px(role)
    return len(wrap(text, width, lambda piece: _width(piece, size)))


#: Height of a line of the face, in its size.
_LINE = 1.45


def text_height(text: str, role: str, width: float) -> float:
    """How high a text of this width will be, before it is laid out; both in pixels."""
    return lines(text, role, width) * text_px(role) * _LINE


def cut(text: str, role: str, width: float, most: int) -> str:
    """The text; if it needs more than `most` lines of a width (pixels), its first lines and "…"."""
    size = text_px(role)
    broken = wrap(text, width, lambda piece: _width(piece, size))
    if len(broken) <= most:
        return text
    whole, last = broken[: most - 1], broken[most - 1]
    room = width - _ruler(size)[1]  # the dots are as wide as an ideograph
    while last and _width(last, size) > room:
        last = last[:-1]
    # A line feed stands where a space was, or where nothing was.
    kept = "\n".join((*whole, last))
    return kept.rstrip() + "…"


#: All that is ever said of a text here. Kivy would keep and watch thirty more properties of each,
#: which was a third of what it took to make one. On `Label` itself, because that is
#: where Kivy looks; it is private to Kivy, whose version constraints.txt holds.
Label._font_properties = (
    "text",
    "font_size",
    "font_name",
    "color",
    "disabled_color",
    "halign",
    "valign",
    "line_height",
    "font_script_name",  # what a label without it has is no script
)


class _Written(Label):
    """Characters, and where their picture is put: `_place` says where it begins, from the left."""

    def __init__(self, colour: theme.Colour, align: str, **more: Any) -> None:
        super().__init__(
            # Without a style rule, which would bind the picture's place once more.
            __no_builder=True,
            color=colour,
            # A disabled parent must not fade the words below the contrast of the theme.
            disabled_color=colour,
            halign=align,
            valign="middle",
            **more,
        )
        self._align = align
        with self.canvas:
            Color(1, 1, 1, 1)
            self._picture = Rectangle()
        # Kivy sets a label's texture before its `texture_size`: without the latter a shorter text
        # would be stretched to the width of the one before.
        follow = self._place
        self.bind(texture=follow, texture_size=follow, pos=follow, size=follow)

    def _place(self, *_: object) -> None:
        wide, high = self.texture_size
        spare = {"left": 0.0, "center": (self.width - wide) / 2, "right": self.width - wide}
        self._picture.texture = self.texture
        self._picture.size = (wide, high)
        # Whole pixels, or the text is blurred. Not `center_y`: it is not yet new when `pos` is.
        low = self.y + (self.height - high) / 2
        self._picture.pos = (int(self.x + spare[self._align]), int(low))

    def tint(self, colour: theme.Colour) -> None:
        self.color = self.disabled_color = colour


class Text(_Written):
    """Some words in a role of `theme.TEXT`.

    With `wrap` the height follows the text and the width is the parent's to give; without it the
    widget takes exactly the room of its one line. `fill` keeps the parent's height as well, for
    text centred in a box.

    Kivy aligns text by being told its width, and then measures it character by character; since
    the lines are broken here, it is not told, and the picture of the text is placed here instead.
    """

    def __init__(
        self,
        text: str = "",
        *,
        role: str = "body",
        colour: theme.Colour = theme.INK,
        align: str = "left",
        wrap: bool = True,
        fill: bool = False,
        **more: Any,
    ) -> None:
        self.role = role
        self._words = text
        self._wraps = wrap
        super().__init__(
            colour,
            align,
            font_name=fonts.UI,
            font_size=text_px(role),
            line_height=theme.LINE_HEIGHT,
            **more,
        )
        if wrap:
            if not fill:
                self.size_hint_y = None
                self.bind(texture_size=self._take_height)
            # Lines are broken when the parent gives the width, not for Kivy's initial 100 px.
            self.bind(width=self._flow)
        else:
            self.size_hint = (None, None)
            self.bind(texture_size=self._take_size)
            self.text = text

    @property
    def words(self) -> str:
        """The text as it was given, without the line feeds put in."""
        return self._words

    def say(self, text: str) -> None:
        """Show other words."""
        self._words = text
        self._flow()

    def _flow(self, *_: object) -> None:
        if not self._wraps or not self._words:
            self.text = self._words
        elif self.width > 0:  # a parent that is not yet laid out has none to give
            self.text = "\n".join(wrap(self._words, self.width, self._width_of))

    def _width_of(self, piece: str) -> float:
        return _width(piece, self.font_size)

    def _take_height(self, *_: object) -> None:
        self.height = self.texture_size[1]

    def _take_size(self, *_: object) -> None:
        self.size = self.texture_size


class Icon(_Written):
    """A picture from the icon font, `size` reference pixels square."""

    def __init__(
        self, name: str, size: float = 48, colour: theme.Colour = theme.PRIMARY, **more: Any
    ) -> None:
        super().__init__(
            colour,
            "center",
            text=fonts.icon(name),
            font_name=fonts.ICONS,
            font_size=px(size),
            size_hint=(None, None),
            size=(px(size), px(size)),
            **more,
        )
        self.name = name

    def show(self, name: str, colour: theme.Colour | None = None) -> None:
        self.name = name
        self.text = fonts.icon(name)
        if colour is not None:
            self.tint(colour)
