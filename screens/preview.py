"""What the camera sees, mirrored, with an oval to put one's face in. Nothing is made prettier.

The oval follows the face up and down: who sits in a wheelchair and who is tall see it around their
own head, and are not made to fit the camera. Its size is that of a face at the right distance.

One texture is kept and written again with each frame (some graphics drivers leak memory when a new
one is made each time). Only the part of a frame that is seen goes into it; mirroring
and turning the rows over are done by the coordinates at which it is read. It is the largest thing
on any page, so it is drawn in the way that costs a software renderer least: opaque, in the order of
bytes that its fast way knows (`screens.visual`), by a shader that does nothing but look it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kivy.graphics import Callback, Color, Ellipse, Rectangle, RenderContext, SmoothLine
from kivy.graphics.opengl import GL_BLEND, glDisable, glEnable
from kivy.graphics.opengl_utils import gl_get_texture_formats
from kivy.graphics.texture import Texture
from kivy.uix.floatlayout import FloatLayout

from kiosk.photo.guidance import Phase
from screens import theme
from screens.scale import px
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kiosk.operations.camera import View

#: The oval: height as a share of the preview's, width by height (a face is about 3 wide to 4
#: high), and where its middle lies above the bottom.
OVAL_HEIGHT, OVAL_SHAPE, OVAL_MIDDLE = 0.58, 0.75, 0.54
#: It goes this part of the way to the face with each frame, so that it does not tremble with it.
OVAL_FOLLOWS = 0.2
COUNT = 190

#: The order of a pixel's bytes in the texture.
_ORDER = "bgra" if "bgra" in gl_get_texture_formats() else "rgba"
#: Fragment shader of the picture. Kivy's multiplies each pixel by a colour, too.
_LOOK_UP = "$HEADER$\nvoid main(void) { gl_FragColor = texture2D(texture0, tex_coord0); }"


Box = tuple[int, int, int, int]


def cover(frame: tuple[int, int], view: tuple[float, float]) -> Box:
    """The part of a frame that fills a view without distortion, the middle of it: left, top, right,
    bottom, pixels of the frame. Both sizes are (width, height)."""
    wide, high = frame
    shape = view[0] / view[1]
    across = min(wide, max(1, round(high * shape)))
    down = min(high, max(1, round(wide / shape)))
    left, top = (wide - across) // 2, (high - down) // 2
    return (left, top, left + across, top + down)


#: Texture coordinates (bottom left, bottom right, top right, top left of the widget) that show a
#: frame as a mirror does; its first row is its top.
MIRRORED = (1, 1, 0, 1, 0, 0, 1, 0)
#: The same, that show it as it is, so that print can be read.
PLAIN = (0, 1, 1, 1, 1, 0, 0, 0)


class Frame(Protocol):
    """One picture of a camera."""

    @property
    def rgb(self) -> bytes | memoryview: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


class Picture(FloatLayout):
    """The picture: as a mirror, filling its place, or plain and all of it."""

    def __init__(self, coordinates: tuple[int, ...] = MIRRORED) -> None:
        """Dark, with a camera on it, until the first frame."""
        super().__init__()
        self._texture: Texture | None = None
        self._coordinates = coordinates
        self._shape = (16, 9)
        plain = RenderContext(use_parent_projection=True, use_parent_modelview=True)
        plain.shader.fs = _LOOK_UP
        with plain:
            Callback(lambda _: glDisable(GL_BLEND))
            self._picture = Rectangle(texture=_dark(), tex_coords=coordinates)
            Callback(lambda _: glEnable(GL_BLEND))
        self.canvas.add(plain)
        middle = {"center_x": 0.5, "center_y": 0.5}
        self._icon = Icon("camera-outline", 160, theme.ON_DARK_SOFT, pos_hint=middle)
        self.add_widget(self._icon)
        self.bind(pos=self._follow, size=self._follow)

    def show(self, view: Frame) -> None:
        """Show a frame."""
        if self._shape != (view.width, view.height):
            self._shape = (view.width, view.height)
            self._follow()
        self._write(view)
        self.remove_widget(self._icon)
        self.canvas.ask_update()

    def _write(self, view: Frame) -> None:
        """Put what is seen of a frame into the texture."""
        # The camera's driver has loaded both when there is a frame.
        import cv2
        import numpy as np

        left, top, right, bottom = self._seen(view)
        size = (right - left, bottom - top)
        if self._texture is None or self._texture.size != size:
            self._texture = self._picture.texture = Texture.create(size=size, colorfmt=_ORDER)
            self._picture.tex_coords = self._coordinates
        frame = np.frombuffer(view.rgb, np.uint8).reshape(view.height, view.width, 3)
        way = cv2.COLOR_RGB2BGRA if _ORDER == "bgra" else cv2.COLOR_RGB2RGBA
        pixels = cv2.cvtColor(frame[top:bottom, left:right], way)
        self._texture.blit_buffer(pixels.reshape(-1).data, colorfmt=_ORDER, bufferfmt="ubyte")

    def _seen(self, view: Frame) -> Box:
        if self._coordinates == PLAIN:
            return (0, 0, view.width, view.height)
        return cover((view.width, view.height), self._view)

    @property
    def _view(self) -> tuple[float, float]:
        return (max(1.0, self.width), max(1.0, self.height))

    def drop(self) -> None:
        """Let go of the picture."""
        self._picture.texture = _dark()
        self._texture = None

    def _follow(self, *_: object) -> None:
        wide, high = self._view
        if self._coordinates == PLAIN:
            # All of the frame, in the middle of its place.
            scale = min(wide / self._shape[0], high / self._shape[1])
            wide, high = self._shape[0] * scale, self._shape[1] * scale
        self._picture.size = (wide, high)
        self._picture.pos = (self.center_x - wide / 2, self.center_y - high / 2)


class Preview(Picture):
    """A mirror, the oval over it, and the numbers of the count-down."""

    def __init__(self) -> None:
        super().__init__()
        #: Where the middle of the oval is above the bottom, share of the height.
        self._middle = OVAL_MIDDLE
        with self.canvas:
            # Dark under light, so that the oval is seen on white walls and on black hair.
            self._shade_colour = Color(*theme.faded(theme.HEADER, 0.0))
            self._shade = SmoothLine(width=px(9))
            self._oval_colour = Color(1, 1, 1, 0)
            self._oval = SmoothLine(width=px(4))
        self._count = _Count()

    def show(self, view: View) -> None:  # type: ignore[override]
        """Show a frame; its oval is green while nothing is wrong."""
        super().show(view)
        self._shade_colour.a = 0.75
        right = view.guidance.phase is not Phase.PLACING
        self._oval_colour.rgba = OVAL_RIGHT if right else OVAL_USUAL
        self._follow_face(view)

    def _follow_face(self, view: View) -> None:
        """Move the oval towards the height of the face, as far as it stays in the picture."""
        face, wanted = view.guidance.face, OVAL_MIDDLE
        if face is not None:
            _, top, _, bottom = cover((view.width, view.height), self._view)
            down = ((face[1] + face[3] / 2) * view.height - top) / (bottom - top)
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

    def _follow(self, *_: object) -> None:
        super()._follow()
        self._place_oval()

    def _place_oval(self) -> None:
        height = max(1.0, self.height) * OVAL_HEIGHT
        width = height * OVAL_SHAPE
        middle = self.y + self.height * self._middle
        oval = (self.center_x - width / 2, middle - height / 2, width, height)
        self._shade.ellipse = self._oval.ellipse = (*oval, 0, 360, 120)


def _dark() -> Texture:
    """What is shown while there is no frame."""
    texture = Texture.create(size=(1, 1), colorfmt="rgba")
    pixel = bytes(round(part * 255) for part in theme.HEADER)
    texture.blit_buffer(pixel, colorfmt="rgba", bufferfmt="ubyte")
    return texture


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
