"""Where lines end, on pages and receipts: `hardware.typeset`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.layout import width
from hardware.typeset import CLOSING, OPENING, units, wrap
from tests.any_text import any_text

TEXTS = [
    "请将居民身份证平放在感应区，读取期间请不要拿开。（约 3 秒）",
    "受理编号 1302-0001-2026 请妥善保管；咨询电话：12333。",
    "Please lay your ID card flat on the reader (about 3 seconds).",
    "没有空格也没有标点的一句很长的话应该在任何两个汉字之间断开",
    "",
]


@given(any_text(max_size=200), st.integers(min_value=4, max_value=48))
def test_no_line_is_wider_than_its_room_and_nothing_is_lost(text: str, columns: int) -> None:
    lines = wrap(text, columns, width)
    assert all(width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("columns", [4, 7, 12, 30])
def test_marks_stand_where_they_may(text: str, columns: int) -> None:
    lines = wrap(text, columns, len)
    assert "".join(units(text)) == text
    assert not any(line[:1] in CLOSING for line in lines if line)
    assert not any(line[-1:] in OPENING for line in lines if line)


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        # No line begins with a mark, a number keeps its figures.
        ("一二三四，五六", 4, ["一二三", "四，五六"]),
        ("咨询电话：12333，人工窗口", 8, ["咨询电话：", "12333，", "人工窗口"]),
        # A word is not torn apart, though the line would have had room for half of it.
        ("还没有身份证的人", 6, ["还没有", "身份证的人"]),
        ("请到社保卡窗口", 5, ["请到", "社保卡窗口"]),
        # But one that is longer than a line is.
        ("社会保障卡", 3, ["社会", "保障卡"]),
        # A line ends with its clause, unless that leaves most of it empty.
        ("现在没有联网，联网后可办", 10, ["现在没有联网，", "联网后可办"]),
        ("核实以后接着办。请拿好身份证和回执。", 15, ["核实以后接着办。", "请拿好身份证和回执。"]),
        ("好，请把您手里的那张纸放到台面上去", 14, ["好，请把您手里的那张纸放到", "台面上去"]),
        # 了, 的 lean on the word before.
        ("甲乙丙丁戊了己庚", 5, ["甲乙丙丁", "戊了己庚"]),
        ("甲乙丙丁戊过期乙丙丁", 6, ["甲乙丙丁戊", "过期乙丙丁"]),
        # Nor does what a number counts begin a line.
        ("张北小区幸福19楼401号", 8, ["张北小区幸福", "19楼401号"]),
        ("大约要等 30 天才好", 8, ["大约要", "等 30 天才好"]),
        (
            "账户请另打电话挂失。社保挂失电话 12333。",
            17,
            ["账户请另打电话挂失。", "社保挂失电话 12333。"],
        ),
        # A short last line rather than a shorter first one, but not of a character or two.
        ("首次申领社保卡", 6, ["首次申领", "社保卡"]),
        ("甲乙丙丁戊己庚辛壬", 8, ["甲乙丙丁戊", "己庚辛壬"]),
        # A line feed ends a line; an empty one stays.
        ("甲\n\n乙", 8, ["甲", "", "乙"]),
    ],
)
def test_lines_end_where_a_reader_would_breathe(text: str, room: int, lines: list[str]) -> None:
    assert wrap(text, room, len) == lines


@given(st.text(alphabet="请到窗口办理，。卡 12", max_size=60), st.integers(4, 30))
def test_no_more_lines_than_taking_each_as_full_as_it_goes(text: str, room: int) -> None:
    full: list[str] = [""]
    for unit in units(text.strip(" ")):
        if len((full[-1] + unit).rstrip(" ")) > room and full[-1]:
            full.append("")
        full[-1] += unit
    if all(len(line.rstrip(" ")) <= room for line in full):
        assert len(wrap(text, room, len)) <= len(full)


@pytest.mark.parametrize("columns", range(20, 49))
def test_a_number_stays_whole_wherever_a_line_ends(columns: int) -> None:
    """At 48 columns its last figure went below, with the full stop."""
    for text in ("另打银行电话挂失。社保挂失电话 12333。", "请打 12333，或者 96369；都行。"):
        assert any("12333" in line for line in wrap(text, columns, width))
