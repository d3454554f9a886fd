"""`JudgePhoto`: the photo as it will be on the card; use it, or take it again."""

from __future__ import annotations

from kivy.uix.boxlayout import BoxLayout

from kiosk.prompts import JudgePhoto
from screens import theme
from screens.base import PromptScreen
from screens.picture import CardPicture
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.surface import Gap, Panel
from screens.widgets.text import Text


class JudgePhotoScreen(PromptScreen[JudgePhoto]):
    """The primary action is to use it; beside 重新拍照 stands how often that is still possible."""

    def build(self) -> None:
        self.title()
        panel = Panel(pad=40)
        self._picture = CardPicture(self.prompt.photo, 820)
        self._picture.pos_hint = {"center_x": 0.5}
        panel.add_widget(self._picture)
        self.body.add_widget(panel)
        left = self.prompt.tries_left
        line = self.say("judge_photo.left", tries=left) if left else self.say("judge_photo.last")
        self.body.add_widget(Gap())
        row = BoxLayout(size_hint_y=None, height=px(112), spacing=px(theme.GAP))
        row.add_widget(Text(line, colour=theme.INK_SOFT, pos_hint={"center_y": 0.5}))
        if left:
            row.add_widget(
                BarButton(
                    self.say("judge_photo.again"),
                    "again",
                    lambda: self.actions.answer("again"),
                    icon="camera-retake-outline",
                    role="body",
                    height=112,
                )
            )
        self.body.add_widget(row)
        self.primary(self.say("judge_photo.use"), lambda: self.actions.answer("use"), icon="check")

    def left(self) -> None:
        self._picture.drop()
