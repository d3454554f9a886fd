"""What has been typed but is not yet a word, and the words it may become. No Kivy here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.keyboard.place_words import QUICK_WORDS

if TYPE_CHECKING:
    from kiosk.keyboard.pinyin import Candidate, Pinyin

#: More letters than the longest place name needs are not taken.
LONGEST = 36

#: So many candidates are looked up at first, and four times as many each time more are asked for:
#: the rarest character of a sound (some have 280) is a few pages away, and none costs a key press
#: more than it must.
FIRST, FACTOR = 64, 4


class Composer:
    """Typed letters against one engine. Without letters it offers the words of every address."""

    def __init__(self) -> None:
        #: None until the dictionary has been read.
        self.engine: Pinyin | None = None
        self.letters = ""
        self._found: list[Candidate] = []
        self._limit = FIRST

    @property
    def spelt(self) -> str:
        """The letters as they are read, "tang'shan"."""
        return self.engine.spell(self.letters) if self.engine is not None else self.letters

    @property
    def words(self) -> list[str]:
        """What can be chosen now, the likeliest first."""
        if self.letters:
            return [found.text for found in self._found]
        return list(QUICK_WORDS)

    def type(self, letter: str) -> None:
        """One letter or apostrophe more."""
        if len(self.letters) < LONGEST and not (letter == "'" and not self.letters):
            self._look_up(self.letters + letter)

    def delete(self) -> bool:
        """Take back the last letter; False if there was none."""
        if not self.letters:
            return False
        self._look_up(self.letters[:-1])
        return True

    def choose(self, place: int) -> str:
        """Take the word at a place of `words`; letters it does not stand for stay typed."""
        if not self.letters:
            return QUICK_WORDS[place]
        chosen = self._found[place]
        self._look_up(self.letters[chosen.used_letters :].lstrip("'"))
        return chosen.text

    def more(self) -> bool:
        """Look up more words for the same letters; False if there are no more."""
        if self.engine is None or not self.letters:
            return False
        self._limit *= FACTOR
        known = len(self._found)
        self._found = self.engine.candidates(self.letters, self._limit)
        return len(self._found) > known

    def clear(self) -> None:
        self._look_up("")

    def use(self, engine: Pinyin) -> None:
        """The dictionary is there: look up what was typed meanwhile."""
        self.engine = engine
        self._look_up(self.letters)

    def _look_up(self, letters: str) -> None:
        self.letters = letters
        self._limit = FIRST
        self._found = self.engine.candidates(letters, FIRST) if self.engine is not None else []
