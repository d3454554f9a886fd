"""`PromptScreen`: what every screen of a visit has in common.

    +--------------------------------------+
    | header (the stage's): hall, net, 退出 |
    | progress strip (the stage's)         |
    |  title                               |
    |  lead                                |
    |  body                                |
    |  error line                          |
    |  [返回]             [primary action]  |
    +--------------------------------------+

The stage makes a screen for a prompt, shows it, passes it the events of the prompt's operation and
calls `leave` when the prompt is answered. A screen calls its `Actions`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from kivy.clock import Clock
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from kiosk.visit.prompts import PutBack
from screens import theme
from screens.scale import px
from screens.widgets.button import BarButton, Press, primary_button
from screens.widgets.status import ErrorLine
from screens.widgets.surface import Column
from screens.widgets.text import Text

if TYPE_CHECKING:
    from kivy.clock import ClockEvent

    from kiosk.records.staff import Staff
    from kiosk.visit.flow import Prompt, Unacceptable
    from kiosk.words import Words

P = TypeVar("P", bound="Prompt[Any]")


class Actions(Protocol):
    """What a screen may cause. All of it happens in the Kivy thread."""

    #: Whether the back button is shown.
    can_go_back: bool

    def answer(self, value: Any) -> None:
        """Answer the prompt. An unacceptable answer comes back through `show_error`."""

    def back(self) -> None: ...

    def revise(self, prompt_id: str) -> None:
        """Go back to one earlier prompt, keeping the other answers."""

    def cancel(self) -> None:
        """The citizen leaves."""

    def tell(self, word: str) -> None:
        """Say a word to the running operation, e.g. "now"."""

    def speak(self, message: str) -> None:
        """Speak the words of an id, if they have a clip."""

    def speaks(self, message: str) -> bool:
        """Whether the words of an id would be heard now."""

    def vouch(self, staff: str, pin: str, reason: str) -> Staff:
        """Have a member of staff checked, off the Kivy thread. Raises `StaffRefused`."""

    def enter_pin(self, digits: str) -> None:
        """Give the terminal the PIN of a card, and answer. One that is too easily guessed comes
        back through `show_error`."""

    def has_pin_pad(self) -> bool:
        """Whether a PIN is pressed on a PIN pad."""

    def pin_keys(self) -> str:
        """The ten digits in the order in which their keys stand."""

    def hush(self) -> None:
        """Stop speaking."""

    def touched(self) -> None:
        """Somebody is there (a touch does this by itself)."""


class Page(BoxLayout):
    """Head, body and foot of a page, and the way to forget it. Home and endings are pages too."""

    #: Whether a touch on nothing also means that somebody is there: not where citizens are.
    any_touch_counts = False

    def __init__(self, words: Words, back: Callable[[], None] | None = None) -> None:
        """`back` is what 返回 does; without it there is no such button."""
        super().__init__(orientation="vertical", spacing=px(theme.GAP))
        self.padding = (px(theme.MARGIN), px(theme.GAP), px(theme.MARGIN), px(32))
        self.words = words
        self._timers: list[ClockEvent] = []
        self._put_back = False
        self.head = Column(gap=12)
        self.body = BoxLayout(orientation="vertical", spacing=px(theme.GAP))
        self.error = ErrorLine()
        self.foot = BoxLayout(size_hint_y=None, height=px(theme.BUTTON), spacing=px(theme.GAP))
        for part in (self.head, self.body, self.error, self.foot):
            self.add_widget(part)
        self._left: Widget = Widget(size_hint_x=None, width=px(theme.BACK_WIDTH))
        self._right: Widget = Widget()
        self.foot.add_widget(self._left)
        self.foot.add_widget(self._right)
        if back is not None:
            self.secondary(self.say("frame.back"), "back", back, icon="arrow-left")

    def say(self, key: str, **facts: str | int) -> str:
        """Words by id."""
        return self.words.say(key, **facts)

    def title(self, text: str, lead: str = "") -> None:
        """What the page is about, and a sentence on it."""
        self.head.add_widget(Text(text, role="title"))
        if lead:
            self.head.add_widget(Text(lead, colour=theme.INK_SOFT))

    def primary(
        self, text: str, act: Callable[[], None], *, icon: str = "", icon_after: str = ""
    ) -> BarButton:
        """The one thing to do next, always at the bottom right."""
        button = primary_button(text, act, icon=icon, icon_after=icon_after)
        self.foot.remove_widget(self._right)
        self._right = button
        self.foot.add_widget(button)
        return button

    def secondary(
        self, text: str, tag: str, act: Callable[[], None], *, icon: str = ""
    ) -> BarButton:
        """The way back, always at the bottom left."""
        button = BarButton(text, tag, act, icon=icon, size_hint_x=None, width=px(theme.BACK_WIDTH))
        self.foot.remove_widget(self._left)
        self._left = button
        self.foot.add_widget(button, index=len(self.foot.children))
        return button

    def hide_foot(self) -> None:
        """Nothing can be pressed here."""
        self.foot.clear_widgets()

    def every(self, seconds: float, act: Callable[[float], None]) -> ClockEvent:
        """Call `act` again and again until the page is left."""
        event = Clock.schedule_interval(act, seconds)
        self._timers.append(event)
        return event

    def after(self, seconds: float, act: Callable[[float], None]) -> ClockEvent:
        """Call `act` once unless the page is left before."""
        event = Clock.schedule_once(act, seconds)
        self._timers.append(event)
        return event

    def pressed(self, key: str) -> None:
        """A key of the PIN pad; "": the pad has failed. In the Kivy thread."""

    def progress(self, event: Any) -> None:
        """The operation that the page waits for reports something. In the Kivy thread."""

    def reported(self, event: Any) -> None:
        """Show that a card was taken away too early, on whatever page; else `progress`."""
        if isinstance(event, PutBack):
            self.put_back(self.say("put_back.text", seconds=event.left_s))
            self._put_back = True
            return
        if self._put_back:
            self._put_back = False
            self.error.clear()
        self.progress(event)

    def put_back(self, words: str) -> None:
        """A card was taken away too early: ask for it. A page whose own words say otherwise then
        (正在读，请不要拿走卡) says it in their place."""
        self.error.show(words)

    def touched(self) -> None:
        """A finger pressed or drew something on the page."""

    def show_error(self, error: Unacceptable) -> None:
        """The answer was refused: say why, keep everything entered."""
        self.error.show(self.say(error.message, **error.facts))

    def left(self) -> None:
        """Drop what the subclass holds beyond its widgets (textures, entered text)."""

    def leave(self) -> None:
        """Forget everything shown: called once, by the stage, when the page goes."""
        for event in self._timers:
            event.cancel()
        self._timers.clear()
        self.left()
        for widget in list(self.walk(restrict=True)):
            if isinstance(widget, Press):
                widget.disarm()
            if isinstance(widget, Text):
                widget.say("")
        self.clear_widgets()


class PromptScreen(Page, Generic[P]):
    """A page for one prompt. Subclasses fill it in `build`."""

    def __init__(self, prompt: P, suggestion: Any, words: Words, actions: Actions) -> None:
        """`suggestion` is what was answered before, or None: what to show as already entered."""
        # Before the page is made: its words may need the prompt's facts.
        self.prompt = prompt
        self.suggestion = suggestion
        super().__init__(words, actions.back if actions.can_go_back else None)
        self.actions = actions
        self.build()

    def build(self) -> None:
        """Put the content in: `title`, `body`, `primary`."""
        raise NotImplementedError

    @property
    def facts(self) -> Mapping[str, str | int]:
        """Facts of the prompt for its words. A fact that is itself an id of words is said."""
        return {
            name: self.words.say(fact) if isinstance(fact, str) and self.words.has(fact) else fact
            for name, fact in getattr(self.prompt, "facts", {}).items()
        }

    def say(self, key: str, **facts: str | int) -> str:
        """Words by id, with the prompt's facts."""
        return self.words.say(key, **{**self.facts, **facts})

    def says(self, part: str, **facts: str | int) -> str:
        """The prompt's own words: `says("title")` are those of `<prompt id>.title`; "" if none."""
        key = f"{self.prompt.id}.{part}"
        return self.say(key, **facts) if self.words.has(key) else ""

    def title(self, text: str = "", lead: str = "") -> None:
        """Head of the page; by default the prompt's `.title` and `.text`."""
        super().title(text or self.say(f"{self.prompt.id}.title"), lead or self.says("text"))

    def leave(self) -> None:
        super().leave()
        self.suggestion = None
