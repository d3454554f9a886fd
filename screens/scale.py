"""From the theme's reference pixels to pixels of this window.

Kivy's own metrics carry the scale, so there is no state of ours: `dp` is one reference pixel, `sp`
one reference pixel of text, which 长者模式 enlarges. `fit` sets both, once, before a screen is
built. After a change the screen has to be built again.
"""

from __future__ import annotations

from kivy.metrics import Metrics, dp, sp

from screens import theme


def fit(width: float, height: float, *, elder: bool = False) -> float:
    """Scale the layout to a window of this size in pixels; returns the unit."""
    wide, high = theme.REFERENCE
    unit = min(width / wide, height / high)
    # The dpi would otherwise come from the screen's EDID and change the layout with the monitor.
    Metrics.dpi = 96
    Metrics.density = unit
    Metrics.fontscale = theme.ELDER if elder else 1.0
    return unit


def px(reference: float) -> float:
    """A length of the reference screen in pixels of this window."""
    return float(dp(reference))


def text_px(role: str) -> float:
    """The font size of a role of text (`theme.TEXT`) in pixels of this window."""
    return float(sp(theme.TEXT[role]))
