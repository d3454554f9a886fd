"""What must hold on every page, read off the widgets: the stand-in for an accessibility layer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from kivy.core.window import Window
from kivy.graphics import StencilPush
from kivy.graphics.instructions import Instruction, InstructionGroup
from kivy.uix.label import Label
from kivy.uix.scrollview import ScrollView
from kivy.uix.widget import Widget

from screens import theme
from screens.scale import px
from screens.widgets.button import Press
from screens.widgets.text import Icon, Text


def shown(root: Widget) -> list[Widget]:
    """What is in the window and has not been scrolled out of sight."""
    there = [w for w in root.walk(restrict=True) if w.get_root_window() is not None]
    return [w for w in there if box(w)[1] <= box(w)[3]]


def box(widget: Widget) -> tuple[float, float, float, float]:
    """Left, bottom, right, top in the window of what can be seen of a widget."""
    x, y = widget.to_window(widget.x, widget.y)
    bottom, top = y, y + widget.height
    above = widget.parent
    while isinstance(above, Widget):
        if isinstance(above, ScrollView):
            _, low = above.to_window(above.x, above.y)
            bottom, top = max(bottom, low), min(top, low + above.height)
        above = above.parent
    return (x, bottom, x + widget.width, top)


def _inside(inner: Widget, outer: tuple[float, float, float, float]) -> bool:
    left, bottom, right, top = box(inner)
    return (
        left >= outer[0] - 1
        and bottom >= outer[1] - 1
        and right <= outer[2] + 1
        and top <= outer[3] + 1
    )


def _gap(one: Widget, other: Widget) -> float:
    """Distance of two boxes along the axis that divides them; negative if they overlap."""
    a, b = box(one), box(other)
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])


def faults(root: Widget) -> list[str]:
    """Everything on the page that breaks a rule of domain §4, in words."""
    presses = [w for w in shown(root) if isinstance(w, Press)]
    labels = [w for w in shown(root) if isinstance(w, Label) and w.text]
    return [
        *_targets(presses),
        *(f"{type(w).__name__} needs a stencil buffer" for w in root.walk() if _stencils(w.canvas)),
        *(fault for label in labels for fault in _label(label)),
        *(
            f"{_name(one)} lies on {_name(other)}"
            for one, other in combinations(labels, 2)
            if _gap(one, other) < -2
        ),
    ]


def _stencils(instruction: Instruction) -> bool:
    """Whether the window would need what it may not have (`screens.visual`)."""
    if isinstance(instruction, InstructionGroup):
        return any(_stencils(child) for child in instruction.children)
    return isinstance(instruction, StencilPush)


def _name(label: Label) -> str:
    return f"icon {label.name}" if isinstance(label, Icon) else repr(label.text[:12])


def _picture_inside(text: Text) -> bool:
    x, y = text._picture.pos
    wide, high = text._picture.size
    return (
        x >= text.x - 1
        and y >= text.y - 1
        and x + wide <= text.right + 1
        and y + high <= text.top + 1
    )


def _window() -> tuple[float, float, float, float]:
    return (0.0, 0.0, float(Window.width), float(Window.height))


def _targets(presses: list[Press]) -> Iterator[str]:
    """Large enough, in the window, and apart from one another."""
    least = px(theme.TARGET) - 0.5
    for press in presses:
        if press.height < least or press.width < least:
            yield f"{press.tag}: {press.width:.0f}x{press.height:.0f} is too small"
        if not _inside(press, _window()):
            yield f"{press.tag}: outside the window"
    for one, other in combinations(presses, 2):
        if _gap(one, other) < px(12) - 1:
            yield f"{one.tag} and {other.tag}: {_gap(one, other):.0f} apart"


def _label(label: Label) -> Iterator[str]:
    """In the window; words also large enough, whole, and inside what they lie on."""
    name = _name(label)
    if not _inside(label, _window()):
        yield f"{name}: outside the window"
    if isinstance(label, Icon):
        return
    if "{" in label.text:
        yield f"{name}: a fact is missing"
    if label.font_size < px(28) - 0.5:
        yield f"{name}: font {label.font_size:.0f} is too small"
    if label.texture_size[0] > label.width + 1 or label.texture_size[1] > label.height + 1:
        yield f"{name}: {label.texture_size} does not fit {label.size}"
    if isinstance(label, Text) and not _picture_inside(label):
        yield f"{name}: its picture is not where the widget is"
    if label.parent is not None and not _inside(label, box(label.parent)):
        yield f"{name}: sticks out of its {type(label.parent).__name__}"
