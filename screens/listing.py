"""`Listing`: what an enquiry found, one panel an entry, a few to a page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from unicodedata import east_asian_width

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from kiosk.visit.prompts import Entry, Listing
from screens.base import PromptScreen
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.status import Banner, StatusChip
from screens.widgets.surface import Column, Gap, Panel
from screens.widgets.text import Text
from sync.receipt_number import grouped

#: Entries on a page: each has up to four rows, a sentence and a button.
PER_PAGE = 2

#: Short rows stand on one line up to this width, in halves of a Chinese character.
LINE = 52


class ListingScreen(PromptScreen[Listing]):
    """Pages by buttons, because old hands do not swipe."""

    def build(self) -> None:
        self._page = 0
        self.title()
        self._entries = Column(gap=24)
        self._turn = BoxLayout(size_hint_y=None, height=0, spacing=px(24))
        for line in self.prompt.lines:
            trouble = line.startswith("fault.")
            self.body.add_widget(Banner("trouble" if trouble else "info", self.say(line)))
        self.body.add_widget(self._entries)
        self.body.add_widget(Gap())
        self.body.add_widget(self._turn)
        self.primary(self.say("done.finish"), lambda: self.actions.answer(True), icon="check")
        self._show()

    def _show(self) -> None:
        self._entries.clear_widgets()
        if not self.prompt.entries:
            self._entries.add_widget(Banner("info", self.says("empty")))
        begin = self._page * PER_PAGE
        shown = self.prompt.entries[begin : begin + PER_PAGE]
        for place, entry in enumerate(shown, begin):
            self._entries.add_widget(self._panel(place, entry))
        self._turn.clear_widgets()
        pages = -(-len(self.prompt.entries) // PER_PAGE)
        if pages > 1:
            self._turn.height = px(120)
            for word, step in (("frame.less", -1), ("frame.more", 1)):
                button = BarButton(self.say(word), word, partial(self._turn_by, step))
                button.disabled = not 0 <= self._page + step < pages
                self._turn.add_widget(button)

    def _turn_by(self, step: int) -> None:
        self._page += step
        self._show()

    def _panel(self, place: int, entry: Entry) -> Panel:
        panel = Panel(pad=28, spacing=px(10))
        chip = StatusChip(entry.state, self.say(entry.word))
        panel.add_widget(_beside(Text(self.say(entry.title), role="heading"), chip))
        if entry.number:
            panel.add_widget(Text(f"{self.say('done.number')}  {grouped(entry.number)}"))
        for line in _lines(f"{self.say(label)}  {self.say(value)}" for label, value in entry.rows):
            panel.add_widget(Text(line, role="small"))
        if entry.way:
            panel.add_widget(Text(way([self.say(step) for step in entry.way], entry.at_step)))
        advice = Text(self.say(entry.advice) if entry.advice else "")
        if self.prompt.may_print(entry):
            button = BarButton(
                self.say("listing.print"),
                f"entry:{place}",
                lambda: self.actions.answer(str(place)),
                icon="printer-outline",
                role="body",
                height=104,
                size_hint_x=None,
                width=px(300),
            )
            panel.add_widget(_beside(advice, button))
        elif entry.advice:
            panel.add_widget(advice)
        for act in entry.acts:
            answer = f"{place}:{act}"
            button = BarButton(
                self.say(f"service.{act}.button"),
                f"entry:{answer}",
                partial(self.actions.answer, answer),
                role="body",
                height=104,
            )
            panel.add_widget(button)
        return panel


def way(steps: list[str], here: int) -> str:
    """All steps in a line, the one that it stands at in brackets: 受理 → 【审核】 → 制卡."""
    return " → ".join(f"【{step}】" if at == here else step for at, step in enumerate(steps))


def _lines(rows: Iterable[str]) -> list[str]:
    """Rows, two on a line where both are short."""
    lines: list[str] = []
    for row in rows:
        if lines and _wide(lines[-1]) + _wide(row) <= LINE:
            lines[-1] += f"　{row}"
        else:
            lines.append(row)
    return lines


def _wide(text: str) -> int:
    """Width in halves of a Chinese character."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _beside(words: Text, beside: Widget) -> BoxLayout:
    """Words, and what stands to the right of them."""
    row = BoxLayout(size_hint_y=None, spacing=px(24))
    words.pos_hint = beside.pos_hint = {"center_y": 0.5}
    row.add_widget(words)
    row.add_widget(beside)

    def fit(*_: object) -> None:
        row.height = max(words.height, beside.height)

    words.bind(height=fit)
    fit()
    return row
