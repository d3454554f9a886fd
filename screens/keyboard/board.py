"""The keyboard under a form: keys in layers, and for Chinese a bar of candidates over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from screens.keyboard import layouts
from screens.keyboard.candidates import CandidateBar
from screens.keyboard.composer import Composer
from screens.keyboard.layouts import Key
from screens.scale import px
from screens.widgets.button import BarButton

if TYPE_CHECKING:
    from kiosk.keyboard.pinyin import Pinyin


class Entry(Protocol):
    """What is typed into."""

    def insert(self, text: str) -> None: ...
    def delete(self) -> None:
        """Take away the last character."""

    def clear(self) -> None: ...


class Keyboard(BoxLayout):
    """One keyboard for all boxes of a form; `serve` turns it to one of them."""

    def __init__(self, say: Callable[..., str]) -> None:
        """`say` gives words by id."""
        super().__init__(orientation="vertical", spacing=px(layouts.GAP), size_hint=(None, None))
        self.height = px(layouts.HEIGHT)
        self._say = say
        self._entry: Entry | None = None
        self._composer = Composer()
        self._bar = CandidateBar(self._choose, self._more_words)
        self._trouble = ""
        self.layer = ""
        #: The layer that the box opened with.
        self._first = ""

    @property
    def composing(self) -> bool:
        """Whether letters are typed that are not yet a word."""
        return bool(self._composer.letters)

    def serve(self, kind: str, entry: Entry) -> None:
        """Type into `entry` from now on. `kind` is a `Field.keyboard`."""
        self._composer.clear()
        self._entry = entry
        self._first = layouts.FIRST_LAYER[kind]
        self._show_layer(self._first)

    def use(self, engine: Pinyin) -> None:
        """The dictionary has been read."""
        self._composer.use(engine)
        self._show_words()

    def no_words(self) -> None:
        """There is no dictionary: say so where the words would be."""
        self._trouble = self._say("keyboard.no_words")
        self._show_words()

    def wipe(self) -> None:
        """Forget what was typed."""
        self._entry = None
        self._composer.clear()
        self._bar.wipe()

    # -- keys --------------------------------------------------------------------------------

    def _show_layer(self, name: str) -> None:
        if name == self.layer:
            self._show_words()
            return
        self.layer = name
        layer = layouts.LAYERS[name]
        self._composer.clear()
        self.clear_widgets()
        if layer.composes:
            self.add_widget(self._bar)
            self._show_words()
        for row in layer.rows:
            line = BoxLayout(spacing=px(layouts.GAP))
            for key in row:
                line.add_widget(
                    self._key(key, layer.role) if key is not None else Widget(size_hint_x=0.5)
                )
            self.add_widget(line)

    def _key(self, key: Key, role: str) -> BarButton:
        return BarButton(
            self._say(key.words) if key.words else key.name,
            key.tag,
            lambda: self._press(key),
            look="secondary" if key.words else "key",
            icon=key.icon,
            role="body" if key.words else role,
            debounce_s=layouts.DEBOUNCE_S,
            size_hint_x=key.width,
            size_hint_y=1,
        )

    def _press(self, key: Key) -> None:
        if key.name.startswith("layer:"):
            self._show_layer(layouts.layer_behind(key.name, self._first))
        elif key.name == "clear":
            self._clear()
        elif key.name == "delete":
            self._delete()
        elif layouts.LAYERS[self.layer].composes:
            self._composer.type(key.name)
            self._show_words()
        elif self._entry is not None:
            self._entry.insert(key.name)

    def _delete(self) -> None:
        """Letters go before what is already written."""
        if self._composer.delete():
            self._show_words()
        elif self._entry is not None:
            self._entry.delete()

    def _clear(self) -> None:
        if self._composer.letters:
            self._composer.clear()
            self._show_words()
        elif self._entry is not None:
            self._entry.clear()

    # -- words -------------------------------------------------------------------------------

    def _choose(self, place: int) -> None:
        word = self._composer.choose(place)
        self._show_words()
        if self._entry is not None:
            self._entry.insert(word)

    def _more_words(self) -> list[str]:
        return self._composer.words if self._composer.more() else []

    def _show_words(self) -> None:
        if self._trouble:
            self._bar.say(self._trouble)
            return
        self._bar.show(self._composer.spelt, self._composer.words)
        if not self._composer.words:
            loading = self._composer.engine is None
            self._bar.say(self._say("keyboard.loading" if loading else "keyboard.nothing"))
