"""Every colour, size and distance of the interface, as data. No Kivy here, so tests read it alone.

Sizes are pixels of the reference screen, 1080 x 1920 on 21.5 inches (4 px to the millimetre);
`screens.scale` turns them into pixels of the actual window. The numbers follow domain §4:

| what         | rule                                  | here                             |
|--------------|---------------------------------------|----------------------------------|
| text         | body >= 32, titles >= 48, legal >= 28 | `TEXT`                           |
| line spacing | 1.3 to 1.5                            | `LINE_HEIGHT`                    |
| contrast     | text 7:1, icons 4.5:1                 | `READABLE` and `VISIBLE` pairs   |
| touch target | 72 high, 12 apart (18 mm, 3 mm)       | `TARGET`, `GAP`                  |
| double touch | same place within 300 ms is ignored   | `DEBOUNCE_S`, `NEAR`             |
"""

from __future__ import annotations

from typing import Final

Colour = tuple[float, float, float, float]


def rgb(code: str) -> Colour:
    """`#RRGGBB` as the four floats 0..1 that Kivy takes."""
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return (red, green, blue, 1.0)


def faded(colour: Colour, alpha: float) -> Colour:
    return (*colour[:3], alpha)


REFERENCE: Final = (1080, 1920)

# -- colours ---------------------------------------------------------------------------------

GROUND: Final = rgb("#F7F5F0")  # warm white, easy on old eyes
PANEL: Final = rgb("#FFFFFF")
LINE: Final = rgb("#C9D2D3")
INK: Final = rgb("#14252B")
INK_SOFT: Final = rgb("#384A50")
ON_DARK: Final = rgb("#FFFFFF")
ON_DARK_SOFT: Final = rgb("#D5E6E8")

PRIMARY: Final = rgb("#0B5360")  # deep civic blue-green: what to press
PRIMARY_PRESSED: Final = rgb("#073A44")
PRIMARY_TINT: Final = rgb("#E2EFF0")
HEADER: Final = rgb("#083F4A")
GOLD: Final = rgb("#C89B3C")  # ornament only, never carries meaning

DISABLED: Final = rgb("#ECEBE7")

OK: Final = rgb("#14532D")
OK_TINT: Final = rgb("#E3F2E8")
WAITING: Final = rgb("#5F3F00")
WAITING_TINT: Final = rgb("#FBF0D6")
TROUBLE: Final = rgb("#8A1717")
TROUBLE_TINT: Final = rgb("#FBE8E6")

#: A state -> (ink, tint, icon). Always shown with a word beside it, never by colour alone.
STATES: Final[dict[str, tuple[Colour, Colour, str]]] = {
    "ok": (OK, OK_TINT, "check-circle"),
    "waiting": (WAITING, WAITING_TINT, "clock-outline"),
    "trouble": (TROUBLE, TROUBLE_TINT, "alert-circle"),
    "info": (PRIMARY, PRIMARY_TINT, "information"),
    "off": (INK_SOFT, DISABLED, "minus-circle-outline"),
}

#: Text on its ground; each pair is tested for 7:1.
READABLE: Final[tuple[tuple[Colour, Colour], ...]] = (
    (INK, GROUND),
    (INK, PANEL),
    (INK, PRIMARY_TINT),
    (INK_SOFT, GROUND),
    (INK_SOFT, PANEL),
    (INK_SOFT, PRIMARY_TINT),
    (INK_SOFT, DISABLED),
    (PRIMARY, GROUND),
    (PRIMARY, PANEL),
    (PRIMARY, PRIMARY_TINT),
    (ON_DARK, PRIMARY),
    (ON_DARK, PRIMARY_PRESSED),
    (ON_DARK, HEADER),
    (ON_DARK_SOFT, HEADER),
    *((ink, tint) for ink, tint, _ in STATES.values()),
    *((ink, PANEL) for ink, _, _ in STATES.values()),
    *((ink, GROUND) for ink, _, _ in STATES.values()),
)

# -- sizes -----------------------------------------------------------------------------------

#: Roles of text, reference px. Few on purpose: each size is a font held in memory.
TEXT: Final[dict[str, float]] = {
    "display": 92,
    "title": 62,
    "heading": 46,
    "body": 38,
    "small": 32,
    "legal": 28,
}
LINE_HEIGHT: Final = 1.0  # of the face's own 1.45 em, which is within domain §4's 1.3 to 1.5
#: 长者模式 multiplies text by this.
ELDER: Final = 1.3

TARGET: Final = 72  # least height of anything that can be touched
BUTTON: Final = 132
OPTION: Final = 168
GAP: Final = 24
MARGIN: Final = 56
RADIUS: Final = 20
BORDER: Final = 3
HEADER_HEIGHT: Final = 136
STRIP_HEIGHT: Final = 132
BACK_WIDTH: Final = 300
LEAVE_WIDTH: Final = 188
CORNER: Final = 120  # the hidden corners of the home screen

DEBOUNCE_S: Final = 0.3
NEAR: Final = 96  # two touches of a trembling hand are less than this apart
UNASKED_S: Final = 0.15  # a page that came by itself takes no touch for this long


def luminance(colour: Colour) -> float:
    """Relative luminance of an opaque colour, 0..1 (WCAG 2.2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio of two opaque colours, 1..21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
