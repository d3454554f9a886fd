"""The theme keeps the numbers it promises (domain §4)."""

from __future__ import annotations

import pytest

from screens import theme
from screens.widgets.wrapping import CLOSING, OPENING, units, wrap


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


@pytest.mark.parametrize(
    "text",
    [
        "请将居民身份证平放在感应区，读取期间请不要拿开。（约 3 秒）",
        "受理编号 1302-0001-2026 请妥善保管；咨询电话：12333。",
        "Please lay your ID card flat on the reader (about 3 seconds).",
        "没有空格也没有标点的一句很长的话应该在任何两个汉字之间断开",
        "",
    ],
)
@pytest.mark.parametrize("width", [4, 7, 12, 30])
def test_wrapping_keeps_text_and_punctuation_in_place(text: str, width: int) -> None:
    lines = wrap(text, width, len).split("\n")
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert "".join(units(text)) == text
    assert all(len(line) <= width for line in lines)
    if width >= 12:
        assert not any(line[:1] in CLOSING for line in lines if line)
        assert not any(line[-1:] in OPENING for line in lines if line)


def test_no_lonely_character_on_the_last_line() -> None:
    lines = wrap("现在还没有生效，联网后自动上传。请拿好身份证和回执。", 22, len).split("\n")
    assert [len(line) for line in lines] == [22, 4]


def test_a_number_is_not_torn_apart() -> None:
    assert "12333" in wrap("咨询电话：12333，人工窗口", 8, len)
