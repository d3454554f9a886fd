"""Identity numbers, names, codes and masks."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.records.citizen import Citizen, UnusableIdCard
from kiosk.records.id_number import BadIdNumber, IdNumber, check_character, parse_id_number
from kiosk.records.masking import mask_id_number, mask_name, mask_phone
from kiosk.records.names import standard_name
from sync.codes import ETHNIC, SEX, ethnic_name
from tests.any_text import any_text
from tests.flows.counter import TODAY, ZHANG, number


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


#: Numbers with each of the eleven check characters, X among them.
CHECKED = {text[-1]: text for text in (number("19580427", order) for order in range(100, 140))}
CAUGHT = ("check", "date", "future", "characters")


@pytest.mark.parametrize("check", "0123456789X")
def test_every_single_wrong_digit_is_caught(check: str) -> None:
    """All eighteen places. MOD 11-2 misses none: every weight has an inverse modulo 11."""
    right = CHECKED[check]
    for place in range(18):
        for digit in "0123456789" + "X" * (place == 17):
            if digit != right[place]:
                assert reason(right[:place] + digit + right[place + 1 :]) in CAUGHT


@pytest.mark.parametrize("check", "0123456789X")
def test_every_swap_of_neighbours_is_caught(check: str) -> None:
    """The check character with its neighbour too: each weight is twice the next, so the sum moves
    by the difference times a weight, which 11 does not divide. None is undetectable."""
    right = CHECKED[check]
    for place in range(17):
        a, b = right[place], right[place + 1]
        if a != b:
            assert reason(right[:place] + b + a + right[place + 2 :]) in CAUGHT


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


@given(any_text(max_size=25))
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


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("130203199001011239", "130***********1239"),
        ("1234567", "*******"),
        ("12345678", "123*5678"),
        ("", ""),
    ],
)
def test_a_number_shows_its_first_three_and_last_four(text: str, masked: str) -> None:
    assert mask_id_number(text) == masked
    assert mask_phone(text) == masked


@pytest.mark.parametrize(
    ("name", "masked"), [("", ""), ("张", "张"), ("张伟", "张*"), ("王小明", "王*明")]
)
def test_short_names(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@given(any_text(min_size=3, max_size=40))
def test_a_masked_name_shows_two_characters_and_its_length(name: str) -> None:
    masked = mask_name(name)
    assert (masked[0], masked[-1], len(masked)) == (name[0], name[-1], len(name))
    assert set(masked[1:-1]) == {"*"}


# -- the identity number, to the last place --------------------------------------------------------


def test_the_check_character_is_that_of_iso_7064_for_every_remainder() -> None:
    """Worked out by the standard's recursion, not by the weights that the code has."""
    for sequence in range(200):
        body = f"13029919570316{sequence:03}"
        assert check_character(body) == "0123456789X"[_iso(body)]


def _iso(body: str) -> int:
    """ISO 7064 MOD 11-2: the check value c for which the weighted sum of all places is 1."""
    rest = 0
    for digit in body:
        rest = (rest + int(digit)) * 2 % 11
    return (1 - rest) % 11


@pytest.mark.parametrize(
    ("birth", "why"),
    [
        ("20261124", ""),  # today
        ("20261125", "future"),
        ("19060101", ""),  # 120 years
        ("19061231", ""),
        ("19051231", "date"),
        ("20261301", "date"),
        ("20260001", "date"),
        ("20240229", ""),
        ("20230229", "date"),
    ],
)
def test_a_birthday_is_a_day_that_was_and_not_too_long_ago(birth: str, why: str) -> None:
    if why:
        assert reason(number(birth)) == why
    else:
        found = parse_id_number(number(birth), TODAY)
        assert found.birth.strftime("%Y%m%d") == birth


@pytest.mark.parametrize("text", ["X" * 18, "130299195703160119"[:17] + "Y", "13029919570316O119"])
def test_a_character_that_is_no_digit_is_told_from_a_wrong_check(text: str) -> None:
    assert reason(text) == "characters"


def test_a_number_one_longer_or_shorter_is_of_the_wrong_length() -> None:
    assert reason(number() + "0") == reason(number()[:-1]) == "length"


def test_spaces_around_a_number_do_not_count() -> None:
    assert parse_id_number(f"  {number()} ", TODAY).text == number()


def test_the_check_is_the_last_thing_looked_at() -> None:
    right = number()
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert reason(wrong) == "check"


def test_seventeen_digits_are_checked_and_no_other_number_of_them() -> None:
    for digits in (number()[:16], number()[:17] + "1"):
        with pytest.raises(ValueError, match="zip"):
            check_character(digits)


def test_an_odd_sequence_is_a_man_and_an_even_one_a_woman() -> None:
    assert parse_id_number(number(sequence=11), TODAY).sex == "1"
    assert parse_id_number(number(sequence=12), TODAY).sex == "2"
    assert (SEX["1"], SEX["2"]) == ("男", "女")


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (date(2026, 3, 15), 68),
        (date(2026, 3, 16), 69),
        (date(2026, 3, 17), 69),
        (date(2026, 2, 28), 68),
        (date(2026, 4, 1), 69),
        (date(1957, 3, 16), 0),
    ],
)
def test_age_changes_on_the_birthday(day: date, age: int) -> None:
    assert IdNumber(number(), date(1957, 3, 16)).age_on(day) == age


def test_a_refused_number_is_never_quoted() -> None:
    wrong = number("20270101")
    with pytest.raises(BadIdNumber) as caught:
        parse_id_number(wrong, TODAY)
    assert str(caught.value) == "future"


# -- the chip --------------------------------------------------------------------------------------


def of(**changes: str) -> Citizen:
    return Citizen.from_id_card(dataclasses.replace(ZHANG, **changes), TODAY)


def test_what_the_chip_says_is_taken_over() -> None:
    citizen = of()
    assert citizen.name == ZHANG.name
    assert citizen.number.text == ZHANG.number
    assert (citizen.sex, citizen.sex_name, citizen.ethnic_name) == ("1", "男", "汉族")
    assert citizen.id_address == ZHANG.address
    assert citizen.id_issuer == ZHANG.issuer
    assert citizen.age_on(TODAY) == citizen.number.age_on(TODAY)


def test_long_term_is_no_date_and_the_last_day_still_counts() -> None:
    assert of(valid_to="长期").id_valid_to is None
    assert of(valid_to="20261124").id_valid_to == TODAY
    assert of(valid_from="20060102").id_valid_from == date(2006, 1, 2)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"valid_to": "20261123"}, "expired"),
        ({"valid_to": ""}, "dates"),
        ({"valid_to": "20261340"}, "dates"),
        ({"valid_from": "today"}, "dates"),
        ({"birth": "19570317"}, "birth"),
        ({"sex_code": "2"}, "sex"),
        ({"number": "1"}, "number.length"),
        ({"number": number("20270101")}, "number.future"),
        ({"name": " "}, "name"),
        ({"name": "王" * 51}, "name"),
    ],
)
def test_a_chip_that_contradicts_itself_is_refused_by_reason(
    changes: dict[str, str], why: str
) -> None:
    with pytest.raises(UnusableIdCard) as caught:
        of(**changes)
    assert caught.value.reason == why
    assert ZHANG.number not in str(caught.value)


@pytest.mark.parametrize("dot", "∙⋅･●•‧・．·.")
def test_every_dot_of_a_name_becomes_the_same(dot: str) -> None:
    """The twelve ministries' notice of 2016; ✗ ∙ ⋅ ･ ● stayed as they were."""
    assert of(name=f"阿依古丽{dot}买买提").name == "阿依古丽·买买提"


@pytest.mark.parametrize(
    ("gbk", "character"),
    [
        (0xFE59, "龴"),
        (0xFE61, "龵"),
        (0xFE66, "龶"),
        (0xFE67, "龷"),
        (0xFE6D, "龸"),
        (0xFE7E, "龹"),
        (0xFE90, "龺"),
        (0xFEA0, "龻"),
        (0xFE51, "\U00020087"),
        (0xFE52, "\U00020089"),
        (0xFE53, "\U000200cc"),
        (0xFE6C, "\U000215d7"),
        (0xFE76, "\U0002298f"),
        (0xFE91, "\U000241fe"),
        (0xFE9F, "䶮"),
    ],
)
def test_private_characters_of_older_cards_become_those_of_gb_18030_2022(
    gbk: int, character: str
) -> None:
    trail = gbk & 0xFF
    private = chr(0xE815 + trail - 0x50 - (trail > 0x7F))
    assert standard_name(f" 王{private} ") == f"王{character}"


def test_every_private_character_that_gb_18030_names_is_mapped_as_it_says() -> None:
    """Python's own table is that of 2005, which left fourteen of the eighty private."""
    trails = [*range(0x50, 0x7F), *range(0x80, 0xA1)]
    for place, trail in enumerate(trails):
        found = bytes([0xFE, trail]).decode("gb18030")
        mapped = standard_name(chr(0xE815 + place))
        assert not "\ue000" <= mapped <= "\uf8ff"
        if not "\ue000" <= found <= "\uf8ff":
            assert mapped == found
    assert len(trails) == 80


def test_other_characters_of_a_name_stay_as_they_are() -> None:
    for name in ("张建国", "㛃䶮", "𠮷田", "\ue000", "\ue814", "\ue865"):
        assert standard_name(name) == name
