"""The theme keeps the numbers it promises (domain §4)."""

from __future__ import annotations

import pytest

from screens import theme


def test_contrast_of_black_on_white_is_21() -> None:
    assert theme.contrast(theme.rgb("#000000"), theme.rgb("#FFFFFF")) == pytest.approx(21)


@pytest.mark.parametrize(("ink", "ground"), theme.READABLE)
def test_text_has_contrast_of_seven(ink: theme.Colour, ground: theme.Colour) -> None:
    assert theme.contrast(ink, ground) >= 7


def test_sizes_are_not_below_what_old_eyes_need() -> None:
    assert min(theme.TEXT.values()) >= 28
    assert theme.TEXT["body"] >= 32
    assert theme.TEXT["title"] >= 48
    assert theme.TARGET >= 72
    assert theme.GAP >= 12
