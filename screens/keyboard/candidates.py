"""The bar over the keys: the letters as typed, and the words to choose from, page by page."""

from __future__ import annotations

from collections.abc import Callable

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from screens import theme
from screens.keyboard import layouts
from screens.scale import px, text_px
from screens.widgets.button import BarButton
from screens.widgets.text import Text

#: At most so many words on one page, however short (domain §4: few choices at a time).
MOST = 8
ARROW_WIDTH = 96
NARROWEST = 94
PAD = 52


class CandidateBar(BoxLayout):
    """Words as buttons with the tags "candidate:0" …, numbered within the page."""

    def __init__(self, choose: Callable[[int], None], more: Callable[[], list[str]] = list) -> None:
        """`choose` gets the place of the chosen word in the whole list. `more` is asked when the
        last page is reached: the whole list, longer than before, or empty if there is no more."""
        super().__init__(orientation="vertical", size_hint_y=None)
        self.height = px(layouts.LETTERS_HEIGHT + layouts.CANDIDATES_HEIGHT)
        self._choose = choose
        self._longer = more
        self._words: list[str] = []
        #: What is said while there are no words.
        self._instead = ""
        #: Place of the first word of each page up to the shown one.
        self._pages = [0]
        self._letters = Text("", role="small", colour=theme.PRIMARY, wrap=False)
        self._letters.height = px(layouts.LETTERS_HEIGHT)
        line = BoxLayout(
            size_hint_y=None, height=px(layouts.LETTERS_HEIGHT), padding=(px(8), 0, 0, 0)
        )
        line.add_widget(self._letters)
        line.add_widget(Widget())
        self.add_widget(line)
        self._row = BoxLayout(
            size_hint_y=None, height=px(layouts.CANDIDATES_HEIGHT), spacing=px(layouts.GAP)
        )
        self.add_widget(self._row)
        self.bind(width=lambda *_: self._fill())

    def show(self, letters: str, words: list[str]) -> None:
        """Other letters or words; begins at the first page."""
        self._letters.say(letters)
        self._words = words
        self._pages = [0]
        self._fill()

    def say(self, text: str) -> None:
        """A sentence in the place of the words: why there are none."""
        self._words = []
        self._instead = text
        self._fill()

    def wipe(self) -> None:
        self._letters.say("")
        self._words = []
        self._instead = ""
        self._fill()

    def _fill(self) -> None:
        start = self._pages[-1]
        shown = self._fitting(start)
        if self._words and start + len(shown) >= len(self._words) and (longer := self._longer()):
            self._words = longer
            shown = self._fitting(start)
        end = start + len(shown)
        self._row.clear_widgets()
        if not self._words:
            self._row.add_widget(Text(self._instead, role="small", pos_hint={"center_y": 0.5}))
            return
        self._row.add_widget(
            self._arrow("chevron-left", "candidates:less", self._less, len(self._pages) > 1)
        )
        for place, word in enumerate(shown):
            self._row.add_widget(self._button(place, start + place, word))
        self._row.add_widget(Widget())
        self._row.add_widget(
            self._arrow("chevron-right", "candidates:more", self._more, end < len(self._words))
        )

    def _fitting(self, start: int) -> list[str]:
        """The words from `start` on that fit between the arrows; one at least."""
        # Two arrows and the spring before the right one each bring a gap.
        room = self.width - 2 * px(ARROW_WIDTH) - 3 * px(layouts.GAP)
        shown: list[str] = []
        for word in self._words[start : start + MOST]:
            room -= self._width_of(word) + px(layouts.GAP)
            if room < -px(layouts.GAP) and shown:
                break
            shown.append(word)
        return shown

    @staticmethod
    def _width_of(word: str) -> float:
        """Characters of the candidates are square."""
        return max(px(NARROWEST), len(word) * text_px("heading") + px(PAD))

    def _button(self, place: int, whole: int, word: str) -> BarButton:
        return BarButton(
            word,
            f"candidate:{place}",
            lambda: self._choose(whole),
            look="key",
            height=layouts.CANDIDATES_HEIGHT,
            size_hint_x=None,
            width=self._width_of(word),
            debounce_s=layouts.DEBOUNCE_S,
        )

    @staticmethod
    def _arrow(icon: str, tag: str, act: Callable[[], None], there_is: bool) -> BarButton:
        return BarButton(
            "",
            tag,
            act,
            icon=icon,
            height=layouts.CANDIDATES_HEIGHT,
            size_hint_x=None,
            width=px(ARROW_WIDTH),
            disabled=not there_is,
            debounce_s=layouts.DEBOUNCE_S,
        )

    def _more(self) -> None:
        self._pages.append(self._pages[-1] + len(self._fitting(self._pages[-1])))
        self._fill()

    def _less(self) -> None:
        self._pages.pop()
        self._fill()
