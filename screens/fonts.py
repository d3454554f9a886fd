"""The two typefaces: Noto Sans SC for words and Material Design Icons for pictures.

Both come as Python packages, so every terminal shows the same glyphs. Noto Sans SC (OFL-1.1) is
the Simplified-Chinese face; the collections many systems carry would show Japanese forms, because
SDL_ttf always takes their first face. There is no bold: weight is said by size and colour.

Kivy has no font fallback. Noto Sans SC holds all characters of the common table and CJK extension
A, but few beyond (a name like 𠮷 needs another face); `covered` tells, so that a screen can say
what it cannot show instead of drawing an empty box.
"""

from __future__ import annotations

from functools import lru_cache

from kivy.core.text import LabelBase

from screens import typeface
from screens.resources import resource

UI = "UI"
ICONS = "Icons"

_ICONS = "fonticon_mdi7"


def register() -> None:
    """Make both faces known to Kivy. Call once, before the first label."""
    LabelBase.register(UI, str(typeface.path()))
    LabelBase.register(ICONS, str(resource(_ICONS, "fonts/materialdesignicons-webfont.ttf")))


@lru_cache(maxsize=256)
def icon(name: str) -> str:
    """The character of an icon, e.g. "card-account-details-outline". `KeyError` if unknown."""
    entry = f'\n    {name.replace("-", "_")} = "\\U'
    at = _table().find(entry) + len(entry)
    if at < len(entry):
        raise KeyError(f"no icon named {name}")
    return chr(int(_table()[at : at + 8], 16))


@lru_cache(maxsize=1)
def _table() -> str:
    """Names and characters of the icons: lines of `    name = "\\U000f01c9"`.

    The package's module is read, not imported: 7,000 constants would cost every start 30 ms and
    2 MB, for the thirty that are shown.
    """
    return resource(_ICONS, "mdi7.py").read_text("ascii")
