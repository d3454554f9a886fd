"""`Sign`: the signature under what was reviewed, drawn with a finger.

The pad has the shape of the picture that is kept (900 x 360), so that a signature looks the same
on the form as it was drawn. A signature is never filled in again: after Back the citizen signs
anew what they see now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kivy.graphics import Color, Rectangle, SmoothLine
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.widget import Widget

from kiosk.clock import beijing_now
from kiosk.records.signature import Strokes
from kiosk.visit.prompts import Sign
from screens import theme
from screens.base import PromptScreen
from screens.ink import Ink, Point, piece, pieces, thousandths
from screens.scale import px
from screens.widgets.button import BarButton
from screens.widgets.coat import Coat
from screens.widgets.surface import Gap, Panel
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from kivy.input import MotionEvent

#: Width of the pad by its height.
SHAPE = 900 / 360
PEN = 4.5
#: Points nearer than this to the last one are left out, reference px: a resting finger trembles.
LEAST_MOVE = 3
#: Where the line to sign on lies, as a share of the pad's height, and its margin to the sides.
BASE_LINE, BASE_MARGIN = 0.2, 40


class SignScreen(PromptScreen[Sign]):
    """Answers with `Strokes`; an empty pad is refused by the prompt and said so."""

    def build(self) -> None:
        self.title()
        who = Panel(orientation="horizontal", pad=28)
        who.add_widget(Icon("file-sign", 64, pos_hint={"center_y": 0.5}))
        name = Text(
            self.say("sign.name", name=self.prompt.name),
            role="heading",
            pos_hint={"center_y": 0.5},
        )
        who.add_widget(name)
        self.body.add_widget(who)
        self.body.add_widget(Gap())
        self.pad = SignaturePad(self.say("sign.here"), self.error.clear)
        self.body.add_widget(self.pad)
        self.body.add_widget(self._tools())
        self.body.add_widget(Gap())
        self.primary(self.say("sign.confirm"), self._confirm, icon="check")

    def _tools(self) -> BoxLayout:
        row = BoxLayout(size_hint_y=None, height=px(104))
        row.add_widget(Widget())
        row.add_widget(
            BarButton(
                self.say("sign.again"),
                "again",
                self._again,
                icon="eraser",
                role="body",
                height=104,
                size_hint_x=None,
                width=px(360),
            )
        )
        return row

    def _again(self) -> None:
        self.error.clear()
        self.pad.wipe()

    def _confirm(self) -> None:
        self.actions.answer(Strokes(self.pad.lines(), beijing_now()))

    def left(self) -> None:
        self.pad.wipe()


class SignaturePad(FloatLayout):
    """White paper with a line to sign on. `begun` is called at each stroke."""

    tag = "pad"

    def __init__(self, hint: str, begun: Callable[[], None]) -> None:
        super().__init__(size_hint_y=None)
        self._begun = begun
        self._ink = Ink(px(LEAST_MOVE))
        #: The pieces of every stroke's curve as they are drawn.
        self._drawn: list[list[SmoothLine]] = []
        #: The finger that draws; a second one, or the heel of the hand, draws nothing.
        self._finger: object = None
        Coat(self, theme.PANEL, theme.PRIMARY)
        with self.canvas.before:
            Color(*theme.LINE)
            self._line = Rectangle()
        self._hint = Text(
            hint, colour=theme.INK_SOFT, wrap=False, pos_hint={"center_x": 0.5, "center_y": 0.5}
        )
        self.add_widget(self._hint)
        self.bind(width=self._shape, pos=self._follow, size=self._follow)

    def lines(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """The strokes in thousandths of the pad, origin top left."""
        return tuple(
            tuple(thousandths(point, self.width, self.height) for point in stroke)
            for stroke in self._ink.strokes
        )

    def wipe(self) -> None:
        """An empty pad."""
        # Only the ink lies there.
        self.canvas.after.clear()
        self._drawn.clear()
        self._ink.wipe()
        self._finger = None
        self._hint.opacity = 1

    # -- the finger --------------------------------------------------------------------------

    def on_touch_down(self, touch: MotionEvent) -> bool:
        if not self.collide_point(*touch.pos):
            return False
        if self._finger is None:
            self._finger = touch.uid
            touch.grab(self)
            self._begun()
            self._hint.opacity = 0
            self._ink.begin(self._place(touch))
            self._draw()
        return True

    def on_touch_move(self, touch: MotionEvent) -> bool:
        if touch.grab_current is not self:
            return False
        if self._ink.move(self._place(touch)):
            self._draw()
        return True

    def on_touch_up(self, touch: MotionEvent) -> bool:
        if touch.grab_current is not self:
            return False
        touch.ungrab(self)
        self._finger = None
        return True

    def _place(self, touch: MotionEvent) -> Point:
        """Where the finger is on the pad; a stroke over the edge runs along it."""
        edge = px(PEN)
        return (
            min(max(touch.x - self.x, edge), self.width - edge),
            min(max(touch.y - self.y, edge), self.height - edge),
        )

    # -- how it looks ------------------------------------------------------------------------

    def _draw(self) -> None:
        """Show the newest stroke: only its last pieces, for the others stay as they are."""
        strokes = self._ink.strokes
        if sum(map(len, self._drawn)) > sum(map(pieces, strokes)):
            # Points were left out of every stroke.
            self.canvas.after.clear()
            self._drawn.clear()
        while len(self._drawn) < len(strokes):
            self._drawn.append([])
        for stroke, drawn in zip(strokes, self._drawn, strict=True):
            if stroke is strokes[-1] or not drawn:
                self._draw_stroke(stroke, drawn)

    def _draw_stroke(self, stroke: list[Point], drawn: list[SmoothLine]) -> None:
        if len(stroke) == 1:
            # A touch without movement is a dot, as with a pen.
            x, y = stroke[0]
            stroke = [(x - px(PEN), y), (x + px(PEN), y)]
        # The piece before the last one still bends with the newest point.
        for number in range(max(0, len(drawn) - 2), pieces(stroke)):
            if number == len(drawn):
                with self.canvas.after:
                    Color(*theme.INK)
                    drawn.append(SmoothLine(width=px(PEN)))
            curve = piece(stroke, number)
            curve[::2] = [x + self.x for x in curve[::2]]
            curve[1::2] = [y + self.y for y in curve[1::2]]
            drawn[number].points = curve

    def _shape(self, *_: object) -> None:
        self.height = self.width / SHAPE

    def _follow(self, *_: object) -> None:
        margin = px(BASE_MARGIN)
        self._line.pos = (self.x + margin, self.y + self.height * BASE_LINE)
        self._line.size = (max(0.0, self.width - 2 * margin), px(3))
