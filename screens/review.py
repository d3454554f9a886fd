"""`Review`: everything that will be signed, on one page, with 修改 where it can be changed."""

from __future__ import annotations

from kivy.uix.boxlayout import BoxLayout

from kiosk.visit.prompts import Review, Row
from screens import theme
from screens.base import PromptScreen
from screens.picture import CardPicture
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.surface import Column, Gap, Panel, Rule
from screens.widgets.text import Text

PHOTO_HEIGHT = 360
#: From so many rows that can be changed on they stand closer.
MANY = 7
LABEL_WIDTH = 160


class ReviewScreen(PromptScreen[Review]):
    """What comes from the chip stands beside the photo, with a lock; the rest can be changed."""

    def build(self) -> None:
        self._picture: CardPicture | None = None
        self.title()
        fixed = [row for row in self.prompt.rows if not row.revise]
        open_ = [row for row in self.prompt.rows if row.revise]
        if fixed or self.prompt.photo is not None:
            self.body.add_widget(self._fixed(fixed))
        if open_:
            self.body.add_widget(self._open(open_))
        self.body.add_widget(Gap())
        self.primary(
            self.says("confirm") or self.say("frame.confirm"),
            lambda: self.actions.answer(True),
            icon="check",
        )

    def _fixed(self, rows: list[Row]) -> Panel:
        many = len(self.prompt.rows) - len(rows) >= MANY
        panel = Panel(pad=12 if many else 32, orientation="horizontal", spacing=px(28))
        column = Column(gap=0 if many else 6, pos_hint={"top": 1})
        for row in rows:
            column.add_widget(self._line(row))
        panel.add_widget(column)
        if self.prompt.photo is not None:
            self._picture = CardPicture(self.prompt.photo, PHOTO_HEIGHT - 60 * many)
            self._picture.pos_hint = {"center_y": 0.5}
            panel.add_widget(self._picture)
        return panel

    def _open(self, rows: list[Row]) -> Panel:
        many = len(rows) >= MANY
        panel = Panel(pad=12 if many else 28, spacing=px(6))
        for place, row in enumerate(rows):
            if place:
                panel.add_widget(Rule())
            panel.add_widget(self._line(row))
        return panel

    def _line(self, row: Row) -> BoxLayout:
        line = BoxLayout(size_hint_y=None, spacing=px(20))
        label = Text(self.say(row.label), role="small", colour=theme.INK_SOFT)
        label.size_hint_x, label.width = None, px(LABEL_WIDTH)
        label.pos_hint = {"center_y": 0.5}
        value = Text(self.words.name(row.value), pos_hint={"center_y": 0.5})
        line.add_widget(label)
        line.add_widget(value)
        least = px(60)
        if row.revise:
            line.add_widget(self._change(row.revise))
            least = px(84)

        def fit(*_: object) -> None:
            line.height = max(least, value.height, label.height)

        value.bind(height=fit)
        label.bind(height=fit)
        fit()
        return line

    def _change(self, prompt_id: str) -> BarButton:
        return BarButton(
            self.say("frame.change"),
            f"row:{prompt_id}",
            lambda: self.actions.revise(prompt_id),
            role="small",
            icon="pencil-outline",
            height=80,
            size_hint_x=None,
            width=px(190),
            pos_hint={"center_y": 0.5},
        )

    def left(self) -> None:
        if self._picture is not None:
            self._picture.drop()
