"""`Form`: boxes to fill with the keyboard docked under them.

下一步 goes to the next box that has not been seen yet, and from the last one checks them all (what
stands aside is filled by who touches it): so the same button in the same place leads through the
page. A box that is wrong says why itself; what was typed into the others stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kivy.uix.floatlayout import FloatLayout

from kiosk.visit.flow import Unacceptable
from kiosk.visit.prompts import Field, Form
from screens import entry, theme
from screens.background import in_background
from screens.base import PromptScreen
from screens.entry import EntryBox
from screens.keyboard import layouts
from screens.keyboard.board import Keyboard
from screens.scale import px
from screens.widgets.surface import Column, Gap

if TYPE_CHECKING:
    from kiosk.keyboard.pinyin import Pinyin

#: Text roles of a box, as usual and when long: several boxes on a page, or one alone.
ROLES = (("heading", "small"), ("display", "heading"))


class FormScreen(PromptScreen[Form]):
    """Answers with {field name: text as typed}; the prompt normalises it."""

    def build(self) -> None:
        self.title()
        fields = self.prompt.fields
        self._alone = len(fields) == 1
        self._gone = False
        self._boxes = [self._box(place, field) for place, field in enumerate(fields)]
        self._active = 0
        filled = all(box.value or box.field.optional for box in self._boxes)
        #: Index of the last box that 下一步 leads to.
        self._last = max(place for place, one in enumerate(fields) if not one.aside)
        #: Index of the last box that was typed into or passed.
        self._furthest = len(fields) - 1 if filled else 0
        self._lay_out()
        self.primary(self.say("frame.next"), self._next, icon_after="arrow-right")
        if any(field.keyboard in ("chinese", "house") for field in fields):
            words = self.words.policy.place_words
            in_background(lambda: _load_dictionary(words), self._dictionary_read)
        self._turn_to(0)

    def _box(self, place: int, field: Field) -> EntryBox:
        known = self.suggestion or {}
        return EntryBox(
            field,
            known.get(field.name, field.initial),
            self.say(f"field.{field.name}.hint"),
            roles=ROLES[self._alone],
            touched=lambda: self._choose(place),
            changed=self.error.clear,
        )

    def _lay_out(self) -> None:
        column = Column(gap=14)
        for box in self._boxes:
            label = self.say(f"field.{box.field.name}.label")
            column.add_widget(entry.alone(label, box) if self._alone else entry.row(label, box))
        self.body.add_widget(column)
        self.body.add_widget(Gap())
        self._keyboard = Keyboard(self.say)
        self.body.add_widget(_Dock(self._keyboard))

    # -- going from box to box ---------------------------------------------------------------

    def _choose(self, place: int) -> None:
        """A touch on a box."""
        if place != self._active and self._may_leave():
            self._settle(self._active)
            self._turn_to(place)

    def _may_leave(self) -> bool:
        """Not while letters are typed that would be lost."""
        if not self._keyboard.composing:
            return True
        self._boxes[self._active].set_mark("wrong active", self.say("keyboard.choose_first"))
        return False

    def _settle(self, place: int) -> bool:
        """Mark a box that is left as right or wrong; an empty box is not yet wrong."""
        box = self._boxes[place]
        problem = self._problem(box)
        if problem is None:
            box.set_mark("right" if box.value else "rest")
        elif box.value:
            box.set_mark("wrong", problem)
        else:
            box.set_mark("rest")
        return problem is None

    def _problem(self, box: EntryBox) -> str | None:
        """What is wrong with a box, in words."""
        try:
            self.prompt.check_field(box.field, box.value)
        except Unacceptable as error:
            return self._words_of(error)
        return None

    def _words_of(self, error: Unacceptable) -> str:
        return self.say(error.message, **error.facts)

    def _turn_to(self, place: int) -> None:
        """Type into this box from now on."""
        self._active = place
        self._furthest = max(self._furthest, place)
        box = self._boxes[place]
        box.set_mark("wrong active" if box.error else "active", box.error)
        self._keyboard.serve(box.field.keyboard, box)

    def _next(self) -> None:
        if not self._may_leave():
            return
        box = self._boxes[self._active]
        problem = self._problem(box)
        if problem is not None:
            box.set_mark("wrong active", problem)
        elif self._furthest < self._last:
            self._settle(self._active)
            self._turn_to(self._furthest + 1)
        else:
            self._finish()

    def _finish(self) -> None:
        """Check every box; go to the first that is wrong, or answer."""
        self._settle(self._active)
        problems = [(place, self._problem(box)) for place, box in enumerate(self._boxes)]
        wrong = [(place, problem) for place, problem in problems if problem is not None]
        for place, problem in wrong:
            self._boxes[place].set_mark("wrong", problem)
        if wrong:
            self._turn_to(wrong[0][0])
        else:
            self.actions.answer({box.field.name: box.value for box in self._boxes})

    def show_error(self, error: Unacceptable) -> None:
        """What only the whole form can tell, e.g. that the second number differs."""
        for place, box in enumerate(self._boxes):
            if box.field.name == error.field:
                box.set_mark("wrong", self._words_of(error))
                self._turn_to(place)
                return
        super().show_error(error)

    # -- the dictionary ----------------------------------------------------------------------

    def _dictionary_read(self, result: Any) -> None:
        if self._gone:
            return
        from kiosk.keyboard.pinyin import NoDictionary

        if isinstance(result, NoDictionary):
            self._keyboard.no_words()
        elif isinstance(result, BaseException):
            raise result
        else:
            self._keyboard.use(result)

    def left(self) -> None:
        self._gone = True
        self._keyboard.wipe()
        for box in self._boxes:
            box.forget()


def _load_dictionary(place_words: tuple[tuple[str, str], ...]) -> Pinyin:
    # On a worker, and imported here: only an address needs it.
    from kiosk.keyboard.pinyin import load

    return load(place_words)


class _Dock(FloatLayout):
    """Room for the keyboard in the page, from which it sticks out to both edges of the screen:
    ten keys would not be wide enough between the page's margins."""

    def __init__(self, keyboard: Keyboard) -> None:
        super().__init__(size_hint_y=None, height=keyboard.height)
        self._keyboard = keyboard
        self.add_widget(keyboard)
        self.bind(pos=self._follow, size=self._follow)

    def _follow(self, *_: object) -> None:
        out = px(theme.MARGIN - layouts.EDGE)
        self._keyboard.width = self.width + 2 * out
        self._keyboard.pos = (self.x - out, self.y)
