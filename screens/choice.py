"""`Choice`: a touch on an option answers. Long lists go over pages, never over a scroll bar.

Options with an icon or an explanation stand under one another; short bare words (districts,
groups) in two columns, so that all of them are seen at once.
"""

from __future__ import annotations

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.gridlayout import GridLayout
from kivy.uix.widget import Widget

from kiosk.visit.prompts import Choice, Option
from screens import theme
from screens.base import PromptScreen
from screens.scale import px
from screens.widgets.button import OptionTile
from screens.widgets.pager import Pager
from screens.widgets.surface import Gap

LIST_PAGE = 5  # and 4 where the page needs a row for turning
GRID_PAGE = 14
#: Longest word, characters, that stands in two columns without wrapping.
SHORT = 6
#: Up to this many options stand under one another, even if short, and larger.
FEW = 3


class ChoiceScreen(PromptScreen[Choice]):
    """What was chosen before is marked with a tick, but has to be touched again."""

    def build(self) -> None:
        self.title()
        self._page = 0
        self._shown = BoxLayout(orientation="vertical", spacing=px(theme.GAP))
        self.body.add_widget(self._shown)
        options = self.prompt.options
        self._grid = len(options) > FEW and all(self._is_short(option) for option in options)
        self._size = GRID_PAGE if self._grid else LIST_PAGE
        if not self._grid and len(options) > LIST_PAGE:
            self._size = LIST_PAGE - 1
        self._show_page()

    def _is_short(self, option: Option) -> bool:
        return not option.detail and not option.icon and len(self._label(option)) <= SHORT

    def _label(self, option: Option) -> str:
        return self.words.name(option.label) or self.says(f"{option.value}.label")

    def _detail(self, option: Option) -> str:
        return self.words.name(option.detail) or (
            "" if option.label else self.says(f"{option.value}.detail")
        )

    def _show_page(self) -> None:
        self._shown.clear_widgets()
        start = self._page * self._size
        tiles = [self._tile(o) for o in self.prompt.options[start : start + self._size]]
        if self._grid:
            grid = GridLayout(cols=2, spacing=px(theme.GAP), size_hint_y=None)
            grid.bind(minimum_height=grid.setter("height"))
            for tile in tiles:
                grid.add_widget(tile)
            self._shown.add_widget(grid)
        else:
            for tile in tiles:
                self._shown.add_widget(tile)
        self._shown.add_widget(Gap())
        pages = -(-len(self.prompt.options) // self._size)
        if pages > 1:
            self._shown.add_widget(Pager(self.say, self._page, pages, self._turn))

    def _tile(self, option: Option) -> Widget:
        value = option.value
        chosen = self.suggestion == value
        # A grid is read by its words; arrows on fourteen tiles would only be noise.
        arrow = "check-circle" if chosen else "" if self._grid else "chevron-right"
        return OptionTile(
            self._label(option),
            f"option:{value}",
            lambda: self.actions.answer(value),
            detail=self._detail(option),
            detail_role="body" if len(self.prompt.options) <= FEW else "small",
            icon=option.icon,
            arrow=arrow,
            least=self._least(),
        )

    def _least(self) -> float:
        """Least height of a tile, reference px: the fewer, the larger."""
        if self._grid:
            return 128
        return theme.OPTION + 40 if len(self.prompt.options) <= FEW else theme.OPTION

    def _turn(self, by: int) -> None:
        self._page += by
        self._show_page()
