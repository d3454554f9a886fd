"""Home: what can be done here now, what cannot and why, and where else to get help.

At most `MOST` services stand on a page, in the order of the menu, and under the names of their
groups if there is room for them. When there are more, those that are seldom asked for
(`Service.seldom`) stand behind one tile; where that is not enough, home shows the groups, and a
touch on one shows its services. A service that is closed keeps its place, greyed and with the
reason: a finger that knows where a tile is must not open another one there. Everything that can be
touched grows from the bottom of the screen, where people in wheelchairs and children reach it
(domain §4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from kivy.core.window import Window
from kivy.metrics import sp
from kivy.uix.gridlayout import GridLayout

from hardware.faults import WEIGHTS, Device, FaultCode, Weight
from kiosk.upkeep import left_behind
from kiosk.visit.service import GROUPS, Service
from screens import theme
from screens.base import Page
from screens.scale import px
from screens.tiles import GroupTile, ServiceTile, group_height, tile_height
from screens.widgets.pager import Pager
from screens.widgets.status import Banner
from screens.widgets.surface import Column, Gap
from screens.widgets.text import Text, cut, text_height
from sync.receipt_number import grouped

if TYPE_CHECKING:
    from kivy.uix.widget import Widget

    from kiosk.offers import Offer
    from kiosk.terminal import Terminal

#: Group of services -> icon.
ICONS = {
    "card": "card-account-details-outline",
    "enquiry": "file-search-outline",
    "payment": "cash-multiple",
    "help": "map-marker-question-outline",
    "more": "dots-horizontal-circle-outline",
}
#: Stands for a group: the services that are seldom asked for.
MORE = "more"
#: Services on one page.
MOST = 8
#: Up to this many services stand under one another, larger.
FEW = 3
#: Device states that a citizen is told of.
_TELL = ("fault",)
#: Citizens are told of these only where a service needs them: nothing else is done with them.
_IF_NEEDED = frozenset({Device.PAGE_PRINTER})
#: After this many seconds without a touch a group gives way to the first page.
GROUP_STAYS_S = 45.0
#: For this many seconds after the start home tells what was saved before the program ended.
UNTOLD_S = 900.0
#: Receipt numbers told at once.
_NUMBERS = 3
#: Height of the bars and gaps of a page, reference pixels.
_BARS = 420
#: Between two notices.
_NOTICE_GAP = 16
#: The name of a group with its gap.
_HEADING = 80
#: Where the highest tile has its middle: 1220 mm above the floor at the most (EN 301 549, 8.3.3),
#: on a screen that begins at 900 mm.
_REACH = 1280


class HomePage(Page):
    """Redraws itself when an offer or a device changes; otherwise nothing moves."""

    def __init__(
        self,
        terminal: Terminal,
        choose: Callable[[type[Service]], None],
        *,
        running_s: float = 0.0,
        room: tuple[float, float] | None = None,
    ) -> None:
        """`running_s`: seconds since the program began. `room`: size of the screen in pixels, that
        of the window unless given."""
        super().__init__(terminal.words)
        self._terminal = terminal
        self._choose = choose
        self._room = room or Window.size
        self._wide = self._room[0] > self._room[1]
        #: The group that is shown; "": all of them.
        self._group = ""
        self._page = 0
        self._drawn: object = None
        #: Whether it still is to be told what was saved before the program ended.
        self._tells = running_s < UNTOLD_S
        self._untold: tuple[str, ...] = ()
        self._announced: tuple[str, ...] = ()
        self._back_to_start = self.after(GROUP_STAYS_S, lambda _: self._show(""))
        self.refresh()
        self.every(1.0, lambda _: self.refresh())
        if self._tells:
            self.after(UNTOLD_S - running_s, lambda _: self._forget_untold())

    def touched(self) -> None:
        self._back_to_start.cancel()
        self._back_to_start()

    def _forget_untold(self) -> None:
        self._tells = False
        self.refresh()

    # -- what is there -----------------------------------------------------------------------

    def refresh(self) -> None:
        """Look at the terminal again."""
        offers = self._terminal.services()
        needed = frozenset().union(*(offer.service.needs for offer in offers))
        broken = tuple(
            health.device
            for health in self._terminal.health.snapshot()
            if str(health.state) in _TELL
            and not _minor(health.fault)
            and health.device not in _IF_NEEDED - needed
        )
        left = left_behind.counts(self._terminal.health)
        # The terminal knows it some moments after the first page.
        self._untold = self._terminal.untold() if self._tells else ()
        self._announced = self._terminal.announcements()
        told = tuple((offer.service.id, offer.open, offer.reason) for offer in offers)
        told_besides = (self._untold, self._announced)
        state = (told, broken, left, told_besides, self._group, self._page)
        if state == self._drawn:
            return
        self._drawn = state
        for part in (self.head, self.body, self.foot):
            part.clear_widgets()
        self._draw(offers, broken, left)

    def _groups(self, offers: Sequence[Offer]) -> dict[str, list[Offer]]:
        """The groups that have services."""
        found: dict[str, list[Offer]] = {group: [] for group in GROUPS}
        for offer in offers:
            found[offer.service.group].append(offer)
        return {group: offers for group, offers in found.items() if offers}

    def _split(self, offers: Sequence[Offer]) -> tuple[list[Offer], list[Offer]]:
        """What has its own tile and what stands behind 更多, where that makes a page of them; else
        nothing and nothing."""
        often = [offer for offer in offers if not offer.service.seldom]
        seldom = [offer for offer in offers if offer.service.seldom]
        if any(offer.service.for_units for offer in often):
            # The session's own tile is on the first page, and the last makes room for it.
            room = self._per_page - 1
            often, seldom = often[:room], [*often[room:], *seldom]
        fits = 0 < len(often) < self._per_page < len(offers)
        return (often, seldom) if fits else ([], [])

    @property
    def _columns(self) -> int:
        return 4 if self._wide else 2

    @cached_property
    def _height(self) -> float:
        """Of all tiles and group names of a page, at the most; pixels."""
        head = self._high_of("title", self.say("home.greeting"))
        head += self._high_of("body", self.say("home.touch"))
        whole = self._room[1] - px(_BARS) - head
        # The foot of the page is below the tiles, and half of the highest one may be above.
        return min(whole, px(_REACH - 32 - theme.BUTTON - theme.GAP) + tile_height() / 2)

    def _high_of(self, role: str, text: str) -> float:
        return text_height(text, role, self._width(1))

    def _high(self, rows: int, names: int = 0) -> float:
        return rows * (tile_height() + px(theme.GAP)) + names * float(sp(_HEADING))

    @cached_property
    def _per_page(self) -> int:
        rows = MOST // self._columns
        while rows > 1 and self._high(rows) > self._height:
            rows -= 1
        return rows * self._columns

    # -- how it is drawn ---------------------------------------------------------------------

    def _draw(self, offers: Sequence[Offer], broken: tuple[str, ...], left: bool) -> None:
        groups = self._groups(offers)
        tiles, pages = self._lay_out(offers, groups)
        spare = self._height - sum(tile.height for tile in tiles)
        notices = self._notices(broken, left, spare)
        taken = sum(notice.height + px(_NOTICE_GAP) for notice in notices)
        self._say_what(offers, spare - taken)
        column = Column(gap=_NOTICE_GAP)
        for notice in notices:
            column.add_widget(notice)
        self.body.add_widget(column)
        self.body.add_widget(Gap())
        for tile in tiles:
            self.body.add_widget(tile)
        if self._group:
            show_all = partial(self._show, "")
            self.secondary(self.say("frame.back"), "back", show_all, icon="arrow-left")
        if pages > 1:
            pager = Pager(self.say, self._page, pages, self._turn, height=theme.BUTTON)
            self.foot.add_widget(pager)
        elif not self._group:
            # It keeps what can be touched clear of the hidden corners.
            line = Text(self.say("frame.help"), role="small", colour=theme.INK_SOFT, align="center")
            line.pos_hint = {"center_y": 0.5}
            self.foot.add_widget(line)

    def _lay_out(
        self, offers: Sequence[Offer], groups: dict[str, list[Offer]]
    ) -> tuple[list[Widget], int]:
        """What can be touched, from top to bottom, and how many pages of it there are."""
        often, seldom = self._split(offers)
        if self._group:
            return self._one_of_pages(
                seldom if self._group == MORE else groups.get(self._group, [])
            )
        if often:
            columns = self._columns
            own = [self._tile(offer, columns) for offer in often]
            return [self._grid([*own, self._group_tile(MORE, seldom, columns)], columns)], 1
        if len(offers) <= FEW:
            return [self._grid([self._tile(offer, 1) for offer in offers], 1)], 1
        if len(groups) == 1:
            return self._one_of_pages(offers)
        if len(offers) > self._per_page:
            high = len(groups) * (group_height() + px(theme.GAP))
            columns = 2 if self._wide or high > self._height else 1
            tiles = [self._group_tile(group, of, columns) for group, of in groups.items()]
            return [self._grid(tiles, columns)], 1
        rows = sum(-(-len(of) // self._columns) for of in groups.values())
        if self._high(rows, len(groups)) > self._height:
            return [self._tiles(offers)], 1
        parts: list[Widget] = []
        for group, of in groups.items():
            parts.append(Text(self.say(f"group.{group}.name"), colour=theme.INK_SOFT))
            parts.append(self._tiles(of))
        return parts, 1

    def _say_what(self, offers: Sequence[Offer], spare: float) -> None:
        """Title and lead; without the lead where a notice needs its room."""
        self.head.add_widget(Gap(24))
        if self._group:
            title, lead = self.say(f"group.{self._group}.name"), self.say("home.choose")
        elif any(offer.open for offer in offers):
            title, lead = self.say("home.greeting"), self.say("home.touch")
        else:
            title, lead = self.say("home.nothing"), self.say("home.nothing_text")
        # `_height` has left room for these two.
        room = spare + self._high_of("body", self.say("home.touch"))
        room += self._high_of("title", self.say("home.greeting")) - self._high_of("title", title)
        most = int(room // text_height("", "body", self._width(1)))
        self.title(title, cut(lead, "body", self._width(1), most) if most > 0 else "")

    def _notices(self, broken: tuple[str, ...], left: bool, spare: float) -> list[Widget]:
        """What an earlier citizen left, and what does not work, the most important first: the
        first in any case, the others while there is room (`spare` pixels). No tile moves for it."""
        found: list[Widget] = []
        if left:
            found.append(self._notice("trouble", "home.left_behind", "card-bulleted-off-outline"))
        if self._untold and not self._group:
            numbers = self.say("group.and").join(map(grouped, self._untold[:_NUMBERS]))
            more = "…" if len(self._untold) > _NUMBERS else ""
            icon = "content-save-check-outline"
            found.append(self._notice("ok", "home.untold", icon, numbers=numbers + more))
        if broken and not self._group:
            names = self.say("group.and").join(self.say(f"device.{name}") for name in broken)
            words = self.say("home.partly", devices=names)
            line = Text(words, role="small", colour=theme.INK_SOFT)
            line.height = self._high_of("small", words)
            found.append(line)
        fitting = found[:1]
        told = [] if self._group else self._announced
        found += [self._notice("info", "home.announcement", "bullhorn", text=text) for text in told]
        for notice in found[len(fitting) :]:
            if sum(one.height + px(_NOTICE_GAP) for one in (*fitting, notice)) <= spare:
                fitting.append(notice)
        return fitting

    def _notice(self, state: str, key: str, icon: str, **facts: str) -> Banner:
        words = self.say(key, **facts)
        banner = Banner(state, words, icon=icon, role="small")
        # It is as high only once it is laid out.
        inside = self._width(1) - px(2 * 32 + 52 + 24)
        high = text_height(words, "small", inside) + px(48)
        banner.height = max(banner.height, high)
        return banner

    def _one_of_pages(self, offers: Sequence[Offer]) -> tuple[list[Widget], int]:
        pages = max(1, -(-len(offers) // self._per_page))
        self._page = min(self._page, pages - 1)
        first = self._page * self._per_page
        shown = offers[first : first + self._per_page]
        tiles = self._tiles(shown)
        if pages > 1:
            # A page that is not full keeps its tiles where those of the others are.
            empty = self._per_page // self._columns - -(-len(shown) // self._columns)
            tiles.padding = (0, 0, 0, self._high(empty))
        return [tiles], pages

    def _tiles(self, offers: Sequence[Offer]) -> GridLayout:
        return self._grid([self._tile(offer, self._columns) for offer in offers], self._columns)

    def _grid(self, tiles: Sequence[Widget], columns: int) -> GridLayout:
        grid = GridLayout(cols=columns, spacing=px(theme.GAP), size_hint_y=None)
        grid.bind(minimum_height=grid.setter("height"))
        for tile in tiles:
            grid.add_widget(tile)
        # A row that is not full keeps the width of its tiles.
        for _ in range(-len(tiles) % columns):
            grid.add_widget(Gap())
        rows = -(-len(tiles) // columns)
        grid.height = rows * (tiles[0].height + px(theme.GAP)) if tiles else 0
        return grid

    def _width(self, columns: int) -> float:
        return (self._room[0] - px(2 * theme.MARGIN + (columns - 1) * theme.GAP)) / columns

    def _tile(self, offer: Offer, columns: int) -> ServiceTile:
        act = partial(self._choose, offer.service)
        return ServiceTile(offer, self.words, act, self._width(columns), large=columns == 1)

    def _group_tile(self, group: str, offers: Sequence[Offer], columns: int) -> GroupTile:
        names = [self.say(f"service.{offer.service.id}.name") for offer in offers]
        return GroupTile(
            group,
            ICONS[group],
            self.say(f"group.{group}.name"),
            self.say("group.and").join(names),
            partial(self._show, group),
            self._width(columns),
            large=columns == 1 or self._wide,
        )

    # -- going about -------------------------------------------------------------------------

    def _show(self, group: str) -> None:
        self._group, self._page = group, 0
        self.refresh()

    def _turn(self, by: int) -> None:
        self._page += by
        self.refresh()


def _minor(fault: FaultCode | None) -> bool:
    """Whether citizens do without the device and lack nothing: a PIN pad, a UPS."""
    return fault is not None and WEIGHTS[fault] is Weight.WARNING
