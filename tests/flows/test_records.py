"""Identity numbers, addresses, fields and masks."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.records import rules
from kiosk.records.address import RuralAddress, UrbanAddress, parse_address
from kiosk.records.codes import ETHNIC, ethnic_name
from kiosk.records.id_number import BadIdNumber, check_character, parse_id_number
from kiosk.records.masking import mask_id_number, mask_name, mask_phone
from tests.flows.counter import TODAY, number


def reason(text: str) -> str:
    with pytest.raises(BadIdNumber) as caught:
        parse_id_number(text, TODAY)
    return caught.value.reason


@pytest.mark.parametrize(
    "text",
    ["130203199001011239", "110101197608056897", "830000199001010012", "130202198506150022"],
)
def test_published_vectors_of_gb_11643(text: str) -> None:
    assert parse_id_number(text, TODAY).text == text


def test_a_lower_case_x_is_accepted_and_stored_as_capital() -> None:
    body = next(
        f"130299195703160{n:02}"
        for n in range(99)
        if check_character(f"130299195703160{n:02}") == "X"
    )
    assert parse_id_number(body + "x", TODAY).text == body + "X"


def test_every_single_wrong_digit_is_caught() -> None:
    right = number()
    for place in range(17):
        for digit in "0123456789":
            if digit != right[place]:
                wrong = right[:place] + digit + right[place + 1 :]
                assert reason(wrong) in ("check", "date", "future")


def test_every_swap_of_neighbours_is_caught() -> None:
    right = number("19580427", 137)
    for place in range(16):
        a, b = right[place], right[place + 1]
        if a != b:
            swapped = right[:place] + b + a + right[place + 2 :]
            assert reason(swapped) in ("check", "date", "future")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "length"),
        ("1302991957031601", "length"),
        ("13029919570316011a", "characters"),
        ("１３０２９９１９５７０３１６０１１９", "characters"),
        (number("19570230"), "date"),
        (number("20270101"), "future"),
        (number("18990101"), "date"),
    ],
)
def test_each_wrong_number_is_told_apart(text: str, why: str) -> None:
    assert reason(text) == why


@given(st.text(max_size=25))
def test_any_text_is_a_number_or_a_named_reason(text: str) -> None:
    try:
        parse_id_number(text, TODAY)
    except BadIdNumber as bad:
        assert bad.reason in ("length", "characters", "date", "future", "check")


def test_age_counts_completed_years_also_for_the_29th_of_february() -> None:
    leapling = parse_id_number(number("20080229"), TODAY)
    assert leapling.age_on(date(2024, 2, 28)) == 15
    assert leapling.age_on(date(2024, 2, 29)) == 16
    assert leapling.age_on(date(2025, 2, 28)) == 16
    assert leapling.age_on(date(2025, 3, 1)) == 17


def test_the_examples_of_the_collection_notice_are_read_and_written() -> None:
    urban = parse_address("唐山市路北区张北小区19楼1门401号")
    assert urban == UrbanAddress("130203", "张北小区", "19", "1", "401")
    rural = parse_address("唐山市路北区果园乡(镇)二村8排058号")
    assert rural == RuralAddress("130203", "果园乡", "二村", "8排058号")
    assert rural.text == "唐山市路北区果园乡二村8排058号"


@pytest.mark.parametrize(
    "text", ["唐山市路北区张北小区19栋1单元401室", "河北省唐山市路北区张北小区19号楼1门401号"]
)
def test_both_wordings_of_building_and_entrance_mean_the_same(text: str) -> None:
    assert parse_address(text) == UrbanAddress("130203", "张北小区", "19", "1", "401")


@pytest.mark.parametrize(
    "text", ["", "唐山市路北区张北小区19楼1门", "北京市朝阳区某路1号", "唐山市路北区"]
)
def test_an_address_of_neither_form_is_not_guessed(text: str) -> None:
    assert parse_address(text) is None


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    address = parse_address(text)
    assert address is None or address.text


@pytest.mark.parametrize(
    ("rule", "text", "kept"),
    [
        ("mobile", "138 0000 0000", "13800000000"),
        ("place", "张北小区(东)", "张北小区（东）"),
        ("house", "19号楼", "19"),
        ("house", "058", "058"),
        ("detail", "8排058号", "8排058号"),
    ],
)
def test_fields_are_normalised(rule: str, text: str, kept: str) -> None:
    assert rules.RULES[rule](text) == kept


@pytest.mark.parametrize(
    ("rule", "text", "broken"),
    [
        ("mobile", "23800000000", "phone.start"),
        ("place", "abc", "place.chinese"),
        ("place", "小区；", "place.characters"),
        ("house", "一号楼旁边", "house.characters"),
        ("detail", "村东头", "detail.number"),
    ],
)
def test_a_broken_rule_is_named(rule: str, text: str, broken: str) -> None:
    with pytest.raises(rules.Broken) as caught:
        rules.RULES[rule](text)
    assert caught.value.rule == broken


@given(st.sampled_from(sorted(rules.RULES)), st.text(max_size=40))
def test_any_text_is_kept_or_breaks_a_named_rule(rule: str, text: str) -> None:
    try:
        assert rules.RULES[rule](text)
    except rules.Broken as broken:
        assert broken.rule


@given(st.text(alphabet="0123456789X", min_size=18, max_size=18))
def test_a_masked_number_shows_seven_characters_and_no_more(text: str) -> None:
    masked = mask_id_number(text)
    assert len(masked) == 18
    assert masked.count("*") == 11


def test_masks_of_names_and_telephones() -> None:
    assert [mask_name(name) for name in ("张伟", "王小明", "欧阳建国", "阿卜杜拉·买买提")] == [
        "张*",
        "王*明",
        "欧**国",
        "阿******提",
    ]
    assert mask_phone("13800001234") == "138****1234"


def test_the_ethnic_table_is_that_of_gb_t_3304() -> None:
    assert len(ETHNIC) == 58
    known = {"01": "汉族", "11": "满族", "15": "土家族", "56": "基诺族", "97": "其他"}
    assert {code: ethnic_name(code) for code in known} == known
    assert ethnic_name("99") == ethnic_name("x") == "未识别"
