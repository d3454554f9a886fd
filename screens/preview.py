"""What the camera sees, mirrored, with an oval to put one's face in. Nothing is made prettier.

The oval follows the face up and down: who sits in a wheelchair and who is tall see it around their
own head, and are not made to fit the camera. Its size is that of a face at the right distance.

One texture is kept and written anew for each frame (a new one each time would leak on some
terminals, and never so on others); mirroring, turning the rows over and cropping are all done by
the coordinates at which the graphics card reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kivy.graphics import Color, Ellipse, Rectangle, SmoothLine
from kivy.graphics.texture import Texture
from kivy.uix.floatlayout import FloatLayout

from kiosk.photo.guidance import Phase
from screens import theme
from screens.scale import px
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kiosk.photo_session import View

#: The oval: height as a share of the preview's, width by height (a face is about 3 wide to 4
#: high), and where its middle lies above the bottom.
OVAL_HEIGHT, OVAL_SHAPE, OVAL_MIDDLE = 0.58, 0.75, 0.54
#: It goes this part of the way to the face with each frame, so that it does not tremble with it.
OVAL_FOLLOWS = 0.2
COUNT = 190


def cover(frame: tuple[int, int], view: tuple[float, float]) -> tuple[float, float, float, float]:
    """The part of a frame that fills a view without distortion: left, top, right, bottom in
    shares of the frame, the middle of it. Both sizes are (width, height)."""
    wide = view[0] / view[1]
    is_wide = frame[0] / frame[1]
    across = min(1.0, wide / is_wide)
    down = min(1.0, is_wide / wide)
    return ((1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2)


def mirrored(part: tuple[float, float, float, float]) -> tuple[float, ...]:
    """Texture coordinates (bottom left, bottom right, top right, top left of the widget) that show
    a part of a frame as a mirror does. The frame's first row is its top."""
    left, top, right, bottom = part
    return (right, bottom, left, bottom, left, top, right, top)


class Preview(FloatLayout):
    """The picture, the oval over it, and the numbers of the count-down."""

    def __init__(self) -> None:
        """Dark, with a camera on it, until the first frame."""
        super().__init__()
        self._texture: Texture | None = None
        #: Where the middle of the oval is above the bottom, share of the height.
        self._middle = OVAL_MIDDLE
        with self.canvas:
            # One layer and no more: each costs a software renderer 15 ms a frame at this size.
            self._tint = Color(*theme.HEADER)
            self._picture = Rectangle()
            # Dark under light, so that the oval is seen on white walls and on black hair.
            self._shade_colour = Color(*theme.faded(theme.HEADER, 0.0))
            self._shade = SmoothLine(width=px(9))
            self._oval_colour = Color(1, 1, 1, 0)
            self._oval = SmoothLine(width=px(4))
        middle = {"center_x": 0.5, "center_y": 0.5}
        self._icon = Icon("camera-outline", 160, theme.ON_DARK_SOFT, pos_hint=middle)
        self.add_widget(self._icon)
        self._count = _Count()
        self.bind(pos=self._follow, size=self._follow)

    def show(self, view: View) -> None:
        """Show a frame; its oval is green while nothing is wrong."""
        size = (view.width, view.height)
        if self._texture is None or self._texture.size != size:
            self._texture = Texture.create(size=size, colorfmt="rgb")
            self._texture.mag_filter = "linear"
            self._picture.texture = self._texture
            self._tint.rgba = (1, 1, 1, 1)
            self._shade_colour.a = 0.75
            self._follow()
            self.remove_widget(self._icon)
        self._texture.blit_buffer(view.rgb, colorfmt="rgb", bufferfmt="ubyte")
        right = view.guidance.phase is not Phase.PLACING
        self._oval_colour.rgba = OVAL_RIGHT if right else OVAL_USUAL
        self._follow_face(view)
        self.canvas.ask_update()

    def _follow_face(self, view: View) -> None:
        """Move the oval towards the height of the face, as far as it stays in the picture."""
        face, wanted = view.guidance.face, OVAL_MIDDLE
        if face is not None:
            _, top, _, bottom = cover((view.width, view.height), (self.width, self.height))
            down = (face[1] + face[3] / 2 - top) / (bottom - top)
            edge = OVAL_HEIGHT / 2
            wanted = min(max(1 - down, edge), 1 - edge)
        self._middle += (wanted - self._middle) * OVAL_FOLLOWS
        self._place_oval()

    def count(self, seconds: int) -> None:
        """Show a number over the picture; 0 takes it away."""
        self.remove_widget(self._count)
        if seconds:
            self._count.say(str(seconds))
            self.add_widget(self._count)

    def drop(self) -> None:
        """Let go of the picture."""
        self._picture.texture = None
        self._tint.rgba = theme.HEADER
        self._texture = None

    def _follow(self, *_: object) -> None:
        view = (max(1.0, self.width), max(1.0, self.height))
        self._picture.pos = self.pos
        self._picture.size = view
        if self._texture is not None:
            self._picture.tex_coords = mirrored(cover(self._texture.size, view))
        self._place_oval()

    def _place_oval(self) -> None:
        height = max(1.0, self.height) * OVAL_HEIGHT
        width = height * OVAL_SHAPE
        middle = self.y + self.height * self._middle
        oval = (self.center_x - width / 2, middle - height / 2, width, height)
        self._shade.ellipse = self._oval.ellipse = (*oval, 0, 360, 120)


#: Colour of the oval; what to do is said in words beside it.
OVAL_USUAL = theme.ON_DARK
OVAL_RIGHT = theme.rgb("#7BE0A0")


class _Count(FloatLayout):
    """A number on a dark disc, high up, where the lens is."""

    def __init__(self) -> None:
        super().__init__(
            size_hint=(None, None),
            size=(px(COUNT), px(COUNT)),
            pos_hint={"center_x": 0.5, "top": 0.985},
        )
        with self.canvas.before:
            Color(*theme.faded(theme.HEADER, 0.88))
            self._disc = Ellipse()
        self._number = Text(
            "",
            role="display",
            colour=theme.ON_DARK,
            wrap=False,
            pos_hint={"center_x": 0.5, "center_y": 0.5},
        )
        self.add_widget(self._number)
        self.bind(pos=self._follow)

    def say(self, text: str) -> None:
        self._number.say(text)

    def _follow(self, *_: object) -> None:
        self._disc.pos, self._disc.size = self.pos, self.size
