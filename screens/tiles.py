"""The tiles of home: a service, or a group of services. All tiles of a page are equally high."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kivy.metrics import sp
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout

from screens import theme
from screens.scale import px
from screens.widgets.button import Press
from screens.widgets.coat import Coat
from screens.widgets.surface import Column
from screens.widgets.text import Icon, Text, cut, lines

if TYPE_CHECKING:
    from kiosk.offers import Offer
    from kiosk.words import Words

#: Height of a tile, reference px of text: two lines of a name and two of an explanation.
_TILE = 264
#: Height of a group's tile: a line of a name and two of what is in it.
_GROUP = 208
#: Side of the disc, padding and spacing, reference px: among others, and with a row of its own.
_SIZES = {False: (96, 24, 20), True: (144, 40, 40)}
_CHEVRON = 64
#: Role of a name, how many lines it may take, and how many are left for the explanation.
_NAME_SIZES = (("heading", 2, 2), ("body", 2, 2), ("body", 3, 1))


def tile_height() -> float:
    """Pixels; grows with the size of text."""
    return float(sp(_TILE))


def group_height() -> float:
    """Of a group's tile with a row of its own, pixels."""
    return float(sp(_GROUP))


class _Tile(Press):
    """A picture on a disc, a name, a line on it. Greyed while it cannot be touched."""

    def __init__(
        self,
        tag: str,
        act: Callable[[], None],
        icon: str,
        name: str,
        detail: str,
        width: float,
        *,
        large: bool,
        closed: bool = False,
    ) -> None:
        """`width` in pixels; it decides how much of the words there is room for."""
        side, pad, gap = _SIZES[large]
        super().__init__(
            tag,
            act,
            look="option",
            size_hint_y=None,
            height=tile_height(),
            padding=(px(pad), px(16)),
            spacing=px(gap),
        )
        self.disabled = closed
        disc = FloatLayout(
            size_hint=(None, None), size=(px(side), px(side)), pos_hint={"center_y": 0.5}
        )
        Coat(disc, theme.LINE if closed else theme.PRIMARY, radius=side / 2)
        ink = theme.INK_SOFT if closed else theme.ON_DARK
        middle = {"center_x": 0.5, "center_y": 0.5}
        disc.add_widget(Icon(icon, side * 0.6, ink, pos_hint=middle))
        self.add_widget(disc)
        chevron = large and not closed
        room = width - px(2 * pad + side + gap + (gap + _CHEVRON if chevron else 0))
        self.add_widget(_lines(name, detail, room, closed))
        if chevron:
            self.add_widget(Icon("chevron-right", _CHEVRON, pos_hint={"center_y": 0.5}))

    def colour_content(self, ink: theme.Colour) -> None:
        """The words keep the ink they were made with."""


def _lines(name: str, detail: str, room: float, closed: bool) -> Column:
    column = Column(gap=4, pos_hint={"center_y": 0.5})
    # A long name is written smaller, and then on one line more, rather than cut.
    role, name_lines, detail_lines = next(
        (size for size in _NAME_SIZES if lines(name, size[0], room) <= size[1]), _NAME_SIZES[-1]
    )
    colour = theme.INK_SOFT if closed else theme.INK
    column.add_widget(Text(cut(name, role, room, name_lines), role=role, colour=colour))
    mark = px(36 + 8) if closed else 0.0
    text = cut(detail, "small", room - mark, detail_lines)
    said = Text(text, role="small", colour=theme.INK_SOFT)
    if not closed:
        column.add_widget(said)
        return column
    # Closed is said by an icon and words, not by grey alone.
    row = BoxLayout(size_hint_y=None, spacing=px(8))
    row.add_widget(Icon("minus-circle-outline", 36, theme.INK_SOFT, pos_hint={"center_y": 0.5}))
    said.bind(height=lambda _, height: setattr(row, "height", height))
    row.add_widget(said)
    column.add_widget(row)
    return column


class ServiceTile(_Tile):
    """A service; closed: the reason stands in place of the explanation."""

    def __init__(
        self, offer: Offer, words: Words, act: Callable[[], None], width: float, *, large: bool
    ) -> None:
        service = offer.service
        detail = words.say(f"service.{service.id}.detail") if offer.open else offer.reason
        super().__init__(
            f"service:{service.id}",
            act,
            service.icon,
            words.say(f"service.{service.id}.name"),
            detail,
            width,
            large=large,
            closed=not offer.open,
        )


class GroupTile(_Tile):
    """A group, and what is in it."""

    def __init__(
        self,
        group: str,
        icon: str,
        name: str,
        services: str,
        act: Callable[[], None],
        width: float,
        *,
        large: bool,
    ) -> None:
        """`large`: with a row of its own."""
        super().__init__(f"group:{group}", act, icon, name, services, width, large=large)
        self.height = group_height() if large else tile_height()
