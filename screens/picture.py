"""The finished card photo as a widget. It is decoded from its bytes and dropped with the screen."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from kivy.core.image import Image as CoreImage
from kivy.uix.image import Image

from screens.scale import px

if TYPE_CHECKING:
    from kiosk.photo import CardPhoto

#: 358 x 441 pixels is the photo of the card (LD/T 32.5 and the third-generation photo standard).
SHAPE = 358 / 441


class CardPicture(Image):
    """Shows the photo `height` reference pixels high."""

    def __init__(self, photo: CardPhoto, height: float) -> None:
        # nocache: a face must not stay in Kivy's image cache after the visit.
        picture = CoreImage(BytesIO(photo.jpeg), ext="jpg", nocache=True)
        super().__init__(
            texture=picture.texture,
            size_hint=(None, None),
            size=(px(height * SHAPE), px(height)),
            fit_mode="contain",
        )

    def drop(self) -> None:
        """Let go of the texture."""
        self.texture = None
