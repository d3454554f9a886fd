"""`Choice`: a touch on an option answers. What there is no room for goes on another page, never
behind a scroll bar.

Options with an icon or an explanation stand under one another; bare words (districts, groups) in
two columns, so that all of them are seen at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from kiosk.visit.prompts import Choice, Option
from screens import theme
from screens.base import PromptScreen
from screens.scale import px
from screens.widgets.button import OptionTile, option_height
from screens.widgets.pager import Pager
from screens.widgets.surface import Gap
from screens.widgets.text import lines

#: Words that take more lines than this stand in one column.
SHORT = 2
#: Up to this many options stand under one another, even if short, and larger.
FEW = 3
#: Options that stand beside one another, and how high they are, pixels.
Row = tuple[float, Sequence[Option]]
#: Height of the row for turning pages, reference px.
PAGER = 100


class ChoiceScreen(PromptScreen[Choice]):
    """What was chosen before is marked with a tick, but has to be touched again."""

    def build(self) -> None:
        self.title()
        self._page = 0
        self._pages: list[list[Row]] = []
        self._columns = 1
        self._shown = BoxLayout(orientation="vertical", spacing=px(theme.GAP))
        self.body.add_widget(self._shown)
        self._shown.bind(size=lambda *_: self._arrange())

    def _is_short(self, option: Option) -> bool:
        room = (self._shown.width - px(theme.GAP)) / 2 - px(OptionTile.PADDING)
        bare = not option.icon and not self._detail(option)
        return bare and lines(self._label(option), "heading", room) <= SHORT

    def _label(self, option: Option) -> str:
        return self.words.name(option.label) or self.says(f"{option.value}.label")

    def _detail(self, option: Option) -> str:
        return self.words.name(option.detail) or (
            "" if option.label else self.says(f"{option.value}.detail")
        )

    def _arrange(self) -> None:
        """The room is known: what stands on which page."""
        options = self.prompt.options
        self._columns = 2 if len(options) > FEW and all(map(self._is_short, options)) else 1
        pages = self._in_pages(self._shown.height)
        if len(pages) > 1:
            pages = self._in_pages(self._shown.height - px(PAGER + theme.GAP))
        if pages != self._pages:
            self._pages = pages
            self._page = min(self._page, len(pages) - 1)
            self._show_page()

    def _in_pages(self, room: float) -> list[list[Row]]:
        """As many rows on each as there is room for, pixels, one at least."""
        gap = px(theme.GAP)
        pages: list[list[Row]] = [[]]
        left = room
        for high, row in self._rows():
            if high > left and pages[-1]:
                pages.append([])
                left = room
            pages[-1].append((high, row))
            left -= high + gap
        return pages

    def _rows(self) -> Iterator[Row]:
        """All tiles of a row are as high as the highest."""
        options, columns = self.prompt.options, self._columns
        width = (self._shown.width - px(theme.GAP) * (columns - 1)) / columns
        for start in range(0, len(options), columns):
            row = options[start : start + columns]
            yield max(self._height(option, width) for option in row), row

    def _height(self, option: Option, width: float) -> float:
        return option_height(
            self._label(option),
            self._detail(option),
            width,
            detail_role=self._detail_role,
            icon=bool(option.icon),
            arrow=self._columns == 1,
            least=self._least,
        )

    def _show_page(self) -> None:
        self._shown.clear_widgets()
        grid = GridLayout(cols=self._columns, spacing=px(theme.GAP), size_hint_y=None)
        grid.bind(minimum_height=grid.setter("height"))
        for high, row in self._pages[self._page]:
            for option in row:
                grid.add_widget(self._tile(option, high))
        self._shown.add_widget(grid)
        self._shown.add_widget(Gap())
        if len(self._pages) > 1:
            self._shown.add_widget(
                Pager(self.say, self._page, len(self._pages), self._turn, height=PAGER)
            )

    def _tile(self, option: Option, high: float) -> Widget:
        value = option.value
        chosen = self.suggestion == value
        # A grid is read by its words; arrows on fourteen tiles would only be noise.
        arrow = "check-circle" if chosen else "" if self._columns > 1 else "chevron-right"
        return OptionTile(
            self._label(option),
            f"option:{value}",
            lambda: self.actions.answer(value),
            detail=self._detail(option),
            detail_role=self._detail_role,
            icon=option.icon,
            arrow=arrow,
            least=high,
        )

    @property
    def _detail_role(self) -> str:
        return "body" if len(self.prompt.options) <= FEW else "small"

    @property
    def _least(self) -> float:
        """Least height of a tile, reference px: the fewer, the larger."""
        if self._columns > 1:
            return 128 if len(self.prompt.options) <= 14 else 112
        return theme.OPTION + 40 if len(self.prompt.options) <= FEW else theme.OPTION

    def _turn(self, by: int) -> None:
        self._page += by
        self._show_page()
