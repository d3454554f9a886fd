"""The two typefaces: Noto Sans SC for words and Material Design Icons for pictures.

Both come as Python packages, so every terminal shows the same glyphs. Noto Sans SC (OFL-1.1) is
the Simplified-Chinese face; the collections many systems carry would show Japanese forms, because
SDL_ttf always takes their first face. There is no bold: weight is said by size and colour.

Kivy has no font fallback. Noto Sans SC holds all characters of the common table and CJK extension
A, but few beyond (a name like 𠮷 needs another face); `covered` tells, so that a screen can say
what it cannot show instead of drawing an empty box.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from kivy.core.text import LabelBase

UI = "UI"
ICONS = "Icons"

#: Font name -> (package, file in it).
FILES = {
    UI: ("pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"),
    ICONS: ("fonticon_mdi7", "fonts/materialdesignicons-webfont.ttf"),
}


def resource(package: str, name: str) -> Path:
    """The path of a package's data file, in a checkout and in a PyInstaller bundle alike."""
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        return Path(bundle) / package / name
    # find_spec does not run the package: its __init__ may import what nobody here needs.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {package} with {name} is not installed")
    return Path(spec.origin).parent / name


def register() -> None:
    """Make both faces known to Kivy. Call once, before the first label."""
    for font, (package, name) in FILES.items():
        LabelBase.register(font, str(resource(package, name)))


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
    return resource("fonticon_mdi7", "mdi7.py").read_text("ascii")
