"""`Listing`: what an enquiry found, one panel an entry, a few to a page."""

from __future__ import annotations

from functools import partial

from kivy.uix.boxlayout import BoxLayout

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
        if not self.prompt.entries:
            self._entries.add_widget(Banner("info", self.says("empty")))
        self.primary(self.say("done.finish"), lambda: self.actions.answer(True), icon="check")
        self._show()

    def _show(self) -> None:
        self._entries.clear_widgets()
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
        panel = Panel(pad=32, spacing=px(12))
        panel.add_widget(Text(self.say(entry.title), role="heading"))
        panel.add_widget(StatusChip(entry.state, self.say(entry.word)))
        if entry.number:
            panel.add_widget(Text(f"{self.say('done.number')}  {grouped(entry.number)}"))
        for label, value in entry.rows:
            panel.add_widget(Text(f"{self.say(label)}  {self.say(value)}", role="small"))
        if entry.advice:
            panel.add_widget(Text(self.say(entry.advice)))
        if entry.number and self.prompt.prints:
            panel.add_widget(
                BarButton(
                    self.say("listing.print"),
                    f"entry:{place}",
                    lambda: self.actions.answer(str(place)),
                    icon="printer-outline",
                )
            )
        return panel
