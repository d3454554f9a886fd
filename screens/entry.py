"""One box of a form: its name, what was typed, a caret, and beside it what is wrong.

Which box is typed into shows as colour, caret and pencil; whether it is right as colour, icon and
words: never as colour alone (domain §4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from kivy.graphics import Color, Rectangle
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from kiosk.visit.prompts import Field
from screens import theme
from screens.scale import px, text_px
from screens.widgets.button import Paint, Press
from screens.widgets.surface import Column, Gap
from screens.widgets.text import Icon, Text

#: Mark of a box -> its colours and icon.
MARKS: dict[str, tuple[Paint, str]] = {
    "rest": ((theme.PANEL, theme.INK_SOFT, theme.INK), ""),
    "active": ((theme.PRIMARY_TINT, theme.PRIMARY, theme.INK), "pencil"),
    "right": ((theme.PANEL, theme.INK_SOFT, theme.INK), "check-circle"),
    "wrong": ((theme.PANEL, theme.TROUBLE, theme.INK), "alert-circle"),
    "wrong active": ((theme.TROUBLE_TINT, theme.TROUBLE, theme.INK), "alert-circle"),
}
_ICON_COLOURS = {
    "active": theme.PRIMARY,
    "right": theme.OK,
    "wrong": theme.TROUBLE,
    "wrong active": theme.TROUBLE,
}

#: Rule -> sizes of the groups in which its characters are shown (3-4-4, domain §6).
GROUPS: dict[str, tuple[int, ...]] = {"mobile": (3, 4, 4)}

#: Role of the text -> role of the hint that stands in its place.
HINT_ROLES = {"heading": "small", "display": "body"}

LABEL_WIDTH = 250
ROW_HEIGHT = 136
ALONE_HEIGHT = 196
ICON = 52
PAD = 28


def grouped(text: str, sizes: Sequence[int]) -> str:
    """The text in groups with spaces between; what is beyond the last group hangs on to it."""
    if not sizes:
        return text
    ends = [0, *accumulate(sizes[:-1]), max(len(text), sum(sizes))]
    return " ".join(part for start, end in pairwise(ends) if (part := text[start:end]))


class EntryBox(Press):
    """The touchable box, tag "field:<name>"; an `Entry` of the keyboard."""

    def __init__(
        self,
        field: Field,
        text: str,
        hint: str,
        *,
        roles: tuple[str, str],
        touched: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        """`roles` are those of the text: as usual, and when it would not fit on one line.

        `touched` is called when the box is chosen, `changed` after each character.
        """
        self.mark = "rest"
        super().__init__(f"field:{field.name}", touched, look="option", size_hint_y=None)
        self.padding = (px(PAD), px(6))
        self.field = field
        self.value = text
        self._hint = hint
        self._roles = roles
        self._changed = changed
        self._error = ""
        self._lines = Column(gap=0, pos_hint={"center_y": 0.5})
        self._icon = Icon("pencil", ICON, pos_hint={"center_y": 0.5})
        self.add_widget(self._lines)
        self.add_widget(self._icon)
        # Only its own width matters: the lines are as high as they need to be.
        self.bind(width=lambda *_: self._show())
        self.set_mark("rest")

    # -- what the keyboard does --------------------------------------------------------------

    def insert(self, text: str) -> None:
        self.value = (self.value + text)[: self.field.longest]
        self._edited()

    def delete(self) -> None:
        self.value = self.value[:-1]
        self._edited()

    def clear(self) -> None:
        self.value = ""
        self._edited()

    def _edited(self) -> None:
        self._error = ""
        self.mark = "active"
        self._show()
        self._changed()

    # -- what the form says ------------------------------------------------------------------

    def set_mark(self, mark: str, error: str = "") -> None:
        """A key of `MARKS`; with the wrong ones, the words that say why."""
        self.mark = mark
        self._error = error
        self._show()

    @property
    def content_height(self) -> float:
        return float(self._lines.height)

    def bind_content(self, follow: Callable[..., None]) -> None:
        """Call `follow` whenever the lines need another height."""
        self._lines.bind(height=follow)

    @property
    def error(self) -> str:
        return self._error

    def forget(self) -> None:
        self.value = ""
        self._error = ""
        self._lines.clear_widgets()

    # -- how it looks ------------------------------------------------------------------------

    def _paint(self) -> Paint:
        return MARKS[self.mark][0]

    def colour_content(self, ink: theme.Colour) -> None:
        """The lines have colours of their own."""

    def _show(self) -> None:
        icon = MARKS[self.mark][1]
        self._icon.opacity = 1 if icon else 0
        if icon:
            self._icon.show(icon, _ICON_COLOURS[self.mark])
        self._lines.clear_widgets()
        self._lines.add_widget(self._value_line(caret=self.mark.endswith("active")))
        if self._error:
            self._lines.add_widget(Text(self._error, role="small", colour=theme.TROUBLE))
        self._repaint()

    def _value_line(self, *, caret: bool) -> Widget:
        usual, long = self._roles
        text = grouped(self.value, GROUPS.get(self.field.rule, ()))
        shown = Text(text, role=usual, wrap=False)
        shown.texture_update()  # its width is wanted now, not in the next frame
        room = self.width - px(2 * PAD + ICON + 24)
        if text and shown.texture_size[0] > room > 0:
            return Text(text, role=long)
        line = BoxLayout(size_hint_y=None, spacing=px(6), height=text_px(usual) * 1.45)
        if text:
            line.add_widget(shown)
        if caret:
            line.add_widget(_Caret(text_px(usual) * 1.1))
        if not text:
            hint = Text(self._hint, role=HINT_ROLES[usual], colour=theme.INK_SOFT, wrap=False)
            hint.pos_hint = {"center_y": 0.5}
            line.add_widget(hint)
        line.add_widget(Gap())
        return line


class _Caret(Widget):
    """Where the next character goes. It does not blink: nothing moves without need."""

    def __init__(self, height: float) -> None:
        super().__init__(size_hint=(None, None), size=(px(5), height), pos_hint={"center_y": 0.5})
        with self.canvas:
            Color(*theme.PRIMARY)
            bar = Rectangle(pos=self.pos, size=self.size)
        self.bind(pos=lambda _, pos: setattr(bar, "pos", pos))


def row(label: str, box: EntryBox) -> BoxLayout:
    """A box with its name to the left, for several boxes on a page."""
    line = BoxLayout(size_hint_y=None, spacing=px(20))
    name = Text(label, align="right", size_hint_x=None, pos_hint={"center_y": 0.5})
    name.width = px(LABEL_WIDTH)
    line.add_widget(name)
    line.add_widget(box)
    _fit(box, line, ROW_HEIGHT)
    return line


def alone(label: str, box: EntryBox) -> Column:
    """The only box of a page: its name above, large."""
    column = Column(gap=12)
    column.add_widget(Text(label, colour=theme.INK_SOFT))
    column.add_widget(box)
    _fit(box, box, ALONE_HEIGHT)
    return column


def _fit(box: EntryBox, outer: Widget, least: float) -> None:
    """Let a box, and what holds it, be as high as its lines need."""

    def follow(*_: object) -> None:
        box.height = outer.height = max(px(least), box.content_height + px(12))

    box.bind_content(follow)
    follow()
