"""Which keys lie where, as data. No Kivy here.

A key is at least 90 x 96 reference pixels with 12 between keys (domain §4: 72 and 12; old fingers,
standing). Ten units of width are the most that fit: 10 x 94 + 9 x 12 = 1048 of 1080 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Between keys, and between the keyboard and the edges of the screen; reference px.
GAP: Final = 12
EDGE: Final = 16
#: Height of a whole keyboard, the same for all layers, so that nothing above it ever moves.
HEIGHT: Final = 606
#: Heights of the line with the typed letters and of the candidates, on layers that have them.
LETTERS_HEIGHT: Final = 46
CANDIDATES_HEIGHT: Final = 104

#: The same key again within this time is one touch by a trembling hand; typing is faster than
#: `theme.DEBOUNCE_S` (domain §4, EN 301 549 5.8 allows up to 0.5 s).
DEBOUNCE_S: Final = 0.12


@dataclass(frozen=True)
class Key:
    """One key. `name` is what it types, or "delete", "clear" or "layer:<name>"."""

    name: str
    #: In units of its layer.
    width: float = 1
    #: Id of the words on it; without it `name` itself is shown.
    words: str = ""
    icon: str = ""

    @property
    def tag(self) -> str:
        return self.name if self.name.startswith("layer:") else f"key:{self.name}"


@dataclass(frozen=True)
class Layer:
    """Rows of keys; None is an empty place half a unit wide. `composes`: letters become words."""

    rows: tuple[tuple[Key | None, ...], ...]
    composes: bool = False
    #: Role of the characters on the keys; few keys have room for large ones.
    role: str = "title"


def _keys(characters: str) -> tuple[Key, ...]:
    return tuple(Key(character) for character in characters)


def _delete(width: float) -> Key:
    return Key("delete", width, "keyboard.delete", "backspace-outline")


def _clear(width: float) -> Key:
    return Key("clear", width, "keyboard.clear")


def _layer(name: str, width: float) -> Key:
    return Key(f"layer:{name}", width, f"keyboard.layer.{name}")


LAYERS: Final[dict[str, Layer]] = {
    # Alone under a box for a number.
    "pad": Layer(
        (
            _keys("123"),
            _keys("456"),
            _keys("789"),
            (_clear(1), Key("0"), _delete(1)),
        )
    ),
    # Alone under a box for the end of an ID number, which may be an X.
    "id_pad": Layer(
        (
            _keys("123"),
            _keys("456"),
            _keys("789"),
            (_clear(0.75), Key("0", 0.75), Key("X", 0.75), _delete(0.75)),
        )
    ),
    # Under a box for a number on a door: digits, what stands beside them (B座, 甲3, 12-1, 101/102),
    # and the two words that stand instead of one. Other letters and words are behind keys.
    "house": Layer(
        (
            (*_keys("123AB甲"), Key("平房", 1.5)),
            (*_keys("456CD乙"), Key("底商", 1.5)),
            (*_keys("789-/丙"), Key("座", 0.75), Key("排", 0.75)),
            (
                _clear(1),
                Key("0"),
                _delete(1.6),
                _layer("letters", 1.2),
                Key("丁", 1),
                _layer("pinyin", 1.7),
            ),
        ),
        role="heading",
    ),
    # The other four are the layers of the Chinese keyboard.
    "pinyin": Layer(
        (
            _keys("qwertyuiop"),
            (None, *_keys("asdfghjkl"), None),
            (Key("'"), *_keys("zxcvbnm"), _delete(2)),
            (_layer("digits", 2.5), _layer("letters", 2.5), _layer("symbols", 2.5), _clear(2.5)),
        ),
        composes=True,
        role="heading",
    ),
    "digits": Layer(
        (
            (*_keys("123"), _delete(1)),
            (*_keys("456"), _clear(1)),
            (*_keys("789"), Key("-")),
            (_layer("pinyin", 1), Key("0"), _layer("letters", 1), _layer("symbols", 1)),
        )
    ),
    "letters": Layer(
        (
            _keys("QWERTYUIOP"),
            (None, *_keys("ASDFGHJKL"), None),
            (None, None, *_keys("ZXCVBNM"), _delete(2)),
            (_layer("pinyin", 2.5), _layer("digits", 2.5), _layer("symbols", 2.5), _clear(2.5)),
        ),
        role="heading",
    ),
    "symbols": Layer(
        (
            (*_keys("·-#"), _delete(1)),
            (*_keys("（）〇"), _clear(1)),
            (_layer("pinyin", 1), _layer("digits", 1), _layer("letters", 1)),
        )
    ),
}

#: `Field.keyboard` -> the layer it opens with.
FIRST_LAYER: Final = {"digits": "pad", "id_digits": "id_pad", "chinese": "pinyin", "house": "house"}


def layer_behind(key: str, first: str) -> str:
    """The layer that a key "layer:<name>" leads to. Digits lead back to the layer of the box."""
    name = key.removeprefix("layer:")
    return first if name == "digits" and first in LAYERS and first != "pinyin" else name
