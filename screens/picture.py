"""The finished card photo as a widget. It is decoded from its bytes and dropped with the screen."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from kivy.core.image import Image as CoreImage
from kivy.graphics import Color, Rectangle
from kivy.uix.widget import Widget

from screens.scale import px

if TYPE_CHECKING:
    from kiosk.photo import CardPhoto

#: 358 x 441 pixels is the photo of the card (LD/T 32.5 and the third-generation photo standard).
SHAPE = 358 / 441


class CardPicture(Widget):
    """Shows the photo `height` reference pixels high."""

    def __init__(self, photo: CardPhoto, height: float) -> None:
        super().__init__(size_hint=(None, None), size=(px(height * SHAPE), px(height)))
        # nocache: a face must not stay in Kivy's image cache after the visit.
        picture = CoreImage(BytesIO(photo.jpeg), ext="jpg", nocache=True)
        with self.canvas:
            # Not Kivy's widget for pictures, which needs a stencil buffer (`screens.visual`).
            self._colour = Color(1, 1, 1, 1)
            self._picture = Rectangle(texture=picture.texture)
        self.bind(pos=self._follow, size=self._follow)

    def drop(self) -> None:
        """Let go of the picture."""
        self._picture.texture = None
        self._colour.a = 0

    def _follow(self, *_: object) -> None:
        self._picture.pos, self._picture.size = self.pos, self.size
